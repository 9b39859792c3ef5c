#include "env/clock.h"

#include <errno.h>
#include <time.h>

#include "env/sleep.h"

namespace hearth::env {
namespace {

int64_t ReadMicros(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
}

class SystemClock final : public Clock {
 public:
  int64_t WallMicros() override { return ReadMicros(CLOCK_REALTIME); }
  int64_t MonotonicMicros() override { return ReadMicros(CLOCK_MONOTONIC); }
};

}  // namespace

void HoldUpThread(int64_t micros) {
  if (micros <= 0) return;
  const int64_t end = ReadMicros(CLOCK_MONOTONIC) + micros;
  const timespec until{.tv_sec = end / 1'000'000, .tv_nsec = end % 1'000'000 * 1000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

std::unique_ptr<Clock> MakeSystemClock() { return std::make_unique<SystemClock>(); }

TickScale TickScale::Calibrate(Clock& clock) {
  constexpr int64_t kSpanMicros = 2000;
  const int64_t start = clock.MonotonicMicros();
  const uint64_t start_ticks = Ticks();
  int64_t now;
  do {
    now = clock.MonotonicMicros();
  } while (now - start < kSpanMicros);
  return TickScale(static_cast<double>(Ticks() - start_ticks) / static_cast<double>(now - start));
}

}  // namespace hearth::env
