#include "log/segment_writer.h"

#include <gtest/gtest.h>

#include <chrono>

#include "env/testing/faulty_disk.h"
#include "env/testing/manual_clock.h"

namespace hearth::log {
namespace {

const std::string kFirstId(40, 'a');
const std::string kSecondId(40, 'b');

class SegmentWriterTest : public ::testing::Test {
 protected:
  SegmentWriterTest() { logger_.SetLevel(LogLevel::kNothing); }

  void Start() { writer_.Start(write_log_.CursorAtEnd(LogCursor::Sees::kEverything), kFirstId); }
  void Send(std::string_view bytes) {
    write_log_.Append(bytes);
    writer_.Pump();
  }
  std::string OnDisk() {
    SegmentReader reader(segments_);
    std::string all;
    std::string piece;
    for (uint64_t offset = segments_.start_offset();; offset += piece.size()) {
      if (const Status read = reader.Read(offset, piece); !read) return read.error().message;
      if (piece.empty()) return all;
      all += piece;
    }
  }
  template <typename Claim>
  [[nodiscard]] bool Wait(Claim is_true) {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!is_true()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      never.wait_for(lock, std::chrono::milliseconds(1));
    }
    return true;
  }

  env::FaultyDisk disk_;
  env::ManualClock clock_;
  Logger logger_;
  WriteLog write_log_{100};
  Segments segments_{disk_, logger_, {"log", 1 << 20}};
  SegmentWriter writer_{segments_, clock_, logger_};
};

TEST_F(SegmentWriterTest, FollowsTheLogAndGoesOnAfterARestart) {
  Start();
  Send("one ");
  write_log_.AppendForReplicas("<ping> ");
  Send("two ");
  writer_.ChangeId(kSecondId);
  Send("three ");
  writer_.Stop("the end");
  EXPECT_EQ(segments_.start_offset(), 100u);
  EXPECT_EQ(OnDisk(), "one <ping> two three ");
  const auto recovered = segments_.Recover().value();
  ASSERT_TRUE(recovered.has_value());
  EXPECT_TRUE(recovered->is_complete);
  EXPECT_EQ(recovered->end_offset, write_log_.end_offset());
  EXPECT_EQ(recovered->end_note, "the end");
  ASSERT_EQ(recovered->names.size(), 2u);
  EXPECT_EQ(recovered->names[0].id, kFirstId);
  EXPECT_EQ(recovered->names[0].end_offset, 115u);
  writer_.Start(write_log_.CursorAtEnd(LogCursor::Sees::kEverything), kSecondId);
  Send("four");
  writer_.Stop({});
  EXPECT_EQ(OnDisk(), "one <ping> two three four");
  EXPECT_FALSE(segments_.Recover().value()->is_complete);
}

TEST_F(SegmentWriterTest, AnOrderlyEndIsMarkedEvenWhereNothingWasLogged) {
  Start();
  writer_.Stop("nothing");
  const auto recovered = segments_.Recover().value();
  ASSERT_TRUE(recovered.has_value());
  EXPECT_TRUE(recovered->is_complete);
  EXPECT_EQ(recovered->end_note, "nothing");
  EXPECT_EQ(recovered->end_offset, 100u);
}

TEST_F(SegmentWriterTest, WhatIsNotOnDiskYetStaysInMemory) {
  Start();
  const std::string large(WriteLog::kBlockBytes, 'x');
  for (int i = 0; i < 200; ++i) {
    Send(large);
    const uint64_t on_disk = segments_.HasAny() ? segments_.end_offset() : 100;
    ASSERT_GE(on_disk, write_log_.first_offset());
  }
  const uint64_t end = write_log_.end_offset();
  ASSERT_TRUE(Wait([&] {
    writer_.Pump();
    write_log_.Append(large);
    return segments_.end_offset() >= end && write_log_.first_offset() > 100;
  }));
  writer_.Stop({});
}

TEST_F(SegmentWriterTest, BeginsAnewWhereTheLogIsWhenTheDiskIsElsewhere) {
  ASSERT_TRUE(segments_.Begin(kFirstId, 7).has_value());
  ASSERT_TRUE(segments_.Append(7, "another history").has_value());
  Start();
  Send("mine");
  writer_.Stop("");
  EXPECT_EQ(segments_.start_offset(), 100u);
  EXPECT_EQ(OnDisk(), "mine");
}

TEST_F(SegmentWriterTest, GivesUpWhenTheDiskFailsAndBeginsAnewLater) {
  Start();
  Send("lost");
  ASSERT_TRUE(Wait([&] { return segments_.end_offset() == 104; }));
  disk_.SetSpace(0);
  Send("also lost");
  ASSERT_TRUE(Wait([&] { return !segments_.HasAny() && writer_.pending_bytes() == 0; }));
  disk_.SetSpace(UINT64_MAX);
  Send("too early");
  ASSERT_TRUE(Wait([&] { return writer_.pending_bytes() == 0; }));
  writer_.ChangeId(kSecondId);
  clock_.AdvanceMicros(5'000'000);
  const uint64_t start = write_log_.end_offset();
  Send("kept");
  writer_.Stop("");
  EXPECT_EQ(segments_.start_offset(), start);
  EXPECT_EQ(OnDisk(), "kept");
  EXPECT_EQ(segments_.Recover().value()->names.back().id, kSecondId);
}

}  // namespace
}  // namespace hearth::log
