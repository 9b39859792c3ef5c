#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <thread>

#include "env/clock.h"
#include "env/disk.h"
#include "env/net.h"
#include "env/random.h"
#include "env/sleep.h"

namespace hearth::env {
namespace {

TEST(Clock, TicksAgreeWithTheMonotonicClock) {
  const auto clock = MakeSystemClock();
  const TickScale scale = TickScale::Calibrate(*clock);
  const int64_t start = clock->MonotonicMicros();
  const uint64_t ticks = Ticks();
  while (clock->MonotonicMicros() - start < 5000) {
  }
  const double measured = static_cast<double>(scale.ToMicros(Ticks() - ticks));
  const double passed = static_cast<double>(clock->MonotonicMicros() - start);
  EXPECT_NEAR(measured / passed, 1.0, 0.2);
  EXPECT_GT(clock->WallMicros(), 1'600'000'000'000'000);
}

TEST(HoldUpThread, TakesTheTimeThatItWasGiven) {
  const auto clock = MakeSystemClock();
  const int64_t start = clock->MonotonicMicros();
  HoldUpThread(-1);
  HoldUpThread(3000);
  EXPECT_GE(clock->MonotonicMicros() - start, 3000);
}

TEST(Random, GivesDifferentSeeds) {
  const auto random = MakeSystemRandom();
  EXPECT_NE(random->Seed64(), random->Seed64());
}

class DiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(disk_->MakeDir(folder_).has_value());
    const auto names = disk_->List(folder_);
    ASSERT_TRUE(names.has_value());
    for (const std::string& name : *names) ASSERT_TRUE(disk_->Remove(folder_ + "/" + name).has_value());
  }
  void TearDown() override {
    SetUp();
    EXPECT_TRUE(disk_->Remove(folder_).has_value());
  }
  std::unique_ptr<Disk> disk_ = MakeSystemDisk();
  const std::string folder_ = ::testing::TempDir() + "hearth_disk_test";
  const std::string path_ = folder_ + "/file";
};

TEST_F(DiskTest, WritesAppendsReadsAndTruncates) {
  auto file = std::move(*disk_->Open(path_, OpenMode::kAppend));
  ASSERT_TRUE(file->Append("hello ").has_value());
  ASSERT_TRUE(file->Append("world").has_value());
  ASSERT_TRUE(file->Sync().has_value());
  EXPECT_EQ(file->Size().value(), 11u);
  char to[20];
  EXPECT_EQ(file->ReadAt(6, to).value(), 5u);
  EXPECT_EQ(std::string(to, 5), "world");
  ASSERT_TRUE(file->Truncate(5).has_value());
  EXPECT_EQ(ReadWholeFile(*disk_, path_).value(), "hello");
  auto again = std::move(*disk_->Open(path_, OpenMode::kReadWrite));
  ASSERT_TRUE(again->WriteAt(0, "J").has_value());
  EXPECT_EQ(ReadWholeFile(*disk_, path_).value(), "Jello");
  auto emptied = std::move(*disk_->Open(path_, OpenMode::kTruncate));
  EXPECT_EQ(emptied->Size().value(), 0u);
}

TEST_F(DiskTest, ReplacesAFileWhole) {
  ASSERT_TRUE(ReplaceFile(*disk_, path_, "one").has_value());
  ASSERT_TRUE(ReplaceFile(*disk_, path_, "two").has_value());
  EXPECT_EQ(ReadWholeFile(*disk_, path_).value(), "two");
  EXPECT_EQ(disk_->List(folder_).value(), std::vector<std::string>{"file"});
  EXPECT_EQ(disk_->Stat(path_).value()->size_bytes, 3u);
  EXPECT_TRUE(disk_->Stat(folder_).value()->is_directory);
}

TEST_F(DiskTest, NamesTheFileInItsErrors) {
  const auto missing = disk_->Open(path_, OpenMode::kRead);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ENOENT);
  EXPECT_NE(missing.error().message.find(path_), std::string::npos);
  EXPECT_FALSE(disk_->Stat(path_).value().has_value());
  EXPECT_EQ(disk_->Remove(path_).error().code, ENOENT);
}

TEST_F(DiskTest, LocksAFileForOneHolder) {
  auto first = std::move(*disk_->Open(path_, OpenMode::kReadWrite));
  auto second = std::move(*disk_->Open(path_, OpenMode::kReadWrite));
  EXPECT_TRUE(first->Lock().has_value());
  EXPECT_FALSE(second->Lock().has_value());
  first.reset();
  EXPECT_TRUE(second->Lock().has_value());
}

TEST(Poller, WakesFromAnotherThread) {
  auto poller = std::move(*MakeSystemPoller());
  PollEvent events[4];
  std::thread other([&] { poller->Wake(); });
  EXPECT_EQ(poller->Wait(events, -1), 0);
  other.join();
  EXPECT_EQ(poller->Wait(events, 1000), 0);
}

TEST(Net, PrintsAddressesAsClientsKnowThem) {
  const auto net = MakeSystemNet();
  const auto listener = net->ListenTcp("127.0.0.1", 0, 10, true);
  ASSERT_TRUE(listener.has_value());
  const std::string address = net->Address(*listener, AddressOf::kLocal);
  EXPECT_TRUE(address.starts_with("127.0.0.1:"));
  EXPECT_EQ(net->Accept(*listener), -EAGAIN);
  const auto fd = net->Connect({.host = "127.0.0.1", .port = std::stoi(address.substr(10))});
  ASSERT_TRUE(fd.has_value());
  const int accepted = net->Accept(*listener);
  ASSERT_GE(accepted, 0);
  EXPECT_TRUE(net->Configure(accepted, {.keepalive_seconds = 300}).has_value());
  EXPECT_EQ(net->Address(accepted, AddressOf::kPeer), net->Address(*fd, AddressOf::kLocal));
  const auto second = net->ListenTcp("127.0.0.1", std::stoi(address.substr(10)), 10, true);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, EADDRINUSE);
  for (const int open : {*listener, *fd, accepted}) net->Close(open);
}

TEST(NameResolver, ResolvesNamesAndKeepsAddresses) {
  const auto resolver = MakeSystemNameResolver();
  EXPECT_EQ(resolver->Resolve("127.0.0.1").value(), "127.0.0.1");
  EXPECT_FALSE(resolver->Resolve("no such host.invalid").has_value());
}

}  // namespace
}  // namespace hearth::env
