#include "script/libraries/read_only.h"

#include "script/libraries/global_writes.h"
#include "script/libraries/libraries.h"

namespace hearth::script {
namespace {

// Its address is the key in a view's metatable under which the table behind stands: no program can name it.
constexpr char kBehind = 0;
// The key of the real globals in the registry.
constexpr char kGlobals = 0;

void* KeyOf(const char& name) { return const_cast<char*>(&name); }

int RefuseWrite(lua_State* lua) { return luaL_error(lua, "%s", kReadOnlyError); }

int RefuseMissingGlobal(lua_State* lua) {
  if (lua_gettop(lua) != 2) return luaL_error(lua, "Wrong number of arguments to look up a global variable");
  if (lua_isstring(lua, 2) == 0) {
    return luaL_error(lua, "Script attempted to access a global variable by a %s", luaL_typename(lua, 2));
  }
  return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'", lua_tostring(lua, 2));
}

// Replaces the tables among the globals, at `globals`, by views; one that has two names keeps one view.
void ProtectMembers(lua_State* lua, int globals) {
  lua_newtable(lua);  // from table to view
  const int views = lua_gettop(lua);
  lua_pushnil(lua);
  while (lua_next(lua, globals) != 0) {
    if (lua_istable(lua, -1) && lua_rawequal(lua, -1, globals) == 0) {
      lua_pushvalue(lua, -1);
      lua_rawget(lua, views);
      if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        lua_pushvalue(lua, -1);
        lua_pushvalue(lua, -1);
        MakeReadOnly(lua);
        lua_pushvalue(lua, -1);
        lua_insert(lua, -3);
        lua_rawset(lua, views);
      }
      // The stack ends in: name, table, view. A field that is there may be set while lua_next goes on.
      lua_pushvalue(lua, -3);
      lua_insert(lua, -2);
      lua_rawset(lua, globals);
    }
    lua_pop(lua, 1);
  }
  lua_pop(lua, 1);
}

// Texts find their methods through a metatable that all of them share.
void ProtectTexts(lua_State* lua, int globals) {
  lua_pushliteral(lua, "");
  if (lua_getmetatable(lua, -1) == 0) {
    lua_pop(lua, 1);
    return;
  }
  lua_getfield(lua, globals, LUA_STRLIBNAME);
  lua_setfield(lua, -2, "__index");
  lua_pushvalue(lua, -1);
  MakeReadOnly(lua);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 2);
}

}  // namespace

void MakeReadOnly(lua_State* lua) {
  luaL_checkstack(lua, 4, "no room for a view");
  lua_newtable(lua);
  lua_newtable(lua);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, RefuseWrite);
  lua_setfield(lua, -2, "__newindex");
  lua_pushlightuserdata(lua, KeyOf(kBehind));
  lua_pushvalue(lua, -4);
  lua_rawset(lua, -3);
  lua_setmetatable(lua, -2);
  lua_replace(lua, -2);
}

bool PushBehindView(lua_State* lua, int index) {
  if (lua_getmetatable(lua, index) == 0) return false;
  lua_pushlightuserdata(lua, KeyOf(kBehind));
  lua_rawget(lua, -2);
  if (lua_isnil(lua, -1)) {
    lua_pop(lua, 2);
    return false;
  }
  lua_replace(lua, -2);
  return true;
}

void ProtectTable(lua_State* lua) { MakeReadOnly(lua); }

void ProtectGlobals(lua_State* lua) {
  luaL_checkstack(lua, 12, "no room to protect the globals");
  LearnGlobalWrites(lua);
  lua_pushvalue(lua, LUA_GLOBALSINDEX);
  const int globals = lua_gettop(lua);
  ProtectMembers(lua, globals);
  ProtectTexts(lua, globals);
  lua_newtable(lua);
  lua_pushcfunction(lua, RefuseMissingGlobal);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, globals);
  lua_pushlightuserdata(lua, KeyOf(kGlobals));
  lua_pushvalue(lua, globals);
  lua_rawset(lua, LUA_REGISTRYINDEX);
  lua_pushvalue(lua, globals);
  MakeReadOnly(lua);
  lua_pushliteral(lua, "_G");
  lua_pushvalue(lua, -2);
  lua_rawset(lua, globals);
  lua_replace(lua, LUA_GLOBALSINDEX);
  lua_pop(lua, 1);
}

void PushGlobals(lua_State* lua) {
  lua_pushlightuserdata(lua, KeyOf(kGlobals));
  lua_rawget(lua, LUA_REGISTRYINDEX);
}

}  // namespace hearth::script
