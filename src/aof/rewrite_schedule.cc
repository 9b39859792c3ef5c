#include "aof/rewrite_schedule.h"

#include <algorithm>

namespace hearth::aof {

std::optional<int64_t> RewriteSchedule::GrowthIfDue(uint64_t current_bytes, int64_t percentage,
                                                    uint64_t min_bytes) const {
  if (percentage <= 0 || current_bytes <= min_bytes) return std::nullopt;
  const double base = static_cast<double>(std::max<uint64_t>(base_bytes_, 1));
  const double growth = static_cast<double>(current_bytes) * 100.0 / base - 100.0;
  if (growth < static_cast<double>(percentage)) return std::nullopt;
  return static_cast<int64_t>(std::min(growth, 9e18));
}

int RewriteSchedule::RewriteFailed(int64_t now_ms) {
  ++failures_;
  if (failures_ < kFreeFailures) return 0;
  const int doublings = std::min(failures_ - kFreeFailures, 6);
  const int minutes = std::min(1 << doublings, kMaxDelayMinutes);
  retry_at_ms_ = now_ms + int64_t{minutes} * 60 * 1000;
  return minutes;
}

}  // namespace hearth::aof
