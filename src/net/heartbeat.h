// Says to other threads for how long the engine's loop has been at work without coming round, so that one
// that runs a long command can be told from one that waits. Owned by IoThreads, whose hooks in the loop beat
// it.
//
// Limitation: what a turn does before it takes requests (timers) still counts as waiting.
#pragma once

#include <atomic>
#include <cstdint>

#include "env/clock.h"

namespace hearth::net {

class Heartbeat {
 public:
  explicit Heartbeat(env::Clock& clock) : clock_(&clock) {}

  // The loop's thread.
  void OnWork(int64_t now_micros) { since_.store(now_micros, std::memory_order_relaxed); }
  void OnWait() { since_.store(kWaits, std::memory_order_relaxed); }

  // Any thread. 0 while the loop waits.
  int64_t BusyMicros() const {
    const int64_t since = since_.load(std::memory_order_relaxed);
    return since == kWaits ? 0 : clock_->MonotonicMicros() - since;
  }

 private:
  static constexpr int64_t kWaits = -1;

  env::Clock* clock_;
  std::atomic<int64_t> since_{kWaits};
};

}  // namespace hearth::net
