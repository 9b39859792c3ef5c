// Writes the AOF: a cursor into the write log whose bytes a thread of its own writes and syncs, so that the
// engine never waits for the disk. Group commit: one write and, with `appendfsync always`, one sync serve all
// that arrived in the meantime. With the other policies, what comes within a few milliseconds of a write
// waits for the next one.
//
// Use, on the engine thread: Start when data is loaded; Pump once a turn, between commands (a hook of
// LoopPhase::kWork); when `notify` was called, TakeReport, and give its progress to the gate (log/gate.h).
// RotateTo when a rewrite begins, and OpenWith the SELECT that the new file needs. Flush before shutting
// down; Stop, or the destructor, ends the thread.
//
// After a failed write the file is cut back to the last whole unit and the write is tried again every second,
// from where it stopped: nothing is lost or written twice. Meanwhile the report says what failed, for
// MISCONF. With `appendfsync always` there is no going on: the report is fatal, and whoever owns the process
// ends it.
//
// Limitations: while the disk is slow, what waits for it stays in memory without a bound (pending_bytes), as
// the engine goes on. After a failed sync (not a write) the system may have dropped pages that were not on
// disk; a later sync that succeeds ends the error all the same. A rewrite is what makes the AOF whole again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "env/clock.h"
#include "env/disk.h"
#include "log/gate.h"
#include "log/write_log.h"

namespace hearth::aof {

enum class Fsync { kNo, kEverySecond, kAlways };

struct WriterSettings {
  Fsync fsync = Fsync::kEverySecond;
  bool timestamps = false;               // aof-timestamp-enabled
  bool no_fsync_during_rewrite = false;  // no-appendfsync-on-rewrite
  bool rewrite_runs = false;             // a rewrite or a save is going on
  int64_t write_delay_us = 0;            // before each write, for tests
};

struct WriterReport {
  log::LocalProgress progress;
  bool has_failed = false;  // aof_last_write_status:err
  bool is_fatal = false;
  Error error;
};

struct WriterStats {
  uint64_t file_bytes = 0;     // of the file being written
  uint64_t pending_bytes = 0;  // handed over and not written (aof_buffer_length)
  uint64_t delayed_syncs = 0;  // that took two seconds or more (aof_delayed_fsync)
  bool is_syncing = false;     // aof_pending_bio_fsync
};

// The longest that something has taken, in microseconds.
struct WriterDelays {
  int64_t write_us = 0;         // writing all that was there
  int64_t sync_us = 0;          // syncing under `always`, which replies wait for
  int64_t pending_sync_us = 0;  // syncing otherwise, if something to be written had to wait meanwhile
};

class Writer {
 public:
  // `notify` is called on the writer's thread when there is news: not again before TakeReport.
  Writer(env::Clock& clock, Logger& log, std::function<void()> notify);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Goes on at the end of `file`, with the log from `cursor` on. Once; an error has started nothing.
  Status Start(std::unique_ptr<env::File> file, log::LogCursor cursor, const WriterSettings& settings);
  bool is_started() const { return cursor_.is_valid(); }
  void Configure(const WriterSettings& settings);

  // Hands over what has been logged since the last call, which must end with a whole unit.
  void Pump();
  // What is logged from here on goes to `file`, from its beginning; what came before is synced in the old
  // one.
  void RotateTo(std::unique_ptr<env::File> file);
  // `text` is not in the log, and goes into the file before what is logged from here on, if anything is.
  void OpenWith(std::string text) { opening_ = std::move(text); }
  // Pumps, and waits until all of it is written and synced; or until it has failed.
  Status Flush();
  // Writes and syncs what it can, and ends. The cursor leaves the log.
  void Stop();

  WriterReport TakeReport();
  WriterStats stats() const;
  // Since the last call.
  WriterDelays TakeDelays();

 private:
  // A piece of the log to be written, or a text that is not in the log, or a change of the file.
  struct Item {
    log::LogSpan span;
    std::string text;
    std::unique_ptr<env::File> next_file;
    bool completes_unit = false;
    uint64_t end_offset = 0;  // of the log, once this is written

    std::string_view bytes() const { return text.empty() ? span.bytes : std::string_view(text); }
  };

  void Enqueue();
  bool Join(const Item& next);

  // ---- the thread
  void Run();
  void Gather(std::unique_lock<std::mutex>& lock);
  int64_t WaitMicros() const;
  void Work();
  Status WriteItems();
  Status WriteItem(const Item& item);
  Status ChangeFile(Item& item);
  Status RepairFile();
  Status Sync();
  bool MaySync() const;
  bool IsSyncDue() const;
  void Publish(const Status& status);
  void LogFailure(const Error& error);
  static void KeepLongest(std::atomic<int64_t>& longest, int64_t micros);

  env::Clock* const clock_;
  Logger* const log_;
  const std::function<void()> notify_;

  // Engine thread.
  log::LogCursor cursor_;
  std::vector<log::LogSpan> spans_;
  std::vector<Item> handover_;
  int64_t last_timestamp_ = 0;
  std::string opening_;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;     // the thread: something to do
  std::condition_variable settled_;  // Flush: look again
  std::deque<Item> queue_;           // under mutex_
  WriterSettings settings_;          // under mutex_
  WriterReport report_;              // under mutex_
  bool is_notified_ = false;         // under mutex_
  bool is_waiting_ = false;          // under mutex_
  bool is_gathering_ = false;        // under mutex_
  bool must_look_ = false;           // under mutex_
  bool is_stopping_ = false;         // under mutex_
  uint64_t flush_requests_ = 0;      // under mutex_
  uint64_t flushes_done_ = 0;        // under mutex_
  std::atomic<uint64_t> file_bytes_ = 0;
  std::atomic<uint64_t> pending_bytes_ = 0;
  std::atomic<uint64_t> delayed_syncs_ = 0;
  std::atomic<bool> is_syncing_ = false;
  std::atomic<int64_t> longest_write_us_ = 0;
  std::atomic<int64_t> longest_sync_us_ = 0;
  std::atomic<int64_t> longest_pending_sync_us_ = 0;

  // The thread's own.
  std::unique_ptr<env::File> file_;
  std::deque<Item> items_;       // taken from the queue, not all written
  WriterSettings in_force_;      // as of this round
  uint64_t good_size_ = 0;       // of the file, up to the last whole unit
  uint64_t written_offset_ = 0;  // of the log
  uint64_t synced_offset_ = 0;
  bool needs_repair_ = false;  // the file may end in a part of a unit
  bool has_unsynced_ = false;
  bool has_failed_ = false;
  bool is_fatal_ = false;
  bool must_sync_ = false;  // a Flush waits
  int64_t retry_at_micros_ = 0;
  int64_t last_sync_micros_ = 0;
  int64_t last_complaint_micros_ = 0;
};

}  // namespace hearth::aof
