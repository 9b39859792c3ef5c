// A clock that stands still until a test moves it. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

#include "env/clock.h"

namespace hearth::env {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t wall_micros = 1'700'000'000'000'000) : wall_micros_(wall_micros) {}

  int64_t WallMicros() override { return wall_micros_.load(); }
  int64_t MonotonicMicros() override { return monotonic_micros_.load(); }

  // Time passes.
  void AdvanceMicros(int64_t micros) {
    wall_micros_ += micros;
    monotonic_micros_ += micros;
  }
  // An operator sets the date.
  void SetWallMicros(int64_t micros) { wall_micros_ = micros; }

 private:
  std::atomic<int64_t> wall_micros_;
  std::atomic<int64_t> monotonic_micros_{1'000'000};
};

}  // namespace hearth::env
