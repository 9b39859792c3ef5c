#include "aof/writer.h"

#include <gtest/gtest.h>

#include <chrono>

#include "aof/check.h"
#include "base/numbers.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "env/testing/faulty_disk.h"
#include "env/testing/manual_clock.h"
#include "log/effect_writer.h"

namespace hearth::aof {
namespace {

using env::OpenMode;
using log::LogCursor;

class WriterTest : public ::testing::Test {
 protected:
  WriterTest() { logger_.SetLevel(LogLevel::kNothing); }

  void Start(Fsync fsync, bool timestamps = false) {
    settings_ = {.fsync = fsync, .timestamps = timestamps};
    ASSERT_TRUE(writer_.Start(Open("aof"), write_log_.CursorAtEnd(LogCursor::Sees::kCommands), settings_)
                    .has_value());
  }
  std::unique_ptr<env::File> Open(const std::string& path) {
    return std::move(*disk_.Open(path, OpenMode::kAppend));
  }
  void Append(std::string_view text) { write_log_.Append(text); }
  void Send(std::string_view text) {
    Append(text);
    writer_.Pump();
  }
  // Time passes, and the thread hears of it.
  void Pass(int64_t micros) {
    clock_.AdvanceMicros(micros);
    writer_.Configure(settings_);
  }

  // Waits until `is_true`, which is asked again with every report.
  template <typename Claim>
  [[nodiscard]] bool Wait(Claim is_true) {
    std::unique_lock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!is_true()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      changed_.wait_for(lock, std::chrono::milliseconds(1));
    }
    return true;
  }
  [[nodiscard]] bool WaitSynced(uint64_t offset) {
    return Wait([&] { return writer_.TakeReport().progress.synced >= offset; });
  }
  [[nodiscard]] bool WaitWritten(uint64_t offset) {
    return Wait([&] { return writer_.TakeReport().progress.released >= offset; });
  }

  env::FaultyDisk disk_;
  env::ManualClock clock_;
  Logger logger_;
  log::WriteLog write_log_{500};
  WriterSettings settings_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Writer writer_{clock_, logger_, [this] { changed_.notify_all(); }};
};

TEST_F(WriterTest, AlwaysReportsWhatIsSynced) {
  Start(Fsync::kAlways);
  EXPECT_EQ(writer_.TakeReport().progress.synced, 500u);
  Send("one");
  ASSERT_TRUE(WaitSynced(503));
  EXPECT_EQ(disk_.Contents("aof"), "one");
  Send("two");
  ASSERT_TRUE(WaitSynced(506));
  EXPECT_EQ(disk_.Contents("aof"), "onetwo");
  EXPECT_EQ(writer_.stats().file_bytes, 6u);
  EXPECT_EQ(writer_.stats().pending_bytes, 0u);
}

TEST_F(WriterTest, OneSyncServesAllThatCameDuringTheLast) {
  Start(Fsync::kAlways);
  disk_.HoldSyncs(true);
  Send("first");
  ASSERT_TRUE(Wait([&] { return disk_.is_sync_waiting(); }));
  for (int i = 0; i < 100; ++i) Send("x");
  EXPECT_EQ(writer_.TakeReport().progress.released, 500u);
  disk_.HoldSyncs(false);
  ASSERT_TRUE(WaitSynced(605));
  EXPECT_EQ(disk_.sync_count(), 2u);
}

TEST_F(WriterTest, EverySecondWritesAtOnceAndSyncsOnceASecond) {
  Start(Fsync::kEverySecond);
  Send("a");
  ASSERT_TRUE(WaitSynced(501));
  Send("b");
  ASSERT_TRUE(WaitWritten(502));
  EXPECT_EQ(disk_.Contents("aof"), "ab");
  EXPECT_EQ(writer_.TakeReport().progress.synced, 501u);
  Pass(1'000'000);
  ASSERT_TRUE(WaitSynced(502));
}

TEST_F(WriterTest, NoLeavesSyncingToTheSystemUntilItIsFlushed) {
  Start(Fsync::kNo);
  Send("a");
  ASSERT_TRUE(WaitWritten(501));
  Pass(10'000'000);
  EXPECT_EQ(disk_.sync_count(), 0u);
  ASSERT_TRUE(writer_.Flush().has_value());
  EXPECT_EQ(disk_.sync_count(), 1u);
  EXPECT_EQ(writer_.TakeReport().progress.synced, 501u);
}

TEST_F(WriterTest, ARewriteMaySuspendSyncing) {
  Start(Fsync::kAlways);
  settings_.no_fsync_during_rewrite = true;
  settings_.rewrite_runs = true;
  writer_.Configure(settings_);
  Send("abc");
  ASSERT_TRUE(WaitWritten(503));
  EXPECT_EQ(writer_.TakeReport().progress.synced, 500u);
  EXPECT_EQ(disk_.sync_count(), 0u);
  settings_.rewrite_runs = false;
  writer_.Configure(settings_);
  ASSERT_TRUE(WaitSynced(503));
}

TEST_F(WriterTest, ANewFileBeginsAtTheExactPlace) {
  Start(Fsync::kEverySecond);
  Send("old");
  Append("old2");
  writer_.RotateTo(Open("aof2"));
  Send("new");
  ASSERT_TRUE(writer_.Flush().has_value());
  EXPECT_EQ(disk_.Contents("aof"), "oldold2");
  EXPECT_EQ(disk_.Contents("aof2"), "new");
  EXPECT_EQ(writer_.stats().file_bytes, 3u);
}

TEST_F(WriterTest, LeavesOutWhatIsForReplicas) {
  Start(Fsync::kAlways);
  write_log_.AppendForReplicas("<ping>");
  writer_.Pump();
  ASSERT_TRUE(WaitWritten(506));
  Append("set");
  write_log_.AppendForReplicas("<ping>");
  writer_.Pump();
  ASSERT_TRUE(writer_.Flush().has_value());
  EXPECT_EQ(disk_.Contents("aof"), "set");
  EXPECT_EQ(writer_.TakeReport().progress.released, write_log_.end_offset());
}

TEST_F(WriterTest, TimestampsGoBeforeTheFirstCommandOfASecond) {
  Start(Fsync::kAlways, true);
  Send("a");
  Send("b");
  Pass(1'000'000);
  Send("c");
  ASSERT_TRUE(writer_.Flush().has_value());
  EXPECT_EQ(disk_.Contents("aof"), "#TS:1700000000\r\nab#TS:1700000001\r\nc");
}

TEST_F(WriterTest, AFullDiskIsReportedAndLosesNothing) {
  Start(Fsync::kEverySecond);
  Send("whole");
  ASSERT_TRUE(writer_.Flush().has_value());
  disk_.SetSpace(4);
  Send("does not fit");
  ASSERT_TRUE(Wait([&] { return writer_.TakeReport().has_failed; }));
  const WriterReport report = writer_.TakeReport();
  EXPECT_FALSE(report.is_fatal);
  EXPECT_EQ(report.error.code, ENOSPC);
  EXPECT_EQ(disk_.Contents("aof"), "whole");
  Send(", nor this");
  EXPECT_FALSE(writer_.Flush().has_value());
  EXPECT_EQ(disk_.Contents("aof"), "whole");
  disk_.SetSpace(UINT64_MAX);
  Pass(1'000'000);
  ASSERT_TRUE(WaitSynced(write_log_.end_offset()));
  EXPECT_FALSE(writer_.TakeReport().has_failed);
  EXPECT_EQ(disk_.Contents("aof"), "wholedoes not fit, nor this");
}

TEST_F(WriterTest, WhatCannotBeCutOffIsCutOffLater) {
  Start(Fsync::kEverySecond);
  disk_.SetSpace(4);
  disk_.FailTruncates(true);
  Send("does not fit");
  ASSERT_TRUE(Wait([&] { return writer_.TakeReport().has_failed; }));
  EXPECT_EQ(disk_.Contents("aof"), "does");
  disk_.SetSpace(UINT64_MAX);
  EXPECT_FALSE(writer_.Flush().has_value());
  disk_.FailTruncates(false);
  ASSERT_TRUE(writer_.Flush().has_value());
  EXPECT_EQ(disk_.Contents("aof"), "does not fit");
}

TEST_F(WriterTest, UnderAlwaysAFailureIsFatal) {
  Start(Fsync::kAlways);
  disk_.FailSyncs(true);
  Send("never safe");
  ASSERT_TRUE(Wait([&] { return writer_.TakeReport().is_fatal; }));
  EXPECT_EQ(writer_.TakeReport().progress.released, 500u);
  disk_.FailSyncs(false);
  EXPECT_FALSE(writer_.Flush().has_value());
  EXPECT_EQ(writer_.TakeReport().progress.synced, 500u);
}

TEST_F(WriterTest, AFailedSyncIsTriedAgainEverySecond) {
  Start(Fsync::kEverySecond);
  disk_.FailSyncs(true);
  Send("a");
  ASSERT_TRUE(Wait([&] { return writer_.TakeReport().has_failed; }));
  disk_.FailSyncs(false);
  Pass(1'000'000);
  ASSERT_TRUE(WaitSynced(501));
  EXPECT_FALSE(writer_.TakeReport().has_failed);
}

TEST_F(WriterTest, CountsSlowSyncs) {
  Start(Fsync::kEverySecond);
  disk_.HoldSyncs(true);
  Send("a");
  ASSERT_TRUE(Wait([&] { return disk_.is_sync_waiting(); }));
  EXPECT_TRUE(writer_.stats().is_syncing);
  clock_.AdvanceMicros(2'000'000);
  disk_.HoldSyncs(false);
  ASSERT_TRUE(WaitSynced(501));
  EXPECT_EQ(writer_.stats().delayed_syncs, 1u);
}

TEST_F(WriterTest, TellsTheLongestSyncThatRepliesWaitedFor) {
  Start(Fsync::kAlways);
  disk_.HoldSyncs(true);
  Send("a");
  ASSERT_TRUE(Wait([&] { return disk_.is_sync_waiting(); }));
  clock_.AdvanceMicros(50'000);
  disk_.HoldSyncs(false);
  ASSERT_TRUE(WaitSynced(501));
  const WriterDelays delays = writer_.TakeDelays();
  EXPECT_EQ(delays.sync_us, 50'000);
  EXPECT_EQ(delays.pending_sync_us, 0);
  EXPECT_EQ(writer_.TakeDelays().sync_us, 0);
}

TEST_F(WriterTest, TellsTheLongestSyncThatAWriteWaitedFor) {
  Start(Fsync::kEverySecond);
  disk_.HoldSyncs(true);
  Send("a");
  ASSERT_TRUE(Wait([&] { return disk_.is_sync_waiting(); }));
  Send("b");
  clock_.AdvanceMicros(70'000);
  disk_.HoldSyncs(false);
  ASSERT_TRUE(WaitWritten(502));
  const WriterDelays delays = writer_.TakeDelays();
  EXPECT_EQ(delays.sync_us, 0);
  EXPECT_EQ(delays.pending_sync_us, 70'000);
}

TEST_F(WriterTest, StopWritesWhatIsLeftAndLeavesTheLog) {
  Start(Fsync::kNo);
  Append("last words");
  writer_.Stop();
  EXPECT_EQ(disk_.Contents("aof"), "last words");
  EXPECT_EQ(disk_.sync_count(), 1u);
  EXPECT_EQ(write_log_.cursor_count(), 0u);
}

TEST_F(WriterTest, ManySmallPiecesMakeFewWritesWhereNobodyWaits) {
  Start(Fsync::kEverySecond);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 5000; ++i) Send("x");
  const auto passed =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  ASSERT_TRUE(writer_.Flush().has_value());
  EXPECT_EQ(disk_.Contents("aof").size(), 5000u);
  EXPECT_LE(disk_.write_count(), 3 + static_cast<uint64_t>(passed.count()) / 5);
}

// What was reported as synced is there after a crash at any moment, and the file loads.
TEST_F(WriterTest, NothingReportedAsSyncedIsLostInACrash) {
  Prng prng(TestSeed());
  Start(Fsync::kAlways);
  log::EffectWriter effects(write_log_);
  for (int round = 0; round < 500; ++round) {
    const std::string number = ToString(round);
    const std::string_view args[] = {"SET", number, number};
    const bool is_unit = prng.Below(5) == 0;
    if (is_unit) effects.BeginUnit();
    for (uint64_t i = is_unit ? 3 : 1; i > 0; --i) effects.Append(0, args);
    if (is_unit) effects.EndUnit();
    if (prng.Below(3) == 0) writer_.Pump();
    if (prng.Below(20) != 0) continue;
    const uint64_t synced = writer_.TakeReport().progress.synced - 500;
    const std::string left = disk_.AfterCrash("aof", prng);
    ASSERT_GE(left.size(), synced);
    env::FaultyDisk other;
    other.Put("aof", left);
    const auto check = CheckFile(other, "aof", [](const std::string&) -> Result<uint64_t> { return 0; });
    ASSERT_TRUE(check.has_value());
    EXPECT_FALSE(check->is_damaged);
    EXPECT_GE(check->sound_bytes, synced);
  }
}

// Space comes and goes at random while commands of any size are written; in the end the file holds all of
// them, and at every moment nothing but whole units and a torn last one.
TEST_F(WriterTest, ComesThroughRandomFailuresWhole) {
  Prng prng(TestSeed());
  Start(Fsync::kEverySecond);
  log::EffectWriter effects(write_log_);
  std::string all;
  LogCursor copy = write_log_.CursorAtEnd(LogCursor::Sees::kCommands);
  for (int round = 0; round < 300; ++round) {
    if (prng.Below(5) == 0) disk_.SetSpace(prng.Below(100'000));
    if (prng.Below(5) == 0) disk_.FailSyncs(prng.Below(2) == 0);
    if (prng.Below(3) == 0) disk_.SetSpace(UINT64_MAX);
    const std::string value(prng.Below(prng.Below(20) == 0 ? 150'000 : 100), 'v');
    const std::string number = ToString(round);
    const std::string_view args[] = {"SET", number, value};
    effects.Append(static_cast<int>(prng.Below(3)), args);
    writer_.Pump();
    if (prng.Below(10) == 0) Pass(1'000'000);
    if (prng.Below(30) == 0) (void)writer_.Flush();
  }
  disk_.SetSpace(UINT64_MAX);
  disk_.FailSyncs(false);
  ASSERT_TRUE(writer_.Flush().has_value());
  std::vector<log::LogSpan> spans;
  copy.Collect(UINT64_MAX, spans);
  for (const log::LogSpan& span : spans) all += span.bytes;
  EXPECT_EQ(disk_.Contents("aof"), all);
}

}  // namespace
}  // namespace hearth::aof
