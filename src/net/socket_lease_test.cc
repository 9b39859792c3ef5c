#include "net/socket_lease.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "net/testing/test_server.h"

namespace hearth::net {
namespace {

// Every behaviour holds with the I/O on the engine's thread and on others.
class SocketLeaseTest : public ::testing::TestWithParam<int> {
 protected:
  SocketLeaseTest() {
    EXPECT_TRUE(client_.Send("ECHO hello\r\n"));
    EXPECT_EQ(client_.Receive(11), "$5\r\nhello\r\n");
  }
  Connection& connection() { return *server_.open.at(0); }
  std::shared_ptr<SocketLease> Lend() {
    auto lease = connection().LendSocket();
    EXPECT_TRUE(server_.TurnUntil([&] { return lease->is_open(); }));
    return lease;
  }
  static int64_t Put(SocketLease& lease, std::string_view text) {
    const iovec part{const_cast<char*>(text.data()), text.size()};
    return lease.Writev(&part, 1);
  }

  TestServer server_{GetParam()};
  TestClient client_{server_};
};
INSTANTIATE_TEST_SUITE_P(Threads, SocketLeaseTest, ::testing::Values(1, 2));

TEST_P(SocketLeaseTest, OpensOnlyWhenWhatStoodBeforeItIsSent) {
  const std::string before(30'000'000, 'b');
  connection().output().Append(before);
  const auto lease = connection().LendSocket();
  for (int turn = 0; turn < 20; ++turn) {
    server_.loop.RunOnce(0);
    EXPECT_EQ(Put(*lease, "leased"), -EAGAIN);
  }
  EXPECT_EQ(client_.Receive(before.size()).size(), before.size());
  ASSERT_TRUE(server_.TurnUntil([&] { return lease->is_open(); }));
  EXPECT_EQ(Put(*lease, "leased"), 6);
  EXPECT_EQ(client_.Receive(6), "leased");
}

TEST_P(SocketLeaseTest, WhatIsAppendedMeanwhileWaitsUntilTheSocketIsBack) {
  const auto lease = Lend();
  connection().output().Append("behind");
  connection().ScheduleWrite();
  for (int turn = 0; turn < 20; ++turn) server_.loop.RunOnce(0);
  EXPECT_EQ(Put(*lease, "leased "), 7);
  connection().TakeSocketBack();
  EXPECT_EQ(client_.Receive(13), "leased behind");
  ASSERT_TRUE(server_.TurnUntil([&] { return !lease->is_open(); }));
  EXPECT_EQ(Put(*lease, "late"), -EAGAIN);
}

TEST_P(SocketLeaseTest, RequestsAreReadWhileItIsLent) {
  const auto lease = Lend();
  ASSERT_TRUE(client_.Send("ECHO more\r\n"));
  ASSERT_TRUE(server_.TurnUntil([&] { return server_.commands == 2; }));
  connection().TakeSocketBack();
  EXPECT_EQ(client_.Receive(10), "$4\r\nmore\r\n");
}

TEST_P(SocketLeaseTest, CanBeLentAgain) {
  for (int round = 0; round < 5; ++round) {
    const auto lease = Lend();
    EXPECT_EQ(Put(*lease, "leased"), 6);
    EXPECT_EQ(client_.Receive(6), "leased");
    connection().TakeSocketBack();
    ASSERT_TRUE(client_.Send("ECHO own\r\n"));
    EXPECT_EQ(client_.Receive(9), "$3\r\nown\r\n");
    ASSERT_TRUE(server_.TurnUntil([&] { return !lease->is_open(); }));
  }
}

TEST_P(SocketLeaseTest, FailsOnceTheConnectionIsClosedFromEitherSide) {
  auto lease = Lend();
  client_.Close();
  ASSERT_TRUE(server_.TurnUntil([&] { return server_.closed == 1; }));
  EXPECT_EQ(Put(*lease, "leased"), -EPIPE);

  TestClient other(server_);
  ASSERT_TRUE(server_.TurnUntil([&] { return server_.open.size() == 1; }));
  lease = Lend();
  connection().Close();
  ASSERT_TRUE(server_.TurnUntil([&] { return server_.closed == 2; }));
  EXPECT_EQ(Put(*lease, "leased"), -EPIPE);
}

TEST_P(SocketLeaseTest, IsWrittenByAnotherThreadWhileTheConnectionGoesAway) {
  const auto lease = Lend();
  std::atomic<int64_t> result = 0;
  std::thread writer([&] {
    const std::string block(100'000, 'x');
    int64_t put = 0;
    while (put >= 0 || put == -EAGAIN) put = Put(*lease, block);
    result = put;
  });
  EXPECT_FALSE(client_.Receive(1'000'000).empty());
  client_.Close();
  EXPECT_TRUE(server_.TurnUntil([&] { return server_.closed == 1 && result != 0; }));
  writer.join();
  EXPECT_LT(result, 0);
}

}  // namespace
}  // namespace hearth::net
