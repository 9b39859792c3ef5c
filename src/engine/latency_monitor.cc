#include "engine/latency_monitor.h"

#include <algorithm>

namespace hearth::engine {

void LatencySeries::Add(int64_t at_seconds, int64_t ms) {
  max_ms_ = std::max(max_ms_, ms);
  if (size_ > 0) {
    LatencySample& last = samples_[(next_ + kMaxSamples - 1) % kMaxSamples];
    if (last.at_seconds == at_seconds) {
      last.ms = std::max(last.ms, ms);
      return;
    }
  }
  samples_[next_] = {at_seconds, ms};
  next_ = (next_ + 1) % kMaxSamples;
  size_ = std::min(size_ + 1, kMaxSamples);
}

void LatencyMonitor::Report(std::string_view event, int64_t duration_us, int64_t now_seconds) {
  const int64_t ms = duration_us / 1000;
  if (!is_on() || ms < settings_.latency_monitor_threshold) return;
  auto found = events_.find(event);
  if (found == events_.end()) found = events_.emplace(event, LatencySeries()).first;
  found->second.Add(now_seconds, ms);
}

const LatencySeries* LatencyMonitor::Find(std::string_view event) const {
  const auto found = events_.find(event);
  return found == events_.end() ? nullptr : &found->second;
}

size_t LatencyMonitor::Reset(std::string_view event) {
  const auto found = events_.find(event);
  if (found == events_.end()) return 0;
  events_.erase(found);
  return 1;
}

size_t LatencyMonitor::ResetAll() {
  const size_t count = events_.size();
  events_.clear();
  return count;
}

}  // namespace hearth::engine
