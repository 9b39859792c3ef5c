// The world of Sentinels finds what it is there to find, and is the same whenever it is played.

#include "sim/sentinel/sentinel_world.h"

#include <gtest/gtest.h>

#include "base/test_seed.h"

namespace hearth::sim {
namespace {

constexpr uint64_t kEnough = 6'000;

class PlantedSentinelBugs : public ::testing::TestWithParam<SentinelBug> {};

TEST_P(PlantedSentinelBugs, AreFound) {
  const SentinelWorld world(GetParam());
  const Found found = FindViolation(world, TestSeed(), kEnough);
  ASSERT_FALSE(found.violation.empty()) << "not in " << found.played << " histories";
  std::printf("found in history %llu: %s\n", static_cast<unsigned long long>(found.played + 1),
              found.violation.c_str());
}

INSTANTIATE_TEST_SUITE_P(All, PlantedSentinelBugs,
                         ::testing::Values(SentinelBug::kVotesTwice, SentinelBug::kForgetsEpochs,
                                           SentinelBug::kAnswersUnsaved, SentinelBug::kOneTooFew,
                                           SentinelBug::kKeepsOldSet, SentinelBug::kGoesOnFenced));

TEST(SentinelWorldTest, WithoutABugNothingIsFound) {
  const Found found = FindViolation(SentinelWorld(), TestSeed(), 100);
  EXPECT_TRUE(found.violation.empty()) << "seed " << found.seed << ": " << found.violation;
}

TEST(SentinelWorldTest, AHistoryIsTheSameWheneverItIsPlayed) {
  const uint64_t seed = TestSeed();
  const SentinelWorld world;
  Trace first(true);
  Trace second(true);
  world.Play(seed, world.Plan(seed), first);
  world.Play(seed, world.Plan(seed), second);
  EXPECT_EQ(first.lines(), second.lines());
}

}  // namespace
}  // namespace hearth::sim
