#include "server/info.h"

#include <gtest/gtest.h>

#include "server/memory_usage.h"

namespace hearth::server {
namespace {

TEST(HumanBytes, HasTwoDecimalsFromKilobytesOn) {
  EXPECT_EQ(HumanBytes(0), "0B");
  EXPECT_EQ(HumanBytes(1023), "1023B");
  EXPECT_EQ(HumanBytes(1536), "1.50K");
  EXPECT_EQ(HumanBytes(5ull << 30), "5.00G");
}

TEST(InfoText, WritesLinesThatEndWithCrLf) {
  InfoText text;
  text.Add("role", "master");
  text.AddFixed("ratio", 1.005, 2);
  text.AddBytes("used", 2048);
  EXPECT_EQ(text.text(), "role:master\r\nratio:1.00\r\nused:2048\r\nused_human:2.00K\r\n");
}

TEST(Rate, AveragesTheGrowthOfACounter) {
  Rate rate;
  for (uint64_t i = 0; i <= 16; ++i) rate.Sample(static_cast<int64_t>(1'000'000 + i * 100'000), i * 50);
  EXPECT_NEAR(rate.per_second(), 500, 0.01);
}

TEST(Rate, PassesOverACounterThatWasReset) {
  Rate rate;
  rate.Sample(1'000'000, 1000);
  rate.Sample(1'100'000, 0);
  EXPECT_EQ(rate.per_second(), 0);
}

TEST(MemoryFigures, RatiosOfNothingAreZero) {
  EXPECT_EQ(MemoryFigures::Ratio(1, 0), 0);
  EXPECT_EQ(MemoryFigures().DatasetPercentage(), 0);
}

}  // namespace
}  // namespace hearth::server
