#include "script/libraries/libraries.h"

#include <gtest/gtest.h>

#include "script/libraries/testing/bounded_lua.h"

namespace hearth::script {
namespace {

TEST(Libraries, OnlySafeNamesAreThere) {
  BoundedLua lua;
  const std::string names =
      lua.Run("local n={} for k in pairs(_G) do n[#n+1]=k end table.sort(n) return unpack(n)");
  EXPECT_EQ(
      names,
      "ARGV KEYS _G _VERSION assert bit cjson cmsgpack collectgarbage coroutine error gcinfo getmetatable "
      "ipairs load loadstring math next os pairs pcall rawequal rawget rawset select setmetatable string "
      "struct "
      "table tonumber tostring type unpack xpcall");
  EXPECT_EQ(lua.Run("local n={} for k in pairs(os) do n[#n+1]=k end return unpack(n)"), "clock");
  for (const char* name : {"print", "dofile", "loadfile", "require", "module", "package", "io", "debug",
                           "ffi", "jit", "newproxy", "getfenv", "setfenv"}) {
    EXPECT_EQ(lua.Run(std::string("return ") + name),
              "error: user_script:1: Script attempted to access nonexistent "
              "global variable '" +
                  std::string(name) + "'");
  }
  EXPECT_EQ(lua.Run("return string.dump, table.move, table.new, coroutine.isyieldable, math.mod(7,4)"),
            "nil nil nil nil 3");
}

TEST(Libraries, GlobalsCannotBeWritten) {
  BoundedLua lua;
  const std::string refused = "error: user_script:1: Attempt to modify a readonly table";
  const std::string refused_in_c = "error: Attempt to modify a readonly table";
  for (const char* source :
       {"x=1", "_G.x=1", "_G['a b']=1", "_G._G=1", "KEYS=1", "string.x=1", "string.rep=nil", "cjson.encode=1",
        "getmetatable(_G).__index=nil", "getmetatable('').__index=1", "getmetatable('').__index.rep=1",
        "loadstring('x=1','@user_script')()", "setmetatable({},{__newindex=_G}).y=1",
        "local t=setmetatable({},{__newindex=math}) t.y=1"}) {
    EXPECT_EQ(lua.Run(source), refused) << source;
  }
  for (const char* source :
       {"rawset(_G,'x',1)", "rawset(string,'x',1)", "rawset(getmetatable(''),'x',1)", "setmetatable(_G,{})",
        "setmetatable(_G,nil)", "setmetatable(string,{})", "table.insert(_G,1)", "table.insert(string,1)",
        "setmetatable(getmetatable(_G),{})"}) {
    EXPECT_EQ(lua.Run(source), refused_in_c) << source;
  }
  EXPECT_EQ(
      lua.Run("local _,copy=pairs(string) copy.rep=nil return ('x'):rep(2), string[1], _G[string]==nil"),
      "error: user_script:1: Script attempted to access a global variable by a table");
  EXPECT_EQ(lua.Run("return ('x'):rep(2), string[1], rawget(_G,'x')"), "xx nil nil");
}

TEST(Libraries, ViewsReadLikeTheTablesBehindThem) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("return _G._G==_G, rawget(_G,'string')==string, getmetatable('').__index==string"),
            "true true true");
  EXPECT_EQ(lua.Run("return getmetatable(string), #string, string.nothing"), "nil 0 nil");
  EXPECT_EQ(lua.Run("local n=0 for k,v in pairs(bit) do n=n+1 end return n"), "12");
  EXPECT_EQ(lua.Run("return setmetatable({},{__index=string}).rep==string.rep"), "true");
  EXPECT_EQ(lua.Run("KEYS[1]='k' table.insert(KEYS,'l') return KEYS"), "{k l}");
  EXPECT_EQ(lua.Run("local t={} for k,v in pairs({a=1,2}) do t[#t+1]=v end table.sort(t) return t"), "{1 2}");
}

TEST(Libraries, GlobalsOfARunComeThroughPushGlobals) {
  BoundedLua lua;
  PushGlobals(lua.state());
  lua_pushliteral(lua.state(), "v");
  lua_setfield(lua.state(), -2, "FRESH");
  EXPECT_EQ(lua.Run("return FRESH"), "v");
}

TEST(Libraries, ProtectTableLeavesTheTableToItsOwner) {
  BoundedLua lua;
  lua_State* state = lua.state();
  lua_newtable(state);
  lua_pushvalue(state, -1);
  ProtectTable(state);
  lua_pushinteger(state, 5);
  lua_setfield(state, -3, "five");
  lua_getfield(state, -1, "five");
  EXPECT_EQ(lua_tointeger(state, -1), 5);
}

TEST(Libraries, RandomNumbersFollowTheSeed) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("return math.random(), math.random()"), "0.17082803611217 0.74990198051087");
  EXPECT_EQ(lua.Run("math.randomseed(-1) return math.random()"), "0.30002572727391");
  EXPECT_EQ(lua.Run("math.randomseed(1.5) return math.random(), math.random(3,2)"),
            "error: user_script:1: bad argument #2 to 'random' (interval is empty)");
  EXPECT_EQ(lua.Run("local x=math.random(2^31)"),
            "error: user_script:1: bad argument #1 to 'random' (interval is empty)");
  EXPECT_EQ(
      lua.Run("for i=1,1000 do local n=math.random(-2147483648,2147483647) assert(n==math.floor(n)) end"),
      "");
}

TEST(Libraries, GarbageCannotBeKept) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("return collectgarbage('stop'), collectgarbage(), collectgarbage('count')>0"),
            "0 0 true");
  const size_t before = lua.used_bytes();
  lua.Run("collectgarbage('stop') for i=1,1e6 do local t={} end");
  EXPECT_LT(lua.used_bytes(), before + (1 << 20));
}

TEST(Libraries, NestingEndsWithAnError) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("local function f() return (('x'):gsub('x',f)) end f()"),
            "error: user_script:1: C stack overflow");
  for (const char* source : {
           "local function f() return (coroutine.wrap(f)()) end return (pcall(f))",
           "local function f() local a,b=coroutine.resume(coroutine.create(f)) error(b,0) end return "
           "(pcall(f))",
           "local function f() return coroutine.wrap(function() return (('x'):gsub('x',f)) end)() end return "
           "(pcall(f))",
           "local t=setmetatable({},{}) getmetatable(t).__index=function() return (('x'):gsub('x',t)) end "
           "return (pcall(string.gsub,'x','x',t))",
           "local t={} setmetatable(t,{__tostring=function() return string.format('%s',t) end}) "
           "return (pcall(tostring,t))",
           "local function f() error((load(function() f() end))) end return (pcall(f))",
       }) {
    EXPECT_EQ(lua.Run(source), "false") << source;
  }
}

TEST(Libraries, CoroutinesDoAsLuaSays) {
  BoundedLua lua;
  EXPECT_EQ(
      lua.Run("local w=coroutine.wrap(function(a) local b=coroutine.yield(a,2) return b end) return w(1)"),
      "1 2");
  EXPECT_EQ(
      lua.Run(
          "local c=coroutine.create(function(a) return coroutine.yield(a)+1 end) "
          "local r={coroutine.resume(c,1)} local s={coroutine.resume(c,5)} return r,s,{coroutine.resume(c)}"),
      "{true 1} {true 6} {false cannot resume dead coroutine}");
  EXPECT_EQ(
      lua.Run(
          "local c c=coroutine.create(function() return coroutine.resume(c) end) return coroutine.resume(c)"),
      "true false cannot resume running coroutine");
  EXPECT_EQ(lua.Run("local a a=coroutine.create(function() return coroutine.wrap(function() return "
                    "coroutine.resume(a) end)() end) return coroutine.resume(a)"),
            "true false cannot resume normal coroutine");
  EXPECT_EQ(lua.Run("local w=coroutine.wrap(function() error({5}) end) local _,e=pcall(w) return e"), "{5}");
}

TEST(Libraries, ProgramsThatCatchEverythingCanBeEnded) {
  BoundedLua lua({.instructions = 1'000'000});
  for (const char* source :
       {"while true do pcall(error) end", "while true do pcall(function() while true do end end) end",
        "local function f() while true do xpcall(error,error) end end while true do pcall(f) end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end"}) {
    EXPECT_TRUE(lua.Run(source).ends_with("too many instructions")) << source;
  }
}

TEST(Libraries, MemoryIsBounded) {
  BoundedLua lua({.memory_bytes = size_t{16} << 20});
  for (const char* source :
       {"local s='x' while true do s=s..s end", "local t={} for i=1,1e9 do t[i]=i end",
        "return ('x'):rep(2^30)",
        "local s=('x'):rep(2^20) return cjson.encode({s,s,s,s,s,s,s,s,s,s,s,s,s,s,s,s})",
        "local s=('\"'):rep(2^22) return cjson.encode({s,s,s})",
        "local s=('x'):rep(2^20) return cmsgpack.pack(s,s,s,s,s,s,s,s,s,s,s,s,s,s,s,s)",
        "local s=('x'):rep(2^20) return struct.pack(('s'):rep(16),s,s,s,s,s,s,s,s,s,s,s,s,s,s,s,s)",
        "return load(function() return ('x'):rep(2^20) end)",
        "return string.format(('%99d'):rep(2^18),unpack({},1,9))"}) {
    const std::string result = lua.Run(source);
    EXPECT_TRUE(result.starts_with("error: ")) << source << " gave " << result.substr(0, 100);
    EXPECT_LT(lua.used_bytes(), size_t{8} << 20) << source << " leaves something behind";
  }
}

}  // namespace
}  // namespace hearth::script
