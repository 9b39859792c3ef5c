#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

using Lines = std::vector<std::string>;

class StreamCommands : public testing::Test {
 protected:
  StreamCommands() { RegisterStreams(f.engine.commands()); }
  // The clock's time, as XCLAIM's effects have it.
  std::string Now() { return std::to_string(f.engine.now_ms()); }

  engine::EngineFixture f;
};

TEST_F(StreamCommands, AddGivesIdsThatRiseThoughTheClockStandsStill) {
  const std::string now = Now();
  EXPECT_EQ(f.Do("XADD s * a b"), "$" + std::to_string(now.size() + 2) + "\r\n" + now + "-0\r\n");
  EXPECT_EQ(f.Do("XADD s * a b"), "$" + std::to_string(now.size() + 2) + "\r\n" + now + "-1\r\n");
  EXPECT_EQ(f.Do("XLEN s"), ":2\r\n");
  EXPECT_EQ(f.TakeEffects(), (Lines{"0: XADD s " + now + "-0 a b", "0: XADD s " + now + "-1 a b"}));
}

TEST_F(StreamCommands, AddPassesOnTheTrimThatItMade) {
  f.settings.stream_node_max_entries = 2;
  for (int i = 1; i <= 6; ++i) f.Do("XADD s " + std::to_string(i) + "-0 a b");
  f.TakeEffects();
  f.Do("XADD s NOMKSTREAM MAXLEN ~ 3 7-0 a b");
  EXPECT_EQ(f.TakeEffects(), (Lines{"0: XADD s MAXLEN = 3 7-0 a b"}));
  f.Do("XTRIM s MINID ~ 7-0");
  EXPECT_EQ(f.TakeEffects(), (Lines{"0: XTRIM s MINID = 7-0"}));
  f.Do("XTRIM s MINID ~ 9");
  EXPECT_EQ(f.TakeEffects(), (Lines{"0: XTRIM s MINID = 9-0"}));
  EXPECT_EQ(f.Do("XLEN s"), ":0\r\n");
}

TEST_F(StreamCommands, EmptyStreamsStay) {
  f.Do("XADD s 1-0 a b");
  EXPECT_EQ(f.Do("XDEL s 1-0"), ":1\r\n");
  EXPECT_EQ(f.Do("XADD s 1-0 a b"),
            "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n");
  EXPECT_EQ(f.Do("XADD s NOMKSTREAM 2-0 a b"), "$3\r\n2-0\r\n");
  EXPECT_EQ(f.Do("XADD other NOMKSTREAM 2-0 a b"), "$-1\r\n");
}

TEST_F(StreamCommands, RangesMayExcludeTheirEnds) {
  for (int i = 1; i <= 3; ++i) f.Do("XADD s " + std::to_string(i) + "-0 a b");
  const std::string second = "*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n";
  EXPECT_EQ(f.Do("XRANGE s (1-0 (3-0"), "*1\r\n" + second);
  EXPECT_EQ(f.Do("XREVRANGE s (3-0 (1-0"), "*1\r\n" + second);
  EXPECT_EQ(f.Do("XRANGE s (18446744073709551615-18446744073709551615 +"),
            "-ERR invalid start ID for the interval\r\n");
  EXPECT_EQ(f.Do("XRANGE s - (0-0"), "-ERR invalid end ID for the interval\r\n");
}

TEST_F(StreamCommands, ReadOfTheLastEntryIsThatOf74) {
  f.Do("XADD s 1-0 a b");
  f.Do("XADD s 2-0 a b");
  EXPECT_EQ(f.Do("XREAD STREAMS s +"),
            "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  EXPECT_EQ(f.Do("XREAD STREAMS s $"), "*-1\r\n");
}

TEST_F(StreamCommands, GroupReadsArePassedOnAsClaims) {
  f.Do("XADD s 1-0 a b");
  f.Do("XADD s 2-0 a b");
  f.Do("XGROUP CREATE s g 0");
  f.TakeEffects();
  f.Do("XREADGROUP GROUP g c STREAMS s >");
  const std::string tail = " TIME " + Now() + " RETRYCOUNT 1 FORCE JUSTID LASTID ";
  EXPECT_EQ(f.TakeEffects(), (Lines{"(", "0: XCLAIM s g c 0 1-0" + tail + "1-0",
                                    "0: XCLAIM s g c 0 2-0" + tail + "2-0", ")"}));
  f.Do("XADD s 3-0 a b");
  f.TakeEffects();
  f.Do("XREADGROUP GROUP g d NOACK STREAMS s >");
  EXPECT_EQ(f.TakeEffects(),
            (Lines{"(", "0: XGROUP SETID s g 3-0 ENTRIESREAD 3", "0: XGROUP CREATECONSUMER s g d", ")"}));
  f.Do("XREADGROUP GROUP g c STREAMS s 0");
  EXPECT_EQ(f.TakeEffects(), Lines{});
}

TEST_F(StreamCommands, EffectsMakeTheSameGroupElsewhere) {
  engine::EngineFixture replica;
  RegisterStreams(replica.engine.commands());
  for (const char* line :
       {"XGROUP CREATE s g 0 MKSTREAM", "XADD s 1-0 a b", "XADD s 2-0 a b", "XADD s 3-0 a b",
        "XREADGROUP GROUP g c COUNT 2 STREAMS s >", "XDEL s 1-0", "XCLAIM s g d 0 1-0 2-0",
        "XREADGROUP GROUP g e STREAMS s 0", "XREADGROUP GROUP g c STREAMS s >", "XACK s g 3-0",
        "XAUTOCLAIM s g f 0 - JUSTID"}) {
    f.Do(line);
    f.AdvanceMs(7);
    replica.AdvanceMs(7);
  }
  for (const std::string& effect : f.TakeEffects()) {
    if (effect.size() > 1) replica.Do(effect.substr(3));
  }
  for (const char* line : {"XPENDING s g - + 10", "XPENDING s g", "XRANGE s - +"}) {
    EXPECT_EQ(f.Do(line), replica.Do(line)) << line;
  }
}

TEST_F(StreamCommands, ClaimsDropWhatIsNoLongerThere) {
  f.Do("XADD s 1-0 a b");
  f.Do("XADD s 2-0 a b");
  f.Do("XGROUP CREATE s g 0");
  f.Do("XREADGROUP GROUP g c STREAMS s >");
  f.Do("XDEL s 1-0");
  EXPECT_EQ(f.Do("XAUTOCLAIM s g d 0 0 JUSTID"), "*3\r\n$3\r\n0-0\r\n*1\r\n$3\r\n2-0\r\n*1\r\n$3\r\n1-0\r\n");
  EXPECT_EQ(f.Do("XPENDING s g"), "*4\r\n:1\r\n$3\r\n2-0\r\n$3\r\n2-0\r\n*1\r\n*2\r\n$1\r\nd\r\n$1\r\n1\r\n");
}

TEST_F(StreamCommands, ConsumersTellWhenTheyWereSeenAndActive) {
  f.Do("XGROUP CREATE s g 0 MKSTREAM");
  f.Do("XREADGROUP GROUP g c STREAMS s >");
  f.AdvanceMs(50);
  EXPECT_EQ(f.Do("XINFO CONSUMERS s g"),
            "*1\r\n*8\r\n$4\r\nname\r\n$1\r\nc\r\n$7\r\npending\r\n:0\r\n$4\r\nidle\r\n:50\r\n$"
            "8\r\ninactive\r\n:-1\r\n");
  f.Do("XADD s 1-0 a b");
  f.Do("XREADGROUP GROUP g c STREAMS s >");
  f.AdvanceMs(20);
  EXPECT_EQ(f.Do("XINFO CONSUMERS s g"),
            "*1\r\n*8\r\n$4\r\nname\r\n$1\r\nc\r\n$7\r\npending\r\n:1\r\n$4\r\nidle\r\n:20\r\n$"
            "8\r\ninactive\r\n:20\r\n");
}

TEST_F(StreamCommands, LagIsUnknownBehindADeletedEntry) {
  for (int i = 1; i <= 5; ++i) f.Do("XADD s " + std::to_string(i) + "-0 a b");
  f.Do("XGROUP CREATE s g 0");
  f.Do("XREADGROUP GROUP g c COUNT 2 STREAMS s >");
  EXPECT_NE(f.Do("XINFO GROUPS s").find("entries-read\r\n:2\r\n$3\r\nlag\r\n:3\r\n"), std::string::npos);
  f.Do("XDEL s 4-0");
  EXPECT_NE(f.Do("XINFO GROUPS s").find("lag\r\n$-1\r\n"), std::string::npos);
  f.Do("XREADGROUP GROUP g c STREAMS s >");
  EXPECT_NE(f.Do("XINFO GROUPS s").find("entries-read\r\n:5\r\n$3\r\nlag\r\n:0\r\n"), std::string::npos);
}

TEST_F(StreamCommands, GroupsLeaveWatchedKeysAlone) {
  f.Do("XADD s 1-0 a b");
  const uint64_t before = f.engine.keyspace().change_count();
  f.engine.keyspace().set_reports_changes(true);
  f.Do("XGROUP CREATE s g 0");
  EXPECT_EQ(f.engine.keyspace().change_count(), before + 1);
}

}  // namespace
}  // namespace hearth::commands
