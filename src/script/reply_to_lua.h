// A command's reply, as the bytes that a client would get, becomes Lua values: what redis.call gives.
// Inside Lua only: errors of memory are raised.
#pragma once

#include <string_view>

#include <lua.hpp>

namespace hearth::script {

// Pushes one value. True if the reply is an error: then it is a table with the fields err and
// ignore_error_stats_update.
bool PushReply(lua_State* lua, std::string_view reply);

// Pushes an error as commands' errors look.
void PushError(lua_State* lua, std::string_view text, bool is_counted);

// Raises one; does not return.
int RaiseError(lua_State* lua, std::string_view text);

}  // namespace hearth::script
