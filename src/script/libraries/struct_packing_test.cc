#include "script/libraries/struct_packing.h"

#include <gtest/gtest.h>

#include "script/libraries/testing/bounded_lua.h"

namespace hearth::script {
namespace {

std::string Packed(BoundedLua& lua, const std::string& arguments) {
  return lua.Run("return (struct.pack(" + arguments +
                 "):gsub('.',function(c) return string.format('%02x',c:byte()) end))");
}

TEST(StructPacking, LettersSaySizeAndOrder) {
  BoundedLua lua;
  EXPECT_EQ(Packed(lua, "'bBhHiIlLT',-1,255,-2,65534,-3,4294967293,-4,5,6"),
            "fffffefffefffdfffffffdfffffffcffffffffffffff05000000000000000600000000000000");
  EXPECT_EQ(Packed(lua, "'>h <h >i3 >I5',258,258,1,1"), "010202010000010000000001");
  EXPECT_EQ(Packed(lua, "'>fd',1.5,1.5"), "3fc000003ff8000000000000");
  EXPECT_EQ(Packed(lua, "'sc2c0xs','ab','cde','fg',''"), "616200636466670000");
  EXPECT_EQ(Packed(lua, "'>i16',-2"), "0000000000000000fffffffffffffffe");
}

TEST(StructPacking, AlignmentPads) {
  BoundedLua lua;
  EXPECT_EQ(Packed(lua, "'!bi',1,2"), "0100000002000000");
  EXPECT_EQ(Packed(lua, "'!2bi',1,2"), "010002000000");
  EXPECT_EQ(
      lua.Run("return struct.size('!bhilTd'),struct.size('bhil'),struct.size('!4bi8'),struct.size('c10x')"),
      "32 15 12 11");
  EXPECT_EQ(lua.Run(R"(return struct.unpack('!4bi','\1\0\0\0\2\0\0\0'))"), "1 2 9");
}

TEST(StructPacking, UnpackGivesWhatPackTook) {
  BoundedLua lua;
  EXPECT_EQ(lua.Run("local f='>bhi3Ilds' return struct.unpack(f,struct.pack(f,-1,-2,-3,4,-5,0.5,'text'))"),
            "-1 -2 -3 4 -5 0.5 text 32");
  EXPECT_EQ(lua.Run(R"(return struct.unpack('Bc0','\2abc'))"), "ab 4");
  EXPECT_EQ(lua.Run(R"(return struct.unpack('b','\1\2\3',3))"), "3 4");
  EXPECT_EQ(lua.Run(R"(return struct.unpack('>I8','\255\255\255\255\255\255\255\255'))"),
            "1.844674407371e+19 9");
}

TEST(StructPacking, BadFormatsAreRefused) {
  BoundedLua lua;
  const std::pair<const char*, const char*> cases[] = {
      {"struct.pack('q',1)", "bad argument #1 to 'pack' (invalid format option 'q')"},
      {"struct.pack('i33',1)", "integral size 33 is larger than limit of 32"},
      {"struct.pack('i99999999999',1)", "integral size overflow"},
      {"struct.size('c2147483648')", "integral size overflow"},
      {"struct.pack('!3b',1)", "alignment 3 is not a power of 2"},
      {"struct.pack('c5','abc')", "bad argument #3 to 'pack' (string too short)"},
      {"struct.pack('bb',1)", "bad argument #3 to 'pack' (number expected, got nil)"},
      {"struct.pack('bbb',1)", "bad argument #3 to 'pack' (number expected, got nil)"},
      {"struct.size('s')", "bad argument #1 to 'size' (option 's' has no fixed size)"},
  };
  for (const auto& [call, message] : cases) {
    EXPECT_EQ(lua.Run(call), std::string("error: user_script:1: ") + message);
  }
}

TEST(StructPacking, NothingBeyondTheBytesIsRead) {
  BoundedLua lua;
  for (const char* arguments : {R"('h','\1')", R"('b','\1\2\3',4)", R"('b','\1\2\3',-1)", R"('b','x',2^63)",
                                R"('c2147483647','\1')", R"('Bc0','\9abc')", R"('bc0','\255abc')",
                                R"('I4c0','\255\255\255\255abc')", R"('i32','x')", R"('x','')"}) {
    EXPECT_EQ(lua.Run(std::string("struct.unpack(") + arguments + ")"),
              "error: user_script:1: bad argument #2 to 'unpack' (data string too short)")
        << arguments;
  }
  EXPECT_EQ(lua.Run("struct.unpack('s','abc')"), "error: user_script:1: unfinished string in data");
  EXPECT_EQ(lua.Run("struct.unpack('s','abc',2^40)"), "error: user_script:1: unfinished string in data");
  EXPECT_EQ(lua.Run("struct.unpack('c0','abc')"), "error: user_script:1: format 'c0' needs a previous size");
  EXPECT_EQ(lua.Run("struct.unpack('b','\\1',0)"),
            "error: user_script:1: bad argument #3 to 'unpack' (offset must be 1 or greater)");
  EXPECT_EQ(lua.Run("struct.unpack(('b'):rep(1e5),('x'):rep(1e5))"),
            "error: user_script:1: stack overflow (too many results)");
}

}  // namespace
}  // namespace hearth::script
