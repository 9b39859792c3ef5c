// cjson.encode.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

#include "base/numbers.h"
#include "script/libraries/byte_buffer.h"
#include "script/libraries/json.h"
#include "script/libraries/read_only.h"
#include "script/libraries/table_keys.h"

namespace hearth::script {
namespace {

// How a byte within a text is written, null for as it is.
constexpr auto kEscapes = [] {
  std::array<char, 256> escapes{};
  for (int c = 0; c < 0x20; ++c) escapes[c] = 'u';
  escapes[0x7f] = 'u';
  for (const char c : {'"', '\\', '/'}) escapes[static_cast<unsigned char>(c)] = c;
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}();

class Encoder {
 public:
  explicit Encoder(lua_State* lua) : lua_(lua), settings_(JsonSettingsOf(lua)), out_(lua) {}

  const ByteBuffer& out() const { return out_; }

  // Writes the value on top of the stack, which is in `depth` tables; leaves the stack as it was.
  void Value(int depth) {
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING:
        return Text(-1);
      case LUA_TNUMBER:
        return Number(lua_tonumber(lua_, -1));
      case LUA_TBOOLEAN:
        return out_.Append(lua_toboolean(lua_, -1) != 0 ? "true" : "false");
      case LUA_TTABLE:
        return Table(depth + 1);
      case LUA_TNIL:
        return out_.Append("null");
      case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(lua_, -1) == nullptr) return out_.Append("null");
        [[fallthrough]];
      default:
        Fail(lua_type(lua_, -1), "type not supported");
    }
  }

 private:
  static constexpr int kStackPerTable = 6;
  // Whole numbers below this have no more digits than the default precision.
  static constexpr double kPlainBelow = 1e14;

  void Fail(int type, const char* reason) {
    luaL_error(lua_, "Cannot serialise %s: %s", lua_typename(lua_, type), reason);
  }

  void Text(int index) {
    size_t size;
    const char* text = lua_tolstring(lua_, index, &size);
    out_.Append('"');
    size_t plain = 0;
    for (size_t i = 0; i < size; ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (kEscapes[c] == 0) continue;
      out_.Append({text + plain, i - plain});
      plain = i + 1;
      out_.Append('\\');
      out_.Append(kEscapes[c]);
      if (kEscapes[c] != 'u') continue;
      constexpr std::string_view kDigits = "0123456789abcdef";
      out_.Append("00");
      out_.Append(kDigits[c >> 4]);
      out_.Append(kDigits[c & 15]);
    }
    out_.Append({text + plain, size - plain});
    out_.Append('"');
  }

  void Number(double number) {
    if (!std::isfinite(number)) return InvalidNumber(number);
    char text[64];
    if (settings_.encode_number_precision == 14 && std::fabs(number) < kPlainBelow &&
        number == static_cast<double>(static_cast<int64_t>(number)) &&
        !(number == 0 && std::signbit(number))) {
      out_.Append({text, static_cast<size_t>(FormatInt64(static_cast<int64_t>(number), text))});
      return;
    }
    const auto end =
        fmt::format_to_n(text, sizeof(text), "{:.{}g}", number, settings_.encode_number_precision).out;
    out_.Append({text, static_cast<size_t>(end - text)});
  }

  void InvalidNumber(double number) {
    switch (settings_.encode_invalid_numbers) {
      case JsonSettings::InvalidNumbers::kRefuse:
        return Fail(LUA_TNUMBER, "must not be NaN or Inf");
      case JsonSettings::InvalidNumbers::kNull:
        return out_.Append("null");
      case JsonSettings::InvalidNumbers::kTake:
        return out_.Append(std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf");
    }
  }

  void Table(int depth) {
    if (depth > settings_.encode_max_depth || lua_checkstack(lua_, kStackPerTable) == 0) {
      luaL_error(lua_, "Cannot serialise, excessive nesting (%d)", depth);
    }
    const int top = lua_gettop(lua_);
    lua_pushvalue(lua_, -1);
    if (PushBehindView(lua_, -1)) lua_replace(lua_, -2);
    size_t count = 0;
    const int length = ArrayLength(&count);
    if (length > 0) {
      Array(length, depth);
    } else {
      Object(count, depth);
    }
    lua_settop(lua_, top);
  }

  // The highest index if all keys of the table on top are indexes, and not too few for it; else -1. Counts
  // the keys.
  int ArrayLength(size_t* count) {
    constexpr double kHighest = 2147483647;
    double highest = 0;
    bool is_array = true;
    lua_pushnil(lua_);
    for (; lua_next(lua_, -2) != 0; lua_pop(lua_, 1)) {
      ++*count;
      const double key = lua_type(lua_, -2) == LUA_TNUMBER ? lua_tonumber(lua_, -2) : 0;
      if (key < 1 || key > kHighest || key != std::floor(key)) {
        is_array = false;
      } else if (key > highest) {
        highest = key;
      }
    }
    if (!is_array) return -1;
    const int ratio = settings_.encode_sparse_ratio;
    if (ratio > 0 && highest > static_cast<double>(*count) * ratio &&
        highest > settings_.encode_sparse_safe) {
      if (!settings_.encode_sparse_convert) Fail(LUA_TTABLE, "excessively sparse array");
      return -1;
    }
    return static_cast<int>(highest);
  }

  void Array(int length, int depth) {
    out_.Append('[');
    for (int i = 1; i <= length; ++i) {
      if (i > 1) out_.Append(',');
      lua_rawgeti(lua_, -1, i);
      Value(depth);
      lua_pop(lua_, 1);
    }
    out_.Append(']');
  }

  void Object(size_t count, int depth) {
    const int table = lua_gettop(lua_);
    out_.Append('{');
    if (count > 0) {
      const TableKeys keys(lua_, table, count);
      if (keys.has_others()) FailByKey(table);
      bool is_first = true;
      for (const TableKeys::Key& key : keys.keys()) {
        if (!is_first) out_.Append(',');
        is_first = false;
        TableKeys::Push(lua_, key);
        Name();
        lua_rawget(lua_, table);
        Value(depth);
        lua_pop(lua_, 1);
      }
    }
    out_.Append('}');
  }

  // The key on top of the stack and a colon.
  void Name() {
    if (lua_type(lua_, -1) == LUA_TSTRING) {
      Text(-1);
      out_.Append(':');
      return;
    }
    out_.Append('"');
    Number(lua_tonumber(lua_, -1));
    out_.Append("\":");
  }

  void FailByKey(int table) {
    lua_pushnil(lua_);
    while (lua_next(lua_, table) != 0) {
      lua_pop(lua_, 1);
      const int type = lua_type(lua_, -1);
      if (type != LUA_TNUMBER && type != LUA_TSTRING) Fail(type, "table key must be a number or string");
    }
  }

  lua_State* lua_;
  const JsonSettings& settings_;
  ByteBuffer out_;
};

}  // namespace

int JsonEncode(lua_State* lua) {
  luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
  Encoder encoder(lua);
  lua_pushvalue(lua, 1);
  encoder.Value(0);
  encoder.out().PushString();
  return 1;
}

}  // namespace hearth::script
