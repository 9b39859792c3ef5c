#include "net/io_threads.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/prng.h"
#include "net/testing/test_server.h"

namespace hearth::net {
namespace {

// Every behaviour holds with the I/O on the engine's thread and on others.
class IoThreadsTest : public ::testing::TestWithParam<int> {
 protected:
  std::string Ask(TestClient& client, std::string_view request, size_t reply_size) {
    EXPECT_TRUE(client.Send(request));
    return client.Receive(reply_size);
  }
};
INSTANTIATE_TEST_SUITE_P(Threads, IoThreadsTest, ::testing::Values(1, 2, 4));

TEST_P(IoThreadsTest, AnswersPipelinedRequestsInOrder) {
  TestServer server(GetParam());
  TestClient client(server);
  std::string request, expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = std::to_string(i);
    request += "ECHO " + text + "\r\n";
    expected += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  EXPECT_EQ(Ask(client, request, expected.size()), expected);
}

TEST_P(IoThreadsTest, TakesLargeArgumentsAndSendsLargeReplies) {
  TestServer server(GetParam());
  TestClient client(server);
  const std::string value(20'000'000, 'v');
  EXPECT_EQ(Ask(client, "*2\r\n$4\r\nSIZE\r\n$20000000\r\n" + value + "\r\nECHO after\r\n", 22),
            ":20000000\r\n$5\r\nafter\r\n");
  const std::string reply = Ask(client, "LONG 30000000\r\n", 30'000'000 + 13);
  EXPECT_EQ(reply.size(), 30'000'000u + 13);
  EXPECT_TRUE(server.TurnUntil([&] { return server.open[0]->unsent_bytes() == 0; }));
  EXPECT_TRUE(server.TurnUntil([&] { return server.open[0]->input_bytes() == 0; }));
  EXPECT_EQ(server.open[0]->input_free_bytes(), 0u);
}

TEST_P(IoThreadsTest, RepliesToAProtocolErrorAndCloses) {
  TestServer server(GetParam());
  TestClient client(server);
  client.Send("ECHO a\r\n*1\r\nx\r\nECHO b\r\n");
  EXPECT_EQ(client.ReceiveAll(), "$1\r\na\r\n-ERR Protocol error: expected '$', got 'x'\r\n");
  EXPECT_TRUE(server.TurnUntil([&] { return server.closed == 1; }));
  EXPECT_EQ(server.io.connection_count(), 0u);
}

TEST_P(IoThreadsTest, ClosesAfterTheReplyOrAtOnce) {
  TestServer server(GetParam());
  TestClient polite(server);
  polite.Send("QUIT\r\nECHO ignored\r\n");
  EXPECT_EQ(polite.ReceiveAll().substr(0, 5), "+OK\r\n");
  TestClient rude(server);
  rude.Send("KILL\r\n");
  EXPECT_EQ(rude.ReceiveAll(), "");
  EXPECT_TRUE(server.TurnUntil([&] { return server.closed == 2; }));
}

TEST_P(IoThreadsTest, ResumesABatchInTheMiddle) {
  TestServer server(GetParam());
  TestClient client(server);
  client.Send("ECHO a\r\nBLOCK\r\nECHO b\r\nBLOCK\r\nECHO c\r\n");
  ASSERT_TRUE(server.TurnUntil([&] { return server.blocked.size() == 1; }));
  client.Send("ECHO d\r\n");
  server.Unblock();
  ASSERT_TRUE(server.TurnUntil([&] { return server.blocked.size() == 1; }));
  server.Unblock();
  const std::string expected = "$1\r\na\r\n+UNBLOCKED\r\n$1\r\nb\r\n+UNBLOCKED\r\n$1\r\nc\r\n$1\r\nd\r\n";
  EXPECT_EQ(client.Receive(expected.size()), expected);
}

TEST_P(IoThreadsTest, NoticesThatABlockedClientHasGone) {
  TestServer server(GetParam());
  TestClient client(server);
  client.Send("BLOCK\r\n");
  ASSERT_TRUE(server.TurnUntil([&] { return server.blocked.size() == 1; }));
  client.Close();
  EXPECT_TRUE(server.TurnUntil([&] { return server.closed == 1; }));
  EXPECT_TRUE(server.blocked.empty());
}

TEST_P(IoThreadsTest, ServesWhatWasSentBeforeTheClientStoppedSending) {
  TestServer server(GetParam());
  TestClient client(server);
  std::string request, expected;
  for (int i = 0; i < 3000; ++i) request += "ECHO xyz\r\n", expected += "$3\r\nxyz\r\n";
  client.Send(request);
  ASSERT_EQ(shutdown(client.fd(), SHUT_WR), 0);
  EXPECT_EQ(client.ReceiveAll(), expected);
}

TEST_P(IoThreadsTest, WritesWhenTheEngineSaysSoOutsideABatch) {
  TestServer server(GetParam());
  TestClient client(server);
  ASSERT_TRUE(server.TurnUntil([&] { return server.open.size() == 1; }));
  resp::Writer(server.open[0]->output(), 2).Simple("message");
  server.open[0]->ScheduleWrite();
  EXPECT_EQ(client.Receive(10), "+message\r\n");
}

TEST_P(IoThreadsTest, TellsWhenASlowReaderHasCaughtUp) {
  TestServer server(GetParam());
  TestClient client(server);
  ASSERT_TRUE(server.TurnUntil([&] { return server.open.size() == 1; }));
  Connection& connection = *server.open[0];
  connection.output().Append(std::string(30'000'000, 'x'));
  connection.NotifyWhenUnsentBelow(1'000'000);
  server.loop.RunOnce(0);
  EXPECT_GT(connection.unsent_bytes(), 1'000'000u);
  EXPECT_TRUE(server.drained.empty());
  EXPECT_EQ(client.Receive(30'000'000).size(), 30'000'000u);
  EXPECT_TRUE(server.TurnUntil([&] { return server.drained.size() == 1; }));
  EXPECT_LE(connection.unsent_bytes(), 1'000'000u);
}

TEST_P(IoThreadsTest, ClosesAConnectionWhoseInputIsTooLarge) {
  TestServer server(GetParam());
  server.io.SetLimits({.query_buffer_bytes = 100'000});
  TestClient client(server);
  client.Send("*1\r\n$1000000\r\n" + std::string(500'000, 'x'));
  EXPECT_TRUE(server.TurnUntil([&] { return server.closed == 1; }));
  EXPECT_EQ(server.io.stats().query_buffer_overflows, 1u);
}

TEST_P(IoThreadsTest, TurnsAwayWhatTheFilterRefuses) {
  TestServer server(GetParam(), [](Connection& connection) {
    resp::Writer(connection.output(), 2).Error("ERR max number of clients reached");
    return false;
  });
  TestClient client(server);
  EXPECT_EQ(client.ReceiveAll(), "-ERR max number of clients reached\r\n");
  EXPECT_TRUE(server.open.empty());
  EXPECT_EQ(server.io.stats().connections_rejected, 1u);
}

TEST_P(IoThreadsTest, PausesAndResumesReading) {
  TestServer server(GetParam());
  TestClient client(server);
  EXPECT_EQ(Ask(client, "ECHO a\r\n", 7), "$1\r\na\r\n");
  server.open[0]->PauseReading();
  for (int i = 0; i < 5; ++i) server.loop.RunOnce(1000);
  client.Send("ECHO b\r\n");
  for (int i = 0; i < 20; ++i) server.loop.RunOnce(1000);
  EXPECT_EQ(server.commands, 1);
  server.open[0]->ResumeReading();
  EXPECT_EQ(client.Receive(7), "$1\r\nb\r\n");
}

// Asks while the loop does not turn, so that the engine is as good as busy. -1 if no answer comes.
int ProbeWithoutTurning(TestServer& server, const TestClient& client) {
  std::string request = "*1\r\n$4\r\nping\r\n";
  const iovec part{request.data(), request.size()};
  if (server.net->Writev(client.fd(), &part, 1) != static_cast<int64_t>(request.size())) return -1;
  std::string answer;
  const auto deadline = std::chrono::steady_clock::now() + kTestDeadline;
  while (!answer.ends_with("\r\n") && std::chrono::steady_clock::now() < deadline) {
    char byte;
    const int64_t got = server.net->Read(client.fd(), &byte, 1);
    if (got > 0) answer += byte;
    if (got == 0) break;
    if (got < 0) std::this_thread::yield();
  }
  return answer.ends_with("\r\n") && answer[0] == ':' ? std::stoi(answer.substr(1)) : -1;
}

TEST_P(IoThreadsTest, AnswersProbesWhileTheEngineIsBusy) {
  TestServer server(GetParam());
  TestClient client(server);
  EXPECT_EQ(Ask(client, "PROBE\r\n", 5), "+OK\r\n");
  EXPECT_EQ(Ask(client, "PING\r\n", 1), ":");
  EXPECT_EQ(server.io.probed_count(), 1u);
  client.Receive(3);
  server.loop.RunOnce(0);
  int busy_ms = 0;
  int answers = 0;
  while (busy_ms >= 0 && busy_ms < 50) {
    const int more_ms = ProbeWithoutTurning(server, client);
    EXPECT_GE(more_ms, busy_ms);
    busy_ms = more_ms;
    ++answers;
  }
  EXPECT_GE(busy_ms, 50);
  EXPECT_GE(answers, 1);
  EXPECT_EQ(server.commands, 1);
}

TEST_P(IoThreadsTest, AProbedConnectionTakesProbesAlone) {
  TestServer server(GetParam());
  TestClient client(server);
  TestClient other(server);
  EXPECT_EQ(Ask(client, "PROBE\r\n", 5), "+OK\r\n");
  EXPECT_EQ(Ask(other, "PROBE\r\n", 5), "+OK\r\n");
  client.Send("ECHO x\r\n");
  EXPECT_EQ(client.ReceiveAll(), "");
  EXPECT_TRUE(server.TurnUntil([&] { return server.closed == 1; }));
  other.Send("PING\r\n*1\r\n$4\r\nPI");
  EXPECT_EQ(other.Receive(1), ":");
  ASSERT_TRUE(server.io.SetThreadCount(3).has_value());
  ASSERT_TRUE(server.TurnUntil([&] { return server.open.size() == 1; }));
  server.open[0]->Close();
  EXPECT_TRUE(server.TurnUntil([&] { return server.closed == 2; }));
  EXPECT_EQ(server.io.probed_count(), 0u);
}

TEST(IoThreads, LosesNoRequestWhileTheNumberOfThreadsChanges) {
  const char* given = std::getenv("HEARTH_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 5;
  std::printf("HEARTH_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Prng prng(seed);
  TestServer server(1);
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<TestClient>(server));
  std::vector<std::string> expected(clients.size());
  for (int round = 0; round < 300; ++round) {
    if (prng.Below(8) == 0) {
      ASSERT_TRUE(server.io.SetThreadCount(1 + static_cast<int>(prng.Below(4))).has_value());
    }
    const size_t i = prng.Below(clients.size());
    const uint64_t dice = prng.Below(20);
    if (dice == 0) {
      // One leaves and another comes.
      clients[i] = std::make_unique<TestClient>(server);
      expected[i].clear();
    } else if (dice < 14) {
      const std::string value(prng.Below(3) == 0 ? prng.Below(100'000) : 20, static_cast<char>('a' + dice));
      const std::string request =
          "*2\r\n$4\r\nECHO\r\n$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
      const size_t cut = prng.Below(request.size());
      clients[i]->Send(std::string_view(request).substr(0, cut));
      server.loop.RunOnce(0);
      clients[i]->Send(std::string_view(request).substr(cut));
      expected[i] += "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
    } else {
      ASSERT_EQ(clients[i]->Receive(expected[i].size()), expected[i]);
      expected[i].clear();
    }
  }
  for (size_t i = 0; i < clients.size(); ++i) {
    ASSERT_EQ(clients[i]->Receive(expected[i].size()), expected[i]);
  }
}

TEST(IoThreads, EndsCleanlyWithConnectionsOpen) {
  TestServer server(3);
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<TestClient>(server));
    clients.back()->Send("*1\r\n$100\r\nhalf");
    clients.back()->Send(i % 2 == 0 ? "" : "of it");
  }
  ASSERT_TRUE(server.TurnUntil([&] { return server.open.size() == 10; }));
}

}  // namespace
}  // namespace hearth::net
