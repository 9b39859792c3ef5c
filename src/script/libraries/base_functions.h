// Lua's basic functions that have to know of read-only views, or would take more than a script may give: they
// take the places of Lua's own.
#pragma once

#include <lua.hpp>

namespace hearth::script {

// load, loadstring, pairs, rawget, rawset, getmetatable, setmetatable, collectgarbage and table.insert, into
// the globals.
void ReplaceBaseFunctions(lua_State* lua);

}  // namespace hearth::script
