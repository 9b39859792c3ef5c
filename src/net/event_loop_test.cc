#include "net/event_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <thread>
#include <vector>

#include "base/prng.h"
#include "env/testing/manual_clock.h"

namespace hearth::net {
namespace {

class EventLoopTest : public ::testing::Test {
 protected:
  env::ManualClock clock_;
  std::unique_ptr<env::Poller> poller_ = std::move(*env::MakeSystemPoller());
  EventLoop loop_{*poller_, clock_};
};

TEST_F(EventLoopTest, RunsTimersInOrderOfTheirTimes) {
  std::vector<int> ran;
  loop_.After(300, [&] { ran.push_back(3); });
  loop_.After(100, [&] { ran.push_back(1); });
  loop_.After(200, [&] { ran.push_back(2); });
  const TimerId cancelled = loop_.After(150, [&] { ran.push_back(9); });
  loop_.Cancel(cancelled);
  loop_.Cancel(cancelled);
  clock_.AdvanceMicros(200);
  loop_.RunOnce(0);
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
  clock_.AdvanceMicros(100);
  loop_.RunOnce(0);
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST_F(EventLoopTest, RepeatsATimerUntilItCancelsItself) {
  int runs = 0;
  TimerId timer = 0;
  timer = loop_.Every(100, [&] {
    if (++runs == 3) loop_.Cancel(timer);
  });
  for (int i = 0; i < 10; ++i) {
    clock_.AdvanceMicros(100);
    loop_.RunOnce(0);
  }
  EXPECT_EQ(runs, 3);
}

TEST_F(EventLoopTest, KnowsItsLongestTurnAndTheTimeOfItsTimers) {
  loop_.RunOnce(0);
  EXPECT_EQ(loop_.longest_turn_micros(), 0);
  loop_.Post([&] { clock_.AdvanceMicros(70); });
  loop_.After(100, [&] { clock_.AdvanceMicros(30); });
  clock_.AdvanceMicros(100);
  loop_.RunOnce(0);
  EXPECT_EQ(loop_.timer_micros(), 30);
  loop_.RunOnce(0);
  EXPECT_EQ(loop_.longest_turn_micros(), 100);
  loop_.ForgetLongestTurn();
  loop_.RunOnce(0);
  EXPECT_EQ(loop_.longest_turn_micros(), 0);
}

TEST_F(EventLoopTest, RunsPostedFunctionsBeforeTheHooksAndPhasesInOrder) {
  std::vector<int> ran;
  loop_.AddBeforeWait(LoopPhase::kFlush, [&] { ran.push_back(3); });
  loop_.AddBeforeWait(LoopPhase::kCollect, [&] { ran.push_back(1); });
  loop_.AddBeforeWait(LoopPhase::kWork, [&] { ran.push_back(2); });
  loop_.Post([&] { ran.push_back(0); });
  loop_.RunOnce(-1);
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2, 3}));
}

TEST_F(EventLoopTest, WakesForWorkFromOtherThreads) {
  constexpr int kPosts = 2000;
  std::atomic<int> ran = 0;
  std::thread other([&] {
    for (int i = 0; i < kPosts; ++i) {
      loop_.PostFromOtherThread([&] {
        if (++ran == kPosts) loop_.Stop();
      });
    }
  });
  loop_.Run();
  other.join();
  EXPECT_EQ(ran, kPosts);
}

TEST(TimerHeap, AgreesWithASortedMapUnderRandomUse) {
  const char* given = std::getenv("HEARTH_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 11;
  std::printf("HEARTH_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Prng prng(seed);
  TimerHeap heap;
  std::map<std::pair<int64_t, int>, TimerId> model;
  std::vector<int> ran;
  int64_t now = 0;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t dice = prng.Below(10);
    if (dice < 5) {
      const int64_t due = now + static_cast<int64_t>(prng.Below(1000));
      model[{due, i}] = heap.Add(due, 0, [&ran, i] { ran.push_back(i); });
    } else if (dice < 8 && !model.empty()) {
      auto chosen = model.lower_bound({now + static_cast<int64_t>(prng.Below(1000)), 0});
      if (chosen == model.end()) chosen = model.begin();
      heap.Cancel(chosen->second);
      model.erase(chosen);
    } else {
      now += static_cast<int64_t>(prng.Below(100));
      std::vector<int> expected;
      while (!model.empty() && model.begin()->first.first <= now) {
        expected.push_back(model.begin()->first.second);
        model.erase(model.begin());
      }
      ran.clear();
      heap.RunDue(now);
      ASSERT_EQ(ran, expected);
    }
    ASSERT_EQ(heap.empty(), model.empty());
    if (model.empty()) continue;
    ASSERT_EQ(heap.next_due_micros(), model.begin()->first.first);
  }
}

}  // namespace
}  // namespace hearth::net
