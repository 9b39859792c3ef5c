// The distribution of one command's durations: a fixed number of counters, in the manner of HdrHistogram.
//
// Durations below 256 ns have a counter each; above, every doubling has 128 counters, so that what a counter
// stands for is known to within 0.8 %. A second is the longest that is told apart; what takes longer counts
// as one. Recording costs one shift and one increment.
//
// Owned by a command's counters; engine thread only.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hearth::engine {

class LatencyHistogram {
 public:
  static constexpr uint64_t kLongestNanos = 1'000'000'000;

  void Record(uint64_t nanos) {
    ++counts_[IndexOf(nanos < kLongestNanos ? nanos : kLongestNanos)];
    ++total_;
  }

  uint64_t total() const { return total_; }
  // The duration that `percent` of all do not exceed, rounded up to the end of its counter.
  uint64_t PercentileNanos(double percent) const;

  // How many took at most so long.
  struct Step {
    uint64_t micros;
    uint64_t count;
  };
  // A step for every power of two (in units of 1024 ns) up to which there are more than up to the one before.
  std::vector<Step> Doublings() const;

 private:
  static constexpr int kBits = 7;
  static constexpr uint64_t kPerDoubling = uint64_t{1} << kBits;
  // 256 for what is below 2^8 ns, and 128 for each of the doublings up to 2^30 ns.
  static constexpr size_t kCounters = 2 * kPerDoubling + (30 - (kBits + 1)) * kPerDoubling;
  static_assert(kLongestNanos < uint64_t{1} << 30);

  static constexpr size_t IndexOf(uint64_t nanos) {
    const int width = static_cast<int>(std::bit_width(nanos));
    const int shift = width > kBits + 1 ? width - (kBits + 1) : 0;
    return (static_cast<size_t>(shift) << kBits) + static_cast<size_t>(nanos >> shift);
  }
  // The longest duration that belongs to a counter.
  static uint64_t LongestOf(size_t index);

  uint64_t total_ = 0;
  std::array<uint64_t, kCounters> counts_{};
};

}  // namespace hearth::engine
