#include "script/libraries/nested_calls.h"

#include <cstddef>
#include <cstdint>

namespace hearth::script {
namespace {

// How far down the C stack the program may be when it nests once more. What it can use from there without
// these functions is bounded by LuaJIT, and the stack of a thread is 8 MB where nobody has changed that.
constexpr ptrdiff_t kMostStackBytes = 1 << 20;

// Where the C stack was highest when one of the functions ran, which is about where programs start. Errors
// pass by without unwinding anything, so that addresses are compared instead of calls counted. A state runs
// on one thread.
struct StackTop {
  uintptr_t address = 0;
};

void CheckRoom(lua_State* lua) {
  auto* top = static_cast<StackTop*>(lua_touserdata(lua, lua_upvalueindex(1)));
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (here > top->address) top->address = here;
  if (top->address - here > kMostStackBytes) luaL_error(lua, "C stack overflow");
}

// Why a coroutine cannot be resumed, or null if it can.
const char* ReasonAgainst(lua_State* lua, lua_State* coroutine) {
  if (coroutine == lua) return "cannot resume running coroutine";
  if (lua_status(coroutine) == LUA_YIELD) return nullptr;
  if (lua_status(coroutine) != 0) return "cannot resume dead coroutine";
  lua_Debug frame;
  if (lua_getstack(coroutine, 0, &frame) > 0) return "cannot resume normal coroutine";
  return lua_gettop(coroutine) == 0 ? "cannot resume dead coroutine" : nullptr;
}

// Resumes with the `count` values on top of the stack, in whose place it leaves the results, and says how
// many; -1 if it leaves an error.
int ResumeWith(lua_State* lua, lua_State* coroutine, int count) {
  if (const char* reason = ReasonAgainst(lua, coroutine)) {
    lua_pushstring(lua, reason);
    return -1;
  }
  if (lua_checkstack(coroutine, count) == 0) return luaL_error(lua, "too many arguments to resume");
  lua_xmove(lua, coroutine, count);
  const int status = lua_resume(coroutine, count);
  if (status != 0 && status != LUA_YIELD) {
    lua_xmove(coroutine, lua, 1);
    return -1;
  }
  const int results = lua_gettop(coroutine);
  if (lua_checkstack(lua, results + 1) == 0) return luaL_error(lua, "too many results to resume");
  lua_xmove(coroutine, lua, results);
  return results;
}

int Resume(lua_State* lua) {
  lua_State* coroutine = lua_tothread(lua, 1);
  luaL_argcheck(lua, coroutine != nullptr, 1, "coroutine expected");
  CheckRoom(lua);
  const int results = ResumeWith(lua, coroutine, lua_gettop(lua) - 1);
  lua_pushboolean(lua, results >= 0);
  const int pushed = results < 0 ? 1 : results;
  lua_insert(lua, -1 - pushed);
  return pushed + 1;
}

// What coroutine.wrap gives: an error in the coroutine is one of the caller, whose place it gets in front.
int CallWrapped(lua_State* lua) {
  CheckRoom(lua);
  const int results = ResumeWith(lua, lua_tothread(lua, lua_upvalueindex(2)), lua_gettop(lua));
  if (results >= 0) return results;
  if (lua_isstring(lua, -1) != 0) {
    luaL_where(lua, 1);
    lua_insert(lua, -2);
    lua_concat(lua, 2);
  }
  return lua_error(lua);
}

int Wrap(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_State* coroutine = lua_newthread(lua);
  lua_pushvalue(lua, 1);
  lua_xmove(lua, coroutine, 1);
  lua_pushcclosure(lua, CallWrapped, 2);
  return 1;
}

// Runs LuaJIT's own in the same frame, so that errors name the caller.
int Gsub(lua_State* lua) {
  CheckRoom(lua);
  return lua_tocfunction(lua, lua_upvalueindex(2))(lua);
}

}  // namespace

void ReplaceNestingFunctions(lua_State* lua) {
  *static_cast<StackTop*>(lua_newuserdata(lua, sizeof(StackTop))) = StackTop();
  const int top = lua_gettop(lua);
  lua_getglobal(lua, LUA_COLIBNAME);
  lua_pushvalue(lua, top);
  lua_pushcclosure(lua, Resume, 1);
  lua_setfield(lua, -2, "resume");
  lua_pushvalue(lua, top);
  lua_pushcclosure(lua, Wrap, 1);
  lua_setfield(lua, -2, "wrap");
  lua_getglobal(lua, LUA_STRLIBNAME);
  lua_pushvalue(lua, top);
  lua_getfield(lua, -2, "gsub");
  lua_pushcclosure(lua, Gsub, 2);
  lua_setfield(lua, -2, "gsub");
  lua_settop(lua, top - 1);
}

}  // namespace hearth::script
