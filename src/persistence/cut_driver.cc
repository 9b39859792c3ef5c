#include "persistence/cut_driver.h"

#include <algorithm>

namespace hearth::persistence {
namespace {

constexpr int64_t kShortestSliceMicros = 100;
constexpr int64_t kLongestSliceMicros = 1000;
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
  const int64_t slice = busy < kIdleMicros ? kLongestSliceMicros / 4
                                           : std::clamp(busy / 4, kShortestSliceMicros, kLongestSliceMicros);
  if (cutter.Run([&] { return loop_.FreshNowMicros() - start >= slice; })) {
    loop_.RequestImmediateTurn();
  } else if (cutter.any()) {
    loop_.LimitNextWait(kSinkWaitMicros);
  }
}

}  // namespace hearth::persistence
