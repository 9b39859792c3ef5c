#include "script/libraries/global_writes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "script/libraries/testing/bounded_lua.h"

namespace hearth::script {
namespace {

bool Writes(BoundedLua& lua, const std::string& source) {
  EXPECT_EQ(luaL_loadbuffer(lua.state(), source.data(), source.size(), "@test"), 0) << source;
  const bool writes = WritesGlobals(lua.state());
  lua_pop(lua.state(), 1);
  return writes;
}

TEST(GlobalWrites, AreFoundInEveryFunctionOfAChunk) {
  BoundedLua lua;
  for (const char* source : {
           "x = 1",
           "function f() end",
           "local a a, b = 1, 2",
           "local t = {} t.f = function() x = nil end",
           "local function f() return function() return function() y = y end end end return f",
           "for i = 1, 10 do local x = i end x = 1",
           "do local x = 1 end x = x",
           "local x = 'text' .. 1.5 return function(...) z = {...} end, 2, 'other text'",
       }) {
    EXPECT_TRUE(Writes(lua, source)) << source;
  }
}

TEST(GlobalWrites, AreNotSeenWhereThereAreNone) {
  BoundedLua lua;
  for (const char* source : {
           "",
           "return x",
           "local x = 1 x = 2 return x",
           "local t = {} function t.f() return y end t.x, t.y = 1, 2 return t",
           "x.y = 1",
           "_G.x = 1",
           "local x = 1 return function() x = x + 1 return function() x = nil end end",
           "return redis.call('get', KEYS[1])",
       }) {
    EXPECT_FALSE(Writes(lua, source)) << source;
  }
  // Many constants and instructions: numbers of more than one byte in what is looked through.
  std::string source = "local t = {}";
  for (int i = 0; i < 5000; ++i) source += " t.f" + std::to_string(i) + " = g" + std::to_string(i);
  EXPECT_FALSE(Writes(lua, source));
  EXPECT_TRUE(Writes(lua, source + " t = function() x = 1 end"));
}

TEST(GlobalWrites, ReadersOfGlobalsDoNotComeByTheirTable) {
  BoundedLua lua;
  const std::string refused = "Attempt to modify a readonly table";
  for (const char* source :
       {"local g = _G g.x = 1", "rawset(_G, 'x', 1)", "for k in pairs(_G) do _G[k] = nil end",
        "local f = loadstring('x = 1') f()", "coroutine.wrap(function() x = 1 end)()",
        "local f = load(function() return nil end) f() x = 1", "setmetatable(_G, {__index = {x = 1}})"}) {
    EXPECT_NE(lua.Run(source).find(refused), std::string::npos) << source;
  }
  EXPECT_EQ(lua.Run("return x"),
            "error: user_script:1: Script attempted to access nonexistent global variable 'x'");
  EXPECT_EQ(lua.Run("return rawget(_G, 'x'), _G._G == _G, type(string.rep)"), "nil true function");
}

}  // namespace
}  // namespace hearth::script
