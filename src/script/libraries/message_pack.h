// cmsgpack: Lua values to MessagePack (the specification of msgpack.org, without its bin and ext types) and
// back, with the functions and messages of the module that scripts of Redis use.
#pragma once

#include <lua.hpp>

namespace hearth::script {

// lua_CFunctions: cmsgpack.pack (message_pack_encode.cc), and the three that unpack (message_pack_decode.cc).
int MessagePackPack(lua_State* lua);
int MessagePackUnpack(lua_State* lua);
int MessagePackUnpackOne(lua_State* lua);
int MessagePackUnpackLimit(lua_State* lua);

// The global table `cmsgpack`.
void OpenMessagePack(lua_State* lua);

}  // namespace hearth::script
