#include "commands/sorted_sets.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

using Lines = std::vector<std::string>;

class SortedSetsTest : public testing::Test {
 protected:
  SortedSetsTest() {
    RegisterSortedSets(fixture_.engine.commands());
    RegisterSets(fixture_.engine.commands());
  }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  Lines Effects() { return fixture_.TakeEffects(); }
  void UseResp3() { fixture_.client->writer.set_protocol(3); }

  engine::EngineFixture fixture_;
};

TEST_F(SortedSetsTest, AddsUnderEveryCondition) {
  EXPECT_EQ(Do("ZADD z 1 a 2 b"), ":2\r\n");
  EXPECT_EQ(Do("ZADD z NX 5 a 3 c"), ":1\r\n");
  EXPECT_EQ(Do("ZADD z XX CH 5 a 3 d"), ":1\r\n");
  EXPECT_EQ(Do("ZADD z GT CH 4 a 7 b"), ":1\r\n");
  EXPECT_EQ(Do("ZADD z LT CH 4 a 8 b"), ":1\r\n");
  EXPECT_EQ(Do("ZADD z INCR 1.5 a"), "$3\r\n5.5\r\n");
  EXPECT_EQ(Do("ZADD z NX INCR 1 a"), "$-1\r\n");
  EXPECT_EQ(Do("ZADD z GT INCR -1 a"), "$-1\r\n");
  EXPECT_EQ(Do("ZINCRBY z 1 new"), "$1\r\n1\r\n");
  EXPECT_EQ(Do("ZSCORE z a"), "$3\r\n5.5\r\n");
  EXPECT_EQ(Do("ZMSCORE z b x"), "*2\r\n$1\r\n7\r\n$-1\r\n");
  EXPECT_EQ(Do("ZADD none XX 1 a"), ":0\r\n");
  EXPECT_EQ(Do("ZADD none XX INCR 1 a"), "$-1\r\n");
}

TEST_F(SortedSetsTest, RefusesWhatContradictsItself) {
  EXPECT_EQ(Do("ZADD z 1"), "-ERR wrong number of arguments for 'zadd' command\r\n");
  EXPECT_EQ(Do("ZADD z NX 1"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("ZADD z NX XX 1 a"), "-ERR XX and NX options at the same time are not compatible\r\n");
  EXPECT_EQ(Do("ZADD z GT LT 1 a"), "-ERR GT, LT, and/or NX options at the same time are not compatible\r\n");
  EXPECT_EQ(Do("ZADD z INCR 1 a 2 b"), "-ERR INCR option supports a single increment-element pair\r\n");
  EXPECT_EQ(Do("ZADD z 1 a x b"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(Do("ZCARD z"), ":0\r\n");
  Do("ZADD z inf a");
  Effects();
  EXPECT_EQ(Do("ZINCRBY z -inf a"), "-ERR resulting score is not a number (NaN)\r\n");
  EXPECT_EQ(Effects(), Lines{});
}

TEST_F(SortedSetsTest, RanksWithAndWithoutScore) {
  Do("ZADD z 1 a 2 b 3 c");
  EXPECT_EQ(Do("ZRANK z b"), ":1\r\n");
  EXPECT_EQ(Do("ZREVRANK z a"), ":2\r\n");
  EXPECT_EQ(Do("ZRANK z c WITHSCORE"), "*2\r\n:2\r\n$1\r\n3\r\n");
  EXPECT_EQ(Do("ZRANK z x"), "$-1\r\n");
  EXPECT_EQ(Do("ZRANK z x WITHSCORE"), "*-1\r\n");
  EXPECT_EQ(Do("ZRANK z x WITH"), "-ERR syntax error\r\n");
}

TEST_F(SortedSetsTest, ScoresAreWrittenAsBriefly) {
  Do("ZADD z 0.1 a 1e20 b 3.0 c -1e-10 d inf e");
  EXPECT_EQ(Do("ZMSCORE z a b c d e"),
            "*5\r\n$3\r\n0.1\r\n$5\r\n1e+20\r\n$1\r\n3\r\n$6\r\n-1e-10\r\n$3\r\ninf\r\n");
  UseResp3();
  EXPECT_EQ(Do("ZSCORE z a"), ",0.1\r\n");
  EXPECT_EQ(Do("ZSCORE z e"), ",inf\r\n");
  EXPECT_EQ(Do("ZINCRBY z 1 c"), ",4\r\n");
}

TEST_F(SortedSetsTest, RangesOfEveryKind) {
  Do("ZADD z 1 a 2 b 3 c 4 d");
  EXPECT_EQ(Do("ZRANGE z 1 -2"), "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(Do("ZRANGE z 0 0 REV WITHSCORES"), "*2\r\n$1\r\nd\r\n$1\r\n4\r\n");
  EXPECT_EQ(Do("ZRANGE z (1 3 BYSCORE"), "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(Do("ZRANGE z 3 1 BYSCORE REV LIMIT 1 1"), "*1\r\n$1\r\nb\r\n");
  EXPECT_EQ(Do("ZRANGE z [b (d BYLEX"), "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(Do("ZREVRANGE z 0 1"), "*2\r\n$1\r\nd\r\n$1\r\nc\r\n");
  EXPECT_EQ(Do("ZRANGEBYSCORE z -inf +inf LIMIT 1 1"), "*1\r\n$1\r\nb\r\n");
  EXPECT_EQ(Do("ZREVRANGEBYSCORE z 2 1"), "*2\r\n$1\r\nb\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("ZREVRANGEBYLEX z + [c LIMIT 0 1"), "*1\r\n$1\r\nd\r\n");
  EXPECT_EQ(Do("ZCOUNT z (1 3"), ":2\r\n");
  EXPECT_EQ(Do("ZLEXCOUNT z - +"), ":4\r\n");
  EXPECT_EQ(Do("ZRANGE z 0 -1 LIMIT 0 1"),
            "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX\r\n");
  EXPECT_EQ(Do("ZRANGE z - + BYLEX WITHSCORES"),
            "-ERR syntax error, WITHSCORES not supported in combination with BYLEX\r\n");
  EXPECT_EQ(Do("ZRANGE z a b BYSCORE"), "-ERR min or max is not a float\r\n");
  EXPECT_EQ(Do("ZRANGEBYLEX z a b"), "-ERR min or max not valid string range item\r\n");
  UseResp3();
  EXPECT_EQ(Do("ZRANGE z 0 0 WITHSCORES"), "*1\r\n*2\r\n$1\r\na\r\n,1\r\n");
}

TEST_F(SortedSetsTest, StoresAndRemovesRanges) {
  Do("ZADD z 1 a 2 b 3 c 4 d");
  EXPECT_EQ(Do("ZRANGESTORE z z 1 2"), ":2\r\n");
  EXPECT_EQ(Do("ZRANGE z 0 -1"), "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(Do("ZRANGESTORE z none 1 2"), ":0\r\n");
  EXPECT_EQ(Do("ZCARD z"), ":0\r\n");
  Do("ZADD z 1 a 2 b 3 c 4 d");
  EXPECT_EQ(Do("ZREMRANGEBYRANK z 0 0"), ":1\r\n");
  EXPECT_EQ(Do("ZREMRANGEBYSCORE z 2 (3"), ":1\r\n");
  EXPECT_EQ(Do("ZREMRANGEBYLEX z - +"), ":2\r\n");
  EXPECT_EQ(fixture_.engine.keyspace().database(0).size(), 0u);
}

TEST_F(SortedSetsTest, CombinesSortedSetsAndSets) {
  Do("ZADD a 1 x 2 y");
  Do("ZADD b 10 y 20 z");
  Do("SADD s x 5");
  EXPECT_EQ(Do("ZUNION 2 a b WITHSCORES"),
            "*6\r\n$1\r\nx\r\n$1\r\n1\r\n$1\r\ny\r\n$2\r\n12\r\n$1\r\nz\r\n$2\r\n20\r\n");
  EXPECT_EQ(Do("ZINTER 2 a b WEIGHTS 2 1 AGGREGATE MAX WITHSCORES"), "*2\r\n$1\r\ny\r\n$2\r\n10\r\n");
  EXPECT_EQ(Do("ZDIFF 2 a b"), "*1\r\n$1\r\nx\r\n");
  EXPECT_EQ(Do("ZINTERCARD 2 a s LIMIT 5"), ":1\r\n");
  EXPECT_EQ(Do("ZUNIONSTORE a 2 a s"), ":3\r\n");
  EXPECT_EQ(Do("ZSCORE a x"), "$1\r\n2\r\n");
  EXPECT_EQ(Do("ZINTERSTORE a 2 a none"), ":0\r\n");
  EXPECT_EQ(Do("ZUNION 0 a"), "-ERR at least 1 input key is needed for 'zunion' command\r\n");
  EXPECT_EQ(Do("ZDIFF 1 a WEIGHTS 1"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("ZUNION 1 a WEIGHTS x"), "-ERR weight value is not a float\r\n");
}

TEST_F(SortedSetsTest, PopsEitherEnd) {
  Do("ZADD z 1 a 2 b 3 c 4 d");
  EXPECT_EQ(Do("ZPOPMIN z"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("ZPOPMAX z 2"), "*4\r\n$1\r\nd\r\n$1\r\n4\r\n$1\r\nc\r\n$1\r\n3\r\n");
  EXPECT_EQ(Do("ZPOPMAX z 0"), "*0\r\n");
  Effects();
  EXPECT_EQ(Do("ZMPOP 2 none z MIN COUNT 9"), "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
  EXPECT_EQ(Effects(), Lines{"0: ZPOPMIN z 1"});
  EXPECT_EQ(Do("ZMPOP 2 none z MIN"), "*-1\r\n");
  EXPECT_EQ(Do("ZPOPMIN z 1 2"), "-ERR syntax error\r\n");
}

TEST_F(SortedSetsTest, BlockingFormsServedAtOncePassOnThePlainOnes) {
  Do("ZADD z 1 a 2 b 3 c");
  Effects();
  EXPECT_EQ(Do("BZPOPMIN x z 0"), "*3\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Effects(), Lines{"0: ZPOPMIN z"});
  EXPECT_EQ(Do("BZMPOP 0 2 x z MAX COUNT 5"),
            "*2\r\n$1\r\nz\r\n*2\r\n*2\r\n$1\r\nc\r\n$1\r\n3\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
  EXPECT_EQ(Effects(), Lines{"0: ZPOPMAX z 2"});
  // A caller that cannot wait is answered.
  EXPECT_EQ(Do("BZPOPMAX z 0"), "*-1\r\n");
  EXPECT_EQ(Do("BZMPOP -1 1 z MIN"), "-ERR timeout is negative\r\n");
}

TEST_F(SortedSetsTest, DrawsAndScans) {
  Do("ZADD z 1 a");
  EXPECT_EQ(Do("ZRANDMEMBER z"), "$1\r\na\r\n");
  EXPECT_EQ(Do("ZRANDMEMBER z -2"), "*2\r\n$1\r\na\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("ZRANDMEMBER z 3 WITHSCORES"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("ZRANDMEMBER none"), "$-1\r\n");
  EXPECT_EQ(Do("ZRANDMEMBER z 1 WITH"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("ZSCAN z 0"), "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  std::string add = "ZADD large";
  for (int i = 0; i < 300; ++i) add += " " + std::to_string(i) + " m" + std::to_string(i);
  Do(add);
  for (const char* count : {"3", "29", "200", "299"}) {
    const std::string reply = Do(std::string("ZRANDMEMBER large ") + count);
    EXPECT_TRUE(reply.starts_with(std::string("*") + count + "\r\n"));
    EXPECT_EQ(static_cast<size_t>(std::count(reply.begin(), reply.end(), 'm')), std::stoul(count));
  }
}

}  // namespace
}  // namespace hearth::commands
