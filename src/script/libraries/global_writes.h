// Whether a compiled chunk writes globals by their names: `x = 1`, `function f() end`.
//
// There is no other way from a chunk to its own environment, since getfenv is not among the libraries. So one
// that writes none can be given the globals themselves instead of their read-only view, and reads them at the
// interpreter's full speed.
#pragma once

#include <lua.hpp>

namespace hearth::script {

// To be called once for each state, before WritesGlobals (errors: memory). Learns the instruction's number
// from what the compiler makes of a text that has one.
void LearnGlobalWrites(lua_State* lua);

// Looks at the Lua function on top of the stack, and all that stand in it. True also where it cannot tell.
bool WritesGlobals(lua_State* lua);

}  // namespace hearth::script
