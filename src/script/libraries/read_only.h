// Read-only views of tables. A view is an empty table whose metatable reads from the table behind it and
// refuses writes; the functions of base_functions.h, which take the place of Lua's own, let nobody write or
// look around it.
#pragma once

#include <lua.hpp>

namespace hearth::script {

inline constexpr char kReadOnlyError[] = "Attempt to modify a readonly table";

// Replaces the table on top of the stack by its view.
void MakeReadOnly(lua_State* lua);

// If the value at `index` is a view, pushes the table behind it and returns true.
bool PushBehindView(lua_State* lua, int index);

}  // namespace hearth::script
