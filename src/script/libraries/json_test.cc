#include "script/libraries/json.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "base/prng.h"
#include "base/test_seed.h"
#include "script/libraries/libraries.h"
#include "script/libraries/testing/bounded_lua.h"

namespace hearth::script {
namespace {

// What decoding and encoding `json` once gives.
std::string GoRound(BoundedLua& lua, const std::string& json) {
  return lua.Run("return cjson.encode(cjson.decode([====[" + json + "]====]))");
}

TEST(Json, ValuesGoRound) {
  BoundedLua lua;
  for (const char* json :
       {"null", "true", "false", "0", "-0", "1.5", "-12345", "1e+20", "0.1", "99999999999999", "\"\"",
        "\"text\"", "[1,2,3]", "[[],1]", "{\"a\":{\"b\":[null,true]}}", "[null,null]"}) {
    const std::string expected = std::string(json) == "[[],1]" ? "[{},1]" : json;
    EXPECT_EQ(GoRound(lua, json), expected);
  }
  EXPECT_EQ(GoRound(lua, " [ 1 ,\t2\r\n] "), "[1,2]");
  EXPECT_EQ(GoRound(lua, "{\"b\":1,\"a\":2,\"\":3,\"a\":4}"), "{\"\":3,\"a\":4,\"b\":1}");
}

TEST(Json, NumbersHaveFourteenDigits) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("return cjson.encode({1/3,1e15,123456789012345,1e14,2^53,1e300,-1e-7})"),
            "[0.33333333333333,1e+15,1.2345678901234e+14,1e+14,9.007199254741e+15,1e+300,-1e-07]");
  EXPECT_EQ(lua.Run("cjson.encode_number_precision(3) local s=cjson.encode({math.pi,1234567}) "
                    "cjson.encode_number_precision(14) return s"),
            "[3.14,1.23e+06]");
}

TEST(Json, TextsAreEscaped) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run(R"(return cjson.encode('a"b\\c/d\n\r\t\b\f\0\1\31\127\128\255'))"),
            R"("a\"b\\c\/d\n\r\t\b\f\u0000\u0001\u001f\u007f)"
            "\x80\xff\"");
  EXPECT_EQ(lua.Run(R"(return cjson.decode('"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\udbff\\udfff\\/\\b"'))"),
            "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf/\b");
}

TEST(Json, TablesAreArraysOrObjects) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("return cjson.encode({1,nil,3}),cjson.encode({}),cjson.encode({[10]=1})"),
            "[1,null,3] {} [null,null,null,null,null,null,null,null,null,1]");
  EXPECT_EQ(lua.Run("return cjson.encode({z=1,1,2,a=3,[-1.5]=4})"), R"({"-1.5":4,"1":1,"2":2,"a":3,"z":1})");
  EXPECT_EQ(lua.Run("cjson.encode({[11]=1})"),
            "error: user_script:1: Cannot serialise table: excessively sparse array");
  EXPECT_EQ(lua.Run("cjson.encode_sparse_array(true) local s=cjson.encode({[1000]=1}) "
                    "cjson.encode_sparse_array(false) return s"),
            "{\"1000\":1}");
  EXPECT_EQ(lua.Run("cjson.encode({[true]=1,a=2})"),
            "error: user_script:1: Cannot serialise boolean: table key must be a number or string");
  EXPECT_EQ(lua.Run("cjson.encode({print_it=function() end})"),
            "error: user_script:1: Cannot serialise function: type not supported");
}

TEST(Json, NestingIsBounded) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("local t={} for i=1,999 do t={t} end return #cjson.encode(t)"), "2000");
  EXPECT_EQ(lua.Run("local t={} for i=1,1000 do t={t} end cjson.encode(t)"),
            "error: user_script:1: Cannot serialise, excessive nesting (1001)");
  EXPECT_EQ(lua.Run("local t={} t.t=t cjson.encode(t)"),
            "error: user_script:1: Cannot serialise, excessive nesting (1001)");
  EXPECT_EQ(lua.Run("return type(cjson.decode(('['):rep(1000)..(']'):rep(1000)))"), "table");
  EXPECT_EQ(lua.Run("cjson.decode(('['):rep(1001)..(']'):rep(1001))"),
            "error: user_script:1: Found too many nested data structures (1001) at character 1001");
  EXPECT_EQ(lua.Run("local c=cjson.new() c.decode_max_depth(2^31-1) c.encode_max_depth(2^31-1) "
                    "local t={} for i=1,1e5 do t={t} end return (pcall(c.encode,t)), "
                    "(pcall(c.decode,('{\"a\":'):rep(1e5)))"),
            "false false")
      << "no setting lets the stack run out";
}

TEST(Json, InvalidNumbersAreASetting) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("cjson.encode(0/0)"),
            "error: user_script:1: Cannot serialise number: must not be NaN or Inf");
  EXPECT_EQ(lua.Run("local c=cjson.new() local r={c.encode_invalid_numbers('null'),c.encode({1/0,0/0})} "
                    "r[3]=c.encode_invalid_numbers(true) r[4]=c.encode({1/0,-1/0,0/0}) return r"),
            "{null [null,null] true [inf,-inf,nan]}");
  EXPECT_EQ(
      lua.Run("return cjson.decode('0x10'),cjson.decode('-inf'),cjson.decode('NaN'),cjson.decode('01')"),
      "16 -inf nan 1");
  EXPECT_EQ(lua.Run("local c=cjson.new() c.decode_invalid_numbers(false) local r={} for i,s in "
                    "ipairs{'0x10','-inf','nan','01','+1','-','0','0.5','-0e1'} do r[i]=(pcall(c.decode,s)) "
                    "end return r"),
            "{false false false false false false true true true}");
}

TEST(Json, ErrorsSayWhatAndWhere) {
  BoundedLua lua;
  const std::pair<const char*, const char*> cases[] = {
      {"", "Expected value but found T_END at character 1"},
      {"[1", "Expected comma or array end but found T_END at character 3"},
      {"[1,]", "Expected value but found T_ARR_END at character 4"},
      {"{\"a\" 1}", "Expected colon but found T_NUMBER at character 6"},
      {"{\"a\":1 \"b\":2}", "Expected comma or object end but found T_STRING at character 8"},
      {"{a:1}", "Expected object key string but found invalid token at character 2"},
      {"1 2", "Expected the end but found T_NUMBER at character 3"},
      {"truex", "Expected the end but found invalid token at character 5"},
      {"\"abc", "Expected value but found unexpected end of string at character 5"},
      {"\"\\\\x\"", "Expected value but found invalid escape code at character 2"},
      {"\"\\\\ud83d\\\\u0041\"", "Expected value but found invalid unicode escape code at character 2"},
      {"-", "Expected value but found invalid number at character 1"},
      {"[\\0]", "JSON parser does not support UTF-16 or UTF-32"},
  };
  for (const auto& [json, message] : cases) {
    EXPECT_EQ(lua.Run(std::string("cjson.decode('") + json + "')"),
              std::string("error: user_script:1: ") + message);
  }
}

TEST(Json, SettingsCheckTheirArguments) {
  BoundedLua lua;
  EXPECT_EQ(
      lua.Run("return cjson.encode_max_depth(),cjson.decode_max_depth(),cjson.encode_number_precision(),"
              "cjson.encode_keep_buffer(),cjson.encode_sparse_array()"),
      "1000 1000 14 true false 2 10");
  EXPECT_EQ(lua.Run("cjson.encode_max_depth(0)"),
            "error: user_script:1: bad argument #1 to 'encode_max_depth' (expected integer between 1 and "
            "2147483647)");
  EXPECT_EQ(lua.Run("cjson.encode_invalid_numbers('x')"),
            "error: user_script:1: bad argument #1 to 'encode_invalid_numbers' (invalid option 'x')");
  EXPECT_EQ(lua.Run("cjson.encode_max_depth(1,2)"),
            "error: user_script:1: bad argument #2 to 'encode_max_depth' (found too many arguments)");
  EXPECT_EQ(lua.Run("local c=cjson.new() c.encode_max_depth(7) c.x=1 return c.encode_max_depth(),"
                    "cjson.encode_max_depth(),c.x"),
            "7 1000 1");
}

// Whatever the bytes: a value or a message, and what was taken goes round to the same.
TEST(Json, RandomTextsNeverDoMoreThanFail) {
  BoundedLua lua;
  Prng random(TestSeed());
  constexpr std::string_view kParts[] = {"[",     "]", "{", "}",   ",",    ":",   "\"a\"", "\"",
                                         "\\u12", "1", "-", "1e5", "null", "tru", " ",     "\\"};
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (uint64_t part = random.Below(12); part > 0; --part) text += kParts[random.Below(std::size(kParts))];
    lua_State* state = lua.state();
    PushGlobals(state);
    lua_pushlstring(state, text.data(), text.size());
    lua_setfield(state, -2, "TEXT");
    const std::string result = lua.Run(
        "local c=cjson.new() c.encode_invalid_numbers(true) "
        "local ok,v=pcall(c.decode,TEXT) if not ok then return 'refused' end "
        "local s=c.encode(v) return s==c.encode(c.decode(s))");
    ASSERT_TRUE(result == "refused" || result == "true") << text << ": " << result;
  }
}

}  // namespace
}  // namespace hearth::script
