#include <gtest/gtest.h>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

using Lines = std::vector<std::string>;

class HyperLogLogsTest : public testing::Test {
 protected:
  HyperLogLogsTest() {
    RegisterStrings(fixture_.engine.commands());
    RegisterKeys(fixture_.engine.commands());
    RegisterLists(fixture_.engine.commands());
    RegisterHyperLogLogs(fixture_.engine.commands());
  }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  std::vector<std::string> Effects() { return fixture_.TakeEffects(); }

  engine::EngineFixture fixture_;
};

TEST_F(HyperLogLogsTest, CountsDifferentElements) {
  EXPECT_EQ(Do("PFADD h a b c"), ":1\r\n");
  EXPECT_EQ(Do("PFADD h a b"), ":0\r\n");
  EXPECT_EQ(Do("PFCOUNT h"), ":3\r\n");
  EXPECT_EQ(Do("PFADD e"), ":1\r\n");
  EXPECT_EQ(Do("PFADD e"), ":0\r\n");
  EXPECT_EQ(Do("PFCOUNT e"), ":0\r\n");
  EXPECT_EQ(Do("PFCOUNT nosuch"), ":0\r\n");
}

TEST_F(HyperLogLogsTest, ACountIsKeptAndPassedOnOnce) {
  Do("PFADD h a b c");
  Effects();
  Do("PFCOUNT h");
  Do("PFCOUNT h");
  EXPECT_EQ(Effects(), Lines{"0: PFCOUNT h"});
}

TEST_F(HyperLogLogsTest, MergesAndCountsUnions) {
  Do("PFADD a 1 2 3");
  Do("PFADD b 3 4 5");
  EXPECT_EQ(Do("PFCOUNT a b nosuch"), ":5\r\n");
  EXPECT_EQ(Do("PFMERGE c a b"), "+OK\r\n");
  EXPECT_EQ(Do("PFCOUNT c"), ":5\r\n");
  EXPECT_EQ(Do("PFDEBUG ENCODING c"), "+sparse\r\n");
  EXPECT_EQ(Do("PFDEBUG TODENSE b"), ":1\r\n");
  EXPECT_EQ(Do("PFMERGE c b"), "+OK\r\n");
  EXPECT_EQ(Do("PFDEBUG ENCODING c"), "+dense\r\n");
  EXPECT_EQ(Do("PFCOUNT c"), ":5\r\n");
  EXPECT_EQ(Do("STRLEN c"), ":12304\r\n");
}

TEST_F(HyperLogLogsTest, BecomesDenseAboveItsLimit) {
  fixture_.settings.hll_sparse_max_bytes = 30;
  Do("PFADD h a b c");
  EXPECT_EQ(Do("PFDEBUG ENCODING h"), "+sparse\r\n");
  Do("PFADD h d e f g h i");
  EXPECT_EQ(Do("PFDEBUG ENCODING h"), "+dense\r\n");
  EXPECT_EQ(Do("PFCOUNT h"), ":9\r\n");
}

TEST_F(HyperLogLogsTest, RefusesWhatIsNoSketch) {
  Do("SET s text");
  Do("SET n 12345678901234567");
  Do("RPUSH l x");
  EXPECT_EQ(Do("PFADD s a"), "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n");
  EXPECT_EQ(Do("PFCOUNT n"), "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n");
  EXPECT_EQ(Do("PFMERGE d l"), "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
  EXPECT_EQ(Do("EXISTS d"), ":0\r\n");
  EXPECT_EQ(Do("PFDEBUG DECODE nosuch"), "-ERR The specified key does not exist\r\n");
}

TEST_F(HyperLogLogsTest, RefusesCorruptOpcodes) {
  Do("SET h \"HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xfe\"");
  EXPECT_EQ(Do("PFCOUNT h"), "-INVALIDOBJ Corrupted HLL object detected\r\n");
  EXPECT_EQ(Do("PFCOUNT h h"), "-INVALIDOBJ Corrupted HLL object detected\r\n");
  EXPECT_EQ(Do("PFMERGE d h"), "-INVALIDOBJ Corrupted HLL object detected\r\n");
  EXPECT_EQ(Do("PFDEBUG GETREG h"), "-INVALIDOBJ Corrupted HLL object detected\r\n");
  EXPECT_EQ(Do("PFDEBUG DECODE h"), "$7\r\nZ:16383\r\n");
}

TEST_F(HyperLogLogsTest, PassesItsSelfTest) { EXPECT_EQ(Do("PFSELFTEST"), "+OK\r\n"); }

}  // namespace
}  // namespace hearth::commands
