#include "engine/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace hearth::engine {

uint64_t LatencyHistogram::LongestOf(size_t index) {
  if (index < 2 * kPerDoubling) return index;
  const size_t shift = (index >> kBits) - 1;
  return ((index - (shift << kBits) + 1) << shift) - 1;
}

uint64_t LatencyHistogram::PercentileNanos(double percent) const {
  if (total_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100;
  const uint64_t wanted =
      std::max<uint64_t>(1, static_cast<uint64_t>(std::llround(share * static_cast<double>(total_))));
  uint64_t seen = 0;
  size_t index = 0;
  for (; index + 1 < counts_.size(); ++index) {
    seen += counts_[index];
    if (seen >= wanted) break;
  }
  return LongestOf(index);
}

std::vector<LatencyHistogram::Step> LatencyHistogram::Doublings() const {
  constexpr uint64_t kFirstNanos = 1024;
  std::vector<Step> steps;
  uint64_t seen = 0;
  uint64_t told = 0;
  size_t next = 0;
  for (uint64_t limit = kFirstNanos; told < total_; limit *= 2) {
    const size_t end = std::min(IndexOf(limit) + 1, counts_.size());
    for (; next < end; ++next) seen += counts_[next];
    if (seen > told) steps.push_back({LongestOf(IndexOf(limit)) / 1000, seen});
    told = seen;
  }
  return steps;
}

}  // namespace hearth::engine
