#include "script/libraries/json.h"

#include <limits>

namespace hearth::script {
namespace {

using InvalidNumbers = JsonSettings::InvalidNumbers;

constexpr int kMostPrecise = 14;
constexpr int kIntMax = std::numeric_limits<int>::max();
constexpr const char* kSwitchWords[] = {"off", "on", nullptr};
constexpr const char* kInvalidNumberWords[] = {"off", "on", "null", nullptr};

// The settings take up to `count` arguments; those that are not given are nil.
void CheckCount(lua_State* lua, int count) {
  luaL_argcheck(lua, lua_gettop(lua) <= count, count + 1, "found too many arguments");
  lua_settop(lua, count);
}

void TakeInteger(lua_State* lua, int argument, int low, int high, int& setting) {
  if (!lua_isnil(lua, argument)) {
    const lua_Integer value = luaL_checkinteger(lua, argument);
    if (value < low || value > high) {
      luaL_argerror(lua, 1, lua_pushfstring(lua, "expected integer between %d and %d", low, high));
    }
    setting = static_cast<int>(value);
  }
  lua_pushinteger(lua, setting);
}

// The place of an argument among `words`, where booleans stand for "off" and "on"; `value` if it is nil.
int TakeWord(lua_State* lua, int argument, const char* const* words, int value) {
  if (lua_isboolean(lua, argument)) return lua_toboolean(lua, argument);
  return lua_isnil(lua, argument) ? value : luaL_checkoption(lua, argument, nullptr, words);
}

void TakeSwitch(lua_State* lua, int argument, bool& setting) {
  setting = TakeWord(lua, argument, kSwitchWords, setting) != 0;
  lua_pushboolean(lua, setting);
}

int TakeInvalidNumbers(lua_State* lua, const char* const* words, InvalidNumbers& setting) {
  CheckCount(lua, 1);
  setting = static_cast<InvalidNumbers>(TakeWord(lua, 1, words, static_cast<int>(setting)));
  if (setting == InvalidNumbers::kNull) {
    lua_pushliteral(lua, "null");
  } else {
    lua_pushboolean(lua, setting == InvalidNumbers::kTake);
  }
  return 1;
}

int EncodeSparseArray(lua_State* lua) {
  CheckCount(lua, 3);
  JsonSettings& settings = JsonSettingsOf(lua);
  TakeSwitch(lua, 1, settings.encode_sparse_convert);
  TakeInteger(lua, 2, 0, kIntMax, settings.encode_sparse_ratio);
  TakeInteger(lua, 3, 0, kIntMax, settings.encode_sparse_safe);
  return 3;
}

template <int JsonSettings::* setting, int most>
int NumberSetting(lua_State* lua) {
  CheckCount(lua, 1);
  TakeInteger(lua, 1, 1, most, JsonSettingsOf(lua).*setting);
  return 1;
}

int EncodeKeepBuffer(lua_State* lua) {
  CheckCount(lua, 1);
  TakeSwitch(lua, 1, JsonSettingsOf(lua).encode_keep_buffer);
  return 1;
}

int EncodeInvalidNumbers(lua_State* lua) {
  return TakeInvalidNumbers(lua, kInvalidNumberWords, JsonSettingsOf(lua).encode_invalid_numbers);
}

int DecodeInvalidNumbers(lua_State* lua) {
  return TakeInvalidNumbers(lua, kSwitchWords, JsonSettingsOf(lua).decode_invalid_numbers);
}

// Pushes an instance of the module with settings of its own.
int NewModule(lua_State* lua) {
  const luaL_Reg functions[] = {
      {"encode", JsonEncode},
      {"decode", JsonDecode},
      {"encode_sparse_array", EncodeSparseArray},
      {"encode_max_depth", NumberSetting<&JsonSettings::encode_max_depth, kIntMax>},
      {"decode_max_depth", NumberSetting<&JsonSettings::decode_max_depth, kIntMax>},
      {"encode_number_precision", NumberSetting<&JsonSettings::encode_number_precision, kMostPrecise>},
      {"encode_keep_buffer", EncodeKeepBuffer},
      {"encode_invalid_numbers", EncodeInvalidNumbers},
      {"decode_invalid_numbers", DecodeInvalidNumbers},
      {"new", NewModule},
  };
  lua_newtable(lua);
  *static_cast<JsonSettings*>(lua_newuserdata(lua, sizeof(JsonSettings))) = JsonSettings();
  for (const luaL_Reg& function : functions) {
    lua_pushvalue(lua, -1);
    lua_pushcclosure(lua, function.func, 1);
    lua_setfield(lua, -3, function.name);
  }
  lua_pop(lua, 1);
  lua_pushlightuserdata(lua, nullptr);
  lua_setfield(lua, -2, "null");
  lua_pushliteral(lua, "cjson");
  lua_setfield(lua, -2, "_NAME");
  lua_pushliteral(lua, "2.1.0");
  lua_setfield(lua, -2, "_VERSION");
  return 1;
}

}  // namespace

void OpenJson(lua_State* lua) {
  NewModule(lua);
  lua_setglobal(lua, "cjson");
}

}  // namespace hearth::script
