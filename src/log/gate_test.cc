#include "log/gate.h"

#include <gtest/gtest.h>

#include <string>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::log {
namespace {

using Local = GateRequirement::Local;
constexpr GateRequirement kAlways{.local = Local::kReleased};

class GateTest : public ::testing::Test {
 protected:
  Gate::WaitId Wait(const std::string& name, uint64_t offset, const GateRequirement& requirement,
                    int64_t deadline_ms = 0) {
    return gate_.Wait(offset, requirement, deadline_ms, [this, name](Gate::Outcome outcome) {
      ended_ += name + (outcome == Gate::Outcome::kReached ? "+" : "-");
    });
  }
  std::string Ended() { return std::exchange(ended_, {}); }

  Gate gate_;
  std::string ended_;
};

TEST_F(GateTest, OneSyncLetsAllThroughThatItCoversInOrderOfOffsets) {
  Wait("b", 20, kAlways);
  Wait("a", 10, kAlways);
  Wait("b2", 20, kAlways);
  Wait("c", 30, kAlways);
  EXPECT_EQ(Ended(), "");
  gate_.SetLocal({.released = 20, .synced = 20});
  EXPECT_EQ(Ended(), "a+b+b2+");
  gate_.SetLocal({.released = 29, .synced = 29});
  EXPECT_EQ(Ended(), "");
  gate_.SetLocal({.released = 31, .synced = 30});
  EXPECT_EQ(Ended(), "c+");
  EXPECT_EQ(gate_.waiting_count(), 0u);
}

TEST_F(GateTest, SyncedAsksForMoreThanReleased) {
  Wait("reply", 10, kAlways);
  Wait("waitaof", 10, {.local = Local::kSynced});
  gate_.SetLocal({.released = 10, .synced = 0});
  EXPECT_EQ(Ended(), "reply+");
  gate_.SetLocal({.released = 10, .synced = 10});
  EXPECT_EQ(Ended(), "waitaof+");
}

TEST_F(GateTest, APromiseWaitsForThoseWhoCountToo) {
  Wait("promise", 100, {.replicas_received = 1, .is_promised = true});
  Wait("wait", 100, {.replicas_received = 1});
  gate_.SetPromised(0);
  gate_.SetReplica(7, 200, 0);
  EXPECT_EQ(Ended(), "wait+");
  gate_.SetPromised(99);
  EXPECT_EQ(Ended(), "");
  gate_.SetPromised(100);
  EXPECT_EQ(Ended(), "promise+");
}

TEST_F(GateTest, CountsReplicas) {
  Wait("one", 100, {.replicas_received = 1});
  Wait("two", 100, {.replicas_received = 2});
  Wait("aof", 100, {.local = Local::kSynced, .replicas_received = 0, .replicas_synced = 2});
  gate_.SetReplica(7, 99, 0);
  EXPECT_EQ(Ended(), "");
  gate_.SetReplica(8, 100, 50);
  EXPECT_EQ(Ended(), "one+");
  EXPECT_EQ(gate_.CountReceived(100), 1u);
  gate_.SetReplica(7, 120, 100);
  EXPECT_EQ(Ended(), "two+");
  EXPECT_EQ(gate_.CountReceived(100), 2u);
  EXPECT_EQ(gate_.CountSynced(100), 1u);
  gate_.SetReplica(8, 120, 110);
  EXPECT_EQ(Ended(), "");
  gate_.SetLocal({.released = 100, .synced = 100});
  EXPECT_EQ(Ended(), "aof+");
  gate_.RemoveReplica(8);
  EXPECT_EQ(gate_.CountReceived(100), 1u);
  EXPECT_FALSE(gate_.IsReached(100, {.replicas_received = 2}));
  EXPECT_TRUE(gate_.IsReached(100, {.replicas_received = 1}));
}

TEST_F(GateTest, OffsetsNeverGoBack) {
  gate_.SetReplica(1, 50, 50);
  gate_.SetReplica(1, 40, 0);
  EXPECT_EQ(gate_.CountSynced(50), 1u);
  gate_.SetLocal({.released = 9, .synced = 9});
  gate_.SetLocal({.released = 5, .synced = 5});
  EXPECT_EQ(gate_.local().synced, 9u);
}

TEST_F(GateTest, DeadlinesAreAskedForAndEnded) {
  EXPECT_EQ(gate_.NextDeadlineMs(), 0);
  Wait("late", 10, kAlways, 2000);
  Wait("early", 20, kAlways, 1000);
  Wait("never", 30, kAlways);
  EXPECT_EQ(gate_.NextDeadlineMs(), 1000);
  gate_.EndTimedOut(999);
  EXPECT_EQ(Ended(), "");
  gate_.EndTimedOut(1000);
  EXPECT_EQ(Ended(), "early-");
  EXPECT_EQ(gate_.NextDeadlineMs(), 2000);
  gate_.SetLocal({.released = 10, .synced = 10});
  EXPECT_EQ(Ended(), "late+");
  EXPECT_EQ(gate_.NextDeadlineMs(), 0);
}

TEST_F(GateTest, ACancelledWaitIsNeverCalled) {
  const auto cancelled = Wait("x", 10, kAlways, 500);
  EXPECT_TRUE(gate_.Cancel(cancelled));
  EXPECT_FALSE(gate_.Cancel(cancelled));
  gate_.EndTimedOut(1000);
  gate_.SetLocal({.released = 10, .synced = 10});
  EXPECT_EQ(Ended(), "");
}

TEST_F(GateTest, WhoIsLetThroughMayCancelTheNextAndWaitAgain) {
  Gate::WaitId second = 0;
  gate_.Wait(10, kAlways, 0, [&](Gate::Outcome) {
    ended_ += "first+";
    EXPECT_TRUE(gate_.Cancel(second));
    Wait("again", 11, kAlways);
  });
  second = Wait("second", 10, kAlways);
  gate_.SetLocal({.released = 10, .synced = 10});
  EXPECT_EQ(Ended(), "first+");
  gate_.SetLocal({.released = 11, .synced = 11});
  EXPECT_EQ(Ended(), "again+");
}

TEST_F(GateTest, ANewLogEndsAllWaiting) {
  gate_.SetReplica(1, 1000, 1000);
  gate_.SetLocal({.released = 900, .synced = 900});
  Wait("old", 2000, kAlways, 77);
  gate_.Reset(5);
  EXPECT_EQ(Ended(), "old-");
  EXPECT_EQ(gate_.local().released, 5u);
  EXPECT_EQ(gate_.CountReceived(1), 0u);
  EXPECT_EQ(gate_.NextDeadlineMs(), 0);
}

TEST_F(GateTest, WhoIsEndedByANewLogStillSeesHowFarTheOldOneWas) {
  gate_.SetReplica(1, 1000, 0);
  size_t had = 0;
  gate_.Wait(900, {.replicas_received = 2}, 0, [&](Gate::Outcome outcome) {
    EXPECT_EQ(outcome, Gate::Outcome::kNewLog);
    had = gate_.CountReceived(900);
  });
  gate_.Reset(5);
  EXPECT_EQ(had, 1u);
}

TEST_F(GateTest, EachWaitEndsExactlyOnceAndNotTooEarly) {
  Prng prng(TestSeed());
  uint64_t local = 0;
  uint64_t acks[3] = {0, 0, 0};
  uint64_t end = 0;
  size_t ended = 0;
  size_t started = 0;
  for (int i = 0; i < 3000; ++i) {
    end += prng.Below(100);
    const GateRequirement requirement{.local = prng.Below(2) ? Local::kSynced : Local::kNone,
                                      .replicas_received = static_cast<uint32_t>(prng.Below(4))};
    const uint64_t offset = end;
    ++started;
    gate_.Wait(offset, requirement, 0, [&, offset, requirement](Gate::Outcome) {
      ++ended;
      EXPECT_TRUE(requirement.local == Local::kNone || offset <= local);
      uint32_t have = 0;
      for (const uint64_t ack : acks) have += ack >= offset;
      EXPECT_GE(have, requirement.replicas_received);
    });
    local += prng.Below(end - local + 1);
    gate_.SetLocal({.released = local, .synced = local});
    const size_t which = prng.Below(3);
    acks[which] += prng.Below(end - acks[which] + 1);
    gate_.SetReplica(which, acks[which], 0);
  }
  local = acks[0] = acks[1] = acks[2] = end;
  gate_.SetLocal({.released = local, .synced = local});
  for (size_t which = 0; which < 3; ++which) gate_.SetReplica(which, end, 0);
  EXPECT_EQ(ended, started);
}

TEST_F(GateTest, WithTooFewReplicasEvenTheBeginningIsNotReached) {
  const GateRequirement one{.replicas_received = 1};
  EXPECT_FALSE(gate_.IsReached(0, one));
  gate_.SetReplica(1, 0, 0);
  EXPECT_TRUE(gate_.IsReached(0, one));
  EXPECT_FALSE(gate_.IsReached(1, one));
}

TEST_F(GateTest, WithoutALocalFileWhoWaitsForItIsToldAndOthersWaitOn) {
  int told = 0;
  gate_.SetLocal({.released = 10, .synced = 10});
  gate_.Wait(20, {.local = GateRequirement::Local::kSynced}, 0, [&](Gate::Outcome outcome) {
    EXPECT_EQ(outcome, Gate::Outcome::kNoFile);
    ++told;
  });
  gate_.Wait(20, {.replicas_received = 1}, 0, [&](Gate::Outcome) { ++told; });
  gate_.ForgetLocal();
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(gate_.IsReached(5, {.local = GateRequirement::Local::kSynced}));
}

}  // namespace
}  // namespace hearth::log
