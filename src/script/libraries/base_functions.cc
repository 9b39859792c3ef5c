#include "script/libraries/base_functions.h"

#include <climits>

#include "script/libraries/byte_buffer.h"
#include "script/libraries/libraries.h"
#include "script/libraries/read_only.h"

namespace hearth::script {
namespace {

// Errors of writes through C functions carry no place, as those that Lua itself raises there.
int FailReadOnly(lua_State* lua) {
  lua_pushstring(lua, kReadOnlyError);
  return lua_error(lua);
}

bool IsView(lua_State* lua, int index) {
  if (!PushBehindView(lua, index)) return false;
  lua_pop(lua, 1);
  return true;
}

int FinishLoad(lua_State* lua, int status) {
  if (status == 0) return 1;
  lua_pushnil(lua);
  lua_insert(lua, -2);
  return 2;
}

int LoadString(lua_State* lua) {
  size_t size;
  const char* text = luaL_checklstring(lua, 1, &size);
  const char* name = luaL_optstring(lua, 2, text);
  return FinishLoad(lua, LoadText(lua, {text, size}, name));
}

// load(function [, name]): the pieces are gathered first, so that the whole text is looked at before Lua is.
int Load(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  const char* name = luaL_optstring(lua, 2, "=(load)");
  lua_settop(lua, 2);
  ByteBuffer text(lua);
  for (;;) {
    lua_pushvalue(lua, 1);
    if (lua_pcall(lua, 0, 1, 0) != 0) return FinishLoad(lua, LUA_ERRRUN);
    if (lua_isnil(lua, -1)) break;
    if (lua_isstring(lua, -1) == 0) {
      lua_pushliteral(lua, "reader function must return a string");
      return FinishLoad(lua, LUA_ERRRUN);
    }
    size_t size;
    const char* piece = lua_tolstring(lua, -1, &size);
    if (size == 0) break;
    text.Append({piece, size});
    lua_pop(lua, 1);
  }
  text.PushString();
  size_t size;
  const char* whole = lua_tolstring(lua, -1, &size);
  return FinishLoad(lua, LoadText(lua, {whole, size}, name));
}

// pairs(view) goes over a copy, so that the table behind does not become known. The upvalue is Lua's own
// `next`, by which the interpreter knows the loops that it does without calls.
int Pairs(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_pushvalue(lua, lua_upvalueindex(1));
  if (PushBehindView(lua, 1)) {
    const int behind = lua_gettop(lua);
    lua_newtable(lua);
    lua_pushnil(lua);
    while (lua_next(lua, behind) != 0) {
      lua_pushvalue(lua, -2);
      lua_insert(lua, -2);
      lua_rawset(lua, behind + 1);
    }
    lua_replace(lua, behind);
  } else {
    lua_pushvalue(lua, 1);
  }
  lua_pushnil(lua);
  return 3;
}

int RawGet(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  lua_settop(lua, 2);
  if (PushBehindView(lua, 1)) lua_replace(lua, 1);
  lua_rawget(lua, 1);
  return 1;
}

int RawSet(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  luaL_checkany(lua, 3);
  lua_settop(lua, 3);
  if (IsView(lua, 1)) return FailReadOnly(lua);
  lua_rawset(lua, 1);
  return 1;
}

int GetMetatable(lua_State* lua) {
  luaL_checkany(lua, 1);
  if (PushBehindView(lua, 1)) {
    if (lua_getmetatable(lua, -1) == 0) {
      lua_pushnil(lua);
    } else {
      MakeReadOnly(lua);
    }
    return 1;
  }
  if (lua_getmetatable(lua, 1) == 0) {
    lua_pushnil(lua);
    return 1;
  }
  luaL_getmetafield(lua, 1, "__metatable");
  return 1;
}

int SetMetatable(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  const int type = lua_type(lua, 2);
  luaL_argcheck(lua, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
  if (lua_getmetatable(lua, 1) != 0) {
    lua_pop(lua, 1);
    if (IsView(lua, 1)) return FailReadOnly(lua);
    if (luaL_getmetafield(lua, 1, "__metatable") != 0)
      return luaL_error(lua, "cannot change a protected metatable");
  }
  lua_settop(lua, 2);
  lua_setmetatable(lua, 1);
  return 1;
}

// Memory is collected as its owner sees fit: programs may look and have it collected, and not turn it off.
int CollectGarbage(lua_State* lua) {
  static const char* const kOptions[] = {"stop", "restart",  "collect",    "count",
                                         "step", "setpause", "setstepmul", nullptr};
  enum { kStop, kRestart, kCollect, kCount, kStep, kSetPause, kSetStepMultiplier };
  const int option = luaL_checkoption(lua, 1, "collect", kOptions);
  const lua_Integer argument = luaL_optinteger(lua, 2, 0);
  switch (option) {
    case kCount:
      lua_pushnumber(lua, lua_gc(lua, LUA_GCCOUNT, 0) + lua_gc(lua, LUA_GCCOUNTB, 0) / 1024.0);
      break;
    case kStep:
      lua_pushboolean(
          lua, lua_gc(lua, LUA_GCSTEP, argument < 0 || argument > 1000 ? 0 : static_cast<int>(argument)));
      break;
    case kCollect:
      lua_gc(lua, LUA_GCCOLLECT, 0);
      lua_pushinteger(lua, 0);
      break;
    case kSetPause:
    case kSetStepMultiplier:
      lua_pushinteger(lua, 200);
      break;
    default:
      lua_pushinteger(lua, 0);
  }
  return 1;
}

int TableInsert(lua_State* lua) {
  // More elements than this are not moved: nobody could stop that.
  constexpr lua_Integer kMostMoved = 1 << 24;
  luaL_checktype(lua, 1, LUA_TTABLE);
  int end = static_cast<int>(lua_objlen(lua, 1)) + 1;
  int place = end;
  switch (lua_gettop(lua)) {
    case 2:
      break;
    case 3: {
      const lua_Integer wanted = luaL_checkinteger(lua, 2);
      luaL_argcheck(lua, wanted > end - kMostMoved && wanted < INT_MAX, 2, "position out of bounds");
      place = static_cast<int>(wanted);
      if (place > end) end = place;
      break;
    }
    default:
      return luaL_error(lua, "wrong number of arguments to 'insert'");
  }
  if (IsView(lua, 1)) return FailReadOnly(lua);
  for (int i = end; i > place; --i) {
    lua_rawgeti(lua, 1, i - 1);
    lua_rawseti(lua, 1, i);
  }
  lua_rawseti(lua, 1, place);
  return 0;
}

}  // namespace

void ReplaceBaseFunctions(lua_State* lua) {
  const luaL_Reg functions[] = {
      {"load", Load},
      {"loadstring", LoadString},
      {"rawget", RawGet},
      {"rawset", RawSet},
      {"getmetatable", GetMetatable},
      {"setmetatable", SetMetatable},
      {"collectgarbage", CollectGarbage},
  };
  for (const luaL_Reg& function : functions) lua_register(lua, function.name, function.func);
  lua_getglobal(lua, "next");
  lua_pushcclosure(lua, Pairs, 1);
  lua_setglobal(lua, "pairs");
  lua_getglobal(lua, LUA_TABLIBNAME);
  lua_pushcfunction(lua, TableInsert);
  lua_setfield(lua, -2, "insert");
  lua_pop(lua, 1);
}

}  // namespace hearth::script
