// RDB files of the dataset: BGSAVE, SAVE, and those that the `save` directive asks for.
//
// Owned by Persistence; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "env/disk.h"
#include "net/event_loop.h"
#include "persistence/save_job.h"
#include "rdb/save.h"

namespace hearth::persistence {

// What INFO tells of saving.
struct SaveStats {
  int64_t last_save_seconds = 0;  // Unix time of the last good one, or of the start
  bool last_ok = true;
  int64_t last_duration_seconds = -1;
  uint64_t saves = 0;
  uint64_t last_queue_bytes = 0;  // the most memory that the last one held
};

class Snapshots {
 public:
  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    env::Disk& disk;
    Logger& log;
    // What a file says of the place in the replication stream.
    std::function<std::optional<rdb::ReplicationInfo>()> replication;
    // One has ended, well or not.
    std::function<void()> on_ended;
  };
  explicit Snapshots(const Parts& parts);
  ~Snapshots();

  // BGSAVE: begins one. An error says why it could not begin.
  Status Start();
  // SAVE: returns when the file is there. Clients wait.
  Status SaveNow();
  // Gives up the one that is running.
  void Cancel();
  bool is_running() const { return job_ != nullptr; }

  // BGSAVE SCHEDULE, and BGSAVE in a transaction, whose middle is no state to save: as soon as Tick may.
  void Schedule() { is_scheduled_ = true; }

  // Starts what the `save` directive wants, and what was scheduled unless that `must_wait`; ends what is
  // done.
  void Tick(bool must_wait);

  uint64_t changes_since_last_save() const;
  // The dataset as it is now is what a file holds: after loading.
  void MarkClean();
  const SaveStats& stats() const { return stats_; }
  // Of the running save.
  int64_t running_seconds() const;
  uint64_t keys_total() const { return job_ == nullptr ? 0 : job_->keys_total; }
  uint64_t keys_done() const { return job_ == nullptr ? 0 : job_->save->writer().keys_written(); }
  uint64_t most_queued_bytes() const { return job_ == nullptr ? 0 : job_->most_queued_bytes; }
  uint64_t queued_bytes() const { return job_ == nullptr ? 0 : job_->save->writer().queued_bytes(); }

 private:
  struct Job {
    std::unique_ptr<SaveJob> save;
    uint64_t changes_at_start = 0;
    uint64_t keys_total = 0;
    uint64_t most_queued_bytes = 0;
  };

  Result<std::unique_ptr<Job>> Begin();
  void End();
  Status Finish(Job& job);
  bool IsDue() const;

  const Parts parts_;
  const settings::Settings& settings_;
  std::unique_ptr<Job> job_;
  SaveStats stats_;
  uint64_t changes_at_last_save_ = 0;
  int64_t last_try_seconds_ = 0;
  bool is_scheduled_ = false;
};

}  // namespace hearth::persistence
