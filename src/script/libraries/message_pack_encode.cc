// cmsgpack.pack, and the module's table.
#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "script/libraries/byte_buffer.h"
#include "script/libraries/message_pack.h"
#include "script/libraries/message_pack_format.h"
#include "script/libraries/read_only.h"
#include "script/libraries/table_keys.h"

namespace hearth::script {
namespace {

using namespace message_pack;  // lint: allow using-namespace because the names of the format are many

// Tables within more tables than this are written as nil, so that one that holds itself comes to an end.
constexpr int kMaxNesting = 16;
constexpr int kStackPerTable = 8;

class Packer {
 public:
  explicit Packer(lua_State* lua) : lua_(lua), out_(lua) {}

  const ByteBuffer& out() const { return out_; }

  // Writes the value at the top of the stack, which is in `depth` tables; leaves the stack as it was.
  void Value(int depth) {
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING: {
        size_t size;
        const char* text = lua_tolstring(lua_, -1, &size);
        return Text({text, size});
      }
      case LUA_TBOOLEAN:
        return Byte(lua_toboolean(lua_, -1) != 0 ? kTrue : kFalse);
      case LUA_TNUMBER:
        return Number(lua_tonumber(lua_, -1));
      case LUA_TTABLE:
        if (depth < kMaxNesting) return Table(depth + 1);
        [[fallthrough]];
      default:
        return Byte(kNil);
    }
  }

 private:
  void Byte(uint8_t byte) { out_.Append(static_cast<char>(byte)); }

  // The lower `size` bytes of `value`, the highest first.
  void Big(uint64_t value, int size) {
    for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) Byte(static_cast<uint8_t>(value >> shift));
  }

  void Tagged(uint8_t tag, uint64_t value, int size) {
    Byte(tag);
    Big(value, size);
  }

  void Text(std::string_view text) {
    const size_t size = text.size();
    if (size <= kFixStringMost) {
      Byte(static_cast<uint8_t>(kFixString | size));
    } else if (size <= UINT8_MAX) {
      Tagged(kString8, size, 1);
    } else if (size <= UINT16_MAX) {
      Tagged(kString8 + 1, size, 2);
    } else {
      Tagged(kString8 + 2, size, 4);
    }
    out_.Append(text);
  }

  void Number(double number) {
    constexpr double kTwoTo63 = 9223372036854775808.0;
    if (number >= -kTwoTo63 && number < kTwoTo63 && number == std::floor(number)) {
      return Integer(static_cast<int64_t>(number));
    }
    // Beyond the range of a float the conversion has no meaning; infinities have one.
    const bool fits = std::isinf(number) || std::fabs(number) <= 3.4028234663852886e38;
    if (fits && static_cast<double>(static_cast<float>(number)) == number) {
      Tagged(kFloat32, std::bit_cast<uint32_t>(static_cast<float>(number)), 4);
    } else {
      Tagged(kFloat64, std::bit_cast<uint64_t>(number), 8);
    }
  }

  void Integer(int64_t number) {
    const auto bits = static_cast<uint64_t>(number);
    if (number >= 0) {
      if (bits <= kPositiveFixMost) return Byte(static_cast<uint8_t>(bits));
      if (bits <= UINT8_MAX) return Tagged(kUint8, bits, 1);
      if (bits <= UINT16_MAX) return Tagged(kUint8 + 1, bits, 2);
      if (bits <= UINT32_MAX) return Tagged(kUint8 + 2, bits, 4);
      return Tagged(kUint8 + 3, bits, 8);
    }
    if (number >= -32) return Byte(static_cast<uint8_t>(bits));
    if (number >= INT8_MIN) return Tagged(kInt8, bits, 1);
    if (number >= INT16_MIN) return Tagged(kInt8 + 1, bits, 2);
    if (number >= INT32_MIN) return Tagged(kInt8 + 2, bits, 4);
    return Tagged(kInt8 + 3, bits, 8);
  }

  void Table(int depth) {
    luaL_checkstack(lua_, kStackPerTable, "in function pack");
    const int top = lua_gettop(lua_);
    lua_pushvalue(lua_, -1);
    if (PushBehindView(lua_, -1)) lua_replace(lua_, -2);
    size_t count = 0;
    if (IsArray(&count)) {
      Count(count, kFixArray, kArray16);
      for (size_t i = 1; i <= count; ++i) {
        lua_rawgeti(lua_, -1, static_cast<int>(i));
        Value(depth);
        lua_pop(lua_, 1);
      }
    } else {
      Count(count, kFixMap, kMap16);
      Members(count, depth);
    }
    lua_settop(lua_, top);
  }

  // Whether the keys of the table on top are the numbers from 1 to how many there are. Counts them.
  bool IsArray(size_t* count) {
    double highest = 0;
    bool are_indexes = true;
    lua_pushnil(lua_);
    for (; lua_next(lua_, -2) != 0; lua_pop(lua_, 1)) {
      ++*count;
      const double key = lua_type(lua_, -2) == LUA_TNUMBER ? lua_tonumber(lua_, -2) : 0;
      if (key < 1 || key != std::floor(key)) are_indexes = false;
      if (key > highest) highest = key;
    }
    return are_indexes && highest == static_cast<double>(*count);
  }

  void Count(size_t count, uint8_t fix, uint8_t wide) {
    if (count <= kFixTableMost) {
      Byte(static_cast<uint8_t>(fix | count));
    } else if (count <= UINT16_MAX) {
      Tagged(wide, count, 2);
    } else {
      Tagged(wide + 1, count, 4);
    }
  }

  void Members(size_t count, int depth) {
    const int table = lua_gettop(lua_);
    const TableKeys keys(lua_, table, count);
    for (const TableKeys::Key& key : keys.keys()) {
      TableKeys::Push(lua_, key);
      Value(depth);
      lua_rawget(lua_, table);
      Value(depth);
      lua_pop(lua_, 1);
    }
    if (!keys.has_others()) return;
    lua_pushnil(lua_);
    while (lua_next(lua_, table) != 0) {
      lua_pushvalue(lua_, -2);
      Value(depth);
      lua_pop(lua_, 1);
      Value(depth);
      lua_pop(lua_, 1);
    }
  }

  lua_State* lua_;
  ByteBuffer out_;
};

}  // namespace

int MessagePackPack(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
  luaL_checkstack(lua, kStackPerTable, "Too many arguments for MessagePack pack.");
  Packer packer(lua);
  for (int i = 1; i <= count; ++i) {
    lua_pushvalue(lua, i);
    packer.Value(0);
    lua_pop(lua, 1);
  }
  packer.out().PushString();
  return 1;
}

void OpenMessagePack(lua_State* lua) {
  const luaL_Reg functions[] = {
      {"pack", MessagePackPack},
      {"unpack", MessagePackUnpack},
      {"unpack_one", MessagePackUnpackOne},
      {"unpack_limit", MessagePackUnpackLimit},
  };
  lua_newtable(lua);
  for (const luaL_Reg& function : functions) {
    lua_pushcfunction(lua, function.func);
    lua_setfield(lua, -2, function.name);
  }
  lua_pushliteral(lua, "cmsgpack");
  lua_setfield(lua, -2, "_NAME");
  // What programs may ask for is the version of the interface.
  lua_pushliteral(lua, "lua-cmsgpack 0.4.0");
  lua_setfield(lua, -2, "_VERSION");
  lua_pushliteral(lua, "MessagePack for Lua");
  lua_setfield(lua, -2, "_DESCRIPTION");
  lua_setglobal(lua, "cmsgpack");
}

}  // namespace hearth::script
