// cmsgpack.unpack, unpack_one and unpack_limit.
#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "script/libraries/message_pack.h"
#include "script/libraries/message_pack_format.h"

namespace hearth::script {
namespace {

using namespace message_pack;  // lint: allow using-namespace because the names of the format are many

// Takes values off the front of bytes from anywhere. What it makes is bounded by the bytes that are there:
// counts and lengths alone reserve nothing.
class Unpacker {
 public:
  Unpacker(lua_State* lua, std::string_view bytes) : lua_(lua), left_(bytes) {}

  bool IsAtEnd() const { return left_.empty(); }
  size_t left() const { return left_.size(); }

  // Pushes the next value.
  void Value() {
    const auto tag = static_cast<uint8_t>(Big(1));
    if (tag <= kPositiveFixMost) return lua_pushinteger(lua_, tag);
    if (tag >= kNegativeFix) return lua_pushinteger(lua_, static_cast<int8_t>(tag));
    if (tag >= kFixString && tag <= (kFixString | kFixStringMost)) return Text(tag & kFixStringMost);
    if (tag >= kFixArray && tag <= (kFixArray | kFixTableMost)) return Array(tag & kFixTableMost);
    if (tag >= kFixMap && tag <= (kFixMap | kFixTableMost)) return Map(tag & kFixTableMost);
    switch (tag) {
      case kNil:
        return lua_pushnil(lua_);
      case kFalse:
      case kTrue:
        return lua_pushboolean(lua_, tag == kTrue);
      case kFloat32:
        return lua_pushnumber(lua_, std::bit_cast<float>(static_cast<uint32_t>(Big(4))));
      case kFloat64:
        return lua_pushnumber(lua_, std::bit_cast<double>(Big(8)));
      case kUint8:
      case kUint8 + 1:
      case kUint8 + 2:
      case kUint8 + 3:
        // Numbers beyond 2^63 come out negative, as scripts know them.
        return lua_pushnumber(lua_, static_cast<double>(static_cast<int64_t>(Big(1 << (tag - kUint8)))));
      case kInt8:
      case kInt8 + 1:
      case kInt8 + 2:
      case kInt8 + 3:
        return Signed(1 << (tag - kInt8));
      case kString8:
      case kString8 + 1:
      case kString8 + 2:
        return Text(Big(1 << (tag - kString8)));
      case kArray16:
      case kArray16 + 1:
        return Array(Big(2 << (tag - kArray16)));
      case kMap16:
      case kMap16 + 1:
        return Map(Big(2 << (tag - kMap16)));
      default:
        luaL_error(lua_, "Bad data format in input.");
    }
  }

 private:
  std::string_view Bytes(uint64_t size) {
    if (left_.size() < size) luaL_error(lua_, "Missing bytes in input.");
    const std::string_view bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return bytes;
  }

  // A number of `size` bytes, the highest first.
  uint64_t Big(int size) {
    uint64_t value = 0;
    for (const char byte : Bytes(size)) value = value << 8 | static_cast<uint8_t>(byte);
    return value;
  }

  void Signed(int size) {
    const int unused = 64 - size * 8;
    lua_pushnumber(lua_, static_cast<double>(static_cast<int64_t>(Big(size) << unused) >> unused));
  }

  void Text(uint64_t size) {
    const std::string_view text = Bytes(size);
    lua_pushlstring(lua_, text.data(), text.size());
  }

  void Array(uint64_t count) {
    // Lua's stack bounds how deep arrays of arrays go, and with it the C stack.
    luaL_checkstack(lua_, 4, "in function mp_decode_to_lua_array");
    lua_newtable(lua_);
    for (uint64_t i = 1; i <= count; ++i) {
      Value();
      lua_rawseti(lua_, -2, static_cast<int>(i));
    }
  }

  void Map(uint64_t count) {
    luaL_checkstack(lua_, 5, "in function mp_decode_to_lua_hash");
    lua_newtable(lua_);
    for (uint64_t i = 0; i < count; ++i) {
      Value();
      if (lua_isnil(lua_, -1)) FailByKey("table index is nil");
      if (lua_type(lua_, -1) == LUA_TNUMBER && std::isnan(lua_tonumber(lua_, -1)))
        FailByKey("table index is NaN");
      Value();
      lua_rawset(lua_, -3);
    }
  }

  void FailByKey(const char* reason) {
    lua_pushstring(lua_, reason);
    lua_error(lua_);
  }

  lua_State* lua_;
  std::string_view left_;
};

constexpr char kTooMany[] = "too many return values at once; use unpack_one or unpack_limit instead.";

std::string_view CheckBytes(lua_State* lua) {
  size_t size;
  const char* bytes = luaL_checklstring(lua, 1, &size);
  return {bytes, size};
}

// All values of the text.
int UnpackAll(lua_State* lua, std::string_view bytes) {
  Unpacker unpacker(lua, bytes);
  int count = 0;
  for (; !unpacker.IsAtEnd(); ++count) {
    luaL_checkstack(lua, 1, kTooMany);
    unpacker.Value();
  }
  return count;
}

// Up to `limit` values from `offset` on, behind the offset of the next one or -1 at the end.
int UnpackSome(lua_State* lua, std::string_view bytes, lua_Integer limit, lua_Integer offset) {
  const auto size = static_cast<int>(bytes.size());
  if (offset < 0 || limit < 0) {
    return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.",
                      static_cast<int>(offset), size);
  }
  if (static_cast<size_t>(offset) > bytes.size()) {
    return luaL_error(lua, "Start offset %d greater than input length %d.", static_cast<int>(offset), size);
  }
  if (limit == 0 && offset == 0) return UnpackAll(lua, bytes);
  Unpacker unpacker(lua, bytes.substr(static_cast<size_t>(offset)));
  lua_pushnil(lua);
  const int place = lua_gettop(lua);
  int count = 0;
  for (; count < limit && !unpacker.IsAtEnd(); ++count) {
    luaL_checkstack(lua, 1, kTooMany);
    unpacker.Value();
  }
  const size_t next = bytes.size() - unpacker.left();
  lua_pushnumber(lua, unpacker.IsAtEnd() ? -1 : static_cast<double>(next));
  lua_replace(lua, place);
  return count + 1;
}

}  // namespace

int MessagePackUnpack(lua_State* lua) { return UnpackAll(lua, CheckBytes(lua)); }

int MessagePackUnpackOne(lua_State* lua) {
  const std::string_view bytes = CheckBytes(lua);
  return UnpackSome(lua, bytes, 1, luaL_optinteger(lua, 2, 0));
}

int MessagePackUnpackLimit(lua_State* lua) {
  const std::string_view bytes = CheckBytes(lua);
  const lua_Integer limit = luaL_checkinteger(lua, 2);
  return UnpackSome(lua, bytes, limit, luaL_optinteger(lua, 3, 0));
}

}  // namespace hearth::script
