// The world of Sentinels finds what it is there to find, and is the same whenever it is played.

#include "sim/sentinel/sentinel_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/test_seed.h"

namespace hearth::sim {
namespace {

constexpr uint64_t kEnough = 6'000;

void ExpectFound(const SentinelWorld& world) {
  const Found found = FindViolation(world, TestSeed(), kEnough);
  ASSERT_FALSE(found.violation.empty()) << "not in " << found.played << " histories";
  std::printf("found in history %llu: %s\n", static_cast<unsigned long long>(found.played + 1),
              found.violation.c_str());
}

class PlantedSentinelBugs : public ::testing::TestWithParam<SentinelBug> {};

TEST_P(PlantedSentinelBugs, AreFound) { ExpectFound(SentinelWorld(GetParam())); }

INSTANTIATE_TEST_SUITE_P(All, PlantedSentinelBugs,
                         ::testing::Values(SentinelBug::kVotesTwice, SentinelBug::kForgetsEpochs,
                                           SentinelBug::kAnswersUnsaved));

class PlantedPromiseBugs : public ::testing::TestWithParam<SentinelBug> {};

TEST_P(PlantedPromiseBugs, AreFound) { ExpectFound(SentinelWorld(GetParam(), true)); }

INSTANTIATE_TEST_SUITE_P(All, PlantedPromiseBugs,
                         ::testing::Values(SentinelBug::kOneTooFew, SentinelBug::kKeepsOldSet,
                                           SentinelBug::kGoesOnFenced, SentinelBug::kTrustsItself));

TEST(SentinelWorldTest, WithoutABugNothingIsFound) {
  const Found found = FindViolation(SentinelWorld(), TestSeed(), 100);
  EXPECT_TRUE(found.violation.empty()) << "seed " << found.seed << ": " << found.violation;
}

// Of deployments that spare busy servers for four seconds, and in which nothing else happens. `busy_us` from
// the third second on.
std::vector<bool> PrimaryWasDownWhileBusyFor(int64_t busy_us) {
  const SentinelWorld world;
  const Fault busy{
      .kind = Fault::Kind::kOperator, .at_us = 3 * kSecond, .for_us = busy_us, .a = 0, .value = 0};
  std::vector<bool> was_down;
  for (uint64_t seed = TestSeed(); was_down.size() < 20; ++seed) {
    Trace trace(true);
    world.Play(seed, {&busy, 1}, trace);
    const auto says = [&](std::string_view text) {
      return std::ranges::any_of(trace.lines(), [&](const std::string& line) { return line.contains(text); });
    };
    if (!says("group0 of known, near and patient servers: a busy server is alive for 4000 ms")) continue;
    EXPECT_FALSE(trace.has_failed()) << "seed " << seed << ": " << trace.violation();
    was_down.push_back(says("+sdown master group0"));
  }
  return was_down;
}

TEST(SentinelWorldTest, ABusyPrimaryIsSparedUpToTheMaximum) {
  EXPECT_EQ(std::ranges::count(PrimaryWasDownWhileBusyFor(3'500 * kMillisecond), true), 0);
  EXPECT_EQ(std::ranges::count(PrimaryWasDownWhileBusyFor(8 * kSecond), false), 0);
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
