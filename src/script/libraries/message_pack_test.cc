#include "script/libraries/message_pack.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "script/libraries/libraries.h"
#include "script/libraries/testing/bounded_lua.h"

namespace hearth::script {
namespace {

constexpr char kHex[] =
    "local function hex(s) return (s:gsub('.',function(c) return string.format('%02x',c:byte()) end)) end ";

std::string Packed(BoundedLua& lua, const std::string& arguments) {
  return lua.Run(kHex + ("return hex(cmsgpack.pack(" + arguments + "))"));
}

TEST(MessagePack, NumbersTakeTheShortestForm) {
  BoundedLua lua;
  EXPECT_EQ(Packed(lua, "0,127,128,255,256,65535,65536,4294967295,4294967296"),
            "007fcc80ccffcd0100cdffffce00010000ceffffffffcf0000000100000000");
  EXPECT_EQ(Packed(lua, "-1,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-2^63"),
            "ffe0d0dfd080d1ff7fd18000d2ffff7fffd280000000d3ffffffff7fffffffd38000000000000000");
  EXPECT_EQ(Packed(lua, "1.5,0.1,2^63,1/0,1e39,-0"),
            "ca3fc00000cb3fb999999999999aca5f000000ca7f800000cb48078287f49c4a1d00")
      << "as a float where nothing is lost";
}

TEST(MessagePack, TextsAndTablesTakeTheShortestForm) {
  BoundedLua lua;
  EXPECT_EQ(Packed(lua, "'a',true,false,nil,cjson.null"), "a161c3c2c0c0");
  EXPECT_EQ(lua.Run(std::string(kHex) + "local r={} for i,n in ipairs{31,32,255,256,65535,65536} do "
                                        "r[i]=hex(cmsgpack.pack(('x'):rep(n)):sub(1,5)) end return r"),
            "{bf78787878 d920787878 d9ff787878 da01007878 daffff7878 db00010000}");
  EXPECT_EQ(Packed(lua, "{},{1,2},{a=1},{1,nil,3},{[0]=1},{z=1,1,a=2}"),
            "90920102"
            "81a16101"
            "8201010303"
            "810001"
            "830101a16102a17a01");
  EXPECT_EQ(lua.Run(std::string(kHex) +
                    "local t={} for i=1,65536 do t[i]=1 end local m={} for i=1,16 do m['k'..i]=1 end "
                    "return hex(cmsgpack.pack(t):sub(1,6)),hex(cmsgpack.pack(m):sub(1,3))"),
            "dd0001000001 de0010");
}

TEST(MessagePack, NestingEndsInNil) {
  BoundedLua lua;
  EXPECT_EQ(Packed(lua, "(function() local t={} t[1]=t return t end)()"),
            "91919191919191919191919191919191c0");
}

TEST(MessagePack, UnpackTakesAllForms) {
  BoundedLua lua;
  EXPECT_EQ(
      lua.Run(
          R"(return cmsgpack.unpack('\204\255\205\255\255\206\255\255\255\255\208\255\209\255\255\210\255\255\255\255'))"),
      "255 65535 4294967295 -1 -1 -1");
  EXPECT_EQ(lua.Run(R"(return cmsgpack.unpack('\202\63\192\0\0\203\63\248\0\0\0\0\0\0\192\194\195'))"),
            "1.5 1.5 nil false true");
  EXPECT_EQ(lua.Run(R"(return cmsgpack.unpack('\217\3abc\218\0\3abc\219\0\0\0\3abc\163abc'))"),
            "abc abc abc abc");
  EXPECT_EQ(lua.Run(R"(return cmsgpack.unpack('\220\0\2\1\2\221\0\0\0\1\1\222\0\1\1\2\223\0\0\0\1\161a\2'))"),
            "{1 2} {1} {2} {a=2}");
  EXPECT_EQ(
      lua.Run(R"(return cmsgpack.unpack('\207\255\255\255\255\255\255\255\255\211\128\0\0\0\0\0\0\0'))"),
      "-1 -9.2233720368548e+18");
}

TEST(MessagePack, PartsCanBeUnpacked) {
  BoundedLua lua;
  EXPECT_EQ(
      lua.Run(
          R"(return {cmsgpack.unpack_one('\1\2\3')},{cmsgpack.unpack_one('\1\2\3',2)},{cmsgpack.unpack_one('')})"),
      "{1 1} {-1 3} {-1}");
  EXPECT_EQ(
      lua.Run(
          R"(return {cmsgpack.unpack_limit('\1\2\3',2)},{cmsgpack.unpack_limit('\1\2\3',2,1)},{cmsgpack.unpack_limit('\1\2',0)})"),
      "{2 1 2} {-1 2 3} {1 2}");
  EXPECT_EQ(lua.Run(R"(cmsgpack.unpack_one('\1',2))"),
            "error: user_script:1: Start offset 2 greater than input length 1.");
  EXPECT_EQ(lua.Run(R"(cmsgpack.unpack_limit('\1',1,-1))"),
            "error: user_script:1: Invalid request to unpack with offset of -1 and limit of 1.");
}

TEST(MessagePack, BadBytesAreRefused) {
  BoundedLua lua;
  for (const char* bytes : {"\\193", "\\196\\1a", "\\199\\1\\1a", "\\212\\1\\1", "\\201"}) {
    EXPECT_EQ(lua.Run(std::string("cmsgpack.unpack('") + bytes + "')"),
              "error: user_script:1: Bad data format in input.");
  }
  for (const char* bytes : {"\\204", "\\163ab", "\\147\\1", "\\129\\1", "\\219\\255\\255\\255\\255",
                            "\\221\\255\\255\\255\\255", "\\223\\255\\255\\255\\255"}) {
    EXPECT_EQ(lua.Run(std::string("cmsgpack.unpack('") + bytes + "')"),
              "error: user_script:1: Missing bytes in input.");
  }
  EXPECT_EQ(lua.Run(R"(cmsgpack.unpack('\129\192\1'))"), "error: table index is nil");
  EXPECT_EQ(lua.Run(R"(cmsgpack.unpack('\129\203\127\248\0\0\0\0\0\0\1'))"), "error: table index is NaN");
  EXPECT_EQ(lua.Run("cmsgpack.pack()"),
            "error: user_script:1: bad argument #0 to 'pack' (MessagePack pack needs input.)");
}

TEST(MessagePack, DeepAndLongInputsAreRefused) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run(R"(cmsgpack.unpack(('\145'):rep(1e6)))"),
            "error: user_script:1: stack overflow (in function mp_decode_to_lua_array)");
  EXPECT_EQ(lua.Run(R"(cmsgpack.unpack(('\129\1'):rep(1e6)))"),
            "error: user_script:1: stack overflow (in function mp_decode_to_lua_hash)");
  EXPECT_EQ(
      lua.Run(R"(cmsgpack.unpack(('\1'):rep(1e6)))"),
      "error: user_script:1: stack overflow (too many return values at once; use unpack_one or unpack_limit "
      "instead.)");
}

TEST(MessagePack, RandomBytesNeverDoMoreThanFail) {
  BoundedLua lua;
  Prng random(TestSeed());
  for (int i = 0; i < 3000; ++i) {
    std::string bytes;
    for (uint64_t left = random.Below(24); left > 0; --left) {
      // Half of the bytes are tags of longer forms.
      bytes += static_cast<char>(random.Below(2) == 0 ? random.Below(256) : 0x80 + random.Below(0x60));
    }
    PushGlobals(lua.state());
    lua_pushlstring(lua.state(), bytes.data(), bytes.size());
    lua_setfield(lua.state(), -2, "BYTES");
    const std::string result = lua.Run(
        "local ok,n,v=pcall(cmsgpack.unpack_one,BYTES) if not ok then return 'refused' end local "
        "p=cmsgpack.pack(v) "
        "return p==cmsgpack.pack(cmsgpack.unpack(p)) or v~=v or type(v)=='table'");
    ASSERT_TRUE(result == "refused" || result == "true") << "seeded bytes gave " << result;
  }
}

}  // namespace
}  // namespace hearth::script
