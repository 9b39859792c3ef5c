// Keeps the write log's tail on disk (log/segments.h) from a cursor, on a thread of its own.
//
// Use, on the engine thread: after Segments::Recover, Start with a cursor at the log's end; Pump once a turn;
// ChangeId when the replication id changes; Stop at the end, in order or not. What is on disk reaches up to a
// little behind the log's end, and never has a gap: when writing fails, or the disk is so slow that more than
// kMaxPendingBytes wait, the history on disk is given up and begins anew as soon as that is possible. What is
// not on disk yet stays in memory, so that disk and memory together have no gap either. The engine is never
// held up by it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "env/clock.h"
#include "log/segments.h"
#include "log/write_log.h"

namespace hearth::log {

class SegmentWriter {
 public:
  static constexpr uint64_t kMaxPendingBytes = 64 * 1024 * 1024;

  SegmentWriter(Segments& segments, env::Clock& clock, Logger& log)
      : segments_(&segments), clock_(&clock), log_(&log) {}
  ~SegmentWriter() { Stop({}); }
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  // Goes on behind what is on disk if that ends at the cursor, else begins a new history there. Nobody else
  // may write to the segments until Stop.
  void Start(LogCursor cursor, std::string replication_id);
  bool is_started() const { return cursor_.is_valid(); }
  void Pump();
  void ChangeId(std::string replication_id);
  // Writes what is pending and ends the thread. With a note, marks an orderly end (Segments::Close).
  void Stop(std::optional<std::string> end_note);

  uint64_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }

 private:
  struct Item {
    LogSpan span;
    std::string new_id;
  };

  void Enqueue(Item item);
  void ReleaseWritten();
  void Run(std::string replication_id);
  void MarkEnd(const std::string& replication_id, const std::string& note);
  void Write(const Item& item, std::string& replication_id);
  Status WriteSpan(const LogSpan& span, const std::string& replication_id);

  Segments* const segments_;
  env::Clock* const clock_;
  Logger* const log_;

  LogCursor cursor_;            // engine thread
  LogCursor unwritten_;         // engine thread; keeps in memory what the thread has not written yet
  std::vector<LogSpan> spans_;  // engine thread
  std::thread thread_;
  std::atomic<uint64_t> pending_bytes_ = 0;
  std::atomic<uint64_t> handled_offset_ = 0;  // the thread is done with the log up to here

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;               // under mutex_
  bool is_gathering_ = false;            // under mutex_
  bool is_stopping_ = false;             // under mutex_
  std::optional<std::string> end_note_;  // under mutex_
  uint64_t end_offset_ = 0;              // under mutex_; of the log when it was stopped

  // The thread's own.
  bool has_failed_ = false;
  int64_t retry_at_micros_ = 0;
};

}  // namespace hearth::log
