// Writes the same bytes to the sockets of several replicas, from a worker thread: the snapshot of a full
// sync, or the log from disk.
//
// What a replica cannot take yet is kept for it, up to a bound; then the worker waits for the slowest. A
// replica that takes nothing for too long is left behind, and so is one whose connection has gone. Made on
// the engine thread, which shares it with the worker; each method says whose it is.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "env/net.h"
#include "net/socket_lease.h"

namespace hearth::replication {

// One replica that gets the bytes; shared by the engine and the worker.
class Receiver {
 public:
  enum class Outcome : uint8_t { kSending, kSent, kGone, kTimedOut };

  explicit Receiver(std::shared_ptr<net::SocketLease> lease) : lease_(std::move(lease)) {}

  // ---- any thread
  // Once it is not kSending any more, the worker does nothing more with the socket.
  Outcome outcome() const { return outcome_.load(std::memory_order_acquire); }
  uint64_t sent_bytes() const { return position_.load(std::memory_order_relaxed); }

 private:
  friend class ReplicaFanout;

  const std::shared_ptr<net::SocketLease> lease_;
  std::atomic<Outcome> outcome_ = Outcome::kSending;
  std::atomic<uint64_t> position_ = 0;  // written by the worker
  int64_t progress_us_ = 0;             // the worker's
};

class ReplicaFanout {
 public:
  // What may wait for the slowest replica, beside the block that is being sent.
  static constexpr uint64_t kMaxPendingBytes = 4 << 20;

  // Engine thread. A replica without progress for `timeout_us` is left behind.
  static Result<std::unique_ptr<ReplicaFanout>> Make(env::Clock& clock, int64_t timeout_us,
                                                     std::vector<std::shared_ptr<Receiver>> receivers);
  // For Make.
  ReplicaFanout(std::unique_ptr<env::Poller> poller, env::Clock& clock, int64_t timeout_us,
                std::vector<std::shared_ptr<Receiver>> receivers);
  ReplicaFanout(const ReplicaFanout&) = delete;
  ReplicaFanout& operator=(const ReplicaFanout&) = delete;

  // ---- the worker: an error means that nobody is left, or that it was cancelled
  Status Send(std::string_view bytes);
  // Sends what waits: when a socket can take more, at the latest after `max_wait_us`, or upon Wake.
  Status Rest(int64_t max_wait_us);
  // Returns when everybody has everything, or is out of it.
  Status Finish();

  // ---- any thread
  void Cancel();
  void Wake() { poller_->Wake(); }

 private:
  struct Block {
    uint64_t start;
    std::string bytes;
    uint64_t end() const { return start + bytes.size(); }
  };

  // Writes what the socket takes of `bytes`, which the receiver needs next.
  void SendAtOnce(Receiver& receiver, std::string_view bytes);
  void SendPending(Receiver& receiver);
  // False when the socket takes no more for now.
  bool Write(Receiver& receiver, iovec* parts, int count);
  void End(Receiver& receiver, Receiver::Outcome outcome);
  void LeaveLate();
  void DropSent();
  uint64_t SlowestPosition() const;
  Status CheckAny() const;

  const std::unique_ptr<env::Poller> poller_;
  env::Clock& clock_;
  const int64_t timeout_us_;
  std::vector<std::shared_ptr<Receiver>> active_;
  std::deque<Block> blocks_;  // from the slowest one's place on
  uint64_t end_ = 0;          // all bytes so far
  bool is_ending_ = false;
  std::atomic<bool> is_cancelled_ = false;
};

}  // namespace hearth::replication
