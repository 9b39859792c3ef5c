// The table `redis` (and `server`, which is another name for it) that scripts, functions and loading
// libraries see. Called while a state is prepared, before its globals are protected.
#pragma once

#include <lua.hpp>

#include "script/runner.h"

namespace hearth::script {

inline constexpr std::string_view kInterfaceVersion = "7.2.4";
inline constexpr int kInterfaceVersionNumber = 0x00070204;

enum class ApiOf { kScript, kFunction, kLoadingLibrary };

// Pushes the table.
void PushApi(lua_State* lua, Runner& runner, ApiOf of);

// Puts into the globals what differs from Lua's own: pcall gives the text of an error and not its table.
void OpenProtectedCalls(lua_State* lua);

}  // namespace hearth::script
