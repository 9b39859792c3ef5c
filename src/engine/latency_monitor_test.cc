#include "engine/latency_monitor.h"

#include <gtest/gtest.h>

namespace hearth::engine {
namespace {

class LatencyMonitorTest : public ::testing::Test {
 protected:
  LatencyMonitorTest() { settings_.latency_monitor_threshold = 10; }
  settings::Settings settings_;
  LatencyMonitor monitor_{settings_};
};

TEST_F(LatencyMonitorTest, KeepsWhatReachesTheThreshold) {
  monitor_.Report("command", 9'999, 100);
  EXPECT_EQ(monitor_.Find("command"), nullptr);
  monitor_.Report("command", 10'000, 100);
  const LatencySeries* series = monitor_.Find("command");
  ASSERT_NE(series, nullptr);
  ASSERT_EQ(series->size(), 1u);
  EXPECT_EQ(series->latest().ms, 10);
  EXPECT_EQ(series->latest().at_seconds, 100);
}

TEST_F(LatencyMonitorTest, RecordsNothingWithoutAThreshold) {
  settings_.latency_monitor_threshold = 0;
  monitor_.Report("command", 10'000'000, 100);
  EXPECT_TRUE(monitor_.events().empty());
}

TEST_F(LatencyMonitorTest, KeepsTheWorstOfASecond) {
  monitor_.Report("command", 20'000, 100);
  monitor_.Report("command", 50'000, 100);
  monitor_.Report("command", 30'000, 100);
  monitor_.Report("command", 11'000, 101);
  const LatencySeries& series = *monitor_.Find("command");
  ASSERT_EQ(series.size(), 2u);
  EXPECT_EQ(series[0].ms, 50);
  EXPECT_EQ(series[1].ms, 11);
  EXPECT_EQ(series.max_ms(), 50);
}

TEST_F(LatencyMonitorTest, ForgetsTheOldestButNotTheWorst) {
  monitor_.Report("command", 900'000, 0);
  for (int second = 1; second <= 200; ++second) monitor_.Report("command", 1000 * (10 + second), second);
  const LatencySeries& series = *monitor_.Find("command");
  ASSERT_EQ(series.size(), LatencySeries::kMaxSamples);
  EXPECT_EQ(series[0].at_seconds, 41);
  EXPECT_EQ(series.latest().at_seconds, 200);
  EXPECT_EQ(series.max_ms(), 900);
}

TEST_F(LatencyMonitorTest, ResetsOneEventOrAll) {
  monitor_.Report("command", 20'000, 1);
  monitor_.Report("expire-del", 20'000, 1);
  EXPECT_EQ(monitor_.Reset("nothing"), 0u);
  EXPECT_EQ(monitor_.Reset("command"), 1u);
  EXPECT_EQ(monitor_.Find("command"), nullptr);
  EXPECT_EQ(monitor_.ResetAll(), 1u);
  EXPECT_EQ(monitor_.ResetAll(), 0u);
}

}  // namespace
}  // namespace hearth::engine
