// Functions by which programs nest calls on the C stack: coroutine.resume, coroutine.wrap and string.gsub.
// LuaJIT bounds the stack of each Lua thread, but not how many threads resume each other, nor the buffers of
// gsub on the C stack; these take their places and end with an error where the C stack would.
#pragma once

#include <lua.hpp>

namespace hearth::script {

// Into the global tables `coroutine` and `string`.
void ReplaceNestingFunctions(lua_State* lua);

}  // namespace hearth::script
