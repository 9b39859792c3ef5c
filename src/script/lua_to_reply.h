// What a script returns becomes its reply. Inside Lua only: errors of memory may be raised, in the middle of
// a reply.
#pragma once

#include <lua.hpp>

#include "resp/writer.h"

namespace hearth::script {

// True if the value on top of the stack is answered without raising anything: numbers, strings, nil and the
// like.
bool IsPlain(lua_State* lua);

struct WrittenReply {
  bool is_error = false;    // the whole of it
  bool is_counted = false;  // and a command's, which has been counted
};

// Pops the value on top of the stack and writes it. `script_protocol` is what redis.setresp chose: what true
// and false become depends on it.
WrittenReply WriteReply(lua_State* lua, int script_protocol, resp::Writer& writer);

}  // namespace hearth::script
