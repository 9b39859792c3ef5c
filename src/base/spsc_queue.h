// A bounded queue between two threads: exactly one pushes, exactly one pops. Lock-free and wait-free.
// Owned by whoever joins the two threads; it must outlive both.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace hearth {

// The producer owns tail_ and the consumer owns head_; each keeps a copy of the other's index beside its own
// and reads the shared one only when the copy says full or empty. So a steady stream moves few cache lines.
template <typename T>
class SpscQueue {
 public:
  // Room for `capacity` elements, rounded up to a power of two.
  explicit SpscQueue(size_t capacity)
      : mask_(std::bit_ceil(capacity) - 1), slots_(std::make_unique<T[]>(mask_ + 1)) {
    HEARTH_ASSERT(capacity > 0);
  }
  SpscQueue(const SpscQueue&) = delete;
  SpscQueue& operator=(const SpscQueue&) = delete;

  size_t capacity() const { return mask_ + 1; }

  // Producer only. False, with `value` untouched, if the queue is full.
  bool TryPush(T&& value) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - known_head_ > mask_) {
      known_head_ = head_.load(std::memory_order_acquire);
      if (tail - known_head_ > mask_) return false;
    }
    slots_[tail & mask_] = std::move(value);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  bool TryPush(const T& value) { return TryPush(T(value)); }

  // Consumer only. False if the queue is empty. The slot is left moved-from.
  bool TryPop(T* value) {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (head == known_tail_) {
      known_tail_ = tail_.load(std::memory_order_acquire);
      if (head == known_tail_) return false;
    }
    *value = std::move(slots_[head & mask_]);
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  // Exact on either side for what that side alone can change, a snapshot for everybody else.
  size_t Size() const {
    const size_t head = head_.load(std::memory_order_acquire);
    return tail_.load(std::memory_order_acquire) - head;
  }
  bool IsEmpty() const { return Size() == 0; }

 private:
  static constexpr size_t kCacheLine = 64;

  const size_t mask_;
  const std::unique_ptr<T[]> slots_;
  alignas(kCacheLine) std::atomic<size_t> tail_{0};
  size_t known_head_ = 0;
  alignas(kCacheLine) std::atomic<size_t> head_{0};
  size_t known_tail_ = 0;
};

}  // namespace hearth
