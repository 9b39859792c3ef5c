// Sends a replica the part of the log that has left memory, from the segments on disk, on a thread of its
// own, until the replica is near enough to go on from memory.
//
// The engine starts it at the replica's place. When the thread has come to the end of what is on disk, the
// engine takes a cursor at the log's end and says StopAt: from there on memory has it. Owned by a Replica;
// engine thread, but for what says otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "log/segments.h"
#include "replication/replica_fanout.h"

namespace hearth::replication {

class ReplicaCatchUp {
 public:
  static constexpr uint64_t kNowhere = UINT64_MAX;

  // `fanout` has one receiver. `on_progress` is called on the thread: at the end of what is on disk, and when
  // it is over.
  ReplicaCatchUp(log::Segments& segments, uint64_t offset, std::shared_ptr<ReplicaFanout> fanout,
                 std::function<void()> on_progress);
  // Gives up what is not sent yet.
  ~ReplicaCatchUp();
  ReplicaCatchUp(const ReplicaCatchUp&) = delete;
  ReplicaCatchUp& operator=(const ReplicaCatchUp&) = delete;

  // The thread ends when all up to `offset` is sent, which lies at or behind its place; kNowhere takes that
  // back.
  void StopAt(uint64_t offset);

  // Has come to the end of what is on disk since StopAt was last called.
  bool is_at_end() const { return is_at_end_.load(std::memory_order_acquire); }
  // What has been read and given to the socket or kept for it.
  uint64_t offset() const { return offset_.load(std::memory_order_relaxed); }
  bool is_over() const { return is_over_.load(std::memory_order_acquire); }
  // When it is over.
  const Status& status() const { return status_; }

 private:
  void Run();
  Status Send();

  log::Segments& segments_;
  const std::shared_ptr<ReplicaFanout> fanout_;
  const std::function<void()> on_progress_;
  std::atomic<uint64_t> offset_;
  std::atomic<uint64_t> stop_at_ = kNowhere;
  std::atomic<bool> is_at_end_ = false;
  std::atomic<bool> is_cancelled_ = false;
  Status status_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

}  // namespace hearth::replication
