#include "rdb/compression_gauge.h"

#include <gtest/gtest.h>

namespace hearth::rdb {
namespace {

TEST(CompressionGauge, TriesFewWhereItHasNotPaidAndAllOnceItHas) {
  CompressionGauge gauge(Compression::kYes);
  int tried = 0;
  for (int i = 0; i < 1000; ++i) {
    if (gauge.Next(false) == Compression::kNo) continue;
    ++tried;
    gauge.Report(500, 502);
  }
  EXPECT_GE(tried, 64);
  EXPECT_LT(tried, 200);
  while (gauge.Next(false) == Compression::kNo) continue;
  gauge.Report(500, 250);
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(gauge.Next(false), Compression::kYes);
    gauge.Report(500, 502);
  }
}

TEST(CompressionGauge, SmallValuesSayNothing) {
  CompressionGauge gauge(Compression::kYes);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(gauge.Next(false), Compression::kYes);
    gauge.Report(20, 21);
  }
}

TEST(CompressionGauge, NeitherInAHurryNorAgainstTheSetting) {
  CompressionGauge hurried(Compression::kYes);
  EXPECT_EQ(hurried.Next(true), Compression::kNo);
  EXPECT_EQ(hurried.Next(false), Compression::kYes);
  CompressionGauge off(Compression::kNo);
  EXPECT_EQ(off.Next(false), Compression::kNo);
}

}  // namespace
}  // namespace hearth::rdb
