// Sends a snapshot that stands in a file, with its size before it, on a thread of its own: for replicas that
// do not know where a snapshot of unknown size ends, and where the configuration wants a file in between.
//
// Owned by a FullSync; engine thread, but for what says otherwise.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "env/disk.h"
#include "replication/replica_fanout.h"

namespace hearth::replication {

class ReplicaFileSender {
 public:
  // `on_done` is called on the sender's thread, once.
  ReplicaFileSender(std::unique_ptr<env::File> file, std::shared_ptr<ReplicaFanout> fanout,
                    std::function<void()> on_done);
  // Gives up what is not sent yet.
  ~ReplicaFileSender();
  ReplicaFileSender(const ReplicaFileSender&) = delete;
  ReplicaFileSender& operator=(const ReplicaFileSender&) = delete;

  bool is_done() const { return is_done_.load(std::memory_order_acquire); }
  // When it is done.
  const Status& status() const { return status_; }

 private:
  void Run();
  Status Send();

  const std::unique_ptr<env::File> file_;
  const std::shared_ptr<ReplicaFanout> fanout_;
  const std::function<void()> on_done_;
  Status status_;
  std::atomic<bool> is_done_ = false;
  std::thread thread_;
};

}  // namespace hearth::replication
