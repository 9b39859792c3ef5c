#include "rdb/snapshot_writer.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/test_seed.h"
#include "env/testing/faulty_disk.h"
#include "rdb/save.h"
#include "rdb/testing/sample_values.h"

namespace hearth::rdb {
namespace {

using keyspace::CaptureChunk;
using keyspace::Key;

template <typename Condition>
bool WaitUntil(Condition&& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class SnapshotWriterTest : public ::testing::Test {
 protected:
  SnapshotWriterTest() { testing::AddSamples(fixture_.db(), random_); }

  std::unique_ptr<SnapshotWriter> Start() {
    auto writer = SaveRdb(disk_, {"dir", TemporaryRdbName(7), "dump.rdb"},
                          DescribeSnapshot(fixture_.keyspace, fixture_.settings), [this] { done_ = true; });
    EXPECT_TRUE(writer);
    return std::move(*writer);
  }
  CaptureChunk All() {
    return testing::Capture([&](keyspace::CaptureWriter& writer) {
      fixture_.db().keys().VisitAll([&](keyspace::Entry* entry) { writer.Whole(0, *entry); });
    });
  }
  static void Give(SnapshotWriter& writer, CaptureChunk chunk) { writer.Take(chunk); }
  std::vector<std::string> Files() { return *disk_.List("dir"); }

  Prng random_{TestSeed()};
  keyspace::TestingKeyspace fixture_;
  env::FaultyDisk disk_;
  std::atomic<bool> done_ = false;
};

using Names = std::vector<std::string>;

TEST_F(SnapshotWriterTest, TheFileAppearsUnderItsNameWhenItIsWhole) {
  disk_.Put("dir/dump.rdb", "old");
  auto writer = Start();
  Give(*writer, All());
  EXPECT_EQ(disk_.Contents("dir/dump.rdb"), "old");
  writer->OnCaptured();
  EXPECT_TRUE(writer->Wait()) << writer->status().error().message;
  EXPECT_TRUE(WaitUntil([&] { return done_.load(); }));
  EXPECT_EQ(Files(), Names{"dump.rdb"});
  EXPECT_TRUE(disk_.Contents("dir/dump.rdb").starts_with("REDIS0010"));
  EXPECT_EQ(writer->keys_written(), fixture_.db().size());
  EXPECT_EQ(writer->bytes_written(), disk_.Contents("dir/dump.rdb").size());
  EXPECT_EQ(writer->queued_bytes(), 0u);
}

TEST_F(SnapshotWriterTest, AFullDiskEndsTheWorkAndLeavesTheOldFile) {
  disk_.Put("dir/dump.rdb", "old");
  disk_.SetSpace(100'000);
  auto writer = Start();
  ASSERT_TRUE(WaitUntil([&] {
    if (!writer->has_failed()) Give(*writer, All());
    return writer->has_failed();
  }));
  EXPECT_FALSE(writer->Wait());
  EXPECT_EQ(writer->status().error().code, ENOSPC);
  Give(*writer, All());
  EXPECT_EQ(writer->queued_bytes(), 0u);
  EXPECT_EQ(Files(), Names{"dump.rdb"});
  EXPECT_EQ(disk_.Contents("dir/dump.rdb"), "old");
}

TEST_F(SnapshotWriterTest, AFailingSyncOrRenameIsAFailedSave) {
  disk_.FailSyncs(true);
  auto writer = Start();
  writer->OnCaptured();
  EXPECT_FALSE(writer->Wait());
  EXPECT_EQ(Files(), Names{});
  disk_.FailSyncs(false);
  disk_.FailRenames(true);
  writer = Start();
  writer->OnCaptured();
  EXPECT_FALSE(writer->Wait());
  EXPECT_EQ(Files(), Names{});
}

TEST_F(SnapshotWriterTest, CancellingLeavesNothing) {
  fixture_.settings.rdb_key_save_delay = 60'000'000;
  auto writer = Start();
  Give(*writer, All());
  ASSERT_TRUE(WaitUntil([&] { return writer->keys_written() > 0; }));
  writer->Cancel();
  EXPECT_FALSE(writer->Wait());
  EXPECT_EQ(Files(), Names{});
}

TEST_F(SnapshotWriterTest, DestroyingItCancels) {
  auto writer = Start();
  Give(*writer, All());
  writer.reset();
  EXPECT_EQ(Files(), Names{});
  EXPECT_TRUE(done_);
}

TEST_F(SnapshotWriterTest, TheWalkerHearsThatItIsBehind) {
  fixture_.settings.rdb_key_save_delay = 60'000'000;
  auto writer = Start();
  EXPECT_FALSE(writer->IsBehind());
  const CaptureChunk chunk = All();
  for (size_t sent = 0; sent <= SnapshotWriter::kMaxQueuedBytes + 2 * chunk.size(); sent += chunk.size()) {
    Give(*writer, chunk);
  }
  EXPECT_TRUE(writer->IsBehind());
}

TEST_F(SnapshotWriterTest, AFileThatCannotBeMadeIsAnErrorAtOnce) {
  const auto disk = env::MakeSystemDisk();
  EXPECT_FALSE(SaveRdb(*disk, {"/no such folder", "a", "b"}, {}, nullptr));
}

}  // namespace
}  // namespace hearth::rdb
