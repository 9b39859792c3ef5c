#include "base/memory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <thread>

namespace hearth {
namespace {

constexpr size_t kMegabyte = 1 << 20;

TEST(AllocationSize, CoversTheRequest) {
  EXPECT_EQ(AllocationSize(nullptr), 0u);
  for (size_t size : {1, 7, 100, 5000, 100000}) {
    void* block = std::malloc(GoodAllocationSize(size));
    EXPECT_GE(GoodAllocationSize(size), size);
    EXPECT_GE(AllocationSize(block), GoodAllocationSize(size));
    std::free(block);
  }
}

#ifndef HEARTH_SANITIZED

TEST(AllocatedBytes, FollowsThisThread) {
  const auto scope = RegisterThreadMemory();
  const size_t before = AllocatedBytes();
  auto block = std::make_unique<char[]>(10 * kMegabyte);
  EXPECT_GE(AllocatedBytes(), before + 10 * kMegabyte);
  block.reset();
  EXPECT_LT(AllocatedBytes(), before + kMegabyte);
}

TEST(AllocatedBytes, KeepsWhatEndedThreadsLeftAndSubtractsWhatOthersFree) {
  const auto scope = RegisterThreadMemory();
  const size_t before = AllocatedBytes();
  std::unique_ptr<char[]> block;
  std::thread([&] {
    const auto thread_scope = RegisterThreadMemory();
    block = std::make_unique<char[]>(10 * kMegabyte);
  }).join();
  EXPECT_GE(AllocatedBytes(), before + 10 * kMegabyte);
  std::thread([&] {
    const auto thread_scope = RegisterThreadMemory();
    block.reset();
  }).join();
  EXPECT_LT(AllocatedBytes(), before + kMegabyte);
}

TEST(AllocatorStats, HoldTogether) {
  const auto block = std::make_unique<char[]>(10 * kMegabyte);
  const AllocatorStats stats = ReadAllocatorStats();
  EXPECT_GE(stats.allocated, 10 * kMegabyte);
  EXPECT_GE(stats.active, stats.allocated);
  EXPECT_GE(stats.mapped, stats.active);
  EXPECT_GT(stats.resident, 0u);
  EXPECT_TRUE(PurgeUnusedPages());
  EXPECT_EQ(std::string_view(AllocatorName()).substr(0, 9), "jemalloc-");
}

#endif

}  // namespace
}  // namespace hearth
