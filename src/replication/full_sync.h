// One full copy on its way to replicas: a cut of the dataset, encoded and sent on worker threads, straight to
// the sockets or by way of a file. The engine is never held up by it, and nothing is forked.
//
// To sockets, the snapshot goes out as it is made, framed by a mark; everybody who waits is in it from the
// beginning. By a file, it is written first (kSaving) and then sent with its size before it (kSending); the
// file is gone as soon as it has been opened for that. When the last replica has gone, the rest is given up.
//
// A rejoin goes the same way to its one replica, with a part of the keys alone.
//
// Owned by Replicas, which keeps each replica's place in the log meanwhile. Engine thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "env/disk.h"
#include "net/event_loop.h"
#include "persistence/persistence.h"
#include "persistence/save_job.h"
#include "replication/replica_fanout.h"
#include "replication/replica_file_sender.h"
#include "replication/written_keys.h"

namespace hearth::replication {

class FullSync {
 public:
  enum class Way { kSockets, kFile };
  enum class Phase { kSaving, kSending, kOver };

  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    env::Clock& clock;
    env::Disk& disk;
    Logger& log;
    persistence::Persistence& persistence;
  };

  // What a rejoin sends: these keys, and what the snapshot says of itself beside them.
  struct Selection {
    std::shared_ptr<const WrittenKeys> keys;
    std::vector<std::pair<std::string, std::string>> fields;
  };

  // Cuts the dataset as it is now, which is at the log's end. `mark` frames a snapshot that goes to sockets.
  static Result<std::unique_ptr<FullSync>> ToSockets(const Parts& parts, std::string mark,
                                                     std::vector<std::shared_ptr<Receiver>> receivers,
                                                     Selection selection = {});
  static Result<std::unique_ptr<FullSync>> ByFile(const Parts& parts, uint64_t number);
  // For these two.
  FullSync(const Parts& parts, Way way);
  ~FullSync();
  FullSync(const FullSync&) = delete;
  FullSync& operator=(const FullSync&) = delete;

  Way way() const { return way_; }
  Phase phase() const { return phase_; }
  // The file is complete: it can be sent.
  bool is_saved() const { return phase_ == Phase::kSaving && job_->is_over(); }
  // A file goes to these.
  Status SendFile(std::vector<std::shared_ptr<Receiver>> receivers);
  // Looks whether it is over. Once a turn, and when woken.
  void Step();
  // When it is over, or saved: how it went.
  const Status& status() const { return status_; }

  // The log's end when the cut was made.
  uint64_t offset() const { return offset_; }
  int64_t milliseconds() const { return (parts_.clock.MonotonicMicros() - started_us_) / 1000; }
  uint64_t bytes() const { return job_ == nullptr ? bytes_ : job_->writer().bytes_written(); }

 private:
  rdb::RdbSnapshot::Options Describe() const;
  std::function<void()> WakeEngine() const;
  Status BeginCut(std::unique_ptr<rdb::SnapshotWriter> writer);
  Result<std::shared_ptr<ReplicaFanout>> MakeFanout(std::vector<std::shared_ptr<Receiver>> receivers) const;
  void RemoveFile();

  const Parts parts_;
  const Way way_;
  const uint64_t offset_;
  const int64_t started_us_;
  Phase phase_;
  Status status_;
  uint64_t bytes_ = 0;
  std::shared_ptr<const WrittenKeys> keys_;  // of a rejoin; outlives the cut
  std::string path_;                         // of the file, while it is there
  std::shared_ptr<ReplicaFanout> fanout_;
  std::unique_ptr<persistence::SaveJob> job_;
  std::unique_ptr<ReplicaFileSender> sender_;
};

}  // namespace hearth::replication
