#include "script/libraries/libraries.h"

#include <span>
#include <string_view>

#include "script/libraries/base_functions.h"
#include "script/libraries/json.h"
#include "script/libraries/message_pack.h"
#include "script/libraries/nested_calls.h"
#include "script/libraries/random_numbers.h"
#include "script/libraries/struct_packing.h"

namespace hearth::script {
namespace {

// What stays of Lua's and LuaJIT's own libraries. All else goes, so that a later LuaJIT brings nothing in
// unasked.
constexpr std::string_view kBase[] = {
    "_G",     "_VERSION", "assert",     "collectgarbage", "error",    "gcinfo",   "getmetatable",
    "ipairs", "load",     "loadstring", "next",           "pairs",    "pcall",    "rawequal",
    "rawget", "rawset",   "select",     "setmetatable",   "tonumber", "tostring", "type",
    "unpack", "xpcall",   "coroutine",  "string",         "table",    "math",     "bit",
    "os"};
constexpr std::string_view kCoroutine[] = {"create", "resume", "running", "status", "wrap", "yield"};
constexpr std::string_view kString[] = {"byte",  "char",  "find", "format",  "gmatch", "gsub", "len",
                                        "lower", "match", "rep",  "reverse", "sub",    "upper"};
constexpr std::string_view kTable[] = {"concat", "foreach", "foreachi", "getn",
                                       "insert", "maxn",    "remove",   "sort"};
constexpr std::string_view kMath[] = {
    "abs",   "acos", "asin",  "atan",   "atan2",      "ceil", "cos",   "cosh", "deg", "exp",
    "floor", "fmod", "frexp", "huge",   "ldexp",      "log",  "log10", "max",  "min", "modf",
    "pi",    "pow",  "rad",   "random", "randomseed", "sin",  "sinh",  "sqrt", "tan", "tanh"};
constexpr std::string_view kBit[] = {"arshift", "band", "bnot", "bor",    "bswap", "bxor",
                                     "lshift",  "rol",  "ror",  "rshift", "tobit", "tohex"};
constexpr std::string_view kOs[] = {"clock"};

void Open(lua_State* lua, const char* name, lua_CFunction open) {
  lua_pushcfunction(lua, open);
  lua_pushstring(lua, name);
  lua_call(lua, 1, 0);
}

// Takes all fields but those in `kept` out of the table on top of the stack, and the table off the stack.
void KeepOnly(lua_State* lua, std::span<const std::string_view> kept) {
  const int table = lua_gettop(lua);
  lua_pushnil(lua);
  while (lua_next(lua, table) != 0) {
    lua_pop(lua, 1);
    bool is_kept = false;
    if (lua_type(lua, -1) == LUA_TSTRING) {
      const std::string_view name = lua_tostring(lua, -1);
      for (const std::string_view one : kept) is_kept = is_kept || one == name;
    }
    if (is_kept) continue;
    lua_pushvalue(lua, -1);
    lua_pushnil(lua);
    lua_rawset(lua, table);
  }
  lua_pop(lua, 1);
}

void KeepOnly(lua_State* lua, const char* library, std::span<const std::string_view> kept) {
  lua_getglobal(lua, library);
  KeepOnly(lua, kept);
}

int RefuseSetN(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  return luaL_error(lua, "'setn' is obsolete");
}

// Names of Lua 5.0 that Lua 5.1 still has and LuaJIT has not.
void AddOldNames(lua_State* lua) {
  lua_getglobal(lua, LUA_STRLIBNAME);
  lua_getfield(lua, -1, "gmatch");
  lua_setfield(lua, -2, "gfind");
  lua_getglobal(lua, LUA_MATHLIBNAME);
  lua_getfield(lua, -1, "fmod");
  lua_setfield(lua, -2, "mod");
  lua_getglobal(lua, LUA_TABLIBNAME);
  lua_pushcfunction(lua, RefuseSetN);
  lua_setfield(lua, -2, "setn");
  lua_pop(lua, 3);
}

}  // namespace

void OpenLibraries(lua_State* lua) {
  luaL_checkstack(lua, 16, "no room to open the libraries");
  Open(lua, "", luaopen_base);
  Open(lua, LUA_TABLIBNAME, luaopen_table);
  Open(lua, LUA_STRLIBNAME, luaopen_string);
  Open(lua, LUA_MATHLIBNAME, luaopen_math);
  Open(lua, LUA_OSLIBNAME, luaopen_os);
  Open(lua, LUA_BITLIBNAME, luaopen_bit);
  lua_pushvalue(lua, LUA_GLOBALSINDEX);
  KeepOnly(lua, kBase);
  KeepOnly(lua, LUA_COLIBNAME, kCoroutine);
  KeepOnly(lua, LUA_STRLIBNAME, kString);
  KeepOnly(lua, LUA_TABLIBNAME, kTable);
  KeepOnly(lua, LUA_MATHLIBNAME, kMath);
  KeepOnly(lua, LUA_OSLIBNAME, kOs);
  KeepOnly(lua, LUA_BITLIBNAME, kBit);
  AddOldNames(lua);
  ReplaceBaseFunctions(lua);
  ReplaceNestingFunctions(lua);
  ReplaceRandom(lua);
  OpenJson(lua);
  OpenMessagePack(lua);
  OpenStruct(lua);
}

}  // namespace hearth::script
