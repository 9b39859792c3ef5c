#include "aof/rewrite_schedule.h"

#include <gtest/gtest.h>

namespace hearth::aof {
namespace {

TEST(RewriteSchedule, IsDueWhenItHasGrownEnough) {
  RewriteSchedule schedule;
  schedule.SetBaseBytes(1000);
  EXPECT_EQ(schedule.GrowthIfDue(1999, 100, 0), std::nullopt);
  EXPECT_EQ(schedule.GrowthIfDue(2000, 100, 0), 100);
  EXPECT_EQ(schedule.GrowthIfDue(2000, 100, 2000), std::nullopt);
  EXPECT_EQ(schedule.GrowthIfDue(1'000'000, 0, 0), std::nullopt);
  EXPECT_EQ(schedule.GrowthIfDue(500, 100, 0), std::nullopt);
  schedule.SetBaseBytes(0);
  EXPECT_EQ(schedule.GrowthIfDue(5, 100, 0), 400);
}

TEST(RewriteSchedule, WaitsLongerAfterEachFailureFromTheThirdOn) {
  RewriteSchedule schedule;
  EXPECT_EQ(schedule.RewriteFailed(0), 0);
  EXPECT_EQ(schedule.RewriteFailed(0), 0);
  EXPECT_TRUE(schedule.MayTry(0));
  const int expected[] = {1, 2, 4, 8, 16, 32, 60, 60};
  for (const int minutes : expected) EXPECT_EQ(schedule.RewriteFailed(1000), minutes);
  EXPECT_FALSE(schedule.MayTry(1000 + 60 * 60 * 1000 - 1));
  EXPECT_TRUE(schedule.MayTry(1000 + 60 * 60 * 1000));
  EXPECT_EQ(schedule.failures(), 10);
  schedule.RewriteDone();
  EXPECT_TRUE(schedule.MayTry(0));
}

}  // namespace
}  // namespace hearth::aof
