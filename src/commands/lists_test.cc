#include "commands/lists.h"

#include <gtest/gtest.h>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

using Lines = std::vector<std::string>;

class ListsTest : public testing::Test {
 protected:
  ListsTest() { RegisterLists(fixture_.engine.commands()); }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  Lines Effects() { return fixture_.TakeEffects(); }
  std::string All(std::string_view key) { return Do("LRANGE " + std::string(key) + " 0 -1"); }

  // Listens to keyspace events from now on.
  void Listen() {
    fixture_.settings.notify_keyspace_events.bits = settings::kNotifyAll | settings::kNotifyKeyevent;
    listener_ = &fixture_.AddClient();
    fixture_.engine.pubsub().Subscribe(*listener_, engine::PubSub::Kind::kPattern, "__keyevent*");
  }
  // The events since last asked, "event:key" each.
  std::string Events() {
    std::string names;
    std::string output = fixture_.TakeOutput(*listener_);
    for (size_t at = output.find("@0__:"); at != std::string::npos; at = output.find("@0__:", at + 1)) {
      // The channel is __keyevent@0__:<event>; the key is the bulk string that follows.
      const size_t event_end = output.find("\r\n", at);
      const size_t key_at = output.find("\r\n", event_end + 2) + 2;
      names += output.substr(at + 5, event_end - at - 5) + ":" +
               output.substr(key_at, output.find("\r\n", key_at) - key_at) + " ";
    }
    return names;
  }

  engine::EngineFixture fixture_;
  engine::Client* listener_ = nullptr;
};

TEST_F(ListsTest, PushesAtBothEndsInOrder) {
  EXPECT_EQ(Do("RPUSHX l a"), ":0\r\n");
  EXPECT_EQ(Do("RPUSH l b c"), ":2\r\n");
  EXPECT_EQ(Do("LPUSH l a 1"), ":4\r\n");
  EXPECT_EQ(Do("LPUSHX l x"), ":5\r\n");
  EXPECT_EQ(All("l"), "*5\r\n$1\r\nx\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(Do("LLEN l"), ":5\r\n");
}

TEST_F(ListsTest, PopsOneOrSeveral) {
  Do("RPUSH l a b c d");
  EXPECT_EQ(Do("LPOP l"), "$1\r\na\r\n");
  EXPECT_EQ(Do("RPOP l 2"), "*2\r\n$1\r\nd\r\n$1\r\nc\r\n");
  EXPECT_EQ(Do("RPOP l 0"), "*0\r\n");
  EXPECT_EQ(Do("RPOP l 9"), "*1\r\n$1\r\nb\r\n");
  EXPECT_EQ(Do("RPOP l 9"), "*-1\r\n");
  EXPECT_EQ(Do("RPOP l"), "$-1\r\n");
  EXPECT_EQ(Do("LPOP l -1"), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(Do("LPOP l 1 1"), "-ERR wrong number of arguments for 'lpop' command\r\n");
}

TEST_F(ListsTest, RangesClampToTheList) {
  Do("RPUSH l a b c");
  EXPECT_EQ(Do("LRANGE l -100 100"), "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(Do("LRANGE l 2 1"), "*0\r\n");
  EXPECT_EQ(Do("LRANGE l 3 9"), "*0\r\n");
  EXPECT_EQ(Do("LRANGE l 0 -9223372036854775808"), "*0\r\n");
  EXPECT_EQ(Do("LINDEX l -1"), "$1\r\nc\r\n");
  EXPECT_EQ(Do("LINDEX l 3"), "$-1\r\n");
}

TEST_F(ListsTest, TrimThatRemovesNothingIsNoEffect) {
  Do("RPUSH l a b c d");
  Effects();
  EXPECT_EQ(Do("LTRIM l 0 -1"), "+OK\r\n");
  EXPECT_EQ(Effects(), Lines{});
  EXPECT_EQ(Do("LTRIM l 1 2"), "+OK\r\n");
  EXPECT_EQ(Effects(), Lines{"0: LTRIM l 1 2"});
  EXPECT_EQ(All("l"), "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
  Do("LTRIM l 5 6");
  EXPECT_EQ(Do("LLEN l"), ":0\r\n");
}

TEST_F(ListsTest, PositionsFollowRankCountAndMaxLen) {
  Do("RPUSH l a b a c a");
  EXPECT_EQ(Do("LPOS l a"), ":0\r\n");
  EXPECT_EQ(Do("LPOS l a RANK 2"), ":2\r\n");
  EXPECT_EQ(Do("LPOS l a RANK -1"), ":4\r\n");
  EXPECT_EQ(Do("LPOS l a COUNT 0"), "*3\r\n:0\r\n:2\r\n:4\r\n");
  EXPECT_EQ(Do("LPOS l a COUNT 2 RANK -2"), "*2\r\n:2\r\n:0\r\n");
  EXPECT_EQ(Do("LPOS l a COUNT 0 MAXLEN 3"), "*2\r\n:0\r\n:2\r\n");
  EXPECT_EQ(Do("LPOS l c MAXLEN 3"), "$-1\r\n");
  EXPECT_EQ(
      Do("LPOS l a RANK -9223372036854775808"),
      "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n");
}

TEST_F(ListsTest, MoveTellsOfThePushBeforeThePop) {
  Do("RPUSH l a");
  Listen();
  Effects();
  EXPECT_EQ(Do("LMOVE l m LEFT RIGHT"), "$1\r\na\r\n");
  EXPECT_EQ(Events(), "rpush:m lpop:l del:l ");
  EXPECT_EQ(Effects(), Lines{"0: LMOVE l m LEFT RIGHT"});
  EXPECT_EQ(Do("RPOPLPUSH m m"), "$1\r\na\r\n");
  EXPECT_EQ(Events(), "lpush:m rpop:m ");
  EXPECT_EQ(All("m"), "*1\r\n$1\r\na\r\n");
}

TEST_F(ListsTest, MoveCountsAsOneChange) {
  Do("RPUSH l a b");
  for (const char* move : {"LMOVE l m LEFT RIGHT", "LMOVE m m LEFT RIGHT", "LMOVE l m LEFT RIGHT"}) {
    const uint64_t before = fixture_.engine.keyspace().change_count();
    Do(move);
    EXPECT_EQ(fixture_.engine.keyspace().change_count() - before, 1u) << move;
  }
}

TEST_F(ListsTest, MultiPopTakesFromTheFirstListThatIsThere) {
  Do("RPUSH l a b c");
  Effects();
  EXPECT_EQ(Do("LMPOP 2 none l RIGHT COUNT 2"), "*2\r\n$1\r\nl\r\n*2\r\n$1\r\nc\r\n$1\r\nb\r\n");
  EXPECT_EQ(Effects(), Lines{"0: RPOP l 2"});
  EXPECT_EQ(Do("BLMPOP 0 1 l LEFT"), "*2\r\n$1\r\nl\r\n*1\r\n$1\r\na\r\n");
  EXPECT_EQ(Effects(), Lines{"0: LPOP l 1"});
  EXPECT_EQ(Do("LMPOP 1 l LEFT"), "*-1\r\n");
  EXPECT_EQ(Do("LMPOP 2 l LEFT"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("LMPOP 9223372036854775807 l LEFT"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("LMPOP 0 l LEFT"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(Do("LMPOP 1 l LEFT COUNT 0"), "-ERR count should be greater than 0\r\n");
  EXPECT_EQ(Do("LMPOP 1 l LEFT COUNT 1 COUNT 1"), "-ERR syntax error\r\n");
}

TEST_F(ListsTest, BlockingFormsServedAtOncePassOnThePlainOnes) {
  Do("RPUSH l a b c d");
  Effects();
  EXPECT_EQ(Do("BLPOP none l 0"), "*2\r\n$1\r\nl\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("BRPOP l 0.1"), "*2\r\n$1\r\nl\r\n$1\r\nd\r\n");
  EXPECT_EQ(Do("BLMOVE l m LEFT RIGHT 0"), "$1\r\nb\r\n");
  EXPECT_EQ(Do("BRPOPLPUSH l m 0"), "$1\r\nc\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: LPOP l", "0: RPOP l", "0: LMOVE l m LEFT RIGHT", "0: RPOPLPUSH l m"}));
  // A caller that cannot wait is answered.
  EXPECT_EQ(Do("BLPOP l 0"), "*-1\r\n");
  EXPECT_EQ(Do("BLMOVE l m LEFT RIGHT 0"), "$-1\r\n");
}

TEST_F(ListsTest, TimeoutsAreChecked) {
  EXPECT_EQ(Do("BLPOP l x"), "-ERR timeout is not a float or out of range\r\n");
  EXPECT_EQ(Do("BLPOP l -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(Do("BLPOP l 1e30"), "-ERR timeout is out of range\r\n");
  EXPECT_EQ(Do("BLPOP l inf"), "-ERR timeout is out of range\r\n");
  EXPECT_EQ(Do("BLMPOP x 0 l LEFT"), "-ERR numkeys should be greater than 0\r\n");
}

TEST_F(ListsTest, EditsTellTheirEvents) {
  Listen();
  Do("RPUSH l a b a");
  Do("LSET l 1 x");
  Do("LINSERT l BEFORE x y");
  Do("LINSERT l BEFORE nothing y");
  Do("LREM l 0 nothing");
  Do("LREM l -1 a");
  Do("LTRIM l 0 -1");
  EXPECT_EQ(Events(), "rpush:l lset:l linsert:l lrem:l ltrim:l ");
  EXPECT_EQ(All("l"), "*3\r\n$1\r\na\r\n$1\r\ny\r\n$1\r\nx\r\n");
  EXPECT_EQ(Do("LSET l 3 x"), "-ERR index out of range\r\n");
  EXPECT_EQ(Do("LSET none 3 x"), "-ERR no such key\r\n");
  EXPECT_EQ(Do("LINSERT none BESIDE a b"), "-ERR syntax error\r\n");
}

}  // namespace
}  // namespace hearth::commands
