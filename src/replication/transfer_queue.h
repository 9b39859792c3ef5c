// The bytes of a dataset between the thread that receives them and the one that decodes or stores them.
// Bounded: whoever pushes asks is_full first, and goes on when `on_room` was called.
//
// Shared by the transfer and the source that it gives to a worker.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "rdb/source.h"

namespace hearth::replication {

class TransferQueue {
 public:
  static constexpr size_t kMaxBytes = size_t{8} * 1024 * 1024;

  // `on_room` is called on the worker's thread when half of it is free again after it was full.
  TransferQueue(std::optional<uint64_t> size_bytes, std::function<void()> on_room)
      : size_(size_bytes), on_room_(std::move(on_room)) {}

  // ---- who receives

  void Push(std::string bytes);
  bool is_full() const { return queued_.load(std::memory_order_relaxed) >= kMaxBytes; }
  // All has been pushed.
  void End();
  // Nothing more will come: the worker gets the error, wherever it is.
  void Fail(std::string reason);

  // ---- the worker

  // As rdb::ByteSource.
  Result<std::string_view> NextBlock();
  uint64_t BytesLeft() const;

 private:
  const std::optional<uint64_t> size_;
  const std::function<void()> on_room_;
  std::atomic<size_t> queued_ = 0;

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::string> blocks_;  // under mutex_
  std::string failure_;             // under mutex_; empty for none
  bool is_ended_ = false;           // under mutex_

  // The worker's own.
  std::string block_;
  uint64_t given_ = 0;
  bool was_full_ = false;
};

// A source of the queue's bytes.
std::unique_ptr<rdb::ByteSource> MakeSource(std::shared_ptr<TransferQueue> queue);

}  // namespace hearth::replication
