#include "base/spsc_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace hearth {
namespace {

TEST(SpscQueue, IsBoundedAndFirstInFirstOut) {
  SpscQueue<int> queue(3);
  EXPECT_EQ(queue.capacity(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.TryPush(i));
  EXPECT_FALSE(queue.TryPush(4));
  EXPECT_EQ(queue.Size(), 4u);
  int value = -1;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(queue.TryPop(&value));
    EXPECT_EQ(value, i);
  }
  EXPECT_FALSE(queue.TryPop(&value));
  EXPECT_TRUE(queue.IsEmpty());
}

TEST(SpscQueue, LeavesTheValueAloneWhenFull) {
  SpscQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.TryPush(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(queue.TryPush(std::move(second)));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(*second, 2);
}

TEST(SpscQueue, CarriesEverythingInOrderBetweenThreads) {
  constexpr int kCount = 200000;
  SpscQueue<int> queue(64);
  std::thread producer([&] {
    for (int i = 0; i < kCount; ++i) {
      while (!queue.TryPush(i)) std::this_thread::yield();
    }
  });
  bool in_order = true;
  for (int i = 0; i < kCount; ++i) {
    int value = -1;
    while (!queue.TryPop(&value)) std::this_thread::yield();
    in_order &= value == i;
  }
  producer.join();
  EXPECT_TRUE(in_order);
}

}  // namespace
}  // namespace hearth
