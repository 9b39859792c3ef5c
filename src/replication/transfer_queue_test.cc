#include "replication/transfer_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace hearth::replication {
namespace {

TEST(TransferQueue, GivesWhatWasPushedInOrderAndThenEnds) {
  auto queue = std::make_shared<TransferQueue>(6, [] {});
  const auto source = MakeSource(queue);
  queue->Push("abc");
  queue->Push("");
  queue->Push("def");
  queue->End();
  EXPECT_EQ(source->BytesLeft(), 6u);
  EXPECT_EQ(source->NextBlock().value(), "abc");
  EXPECT_EQ(source->BytesLeft(), 3u);
  EXPECT_EQ(source->NextBlock().value(), "def");
  EXPECT_EQ(source->NextBlock().value(), "");
}

TEST(TransferQueue, WakesAWorkerThatWaitsWithTheFailure) {
  auto queue = std::make_shared<TransferQueue>(std::nullopt, [] {});
  std::string error;
  std::thread worker([&] { error = queue->NextBlock().error().message; });
  queue->Fail("the link is gone");
  worker.join();
  EXPECT_EQ(error, "the link is gone");
  EXPECT_EQ(queue->BytesLeft(), rdb::ByteSource::kUnknownSize);
}

TEST(TransferQueue, AFailureAfterTheEndChangesNothing) {
  TransferQueue queue(std::nullopt, [] {});
  queue.End();
  queue.Fail("too late");
  EXPECT_EQ(queue.NextBlock().value(), "");
}

TEST(TransferQueue, SaysOnceWhenThereIsRoomAgain) {
  std::atomic<int> calls = 0;
  TransferQueue queue(std::nullopt, [&] { ++calls; });
  constexpr size_t kBlock = TransferQueue::kMaxBytes / 8;
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(queue.is_full());
    queue.Push(std::string(kBlock, 'x'));
  }
  EXPECT_TRUE(queue.is_full());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.NextBlock().has_value());
  EXPECT_EQ(calls, 0);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(queue.NextBlock().has_value());
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace hearth::replication
