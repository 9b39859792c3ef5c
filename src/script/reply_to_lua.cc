#include "script/reply_to_lua.h"

#include <charconv>
#include <cstdlib>
#include <string>

#include "base/assert.h"
#include "base/numbers.h"

namespace hearth::script {
namespace {

// Our own replies, which the writer has made: they are whole and right.
class ReplyReader {
 public:
  ReplyReader(lua_State* lua, std::string_view reply)
      : lua_(lua), at_(reply.data()), end_(at_ + reply.size()) {}

  void Push() {
    luaL_checkstack(lua_, 4, "reply");
    switch (const char kind = *at_++; kind) {
      case '$':
        return PushBulk();
      case ':':
        return lua_pushnumber(lua_, static_cast<lua_Number>(Number()));
      case '+':
        return PushField("ok", Line());
      case '-':
        return PushError(lua_, Line(), true);
      case '*':
        return PushArray(Number());
      case '~':
        return PushSet(Number());
      case '%':
        return PushMap(Number());
      case '_':
        Line();
        return lua_pushnil(lua_);
      case '#':
        return lua_pushboolean(lua_, Line() == "t");
      case ',':
        return PushDouble(Line());
      case '(':
        return PushField("big_number", Line());
      case '=':
        return PushVerbatim();
      case '|':
        // What is said beside a reply is not for scripts.
        for (int64_t left = 2 * Number(); left > 0; --left) {
          Push();
          lua_pop(lua_, 1);
        }
        return Push();
      default:
        HEARTH_ASSERT(false && "a reply of an unknown kind");
    }
  }

 private:
  std::string_view Line() {
    const char* const from = at_;
    while (*at_ != '\r') ++at_;
    at_ += 2;
    return {from, static_cast<size_t>(at_ - 2 - from)};
  }
  int64_t Number() {
    int64_t number = 0;
    at_ = std::from_chars(at_, end_, number).ptr + 2;
    return number;
  }
  std::string_view Bytes(int64_t size) {
    const std::string_view bytes(at_, static_cast<size_t>(size));
    at_ += size + 2;
    return bytes;
  }
  void PushText(std::string_view text) { lua_pushlstring(lua_, text.data(), text.size()); }

  void PushBulk() {
    const int64_t size = Number();
    if (size < 0) return lua_pushboolean(lua_, 0);
    PushText(Bytes(size));
  }
  void PushField(const char* name, std::string_view text) {
    lua_createtable(lua_, 0, 1);
    PushText(text);
    lua_setfield(lua_, -2, name);
  }
  void PushArray(int64_t size) {
    if (size < 0) return lua_pushboolean(lua_, 0);
    lua_createtable(lua_, static_cast<int>(size), 0);
    for (int i = 1; i <= size; ++i) {
      Push();
      lua_rawseti(lua_, -2, i);
    }
  }
  void PushMap(int64_t size) {
    lua_createtable(lua_, 0, 1);
    lua_createtable(lua_, 0, static_cast<int>(size));
    for (int64_t i = 0; i < size; ++i) {
      Push();
      Push();
      lua_rawset(lua_, -3);
    }
    lua_setfield(lua_, -2, "map");
  }
  void PushSet(int64_t size) {
    lua_createtable(lua_, 0, 1);
    lua_createtable(lua_, 0, static_cast<int>(size));
    for (int64_t i = 0; i < size; ++i) {
      Push();
      lua_pushboolean(lua_, 1);
      lua_rawset(lua_, -3);
    }
    lua_setfield(lua_, -2, "set");
  }
  void PushDouble(std::string_view text) {
    lua_createtable(lua_, 0, 1);
    lua_pushnumber(lua_, text == "nan" ? 0.0 / 0.0 : ParseDouble(text).value_or(0));
    lua_setfield(lua_, -2, "double");
  }
  void PushVerbatim() {
    const std::string_view bytes = Bytes(Number());
    lua_createtable(lua_, 0, 1);
    lua_createtable(lua_, 0, 2);
    PushText(bytes.substr(4));
    lua_setfield(lua_, -2, "string");
    PushText(bytes.substr(0, 3));
    lua_setfield(lua_, -2, "format");
    lua_setfield(lua_, -2, "verbatim_string");
  }

  lua_State* lua_;
  const char* at_;
  const char* end_;
};

}  // namespace

bool PushReply(lua_State* lua, std::string_view reply) {
  // A nested error is one of a command within EXEC or the like, and no failure of this one.
  ReplyReader(lua, reply).Push();
  return reply.front() == '-';
}

void PushError(lua_State* lua, std::string_view text, bool is_counted) {
  lua_createtable(lua, 0, 4);
  lua_pushlstring(lua, text.data(), text.size());
  lua_setfield(lua, -2, "err");
  if (!is_counted) return;
  lua_pushboolean(lua, 1);
  lua_setfield(lua, -2, "ignore_error_stats_update");
}

int RaiseError(lua_State* lua, std::string_view text) {
  PushError(lua, text, false);
  return lua_error(lua);
}

}  // namespace hearth::script
