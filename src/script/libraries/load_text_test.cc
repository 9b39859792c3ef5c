#include <gtest/gtest.h>

#include "script/libraries/libraries.h"
#include "script/libraries/testing/bounded_lua.h"

namespace hearth::script {
namespace {

TEST(LoadText, TakesTextOnly) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("\x1bLJ\x02"), "error: user_script:1: unexpected symbol near 'char(27)'");
  EXPECT_EQ(lua.Run("\x1bLua"), "error: user_script:1: unexpected symbol near 'char(27)'");
  EXPECT_EQ(lua.Run("#!/bin/lua\nreturn 1"), "error: user_script:1: unexpected symbol near '#'");
  EXPECT_EQ(lua.Run("return loadstring('\\27LJ\\2')"),
            "nil [string \"...\"]:1: unexpected symbol near 'char(27)'");
  EXPECT_EQ(lua.Run(""), "");
}

TEST(LoadText, RefusesNumbersOfTheForeignFunctionInterface) {
  BoundedLua lua;
  for (const char* number : {"1LL", "1ull", "0x1LL", "2i", "1e5I", "0x1p4i", ".5ll"}) {
    EXPECT_EQ(lua.Run(std::string("local a = 1\nreturn ") + number),
              "error: user_script:2: malformed number near '" + std::string(number) + "'");
    EXPECT_EQ(lua.Run(std::string("return (loadstring('return ") + number + "'))"), "nil") << number;
    EXPECT_EQ(lua.Run(std::string("return (load(function() return nil end)), tonumber('") + number + "')"),
              "function nil");
  }
}

TEST(LoadText, LeavesTextsCommentsAndNamesAlone) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("local a1LL = 5 --1LL\nreturn a1LL, '1LL', \"\\\"2i\", [==[ ]] 3LL ]==] --[[ 4LL ]], "
                    "0x1F, 1e3, 1.5"),
            "5 1LL \"2i  ]] 3LL  31 1000 1.5");
  EXPECT_EQ(lua.Run("return '\\z\n 1LL'"), "1LL");
  EXPECT_EQ(lua.Run("--[=[ ]]\n1LL ]=] return 1"), "1");
}

TEST(LoadText, ReturnedCallsKnowTheirLine) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("\nreturn cjson.decode('[')"),
            "error: user_script:2: Expected value but found T_END at character 2");
  EXPECT_EQ(lua.Run("local function f()\nreturn tonumber('1',99) end return f()"),
            "error: user_script:2: bad argument #2 to 'tonumber' (base out of range)");
  EXPECT_EQ(lua.Run("if true then return setmetatable(1,(function() return tostring() end)()) end"),
            "error: user_script:1: bad argument #1 to 'tostring' (value expected)")
      << "calls may stand within calls";
}

TEST(LoadText, ReturnedCallsMeanWhatTheySay) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("local function type() return 1,2 end return type()"), "1 2");
  EXPECT_EQ(lua.Run("local cjson={encode=function() return 1,2 end} return cjson.encode()"), "1 2");
  EXPECT_EQ(lua.Run("local f=function(tonumber) return tonumber() end return f(function() return 1,2 end)"),
            "1 2");
  EXPECT_EQ(lua.Run("return string.rep('a',2)..'b'"), "aab");
  EXPECT_EQ(lua.Run("return tostring(1), 2"), "1 2");
  EXPECT_EQ(lua.Run("return string.rep('a',2):upper()"), "AA");
  EXPECT_EQ(lua.Run("return tostring(')('); -- end"), ")(");
  EXPECT_EQ(lua.Run("local t={tostring=function() return 1,2 end} return t.tostring(1)"), "1 2");
  EXPECT_EQ(lua.Run("local function f(n) if n==0 then return 'deep' end return f(n-1) end return f(1e6)"),
            "deep");
}

TEST(LoadText, ErrorsInItAreMessages) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("x y"), "error: user_script:1: '=' expected near 'y'");
  EXPECT_EQ(lua.Run("return 'abc"), "error: user_script:1: unfinished string near '<eof>'");
  EXPECT_EQ(lua.Run("return tostring("), "error: user_script:1: unexpected symbol near '<eof>'");
  EXPECT_EQ(lua.Run("local f,e=load(function() error('no') end) return f,e"), "nil user_script:1: no");
  EXPECT_EQ(lua.Run("local f,e=load(function() return {} end) return f,e"),
            "nil reader function must return a string");
  EXPECT_EQ(lua.Run("local n=0 return load(function() n=n+1 return ({'return ','4','2'})[n] end)()"), "42");
  EXPECT_EQ(lua.Run("local f,e=loadstring('x x','=name') return e"), "name:1: '=' expected near 'x'");
}

}  // namespace
}  // namespace hearth::script
