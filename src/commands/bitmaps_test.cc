#include <gtest/gtest.h>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

class BitmapsTest : public testing::Test {
 protected:
  BitmapsTest() {
    RegisterStrings(fixture_.engine.commands());
    RegisterKeys(fixture_.engine.commands());
    RegisterExpiry(fixture_.engine.commands());
    RegisterBitmaps(fixture_.engine.commands());
    RegisterLists(fixture_.engine.commands());
  }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  std::vector<std::string> Effects() { return fixture_.TakeEffects(); }

  engine::EngineFixture fixture_;
};

using Lines = std::vector<std::string>;

TEST_F(BitmapsTest, SetBitGrowsTheStringAndPassesOnRealChangesOnly) {
  EXPECT_EQ(Do("SETBIT k 9 1"), ":0\r\n");
  EXPECT_EQ(Do("SETBIT k 9 1"), ":1\r\n");
  EXPECT_EQ(Do("SETBIT k 30 0"), ":0\r\n");
  EXPECT_EQ(Do("GET k"), std::string("$4\r\n\0\x40\0\0\r\n", 10));
  EXPECT_EQ(Do("GETBIT k 9"), ":1\r\n");
  EXPECT_EQ(Do("GETBIT k 4000"), ":0\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: SETBIT k 9 1", "0: SETBIT k 30 0"}));
}

TEST_F(BitmapsTest, SetBitMakesAnIntegerRawEvenWhenNothingChanges) {
  Do("SET k 12");
  EXPECT_EQ(Do("SETBIT k 0 0"), ":0\r\n");
  EXPECT_EQ(Do("OBJECT ENCODING k"), "$3\r\nraw\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: SET k 12"}));
}

TEST_F(BitmapsTest, WrongArguments) {
  for (const char* line : {"SETBIT k -1 1", "SETBIT k 4294967296 1", "SETBIT k a 1", "GETBIT k #1"}) {
    EXPECT_EQ(Do(line), "-ERR bit offset is not an integer or out of range\r\n") << line;
  }
  EXPECT_EQ(Do("SETBIT k 1 2"), "-ERR bit is not an integer or out of range\r\n");
  EXPECT_EQ(Do("BITPOS k 2"), "-ERR The bit argument must be 1 or 0.\r\n");
  EXPECT_EQ(Do("BITOP NAND d k"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("BITFIELD k OVERFLOW MAYBE"), "-ERR Invalid OVERFLOW type specified\r\n");
  EXPECT_EQ(Do("BITFIELD_RO k SET u8 0 1"), "-ERR BITFIELD_RO only supports the GET subcommand\r\n");
  EXPECT_EQ(Do("EXISTS k"), ":0\r\n");
}

TEST_F(BitmapsTest, CountsInBytesAndBits) {
  Do("SET k foobar");
  EXPECT_EQ(Do("BITCOUNT k"), ":26\r\n");
  EXPECT_EQ(Do("BITCOUNT k 0 0"), ":4\r\n");
  EXPECT_EQ(Do("BITCOUNT k -2 -1"), ":7\r\n");
  EXPECT_EQ(Do("BITCOUNT k 5 30 BIT"), ":17\r\n");
  EXPECT_EQ(Do("BITCOUNT k 3 1"), ":0\r\n");
  EXPECT_EQ(Do("BITCOUNT k 0"), "-ERR syntax error\r\n");
}

TEST_F(BitmapsTest, BitPosSeesZerosAfterTheEndUnlessAnEndIsGiven) {
  Do("SETBIT k 0 1");
  EXPECT_EQ(Do("BITPOS k 0"), ":1\r\n");
  Do("SET k \"\\xff\\xff\"");
  EXPECT_EQ(Do("BITPOS k 0"), ":16\r\n");
  EXPECT_EQ(Do("BITPOS k 0 0 -1"), ":-1\r\n");
  EXPECT_EQ(Do("BITPOS k 1 9 9 BIT"), ":9\r\n");
  EXPECT_EQ(Do("BITPOS nosuch 0"), ":0\r\n");
  EXPECT_EQ(Do("BITPOS nosuch 1"), ":-1\r\n");
}

TEST_F(BitmapsTest, BitOpFillsShortSourcesWithZeros) {
  Do("SET a \"\\xf0\\xff\"");
  Do("SET b \"\\x3c\"");
  EXPECT_EQ(Do("BITOP AND d a b"), ":2\r\n");
  EXPECT_EQ(Do("GET d"), std::string("$2\r\n\x30\0\r\n", 8));
  EXPECT_EQ(Do("BITOP OR d a b nosuch"), ":2\r\n");
  EXPECT_EQ(Do("GET d"), "$2\r\n\xfc\xff\r\n");
  EXPECT_EQ(Do("BITOP XOR a a b"), ":2\r\n");
  EXPECT_EQ(Do("GET a"), "$2\r\n\xcc\xff\r\n");
  EXPECT_EQ(Do("BITOP NOT d b"), ":1\r\n");
  EXPECT_EQ(Do("GET d"), "$1\r\n\xc3\r\n");
  EXPECT_EQ(Do("BITOP AND d nosuch"), ":0\r\n");
  EXPECT_EQ(Do("EXISTS d"), ":0\r\n");
}

TEST_F(BitmapsTest, BitOpReplacesAnyTypeAndDropsTheExpiry) {
  Do("RPUSH d x");
  Do("EXPIRE d 100");
  Do("SET a 123");
  EXPECT_EQ(Do("BITOP OR d a"), ":3\r\n");
  EXPECT_EQ(Do("OBJECT ENCODING d"), "$3\r\nraw\r\n");
  EXPECT_EQ(Do("TTL d"), ":-1\r\n");
}

TEST_F(BitmapsTest, BitFieldGetsSetsAndIncrements) {
  EXPECT_EQ(Do("BITFIELD k SET u8 #1 200 GET u8 8 INCRBY u8 #1 100 INCRBY i5 100 1"),
            "*4\r\n:0\r\n:200\r\n:44\r\n:1\r\n");
  EXPECT_EQ(Do("STRLEN k"), ":14\r\n");
  EXPECT_EQ(Do("BITFIELD k OVERFLOW SAT INCRBY u8 #1 300 OVERFLOW FAIL INCRBY u8 #1 1 GET u8 #1"),
            "*3\r\n:255\r\n$-1\r\n:255\r\n");
  EXPECT_EQ(Do("BITFIELD nosuch GET u8 0"), "*1\r\n:0\r\n");
  EXPECT_EQ(Do("EXISTS nosuch"), ":0\r\n");
  EXPECT_EQ(Do("BITFIELD k"), "*0\r\n");
}

TEST_F(BitmapsTest, BitFieldThatFailsEverywhereIsNotPassedOn) {
  Do("BITFIELD k SET u8 0 255");
  Effects();
  Do("BITFIELD k OVERFLOW FAIL INCRBY u8 0 1");
  EXPECT_EQ(Effects(), Lines{});
}

}  // namespace
}  // namespace hearth::commands
