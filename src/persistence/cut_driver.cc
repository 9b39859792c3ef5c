#include "persistence/cut_driver.h"

#include <algorithm>

namespace hearth::persistence {
namespace {

constexpr int64_t kSliceMicros = 100;
constexpr int64_t kIdleSliceMicros = 250;
// One part in so many of what clients take.
constexpr int64_t kBusyParts = 16;
// A turn with less work than this counts as idle.
constexpr int64_t kIdleMicros = 50;
// How long to wait for a sink that is behind before looking again.
constexpr int64_t kSinkWaitMicros = 1000;

}  // namespace

void CutDriver::RunSlice() {
  keyspace::Cutter& cutter = keyspace_.cutter();
  if (!cutter.any()) return;
  const int64_t start = loop_.FreshNowMicros();
  const int64_t busy = start - loop_.NowMicros();
  const bool is_idle = busy < kIdleMicros;
  if (!is_idle) {
    credit_us_ = std::min(credit_us_ + busy / kBusyParts, kSliceMicros);
    // The next turn is an idle one, or brings more credit.
    if (credit_us_ < kSliceMicros) return loop_.RequestImmediateTurn();
  }
  const int64_t slice = is_idle ? kIdleSliceMicros : kSliceMicros;
  const bool has_more = cutter.Run([&] { return loop_.FreshNowMicros() - start >= slice; });
  if (!is_idle) credit_us_ -= loop_.FreshNowMicros() - start;
  if (has_more) {
    loop_.RequestImmediateTurn();
  } else if (cutter.any()) {
    loop_.LimitNextWait(kSinkWaitMicros);
  }
}

}  // namespace hearth::persistence
