#include "replication/sync_history.h"

#include <gtest/gtest.h>

#include "env/testing/manual_clock.h"

namespace hearth::replication {
namespace {

using Role = SyncRecord::Role;
using Kind = SyncRecord::Kind;
using State = SyncRecord::State;

class SyncHistoryTest : public ::testing::Test {
 protected:
  env::ManualClock clock_;
  SyncHistory history_{clock_};
};

TEST_F(SyncHistoryTest, TellsHowLongOneTookAndHowFastItWas) {
  const uint64_t number = history_.Begin(Role::kPrimary, Kind::kFull, "a:1", "the first");
  clock_.AdvanceMicros(500'000);
  EXPECT_EQ(history_.list().back().state, State::kRunning);
  EXPECT_EQ(history_.list().back().duration_ms, 500);
  clock_.AdvanceMicros(1'500'000);
  history_.Finish(number, 4'000'000);
  clock_.AdvanceMicros(1'000'000);
  const SyncRecord record = history_.list().back();
  EXPECT_EQ(record.state, State::kDone);
  EXPECT_EQ(record.duration_ms, 2000);
  EXPECT_EQ(record.bytes_per_second(), 2'000'000u);
  EXPECT_EQ(record.began_ms, 1'700'000'000'000);
}

TEST_F(SyncHistoryTest, OneEndsOnce) {
  const uint64_t number = history_.Begin(Role::kReplica, Kind::kFull, "a:1", "");
  history_.Fail(number, 7, "the link broke");
  history_.Finish(number, 8);
  history_.Finish(0, 9);
  EXPECT_EQ(history_.list().back().state, State::kFailed);
  EXPECT_EQ(history_.list().back().bytes, 7u);
  EXPECT_EQ(history_.list().back().error, "the link broke");
  EXPECT_EQ(history_.list().back().bytes_per_second(), 0u);
}

TEST_F(SyncHistoryTest, TheLastOnesAreKept) {
  EXPECT_EQ(history_.Summary(), "");
  const uint64_t first = history_.Begin(Role::kPrimary, Kind::kFull, "a:1", "");
  for (size_t i = 0; i < SyncHistory::kRecords; ++i) {
    history_.Finish(history_.Begin(Role::kPrimary, Kind::kPartial, "b:2", "it was away"), i);
  }
  history_.Finish(first, 1);
  EXPECT_EQ(history_.list().size(), SyncHistory::kRecords);
  EXPECT_EQ(history_.list().front().number, first + 1);
  EXPECT_EQ(history_.Summary(),
            "number=129,role=primary,kind=partial,state=done,peer=b:2,bytes=127,ms=0,cause=it was away");
}

}  // namespace
}  // namespace hearth::replication
