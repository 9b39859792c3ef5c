#include "script/lua_to_reply.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::script {
namespace {

// As a C cast on x86-64 has it, which users have seen: what does not fit is the least integer.
int64_t Truncated(lua_Number number) {
  if (!(number > -9.3e18 && number < 9.223372036854775e18)) return INT64_MIN;
  return static_cast<int64_t>(number);
}

std::string_view Text(lua_State* lua, int at) {
  size_t size = 0;
  const char* text = lua_tolstring(lua, at, &size);
  return {text, size};
}

// Tables within tables: the stack of the thread has room for so many, whatever the build.
constexpr int kDeepest = 1000;

class ReplyWriter {
 public:
  ReplyWriter(lua_State* lua, int script_protocol, resp::Writer& writer)
      : lua_(lua), script_protocol_(script_protocol), writer_(writer) {}

  void Write() {
    if (depth_ == kDeepest || lua_checkstack(lua_, 6) == 0) {
      // A table that is in itself, say.
      lua_pop(lua_, 1);
      return writer_.Error("ERR reached lua stack limit");
    }
    ++depth_;
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING:
        writer_.Bulk(Text(lua_, -1));
        break;
      case LUA_TNUMBER:
        writer_.Integer(Truncated(lua_tonumber(lua_, -1)));
        break;
      case LUA_TBOOLEAN:
        WriteBoolean(lua_toboolean(lua_, -1) != 0);
        break;
      case LUA_TTABLE:
        WriteTable();
        break;
      default:
        writer_.Null();
    }
    --depth_;
    lua_pop(lua_, 1);
  }

 private:
  void WriteBoolean(bool value) {
    if (script_protocol_ >= 3) {
      writer_.Boolean(value);
    } else if (value) {
      writer_.Integer(1);
    } else {
      writer_.Null();
    }
  }

  // Pushes the field if it is of the type.
  bool PushField(const char* name, int type) {
    lua_pushstring(lua_, name);
    lua_rawget(lua_, -2);
    if (lua_type(lua_, -1) == type) return true;
    lua_pop(lua_, 1);
    return false;
  }

  void WriteTable() {
    if (PushField("err", LUA_TSTRING)) {
      writer_.Error(Text(lua_, -1));
    } else if (PushField("ok", LUA_TSTRING)) {
      WriteStatus(Text(lua_, -1));
    } else if (PushField("double", LUA_TNUMBER)) {
      writer_.Double(lua_tonumber(lua_, -1));
    } else if (PushField("map", LUA_TTABLE)) {
      WriteMap();
    } else if (PushField("set", LUA_TTABLE)) {
      WriteSet();
    } else if (PushField("big_number", LUA_TSTRING)) {
      writer_.BigNumber(OneLine(Text(lua_, -1)));
    } else if (PushField("verbatim_string", LUA_TTABLE)) {
      if (WriteVerbatim()) return lua_pop(lua_, 1);
      lua_pop(lua_, 1);
      return WriteArray();
    } else {
      return WriteArray();
    }
    lua_pop(lua_, 1);
  }

  // A line of the protocol has no line ends in it.
  std::string_view OneLine(std::string_view text) {
    if (text.find_first_of("\r\n") == std::string_view::npos) return text;
    line_ = text;
    for (char& letter : line_) {
      if (letter == '\r' || letter == '\n') letter = ' ';
    }
    return line_;
  }
  void WriteStatus(std::string_view text) { writer_.Simple(OneLine(text)); }

  size_t CountEntries() {
    size_t count = 0;
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0; lua_pop(lua_, 1)) ++count;
    return count;
  }
  void WriteMap() {
    writer_.Map(CountEntries());
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0;) {
      lua_pushvalue(lua_, -2);
      Write();
      Write();
    }
  }
  void WriteSet() {
    writer_.Set(CountEntries());
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0;) {
      lua_pop(lua_, 1);
      lua_pushvalue(lua_, -1);
      Write();
    }
  }
  bool WriteVerbatim() {
    if (!PushField("format", LUA_TSTRING)) return false;
    const std::string_view format = Text(lua_, -1);
    lua_pop(lua_, 1);
    if (!PushField("string", LUA_TSTRING)) return false;
    const char letters[3] = {format.size() > 0 ? format[0] : ' ', format.size() > 1 ? format[1] : ' ',
                             format.size() > 2 ? format[2] : ' '};
    writer_.Verbatim(Text(lua_, -1), {letters, 3});
    lua_pop(lua_, 1);
    return true;
  }
  // Up to the first nil.
  void WriteArray() {
    const resp::Writer::DeferredLength array = writer_.DeferArray();
    size_t count = 0;
    for (int i = 1;; ++i) {
      lua_rawgeti(lua_, -1, i);
      if (lua_type(lua_, -1) == LUA_TNIL) break;
      Write();
      ++count;
    }
    lua_pop(lua_, 1);
    writer_.Finish(array, count);
  }

  lua_State* lua_;
  const int script_protocol_;
  resp::Writer& writer_;
  std::string line_;
  int depth_ = 0;
};

}  // namespace

bool IsPlain(lua_State* lua) { return lua_type(lua, -1) != LUA_TTABLE; }

WrittenReply WriteReply(lua_State* lua, int script_protocol, resp::Writer& writer) {
  WrittenReply written;
  if (lua_type(lua, -1) == LUA_TTABLE) {
    lua_pushliteral(lua, "err");
    lua_rawget(lua, -2);
    written.is_error = lua_type(lua, -1) == LUA_TSTRING;
    lua_pop(lua, 1);
    lua_pushliteral(lua, "ignore_error_stats_update");
    lua_rawget(lua, -2);
    written.is_counted = lua_toboolean(lua, -1) != 0;
    lua_pop(lua, 1);
  }
  ReplyWriter(lua, script_protocol, writer).Write();
  return written;
}

}  // namespace hearth::script
