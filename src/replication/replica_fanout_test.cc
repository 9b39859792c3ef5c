#include "replication/replica_fanout.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "env/testing/faulty_disk.h"
#include "net/testing/test_server.h"
#include "replication/replica_catch_up.h"
#include "replication/replica_file_sender.h"
#include "replication/replica_sink.h"

namespace hearth::replication {
namespace {

constexpr int64_t kLongMicros = 20'000'000;

// Numbers that say where they stand, so that nothing can be lost or repeated unseen.
std::string Bytes(size_t size) {
  std::string bytes;
  for (uint64_t i = 0; bytes.size() < size; ++i) bytes += std::to_string(i) + " ";
  bytes.resize(size);
  return bytes;
}

// Receivers are clients of a server on the test's thread; a thread of its own sends.
class FanoutTest : public ::testing::Test {
 protected:
  ~FanoutTest() override {
    if (sender_.joinable()) sender_.join();
  }
  void Connect(int count) {
    for (int i = 0; i < count; ++i) {
      clients_.push_back(std::make_unique<net::TestClient>(server_));
      ASSERT_TRUE(server_.TurnUntil([&] { return server_.open.size() == clients_.size(); }));
      receivers_.push_back(std::make_shared<Receiver>(server_.open.back()->LendSocket()));
    }
  }
  void Make(int64_t timeout_us = kLongMicros) {
    fanout_ = std::move(*ReplicaFanout::Make(*server_.clock, timeout_us, receivers_));
  }
  template <typename Fn>
  void OnSender(Fn fn) {
    sender_ = std::thread([this, fn] {
      status_ = fn();
      is_done_ = true;
    });
  }
  Status SendInBlocks(std::string_view bytes, size_t block) {
    for (size_t at = 0; at < bytes.size(); at += block) HEARTH_TRY(fanout_->Send(bytes.substr(at, block)));
    return fanout_->Finish();
  }
  bool WaitUntilDone() {
    return server_.TurnUntil([this] { return is_done_.load(); });
  }

  net::TestServer server_{1};
  std::vector<std::unique_ptr<net::TestClient>> clients_;
  std::vector<std::shared_ptr<Receiver>> receivers_;
  std::shared_ptr<ReplicaFanout> fanout_;
  std::thread sender_;
  Status status_;
  std::atomic<bool> is_done_ = false;
};

TEST_F(FanoutTest, EverybodyGetsAllOfItInOrder) {
  Connect(3);
  Make();
  const std::string bytes = Bytes(30'000'000);
  OnSender([&] { return SendInBlocks(bytes, 200'000); });
  // One after the other: the last one is far behind for a while.
  std::vector<std::string> got(3);
  for (size_t at = 0; at < bytes.size(); at += 1'000'000) {
    for (size_t i = 0; i < 3; ++i) got[i] += clients_[i]->Receive(1'000'000);
  }
  for (const std::string& one : got) EXPECT_TRUE(one == bytes);
  ASSERT_TRUE(WaitUntilDone());
  EXPECT_TRUE(status_.has_value());
  for (const auto& receiver : receivers_) {
    EXPECT_EQ(receiver->outcome(), Receiver::Outcome::kSent);
    EXPECT_EQ(receiver->sent_bytes(), bytes.size());
  }
}

TEST_F(FanoutTest, OneThatTakesNothingIsLeftBehindAndTheOthersGoOn) {
  Connect(2);
  Make(300'000);
  const std::string bytes = Bytes(40'000'000);
  OnSender([&] { return SendInBlocks(bytes, 500'000); });
  EXPECT_TRUE(clients_[1]->Receive(bytes.size()) == bytes);
  ASSERT_TRUE(WaitUntilDone());
  EXPECT_EQ(receivers_[0]->outcome(), Receiver::Outcome::kTimedOut);
  EXPECT_EQ(receivers_[1]->outcome(), Receiver::Outcome::kSent);
}

TEST_F(FanoutTest, OneThatGoesAwayDoesNotDisturbTheOthers) {
  Connect(2);
  Make();
  const std::string bytes = Bytes(40'000'000);
  OnSender([&] { return SendInBlocks(bytes, 500'000); });
  EXPECT_EQ(clients_[0]->Receive(1'000'000).size(), 1'000'000u);
  clients_[0]->Close();
  EXPECT_TRUE(clients_[1]->Receive(bytes.size()) == bytes);
  ASSERT_TRUE(WaitUntilDone());
  EXPECT_EQ(receivers_[0]->outcome(), Receiver::Outcome::kGone);
  EXPECT_EQ(receivers_[1]->outcome(), Receiver::Outcome::kSent);
}

TEST_F(FanoutTest, WithNobodyLeftSendingFails) {
  Connect(1);
  Make();
  const std::string bytes = Bytes(40'000'000);
  OnSender([&] { return SendInBlocks(bytes, 500'000); });
  EXPECT_EQ(clients_[0]->Receive(1'000'000).size(), 1'000'000u);
  clients_[0]->Close();
  ASSERT_TRUE(WaitUntilDone());
  EXPECT_FALSE(status_.has_value());
}

TEST_F(FanoutTest, CancellingEndsTheWaiting) {
  Connect(1);
  Make();
  const std::string bytes = Bytes(40'000'000);
  OnSender([&] { return SendInBlocks(bytes, 500'000); });
  EXPECT_EQ(clients_[0]->Receive(1'000'000).size(), 1'000'000u);
  fanout_->Cancel();
  ASSERT_TRUE(WaitUntilDone());
  EXPECT_FALSE(status_.has_value());
  EXPECT_EQ(receivers_[0]->outcome(), Receiver::Outcome::kSending);
}

TEST_F(FanoutTest, ASnapshotToSocketsStandsBetweenMarks) {
  Connect(1);
  Make();
  const std::string mark(40, 'm');
  ReplicaSink sink(fanout_, mark);
  OnSender([&]() -> Status {
    HEARTH_TRY(sink.Write("snap"));
    HEARTH_TRY(sink.Write("shot"));
    return sink.Finish();
  });
  const std::string expected = "$EOF:" + mark + "\r\nsnapshot" + mark;
  EXPECT_EQ(clients_[0]->Receive(expected.size()), expected);
  EXPECT_TRUE(WaitUntilDone());
}

TEST_F(FanoutTest, ASnapshotInAFileHasItsSizeBeforeIt) {
  Connect(2);
  Make();
  env::FaultyDisk disk;
  const std::string bytes = Bytes(3'000'000);
  ASSERT_TRUE((*disk.Open("file", env::OpenMode::kTruncate))->Append(bytes).has_value());
  std::atomic<int> calls = 0;
  ReplicaFileSender sender(*disk.Open("file", env::OpenMode::kRead), fanout_, [&calls] { ++calls; });
  const std::string expected = "$3000000\r\n" + bytes;
  for (const auto& client : clients_) EXPECT_TRUE(client->Receive(expected.size()) == expected);
  ASSERT_TRUE(server_.TurnUntil([&] { return calls == 1; }));
  EXPECT_TRUE(sender.is_done());
  EXPECT_TRUE(sender.status().has_value());
}

// ---- from disk

class CatchUpTest : public FanoutTest {
 protected:
  CatchUpTest() {
    log_.SetLevel(LogLevel::kNothing);
    EXPECT_TRUE(segments_.Begin(std::string(40, 'a'), 1000).has_value());
    Connect(1);
    Make();
  }
  void Append(std::string_view bytes) {
    EXPECT_TRUE(segments_.Append(segments_.end_offset(), bytes).has_value());
  }
  std::unique_ptr<ReplicaCatchUp> Start(uint64_t offset) {
    return std::make_unique<ReplicaCatchUp>(segments_, offset, fanout_, [this] { ++calls_; });
  }

  env::FaultyDisk disk_;
  Logger log_;
  log::Segments segments_{disk_, log_, {"log", 64 * 1024 * 1024}};
  std::atomic<int> calls_ = 0;
};

TEST_F(CatchUpTest, SendsWhatIsOnDiskAndStopsWhereItIsToldTo) {
  const std::string bytes = Bytes(5'000'000);
  Append(std::string_view(bytes).substr(0, 2'000'000));
  const auto catch_up = Start(1500);
  std::string got = clients_[0]->Receive(1'999'500);
  ASSERT_TRUE(server_.TurnUntil([&] { return catch_up->is_at_end(); }));
  EXPECT_EQ(catch_up->offset(), 1000 + 2'000'000u);
  catch_up->StopAt(1000 + 4'000'000);
  Append(std::string_view(bytes).substr(2'000'000));
  got += clients_[0]->Receive(2'000'000);
  ASSERT_TRUE(server_.TurnUntil([&] { return catch_up->is_over(); }));
  EXPECT_TRUE(catch_up->status().has_value());
  EXPECT_EQ(catch_up->offset(), 1000 + 4'000'000u);
  EXPECT_EQ(receivers_[0]->outcome(), Receiver::Outcome::kSent);
  EXPECT_TRUE(got == bytes.substr(500, 4'000'000 - 500));
}

TEST_F(CatchUpTest, GoesOnWhenTheStopIsTakenBack) {
  Append("first ");
  const auto catch_up = Start(1000);
  ASSERT_TRUE(server_.TurnUntil([&] { return catch_up->is_at_end(); }));
  catch_up->StopAt(1012);
  catch_up->StopAt(ReplicaCatchUp::kNowhere);
  Append("second third");
  EXPECT_EQ(clients_[0]->Receive(18), "first second third");
  catch_up->StopAt(1018);
  ASSERT_TRUE(server_.TurnUntil([&] { return catch_up->is_over(); }));
  EXPECT_TRUE(catch_up->status().has_value());
}

TEST_F(CatchUpTest, FailsWhereTheDiskHasNothing) {
  Append("bytes");
  const auto catch_up = Start(500);
  ASSERT_TRUE(server_.TurnUntil([&] { return catch_up->is_over(); }));
  EXPECT_FALSE(catch_up->status().has_value());
}

TEST_F(CatchUpTest, CanBeGivenUpAtAnyTime) {
  Append(Bytes(30'000'000));
  auto catch_up = Start(1000);
  EXPECT_FALSE(clients_[0]->Receive(100'000).empty());
  catch_up.reset();
  EXPECT_EQ(calls_, 1);
}

}  // namespace
}  // namespace hearth::replication
