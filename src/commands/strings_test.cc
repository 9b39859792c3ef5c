#include <gtest/gtest.h>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

class StringsTest : public testing::Test {
 protected:
  StringsTest() {
    RegisterStrings(fixture_.engine.commands());
    RegisterKeys(fixture_.engine.commands());
    RegisterExpiry(fixture_.engine.commands());
  }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  std::vector<std::string> Effects() { return fixture_.TakeEffects(); }
  int64_t now_ms() { return fixture_.engine.now_ms(); }

  engine::EngineFixture fixture_;
};

using Lines = std::vector<std::string>;

TEST_F(StringsTest, SetAndGet) {
  EXPECT_EQ(Do("GET k"), "$-1\r\n");
  EXPECT_EQ(Do("SET k v"), "+OK\r\n");
  EXPECT_EQ(Do("GET k"), "$1\r\nv\r\n");
  EXPECT_EQ(Do("SET k 12"), "+OK\r\n");
  EXPECT_EQ(Do("GET k"), "$2\r\n12\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: SET k v", "0: SET k 12"}));
}

TEST_F(StringsTest, SetReplacesAnyExpiryUnlessToldToKeepIt) {
  Do("SET k v EX 10");
  EXPECT_EQ(Do("PTTL k"), ":10000\r\n");
  Do("SET k w KEEPTTL");
  EXPECT_EQ(Do("PTTL k"), ":10000\r\n");
  Do("SET k x");
  EXPECT_EQ(Do("PTTL k"), ":-1\r\n");
}

TEST_F(StringsTest, RelativeTimesArePassedOnAsAbsoluteOnes) {
  Do("SET k v EX 10");
  Do("SETEX k 5 w");
  Do("PSETEX k 5 x");
  Do("GETEX k PX 100");
  Do("GETEX k PERSIST");
  const std::string now = std::to_string(now_ms());
  EXPECT_EQ(Effects(), (Lines{"0: SET k v PXAT " + std::to_string(now_ms() + 10000),
                              "0: SET k w PXAT " + std::to_string(now_ms() + 5000),
                              "0: SET k x PXAT " + std::to_string(now_ms() + 5),
                              "0: PEXPIREAT k " + std::to_string(now_ms() + 100), "0: PERSIST k"}));
}

TEST_F(StringsTest, ConditionsOfSet) {
  EXPECT_EQ(Do("SET k v XX"), "$-1\r\n");
  EXPECT_EQ(Do("SET k v NX"), "+OK\r\n");
  EXPECT_EQ(Do("SET k w NX"), "$-1\r\n");
  EXPECT_EQ(Do("SET k w NX GET"), "$1\r\nv\r\n");
  EXPECT_EQ(Do("SET k w XX GET KEEPTTL"), "$1\r\nv\r\n");
  EXPECT_EQ(Do("GET k"), "$1\r\nw\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: SET k v NX", "0: SET k w KEEPTTL"}));
}

TEST_F(StringsTest, OptionsThatExcludeEachOther) {
  for (const char* line :
       {"SET k v NX XX", "SET k v EX 1 PX 1", "SET k v KEEPTTL EX 1", "SET k v EX 1 KEEPTTL", "SET k v EX",
        "SET k v PERSIST", "GETEX k PERSIST EX 1", "GETEX k KEEPTTL", "SET k v what"}) {
    EXPECT_EQ(Do(line), "-ERR syntax error\r\n") << line;
  }
  EXPECT_EQ(Do("SET k v EX 10 EX 20"), "+OK\r\n");
  EXPECT_EQ(Do("TTL k"), ":20\r\n");
}

TEST_F(StringsTest, WrongTimes) {
  EXPECT_EQ(Do("SET k v EX 0"), "-ERR invalid expire time in 'set' command\r\n");
  EXPECT_EQ(Do("SET k v EX a"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Do("SETEX k 9223372036854775807 v"), "-ERR invalid expire time in 'setex' command\r\n");
  EXPECT_EQ(Do("PSETEX k 9223372036854775807 v"), "-ERR invalid expire time in 'psetex' command\r\n");
  EXPECT_EQ(Do("EXISTS k"), ":0\r\n");
}

TEST_F(StringsTest, GetExWithAPastTimeRemovesTheKey) {
  Do("SET k v");
  EXPECT_EQ(Do("GETEX k EXAT 1"), "$1\r\nv\r\n");
  EXPECT_EQ(Do("EXISTS k"), ":0\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: SET k v", "0: DEL k"}));
}

TEST_F(StringsTest, AnExpiredKeyIsGoneAndItsDelGoesBeforeTheCommandThatMetIt) {
  Do("SET k v PX 10");
  Effects();
  fixture_.AdvanceMs(11);
  EXPECT_EQ(Do("SET k w NX"), "+OK\r\n");
  EXPECT_EQ(Effects(), (Lines{"(", "0: DEL k", "0: SET k w NX", ")"}));
}

TEST_F(StringsTest, ManyKeysAtOnce) {
  std::string set = "MSET";
  std::string get = "MGET";
  std::string values = "*40\r\n";
  for (int i = 0; i < 40; ++i) {
    set += " key" + std::to_string(i) + " v" + std::to_string(i);
    get += " key" + std::to_string(i);
    const std::string value = "v" + std::to_string(i);
    values += "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  }
  EXPECT_EQ(Do(set), "+OK\r\n");
  EXPECT_EQ(Do(get), values);
  EXPECT_EQ(Do("MSETNX new 1 key3 2"), ":0\r\n");
  EXPECT_EQ(Do("EXISTS new"), ":0\r\n");
  EXPECT_EQ(Do("MSET a 1 b"), "-ERR wrong number of arguments for 'mset' command\r\n");
}

TEST_F(StringsTest, CountersAddAndRefuseToOverflow) {
  EXPECT_EQ(Do("INCR n"), ":1\r\n");
  EXPECT_EQ(Do("INCRBY n 9223372036854775806"), ":9223372036854775807\r\n");
  EXPECT_EQ(Do("INCR n"), "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(Do("DECRBY n -9223372036854775808"), "-ERR decrement would overflow\r\n");
  EXPECT_EQ(Do("DECR n"), ":9223372036854775806\r\n");
  Do("SET s x");
  EXPECT_EQ(Do("INCR s"), "-ERR value is not an integer or out of range\r\n");
}

TEST_F(StringsTest, CountersKeepTheExpiry) {
  Do("SET n 5 EX 100");
  Do("INCR n");
  Do("APPEND n 0");
  Do("INCR n");
  EXPECT_EQ(Do("GET n"), "$2\r\n61\r\n");
  EXPECT_EQ(Do("TTL n"), ":100\r\n");
  EXPECT_EQ(Do("OBJECT ENCODING n"), "$3\r\nint\r\n");
}

TEST_F(StringsTest, FloatSumsArePassedOnAsTheirResult) {
  EXPECT_EQ(Do("INCRBYFLOAT f 10.5"), "$4\r\n10.5\r\n");
  EXPECT_EQ(Do("INCRBYFLOAT f 0.5"), "$2\r\n11\r\n");
  EXPECT_EQ(Do("OBJECT ENCODING f"), "$6\r\nembstr\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: SET f 10.5 KEEPTTL", "0: SET f 11 KEEPTTL"}));
  EXPECT_EQ(Do("INCRBYFLOAT f inf"), "-ERR increment would produce NaN or Infinity\r\n");
}

TEST_F(StringsTest, PartsOfStrings) {
  Do("SET k hello");
  EXPECT_EQ(Do("GETRANGE k 1 -2"), "$3\r\nell\r\n");
  EXPECT_EQ(Do("GETRANGE k -3 -4"), "$0\r\n\r\n");
  EXPECT_EQ(Do("SETRANGE k 6 x"), ":7\r\n");
  EXPECT_EQ(Do("STRLEN k"), ":7\r\n");
  EXPECT_EQ(Do("SETRANGE k -1 x"), "-ERR offset is out of range\r\n");
  EXPECT_EQ(Do("SETRANGE none 5 \"\""), ":0\r\n");
  EXPECT_EQ(Do("EXISTS none"), ":0\r\n");
}

TEST_F(StringsTest, LongestCommonSubsequence) {
  Do("MSET a ohmytext b mynewtext");
  EXPECT_EQ(Do("LCS a b"), "$6\r\nmytext\r\n");
  EXPECT_EQ(Do("LCS a b LEN"), ":6\r\n");
  EXPECT_EQ(
      Do("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN"),
      "*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n$3\r\nlen\r\n:6\r\n");
  EXPECT_EQ(Do("LCS a none"), "$0\r\n\r\n");
}

}  // namespace
}  // namespace hearth::commands
