#include "net/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "env/testing/manual_clock.h"
#include "net/resp_client.h"
#include "net/stream.h"
#include "net/testing/test_server.h"

namespace hearth::net {
namespace {

class TaskTest : public ::testing::Test {
 protected:
  env::ManualClock clock_;
  std::unique_ptr<env::Poller> poller_ = std::move(*env::MakeSystemPoller());
  EventLoop loop_{*poller_, clock_};
};

Task<int> AddSlowly(EventLoop& loop, int a, int b) {
  Sleep rest(loop, 100);
  co_await rest;
  co_return a + b;
}

Task<void> AddThree(EventLoop& loop, int* sum, std::shared_ptr<int> held) {
  Task<int> first = AddSlowly(loop, 1, 2);
  const int partial = co_await first;
  Task<int> second = AddSlowly(loop, partial, *held);
  *sum = co_await second;
}

TEST_F(TaskTest, RunsTasksWithinTasks) {
  TaskScope scope;
  int sum = 0;
  scope.Start(AddThree(loop_, &sum, std::make_shared<int>(4)));
  EXPECT_EQ(scope.running_count(), 1u);
  for (int i = 0; i < 2; ++i) {
    clock_.AdvanceMicros(100);
    loop_.RunOnce(0);
  }
  EXPECT_EQ(sum, 7);
  EXPECT_EQ(scope.running_count(), 0u);
}

TEST_F(TaskTest, CancelsWhatStillRunsWithItsScope) {
  const auto held = std::make_shared<int>(4);
  int sum = 0;
  {
    TaskScope scope;
    scope.Start(AddThree(loop_, &sum, held));
    EXPECT_GT(held.use_count(), 1);
  }
  EXPECT_EQ(held.use_count(), 1);
  clock_.AdvanceMicros(1000);
  loop_.RunOnce(0);
  EXPECT_EQ(sum, 0);
}

TEST_F(TaskTest, NeverRunsATaskThatNobodyAwaits) {
  int sum = 0;
  {
    const Task<void> task = AddThree(loop_, &sum, std::make_shared<int>(1));
  }
  EXPECT_EQ(sum, 0);
}

class LinkTest : public ::testing::Test {
 protected:
  env::Endpoint Address() { return {.host = "127.0.0.1", .port = server_.listener.port()}; }
  TestServer server_{1};
};

Task<void> TalkOverStream(TestServer& server, env::Endpoint endpoint, std::string* got, bool* done) {
  Task<Result<std::unique_ptr<Stream>>> connecting =
      Stream::Connect(server.loop, *server.net, endpoint, 5'000'000);
  Result<std::unique_ptr<Stream>> stream = co_await connecting;
  EXPECT_TRUE(stream.has_value());
  Task<Status> writing = (*stream)->WriteAll("ECHO hello\r\n", 5'000'000);
  const Status written = co_await writing;
  EXPECT_TRUE(written.has_value());
  for (int i = 0; i < 2; ++i) {
    Task<Result<std::string>> reading = (*stream)->ReadLine(100, 5'000'000);
    const Result<std::string> line = co_await reading;
    *got += line.value_or("error") + "|";
  }
  char piece[10];
  Task<Result<size_t>> reading = (*stream)->ReadSome(piece, 10'000);
  const Result<size_t> late = co_await reading;
  EXPECT_EQ(late.error().code, ETIMEDOUT);
  *done = true;
}

TEST_F(LinkTest, StreamsConnectWriteReadAndTimeOut) {
  TaskScope scope;
  std::string got;
  bool done = false;
  scope.Start(TalkOverStream(server_, Address(), &got, &done));
  EXPECT_TRUE(server_.TurnUntil([&] { return done; }));
  EXPECT_EQ(got, "$5|hello|");
}

TEST_F(LinkTest, PipelinesCommandsAndMatchesTheirReplies) {
  RespClient client(server_.loop, *server_.net, {});
  bool connected = false;
  client.Connect(Address(), [&](Status status) { connected = status.has_value(); });
  ASSERT_TRUE(server_.TurnUntil([&] { return connected; }));
  std::string replies;
  for (int i = 0; i < 100; ++i) {
    client.Send({"ECHO", std::to_string(i)},
                [&](Result<resp::Reply> reply) { replies += reply->text + ","; });
  }
  EXPECT_TRUE(replies.empty());
  ASSERT_TRUE(server_.TurnUntil([&] { return client.waiting_count() == 0; }));
  EXPECT_TRUE(replies.starts_with("0,1,2,3,") && replies.ends_with("98,99,"));
}

TEST_F(LinkTest, FailsWaitingCommandsWhenTheConnectionEnds) {
  RespClient client(server_.loop, *server_.net, {});
  bool connected = false;
  client.Connect(Address(), [&](Status status) { connected = status.has_value(); });
  ASSERT_TRUE(server_.TurnUntil([&] { return connected; }));
  int failed = 0;
  int closed = 0;
  client.set_on_closed([&](const Error&) { ++closed; });
  client.Send({"KILL"}, [&](Result<resp::Reply> reply) { failed += !reply; });
  client.Send({"ECHO", "x"}, [&](Result<resp::Reply> reply) { failed += !reply; });
  EXPECT_TRUE(server_.TurnUntil([&] { return closed == 1; }));
  EXPECT_EQ(failed, 2);
  EXPECT_FALSE(client.is_connected());
  client.Send({"ECHO", "x"}, [&](Result<resp::Reply> reply) { failed += !reply; });
  EXPECT_TRUE(server_.TurnUntil([&] { return failed == 3; }));
}

TEST_F(LinkTest, BreaksTheConnectionWhenAReplyIsLate) {
  RespClient client(server_.loop, *server_.net, {});
  bool connected = false;
  client.Connect(Address(), [&](Status status) { connected = status.has_value(); });
  ASSERT_TRUE(server_.TurnUntil([&] { return connected; }));
  int code = 0;
  client.Send({"BLOCK"}, [&](Result<resp::Reply> reply) { code = reply.error().code; }, 20'000);
  EXPECT_TRUE(server_.TurnUntil([&] { return code != 0; }));
  EXPECT_EQ(code, ETIMEDOUT);
}

TEST_F(LinkTest, TellsThatNobodyListens) {
  const env::Endpoint nowhere = Address();
  server_.listener.Close();
  RespClient client(server_.loop, *server_.net, {});
  int code = 0;
  client.Connect(nowhere, [&](Status status) { code = status ? -1 : status.error().code; });
  EXPECT_TRUE(server_.TurnUntil([&] { return code != 0; }));
  EXPECT_EQ(code, ECONNREFUSED);
}

TEST_F(LinkTest, MayBeDestroyedFromItsOwnCallback) {
  auto client = std::make_unique<RespClient>(server_.loop, *server_.net, RespClient::Options{});
  client->Connect(Address(), [&](Status) {
    client->Send({"ECHO", "x"}, [&](Result<resp::Reply>) { client.reset(); });
    client->Send({"ECHO", "y"}, [&](Result<resp::Reply>) { FAIL(); });
  });
  EXPECT_TRUE(server_.TurnUntil([&] { return client == nullptr; }));
}

Task<void> Handshake(RespClient& client, env::Endpoint endpoint, std::string* got) {
  Task<Status> connecting = client.Connect(endpoint);
  const Status connected = co_await connecting;
  EXPECT_TRUE(connected.has_value());
  Task<Result<resp::Reply>> calling = client.Call({"ECHO", "shake"});
  const Result<resp::Reply> reply = co_await calling;
  *got = reply->text;
}

TEST_F(LinkTest, ServesTasksAndHandsOverItsSocket) {
  RespClient client(server_.loop, *server_.net, {.password = "secret"});
  TaskScope scope;
  std::string got;
  scope.Start(Handshake(client, Address(), &got));
  ASSERT_TRUE(server_.TurnUntil([&] { return !got.empty(); }));
  EXPECT_EQ(got, "shake");
  auto stream = client.Detach();
  ASSERT_TRUE(stream.has_value());
  EXPECT_FALSE(client.is_connected());
  EXPECT_EQ((*stream)->TakeReceived(), "");
}

TEST_F(LinkTest, KeepsItsListenersWhenANewSetFails) {
  const int port = server_.listener.port();
  EXPECT_FALSE(
      server_.listener.Listen({.addresses = {"127.0.0.1", "203.0.113.7"}, .port = port + 1}).has_value());
  EXPECT_EQ(server_.listener.port(), port);
  EXPECT_FALSE(server_.listener.Listen({.addresses = {"not an address"}, .port = 0}).has_value());
  EXPECT_TRUE(server_.listener.Listen({.addresses = {"127.0.0.1", "-203.0.113.7"}, .port = 0}).has_value());
}

TEST_F(LinkTest, ListensOnAUnixSocket) {
  const std::string path = ::testing::TempDir() + "hearth_listener_test.sock";
  ASSERT_TRUE(
      server_.listener.Listen({.addresses = {}, .unix_path = path, .unix_permissions = 0700}).has_value());
  RespClient client(server_.loop, *server_.net, {});
  std::string got;
  client.Connect({.unix_path = path}, [&](Status) {
    client.Send({"ECHO", "x"}, [&](Result<resp::Reply> reply) { got = reply->text; });
  });
  EXPECT_TRUE(server_.TurnUntil([&] { return got == "x"; }));
  ASSERT_EQ(server_.open.size(), 1u);
  EXPECT_TRUE(server_.open[0]->is_unix_socket());
  EXPECT_EQ(server_.open[0]->peer_address(), path + ":0");
}

}  // namespace
}  // namespace hearth::net
