#include "sentinel/core/scripts.h"

#include <gtest/gtest.h>

namespace hearth::sentinel {
namespace {

constexpr int64_t kRetryMs = 30'000;
constexpr int64_t kRuntimeMs = 60'000;

TEST(ScriptsTest, RunsThemInTheirOrderUpToALimit) {
  Scripts scripts;
  for (int i = 0; i < 20; ++i) scripts.Add(0, {"script", std::to_string(i)});
  for (size_t i = 0; i < Scripts::kMaxRunning; ++i) {
    const auto* job = scripts.Start(0);
    ASSERT_NE(job, nullptr);
    EXPECT_EQ(job->words[1], std::to_string(i));
  }
  EXPECT_EQ(scripts.Start(0), nullptr);
  EXPECT_FALSE(scripts.End(5, 1, 0, 0, kRetryMs));
  EXPECT_EQ(scripts.Start(5)->words[1], "16");
}

TEST(ScriptsTest, ExitCodeOneAndSignalsAreRetriedWithGrowingDelays) {
  Scripts scripts;
  scripts.Add(0, {"script"});
  int64_t now_ms = 0;
  for (int tries = 1; tries < Scripts::kMaxTries; ++tries) {
    const auto* job = scripts.Start(now_ms);
    ASSERT_NE(job, nullptr);
    EXPECT_EQ(job->tries, tries);
    EXPECT_FALSE(scripts.End(now_ms, job->id, tries % 2, tries % 2 == 0 ? 9 : 0, kRetryMs));
    const int64_t delay_ms = kRetryMs << (tries - 1);
    EXPECT_EQ(scripts.Start(now_ms + delay_ms - 1), nullptr);
    EXPECT_EQ(scripts.next_ms(kRuntimeMs), now_ms + delay_ms);
    now_ms += delay_ms;
  }
  const auto* job = scripts.Start(now_ms);
  ASSERT_NE(job, nullptr);
  const auto failed = scripts.End(now_ms, job->id, 1, 0, kRetryMs);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->tries, Scripts::kMaxTries);
  EXPECT_TRUE(scripts.jobs().empty());
}

TEST(ScriptsTest, OtherExitCodesFailForGood) {
  Scripts scripts;
  scripts.Add(0, {"script"});
  EXPECT_TRUE(scripts.End(1, scripts.Start(0)->id, 2, 0, kRetryMs));
  EXPECT_TRUE(scripts.jobs().empty());
  EXPECT_FALSE(scripts.End(1, 77, 2, 0, kRetryMs));
}

TEST(ScriptsTest, OneThatRunsTooLongIsKilledOnce) {
  Scripts scripts;
  scripts.Add(0, {"script"});
  const uint64_t id = scripts.Start(0)->id;
  EXPECT_EQ(scripts.next_ms(kRuntimeMs), kRuntimeMs);
  EXPECT_EQ(scripts.Overdue(kRuntimeMs - 1, kRuntimeMs), nullptr);
  EXPECT_EQ(scripts.Overdue(kRuntimeMs, kRuntimeMs)->id, id);
  EXPECT_EQ(scripts.Overdue(kRuntimeMs + 1, kRuntimeMs), nullptr);
  EXPECT_FALSE(scripts.End(kRuntimeMs + 2, id, 0, 9, kRetryMs));
  EXPECT_EQ(scripts.jobs().size(), 1u);
}

TEST(ScriptsTest, AFullQueueDropsTheOldestThatDoesNotRun) {
  Scripts scripts;
  scripts.Add(0, {"script", "first"});
  scripts.Start(0);
  for (size_t i = 0; i < Scripts::kMaxQueued; ++i) scripts.Add(0, {"script", std::to_string(i)});
  EXPECT_EQ(scripts.jobs().size(), Scripts::kMaxQueued);
  EXPECT_EQ(scripts.jobs()[0].words[1], "first");
  EXPECT_EQ(scripts.jobs()[1].words[1], "1");
}

}  // namespace
}  // namespace hearth::sentinel
