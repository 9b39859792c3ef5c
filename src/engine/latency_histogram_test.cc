#include "engine/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::engine {
namespace {

TEST(LatencyHistogramTest, AnEmptyOneHasNothingToTell) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.total(), 0u);
  EXPECT_EQ(histogram.PercentileNanos(50), 0u);
  EXPECT_TRUE(histogram.Doublings().empty());
}

// The figures that Redis shows for the same durations.
TEST(LatencyHistogramTest, RoundsUpToTheEndOfACounter) {
  const auto shown = [](uint64_t nanos) {
    LatencyHistogram histogram;
    histogram.Record(nanos);
    return histogram.PercentileNanos(99);
  };
  EXPECT_EQ(shown(0), 0u);
  EXPECT_EQ(shown(255), 255u);
  EXPECT_EQ(shown(1'000), 1'003u);
  EXPECT_EQ(shown(6'000), 6'015u);
  EXPECT_EQ(shown(15'000), 15'039u);
  EXPECT_EQ(shown(299'000), 299'007u);
  EXPECT_EQ(shown(4'521'000), 4'521'983u);
}

TEST(LatencyHistogramTest, LongerThanASecondCountsAsASecond) {
  LatencyHistogram histogram;
  histogram.Record(5'000'000'000);
  EXPECT_GE(histogram.PercentileNanos(50), 1'000'000'000u);
  EXPECT_LE(histogram.PercentileNanos(50), 1'010'000'000u);
  ASSERT_EQ(histogram.Doublings().size(), 1u);
  EXPECT_EQ(histogram.Doublings()[0].count, 1u);
}

TEST(LatencyHistogramTest, DoublingsAddUp) {
  LatencyHistogram histogram;
  for (const uint64_t nanos : {500, 1'024, 3'000, 16'000, 30'000, 255'000}) histogram.Record(nanos);
  const std::vector<LatencyHistogram::Step> steps = histogram.Doublings();
  ASSERT_EQ(steps.size(), 5u);
  const uint64_t micros[] = {1, 4, 16, 33, 264};
  const uint64_t counts[] = {2, 3, 4, 5, 6};
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(steps[i].micros, micros[i]);
    EXPECT_EQ(steps[i].count, counts[i]);
  }
}

TEST(LatencyHistogramTest, PercentilesAreWithinAHundredthOfTheTruth) {
  Prng prng(TestSeed());
  LatencyHistogram histogram;
  std::vector<uint64_t> all;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t nanos = prng.Below(uint64_t{1} << (1 + prng.Below(29)));
    all.push_back(nanos);
    histogram.Record(nanos);
  }
  std::sort(all.begin(), all.end());
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const size_t rank = std::max<size_t>(1, static_cast<size_t>(std::llround(percent / 100 * 20'000)));
    const double truth = static_cast<double>(all[rank - 1]);
    const double shown = static_cast<double>(histogram.PercentileNanos(percent));
    EXPECT_GE(shown, truth) << percent;
    EXPECT_LE(shown, truth * 1.01 + 1) << percent;
  }
}

}  // namespace
}  // namespace hearth::engine
