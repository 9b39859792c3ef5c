#include "replication/writer_pacing.h"

#include <gtest/gtest.h>

namespace hearth::replication {
namespace {

constexpr int64_t kBudgetMs = 1000;

class WriterPacingTest : public ::testing::Test {
 protected:
  // A step 10 ms later, of a replica that takes something meanwhile.
  bool Step(uint64_t used, uint64_t allowed = 6400) {
    return pacing_.Step(now_ms_ += 10, {used, allowed, ++progress_}, kBudgetMs);
  }
  bool StepWithoutProgress(uint64_t used) {
    return pacing_.Step(now_ms_ += 10, {used, 6400, progress_}, kBudgetMs);
  }

  WriterPacing pacing_;
  int64_t now_ms_ = 1'000'000;
  uint64_t progress_ = 0;
};

TEST_F(WriterPacingTest, WritersRestNearTheBoundUntilALittleHasBeenTaken) {
  EXPECT_FALSE(Step(4799));
  EXPECT_TRUE(Step(4800));
  EXPECT_TRUE(pacing_.TakeNews());
  EXPECT_TRUE(Step(4700));
  EXPECT_FALSE(Step(4699));
  EXPECT_FALSE(Step(4799));
  EXPECT_TRUE(Step(5000));
  EXPECT_FALSE(pacing_.TakeNews());
}

TEST_F(WriterPacingTest, WithoutABoundNobodyRests) { EXPECT_FALSE(Step(1'000'000, 0)); }

TEST_F(WriterPacingTest, ItEndsWhenTheTimeIsOverAndBeginsAnewWhenItHasCaughtUp) {
  int64_t steps = 0;
  while (Step(5000)) ++steps;
  EXPECT_EQ(steps, kBudgetMs / 10);
  EXPECT_TRUE(pacing_.has_given_up());
  EXPECT_FALSE(Step(4000));
  EXPECT_FALSE(Step(5000));
  EXPECT_FALSE(Step(1599));
  EXPECT_FALSE(pacing_.has_given_up());
  EXPECT_TRUE(Step(5000));
  EXPECT_TRUE(pacing_.TakeNews());
}

TEST_F(WriterPacingTest, NobodyRestsForOneThatTakesNothing) {
  now_ms_ += WriterPacing::kStillMs;
  EXPECT_TRUE(Step(5000));
  int64_t steps = 0;
  while (pacing_.Step(now_ms_ += 10, {5000, 6400, progress_}, 1'000'000)) ++steps;
  EXPECT_EQ(steps, WriterPacing::kStillMs / 10);
  EXPECT_TRUE(pacing_.has_given_up());
  EXPECT_FALSE(StepWithoutProgress(5000));
}

TEST_F(WriterPacingTest, AnOptionTurnsItOff) {
  EXPECT_FALSE(pacing_.Step(now_ms_, {6000, 6400, 1}, 0));
  EXPECT_TRUE(pacing_.has_given_up());
}

}  // namespace
}  // namespace hearth::replication
