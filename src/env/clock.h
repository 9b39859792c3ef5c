// Time, as everything above env/ sees it. One Clock is made by the composition root and passed on; both calls
// are thread-safe. Tests use env/testing/manual_clock.h.
#pragma once

#include <cstdint>
#include <memory>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace hearth::env {

class Clock {
 public:
  virtual ~Clock() = default;

  // Microseconds since the Unix epoch. May jump in either direction when an operator sets the time.
  virtual int64_t WallMicros() = 0;

  // Microseconds since an arbitrary moment; never goes back.
  virtual int64_t MonotonicMicros() = 0;
};

// The system's clocks (env/posix).
std::unique_ptr<Clock> MakeSystemClock();

// The processor's own counter: the cheapest timestamp there is (about 10 ns), for timing single commands.
inline uint64_t Ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
#error "Ticks() needs this processor's cycle or virtual counter"
#endif
}

// Converts differences of Ticks() to time. Calibrated once at start and passed to whoever times things.
class TickScale {
 public:
  explicit TickScale(double ticks_per_micro)
      : ticks_per_micro_(ticks_per_micro), micros_per_tick_(1.0 / ticks_per_micro) {}

  // Compares the counter with `clock` for about two milliseconds.
  static TickScale Calibrate(Clock& clock);

  double ticks_per_micro() const { return ticks_per_micro_; }
  uint64_t ToMicros(uint64_t ticks) const {
    return static_cast<uint64_t>(static_cast<double>(ticks) * micros_per_tick_);
  }
  uint64_t ToNanos(uint64_t ticks) const {
    return static_cast<uint64_t>(static_cast<double>(ticks) * micros_per_tick_ * 1000.0);
  }

 private:
  double ticks_per_micro_;
  double micros_per_tick_;
};

}  // namespace hearth::env
