#include "log/write_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::log {
namespace {

constexpr uint64_t kAll = UINT64_MAX / 2;

std::string Text(const std::vector<LogSpan>& spans) {
  std::string text;
  for (const LogSpan& span : spans) text += span.bytes;
  return text;
}

std::string Take(LogCursor& cursor, uint64_t max_bytes = kAll) {
  std::vector<LogSpan> spans;
  cursor.MoveTo(cursor.Collect(max_bytes, spans));
  return Text(spans);
}

std::string Letters(Prng& prng, size_t size) {
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>('a' + prng.Below(26));
  return text;
}

TEST(WriteLog, CountsFromWhereItStarts) {
  WriteLog log(1000);
  EXPECT_EQ(log.first_offset(), 1000u);
  log.Append("hello");
  EXPECT_EQ(log.end_offset(), 1005u);
  EXPECT_EQ(log.first_offset(), 1000u);
  EXPECT_EQ(log.history_bytes(), 5u);
  LogCursor cursor = log.CursorAt(1002, LogCursor::Sees::kEverything);
  EXPECT_EQ(cursor.lag_bytes(), 3u);
  EXPECT_EQ(Take(cursor), "llo");
  EXPECT_EQ(cursor.lag_bytes(), 0u);
  EXPECT_EQ(Take(cursor), "");
}

TEST(WriteLog, KeepsWhatIsToBeRetainedAndLittleMore) {
  WriteLog log;
  log.SetRetainBytes(300'000);
  const std::string piece(1000, 'x');
  for (int i = 0; i < 5000; ++i) log.Append(piece);
  EXPECT_EQ(log.end_offset(), 5'000'000u);
  EXPECT_GE(log.history_bytes(), 300'000u);
  EXPECT_LE(log.history_bytes(), 300'000u + 2 * WriteLog::kBlockBytes);
  EXPECT_LE(log.memory_bytes(), 300'000u + 4 * WriteLog::kBlockBytes);
  log.SetRetainBytes(0);
  EXPECT_LE(log.history_bytes(), WriteLog::kBlockBytes);
}

TEST(WriteLog, KeepsWhatACursorHasBeforeIt) {
  WriteLog log;
  log.Append("first");
  LogCursor slow = log.CursorAt(0, LogCursor::Sees::kEverything);
  const std::string piece(10'000, 'y');
  for (int i = 0; i < 100; ++i) log.Append(piece);
  EXPECT_EQ(log.first_offset(), 0u);
  slow.MoveTo(500'000);
  EXPECT_GT(log.first_offset(), 500'000u - 2 * WriteLog::kBlockBytes);
  EXPECT_LE(log.first_offset(), 500'000u);
  LogCursor moved = std::move(slow);
  EXPECT_FALSE(slow.is_valid());  // NOLINT: what is left of a moved cursor is defined
  EXPECT_EQ(log.cursor_count(), 1u);
  moved.Release();
  EXPECT_EQ(log.cursor_count(), 0u);
  EXPECT_GT(log.first_offset(), 900'000u);
}

TEST(WriteLog, HidesFromTheAofWhatIsForReplicas) {
  WriteLog log;
  LogCursor aof = log.CursorAtEnd(LogCursor::Sees::kCommands);
  LogCursor replica = log.CursorAtEnd(LogCursor::Sees::kEverything);
  log.AppendForReplicas("<ping>");
  log.Append("one");
  log.AppendForReplicas("<ping>");
  log.AppendForReplicas("<ack>");
  log.Append("two");
  log.AppendForReplicas("<ping>");
  EXPECT_EQ(Take(aof), "onetwo");
  EXPECT_EQ(aof.offset(), log.end_offset());
  EXPECT_EQ(Take(replica), "<ping>one<ping><ack>two<ping>");
}

TEST(WriteLog, StartsAnewWhereItIsTold) {
  WriteLog log;
  log.Append("old");
  log.Reset(77);
  EXPECT_EQ(log.first_offset(), 77u);
  EXPECT_EQ(log.end_offset(), 77u);
  log.Append("new");
  LogCursor cursor = log.CursorAt(77, LogCursor::Sees::kEverything);
  EXPECT_EQ(Take(cursor), "new");
}

TEST(WriteLog, GivesBackExactlyWhatWasAppended) {
  Prng prng(TestSeed());
  WriteLog log;
  log.SetRetainBytes(100'000);
  std::string all;
  std::string commands;
  LogCursor everything = log.CursorAtEnd(LogCursor::Sees::kEverything);
  LogCursor aof = log.CursorAtEnd(LogCursor::Sees::kCommands);
  std::string seen_by_replica;
  std::string seen_by_aof;
  for (int i = 0; i < 3000; ++i) {
    const std::string piece = Letters(prng, prng.Below(prng.Below(30) == 0 ? 200'000 : 300));
    all += piece;
    if (prng.Below(4) == 0) {
      log.AppendForReplicas(piece);
    } else {
      log.Append(piece);
      commands += piece;
    }
    if (prng.Below(10) == 0) seen_by_replica += Take(everything, 1 + prng.Below(100'000));
    if (prng.Below(10) == 0) seen_by_aof += Take(aof, 1 + prng.Below(100'000));
    ASSERT_EQ(log.end_offset(), all.size());
    const uint64_t from = log.first_offset() + prng.Below(log.history_bytes() + 1);
    LogCursor late = log.CursorAt(from, LogCursor::Sees::kEverything);
    if (i % 50 == 0) {
      ASSERT_EQ(Take(late), all.substr(from));
    }
  }
  while (everything.lag_bytes() > 0) seen_by_replica += Take(everything);
  while (aof.lag_bytes() > 0) seen_by_aof += Take(aof);
  EXPECT_EQ(seen_by_replica, all);
  EXPECT_EQ(seen_by_aof, commands);
}

// What a thread sanitizer looks at: the engine appends to the block of which another thread reads.
TEST(WriteLog, SpansMayBeReadElsewhereWhileItGrows) {
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<LogSpan> queue;
  bool done = false;
  uint64_t read_sum = 0;
  std::thread reader([&] {
    std::unique_lock lock(mutex);
    while (!done || !queue.empty()) {
      wake.wait(lock, [&] { return done || !queue.empty(); });
      std::vector<LogSpan> spans = std::exchange(queue, {});
      lock.unlock();
      for (const LogSpan& span : spans)
        for (const char c : span.bytes) read_sum += static_cast<unsigned char>(c);
      spans.clear();
      lock.lock();
    }
  });
  uint64_t sum = 0;
  {
    WriteLog log;
    LogCursor cursor = log.CursorAtEnd(LogCursor::Sees::kCommands);
    for (int i = 0; i < 20'000; ++i) {
      const char c = static_cast<char>('a' + i % 26);
      log.Append(std::string(100, c));
      sum += 100u * static_cast<unsigned char>(c);
      if (i % 7 != 0) continue;
      std::lock_guard lock(mutex);
      cursor.MoveTo(cursor.Collect(kAll, queue));
      wake.notify_one();
    }
    std::lock_guard lock(mutex);
    cursor.MoveTo(cursor.Collect(kAll, queue));
  }
  {
    std::lock_guard lock(mutex);
    done = true;
  }
  wake.notify_one();
  reader.join();
  EXPECT_EQ(read_sum, sum);
}

}  // namespace
}  // namespace hearth::log
