// cjson: Lua values to JSON (RFC 8259) and back, with the functions, settings and messages of the module that
// scripts of Redis use. Objects are written with their names in order, numbers first, since LuaJIT's tables
// have none that lasts.
#pragma once

#include <lua.hpp>

namespace hearth::script {

// What the functions of one instance of the module share; programs change it by cjson.encode_max_depth and
// its like.
struct JsonSettings {
  enum class InvalidNumbers { kRefuse, kTake, kNull };

  bool encode_sparse_convert = false;
  int encode_sparse_ratio = 2;
  int encode_sparse_safe = 10;
  int encode_max_depth = 1000;
  int decode_max_depth = 1000;
  int encode_number_precision = 14;
  bool encode_keep_buffer = true;
  InvalidNumbers encode_invalid_numbers = InvalidNumbers::kRefuse;
  InvalidNumbers decode_invalid_numbers = InvalidNumbers::kTake;
};

// The settings of the instance that the running function belongs to.
inline JsonSettings& JsonSettingsOf(lua_State* lua) {
  return *static_cast<JsonSettings*>(lua_touserdata(lua, lua_upvalueindex(1)));
}

// lua_CFunctions: cjson.encode (json_encode.cc) and cjson.decode (json_decode.cc).
int JsonEncode(lua_State* lua);
int JsonDecode(lua_State* lua);

// The global table `cjson`.
void OpenJson(lua_State* lua);

}  // namespace hearth::script
