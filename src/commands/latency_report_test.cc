#include "commands/latency_report.h"

#include <gtest/gtest.h>

namespace hearth::commands {
namespace {

class LatencyReportTest : public ::testing::Test {
 protected:
  LatencyReportTest() { settings_.latency_monitor_threshold = 1; }

  settings::Settings settings_;
  engine::LatencyMonitor monitor_{settings_};
};

// As Redis draws the same samples.
TEST_F(LatencyReportTest, TheGraphShowsHeightsAndAges) {
  monitor_.Report("command", 3000, 578);
  monitor_.Report("command", 2000, 579);
  monitor_.Report("command", 8000, 580);
  monitor_.Report("command", 5000, 581);
  EXPECT_EQ(DrawLatencyGraph("command", *monitor_.Find("command"), 582),
            "command - high 8 ms, low 2 ms (all time high 8 ms)\n" + std::string(80, '-') +
                "\n"
                "  # \n"
                "  |_\n"
                "  ||\n"
                "#_||\n"
                "    \n"
                "4321\n"
                "ssss\n");
}

TEST_F(LatencyReportTest, ManySamplesGoOnBelow) {
  for (int i = 0; i < 100; ++i) monitor_.Report("command", 1000 * (1 + i), 1000 + i);
  const std::string graph = DrawLatencyGraph("command", *monitor_.Find("command"), 20'000);
  EXPECT_NE(graph.find("\n" + std::string(20, 'h') + "\n"), std::string::npos) << graph;
}

TEST_F(LatencyReportTest, TheDoctorSaysWhenThereIsNothingToSay) {
  EXPECT_EQ(ExplainLatency(monitor_, settings_, 100), "Nothing has been slow so far.\n");
  settings_.latency_monitor_threshold = 0;
  EXPECT_NE(ExplainLatency(monitor_, settings_, 100).find("latency-monitor-threshold"), std::string::npos);
}

TEST_F(LatencyReportTest, TheDoctorKnowsWhatMayHelp) {
  monitor_.Report("expire-cycle", 30'000, 90);
  monitor_.Report("expire-cycle", 10'000, 95);
  const std::string report = ExplainLatency(monitor_, settings_, 100);
  EXPECT_NE(
      report.find("1. expire-cycle: 2 latency spikes (average 20ms, mean deviation 10ms, period 5.00 sec)"),
      std::string::npos)
      << report;
  EXPECT_NE(report.find("lazyfree-lazy-expire"), std::string::npos) << report;
  EXPECT_NE(report.find("slowlog-log-slower-than"), std::string::npos) << report;
  EXPECT_EQ(report.find("appendfsync"), std::string::npos) << report;
}

}  // namespace
}  // namespace hearth::commands
