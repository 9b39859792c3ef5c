// The world of replication finds what it is there to find, and is the same whenever it is played.

#include "sim/replication/replication_world.h"

#include <gtest/gtest.h>

#include "base/test_seed.h"

namespace hearth::sim {
namespace {

// Bugs of each kind are met in a thousand histories at most, on the average.
constexpr uint64_t kEnough = 20'000;

class PlantedBugs : public ::testing::TestWithParam<PlantedBug> {};

TEST_P(PlantedBugs, AreFoundAndShrunk) {
  const ReplicationWorld world(GetParam());
  const Found found = FindViolation(world, TestSeed(), kEnough);
  ASSERT_FALSE(found.violation.empty()) << "not in " << found.played << " histories";
  std::printf("found in history %llu: %s\n", static_cast<unsigned long long>(found.played + 1),
              found.violation.c_str());
  const std::vector<Fault> planned = world.Plan(found.seed);
  const std::vector<Fault> needed = Shrink(world, found.seed, planned, 100);
  EXPECT_LE(needed.size(), planned.size());
  Trace trace(true);
  world.Play(found.seed, needed, trace);
  EXPECT_TRUE(trace.has_failed());
  EXPECT_FALSE(trace.lines().empty());
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBugs,
                         ::testing::Values(PlantedBug::kForgetsPreviousEnd, PlantedBug::kNoGuard,
                                           PlantedBug::kKeepsIdAtRestart, PlantedBug::kKeepsIdWhenPromoted,
                                           PlantedBug::kBelievesBrokenDataset, PlantedBug::kOffersRejoinEmpty,
                                           PlantedBug::kForgetsOlderNames));

TEST(ReplicationWorldTest, WithoutABugNothingIsFound) {
  const Found found = FindViolation(ReplicationWorld(), TestSeed(), 300);
  EXPECT_TRUE(found.violation.empty()) << "seed " << found.seed << ": " << found.violation;
}

TEST(ReplicationWorldTest, AHistoryIsTheSameWheneverItIsPlayed) {
  const uint64_t seed = TestSeed();
  const ReplicationWorld world;
  Trace first(true);
  Trace second(true);
  world.Play(seed, world.Plan(seed), first);
  world.Play(seed, world.Plan(seed), second);
  EXPECT_EQ(first.lines(), second.lines());
}

}  // namespace
}  // namespace hearth::sim
