#include "commands/sets.h"

#include <gtest/gtest.h>

#include "base/test_seed.h"
#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

using Lines = std::vector<std::string>;

class SetsTest : public testing::Test {
 protected:
  SetsTest() { RegisterSets(fixture_.engine.commands()); }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  Lines Effects() { return fixture_.TakeEffects(); }
  void UseResp3() { fixture_.client->writer.set_protocol(3); }

  engine::EngineFixture fixture_;
};

TEST_F(SetsTest, AddsRemovesAndAsks) {
  EXPECT_EQ(Do("SADD s 1 2 2 a"), ":3\r\n");
  EXPECT_EQ(Do("SADD s 1"), ":0\r\n");
  EXPECT_EQ(Do("SCARD s"), ":3\r\n");
  EXPECT_EQ(Do("SISMEMBER s a"), ":1\r\n");
  EXPECT_EQ(Do("SMISMEMBER s 1 x"), "*2\r\n:1\r\n:0\r\n");
  EXPECT_EQ(Do("SMISMEMBER none 1"), "*1\r\n:0\r\n");
  Effects();
  EXPECT_EQ(Do("SREM s x"), ":0\r\n");
  EXPECT_EQ(Effects(), Lines{});
  EXPECT_EQ(Do("SREM s 1 2 a 5"), ":3\r\n");
  EXPECT_EQ(Effects(), Lines{"0: SREM s 1 2 a 5"});
  EXPECT_EQ(fixture_.engine.keyspace().database(0).size(), 0u);
}

TEST_F(SetsTest, WholeSetsAreSetsToResp3) {
  Do("SADD s 1 2");
  EXPECT_EQ(Do("SMEMBERS s"), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
  UseResp3();
  EXPECT_EQ(Do("SMEMBERS s"), "~2\r\n$1\r\n1\r\n$1\r\n2\r\n");
  EXPECT_EQ(Do("SMEMBERS none"), "~0\r\n");
  EXPECT_EQ(Do("SINTER s"), "~2\r\n$1\r\n1\r\n$1\r\n2\r\n");
  EXPECT_EQ(Do("SDIFF s none"), "~2\r\n$1\r\n1\r\n$1\r\n2\r\n");
  EXPECT_EQ(Do("SUNION none"), "~0\r\n");
  EXPECT_EQ(Do("SRANDMEMBER s 5"), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
  EXPECT_EQ(Do("SPOP none"), "_\r\n");
  EXPECT_EQ(Do("SPOP s 5"), "~2\r\n$1\r\n1\r\n$1\r\n2\r\n");
}

TEST_F(SetsTest, Combines) {
  Do("SADD a 1 2 3");
  Do("SADD b 2 3 4");
  EXPECT_EQ(Do("SINTER a b"), "*2\r\n$1\r\n2\r\n$1\r\n3\r\n");
  EXPECT_EQ(Do("SINTER a none"), "*0\r\n");
  EXPECT_EQ(Do("SINTERCARD 2 a b"), ":2\r\n");
  EXPECT_EQ(Do("SINTERCARD 2 a b LIMIT 1"), ":1\r\n");
  EXPECT_EQ(Do("SINTERCARD 0 a"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(Do("SINTERCARD 3 a b"), "-ERR Number of keys can't be greater than number of args\r\n");
  EXPECT_EQ(Do("SINTERCARD 1 a LIMIT -1"), "-ERR LIMIT can't be negative\r\n");
  EXPECT_EQ(Do("SUNIONSTORE a a b"), ":4\r\n");
  EXPECT_EQ(Do("SDIFF a b"), "*1\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("SDIFFSTORE a b b"), ":0\r\n");
  EXPECT_EQ(Do("SCARD a"), ":0\r\n");
  EXPECT_EQ(Do("SINTERSTORE c b b"), ":3\r\n");
}

TEST_F(SetsTest, Moves) {
  Do("SADD a 1 2");
  EXPECT_EQ(Do("SMOVE a b 1"), ":1\r\n");
  EXPECT_EQ(Do("SMOVE a b 1"), ":0\r\n");
  EXPECT_EQ(Do("SMOVE a a 2"), ":1\r\n");
  EXPECT_EQ(Do("SMOVE a b 2"), ":1\r\n");
  EXPECT_EQ(Do("SCARD a"), ":0\r\n");
  EXPECT_EQ(Do("SCARD b"), ":2\r\n");
}

TEST_F(SetsTest, PopsAreRemovalsToReplicas) {
  Do("SADD s a");
  Effects();
  EXPECT_EQ(Do("SPOP s"), "$1\r\na\r\n");
  EXPECT_EQ(Effects(), Lines{"0: SREM s a"});
  Do("SADD s a b");
  Effects();
  Do("SPOP s 2");
  EXPECT_EQ(Effects(), Lines{"0: DEL s"});
  Do("SADD s a b c d");
  Effects();
  Do("SPOP s 3");
  const Lines effects = Effects();
  ASSERT_EQ(effects.size(), 1u);
  EXPECT_EQ(effects[0].size(), std::string("0: SREM s a b c").size());
  EXPECT_EQ(Do("SCARD s"), ":1\r\n");
  EXPECT_EQ(Do("SPOP s -1"), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(Do("SPOP s 0"), "*0\r\n");
}

TEST_F(SetsTest, PopsOfAnySizeLeaveTheRest) {
  Prng random(TestSeed());
  for (int round = 0; round < 30; ++round) {
    const uint64_t size = random.Below(400) + 2;
    const uint64_t count = random.Below(size - 1) + 1;
    std::string add = "SADD s";
    for (uint64_t i = 0; i < size; ++i) add += (round % 2 == 0 ? " " : " m") + std::to_string(i);
    Do(add);
    Do("SPOP s " + std::to_string(count));
    EXPECT_EQ(Do("SCARD s"), ":" + std::to_string(size - count) + "\r\n");
    Do("SPOP s 1000");
  }
}

TEST_F(SetsTest, RefusesOtherTypesAndTooManyArguments) {
  Do("SADD s a");
  EXPECT_EQ(Do("SPOP s 1 2"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("SRANDMEMBER s 1 2"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("SRANDMEMBER s -9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807\r\n");
  EXPECT_EQ(Do("SRANDMEMBER s -3"), "*3\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n");
}

TEST_F(SetsTest, ScansSmallSetsAtOnce) {
  Do("SADD s 1 22 3");
  EXPECT_EQ(Do("SSCAN s 0 MATCH 2*"), "*2\r\n$1\r\n0\r\n*1\r\n$2\r\n22\r\n");
  EXPECT_EQ(Do("SSCAN none 0"), "*2\r\n$1\r\n0\r\n*0\r\n");
}

}  // namespace
}  // namespace hearth::commands
