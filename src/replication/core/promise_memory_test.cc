// What is kept on disk of promised writes comes back as it was, or not at all.
#include "replication/core/promise_memory.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::replication {
namespace {

const std::string kHistory(kIdDigits, 'a');

PromiseMemory Full() {
  return {.epoch = 9,
          .fenced_epoch = 8,
          .is_synced = true,
          .end = PromiseMemory::End{kHistory, 4711},
          .records = {{3, 7, kHistory, 2, {{"127.0.0.1:6380", "x"}, {"::1:6381", "y"}}},
                      {3, 8, kHistory, 1, {{"127.0.0.1:6380", "x"}}}}};
}

TEST(PromiseMemoryTest, IsWhatItWasAfterAWayThroughText) {
  for (const PromiseMemory& memory : {PromiseMemory(), Full()}) {
    EXPECT_EQ(ParsePromiseMemory(FormatPromiseMemory(memory)), memory);
  }
}

TEST(PromiseMemoryTest, ATextThatIsDamagedOrCutIsNone) {
  const std::string text = FormatPromiseMemory(Full());
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(ParsePromiseMemory(text.substr(0, size))) << size;
    std::string damaged = text;
    damaged[size] = static_cast<char>(damaged[size] ^ 1);
    EXPECT_FALSE(ParsePromiseMemory(damaged)) << size;
  }
  EXPECT_FALSE(ParsePromiseMemory(text + "\n"));
}

TEST(PromiseMemoryTest, IsNeededWhileSomebodyCouldGoByIt) {
  PromiseMemory memory{.epoch = 5};
  EXPECT_FALSE(memory.is_needed());
  memory.fenced_epoch = 5;
  EXPECT_TRUE(memory.is_needed());
  memory = {.records = {{.history = kHistory}}};
  EXPECT_FALSE(memory.is_needed());
  EXPECT_TRUE(Full().is_needed());
}

TEST(PromiseMemoryTest, ADatasetIsWholeIfItHasTheEndOrWasSyncedBeforeEachPromise) {
  History history{.id = std::string(kIdDigits, 'b'), .former = {{kHistory, 4711}}};
  PromiseMemory ended{.end = PromiseMemory::End{kHistory, 4711}};
  EXPECT_TRUE(ended.IsWhole(history, false));
  EXPECT_FALSE(ended.IsWhole({.id = kHistory}, true));
  history.former.front().end = 4710;
  EXPECT_FALSE(ended.IsWhole(history, true));
  const PromiseMemory synced{.is_synced = true};
  EXPECT_TRUE(synced.IsWhole(history, true));
  EXPECT_FALSE(synced.IsWhole(history, false));
  EXPECT_FALSE(PromiseMemory().IsWhole(history, true));
}

}  // namespace
}  // namespace hearth::replication
