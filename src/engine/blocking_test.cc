#include "engine/blocking.h"

#include <gtest/gtest.h>

#include "engine/testing/connected_engine.h"

namespace hearth::engine {
namespace {

using keyspace::Type;
using testing::ConnectedEngine;
using Peer = ConnectedEngine::Peer;

std::string Popped(std::string_view key, std::string_view element) {
  return "*2\r\n$" + std::to_string(key.size()) + "\r\n" + std::string(key) + "\r\n$" +
         std::to_string(element.size()) + "\r\n" + std::string(element) + "\r\n";
}

// The queues alone.
class WaitingTest : public ::testing::Test {
 protected:
  WaitingTest() : output_(pool_), a_(1, nullptr, output_, 0), b_(2, nullptr, output_, 0) {}
  ~WaitingTest() override {
    for (Client* client : {&a_, &b_}) {
      if (client->blocked != nullptr) blocking_.Remove(*client);
    }
  }
  std::vector<Client*> Waiting(std::string_view key) {
    return blocking_.WaitingFor({.database = 0, .key = std::string(key)});
  }

  resp::ChunkPool pool_;
  resp::OutputBuffer output_;
  Client a_;
  Client b_;
  Blocking blocking_;
};

TEST_F(WaitingTest, ClientsStandInLineForEachKeyInOrderOfArrival) {
  blocking_.Add(b_, 0, {.keys = {"x", "y"}});
  blocking_.Add(a_, 0, {.keys = {"y", "x"}});
  EXPECT_EQ(Waiting("x"), (std::vector<Client*>{&b_, &a_}));
  EXPECT_EQ(Waiting("y"), (std::vector<Client*>{&b_, &a_}));
  EXPECT_TRUE(blocking_.WaitingFor({.database = 1, .key = "x"}).empty());
  EXPECT_EQ(blocking_.waiting_count(), 2u);
  EXPECT_EQ(blocking_.key_count(), 2u);
  blocking_.Remove(b_);
  EXPECT_EQ(Waiting("x"), std::vector<Client*>{&a_});
  EXPECT_FALSE(b_.is(Client::kBlocked));
}

TEST_F(WaitingTest, AKeyNamedTwiceIsWaitedForOnce) {
  blocking_.Add(a_, 0, {.keys = {"x", "x"}});
  EXPECT_EQ(Waiting("x"), std::vector<Client*>{&a_});
  blocking_.Remove(a_);
  EXPECT_FALSE(blocking_.any());
  EXPECT_EQ(blocking_.key_count(), 0u);
}

TEST_F(WaitingTest, AReadyKeyIsTakenOnceHoweverOftenItWasMarked) {
  blocking_.Add(a_, 0, {.keys = {"x", "y"}});
  for (int i = 0; i < 3; ++i) blocking_.MarkReady(0, "y", Type::kList);
  blocking_.MarkReady(0, "x", Type::kList);
  blocking_.MarkReady(0, "nobody waits for this", Type::kList);
  blocking_.MarkReady(1, "x", Type::kList);
  blocking_.MarkReady(0, "x", Type::kString);
  Blocking::ReadyKey ready;
  ASSERT_TRUE(blocking_.TakeReady(ready));
  EXPECT_EQ(ready.key, "y");
  ASSERT_TRUE(blocking_.TakeReady(ready));
  EXPECT_EQ(ready.key, "x");
  EXPECT_FALSE(blocking_.TakeReady(ready));
}

TEST_F(WaitingTest, RemovedKeysWakeOnlyThoseWhoAsked) {
  blocking_.Add(a_, 0, {.keys = {"x"}});
  blocking_.MarkRemoved(0, "x");
  EXPECT_FALSE(blocking_.has_ready());
  blocking_.Add(b_, 0, {.keys = {"y"}, .wakes_on_removal = true});
  EXPECT_EQ(blocking_.key_count_for_removal(), 1u);
  blocking_.MarkRemoved(0, "y");
  EXPECT_TRUE(blocking_.has_ready());
  blocking_.Remove(b_);
  EXPECT_EQ(blocking_.key_count_for_removal(), 0u);
}

TEST_F(WaitingTest, TheEarliestDeadlineComesFirst) {
  blocking_.Add(a_, 0, {.keys = {"x"}, .deadline_ms = 200});
  blocking_.Add(b_, 0, {.keys = {"x"}, .deadline_ms = 100});
  EXPECT_EQ(blocking_.NextDeadlineMs(), 100);
  EXPECT_EQ(blocking_.deadline_count(), 2u);
  EXPECT_TRUE(blocking_.TimedOut(100).empty());
  EXPECT_EQ(blocking_.TimedOut(101), std::vector<Client*>{&b_});
  EXPECT_EQ(blocking_.TimedOut(300), (std::vector<Client*>{&b_, &a_}));
  blocking_.Remove(b_);
  EXPECT_EQ(blocking_.NextDeadlineMs(), 200);
}

TEST_F(WaitingTest, WhoWaitsForNoKeyKeepsNoKeysReportedAndIsToldOfTheEnd) {
  int ends = 0;
  blocking_.Add(a_, 0, {.deadline_ms = 200, .on_end = [&] { ++ends; }});
  EXPECT_FALSE(blocking_.any());
  EXPECT_EQ(blocking_.waiting_count(), 1u);
  EXPECT_EQ(blocking_.TimedOut(201), std::vector<Client*>{&a_});
  blocking_.Remove(a_);
  EXPECT_EQ(ends, 1);
  EXPECT_EQ(blocking_.waiting_count(), 0u);
  EXPECT_EQ(blocking_.deadline_count(), 0u);
}

// The whole way: a connection sleeps, its command runs again, its batch goes on.
class BlockedClientsTest : public ::testing::Test {
 protected:
  ConnectedEngine server_;
  const Peer pusher_ = server_.Connect();
};

TEST_F(BlockedClientsTest, AreServedInTheOrderInWhichTheyCame) {
  const Peer first = server_.Connect(), second = server_.Connect(), third = server_.Connect();
  server_.Send(second, "BLPOP l 0");
  server_.Send(first, "BLPOP other l 0");
  server_.Send(third, "BLPOP l 0");
  EXPECT_EQ(server_.engine.blocking().waiting_count(), 3u);
  EXPECT_EQ(server_.Ask(pusher_, "RPUSH l a b"), ":2\r\n");
  EXPECT_EQ(server_.Receive(second), Popped("l", "a"));
  EXPECT_EQ(server_.Receive(first), Popped("l", "b"));
  EXPECT_EQ(server_.Receive(third), "");
  EXPECT_EQ(server_.Ask(pusher_, "EXISTS l"), ":0\r\n");
  server_.Send(pusher_, "RPUSH l c");
  EXPECT_EQ(server_.Receive(third), Popped("l", "c"));
  EXPECT_FALSE(server_.engine.blocking().any());
}

TEST_F(BlockedClientsTest, PassOnWhatTheyDidAfterThePush) {
  const Peer waiter = server_.Connect();
  server_.Send(waiter, "BLPOP l 0");
  EXPECT_TRUE(server_.TakeEffects().empty());
  server_.Send(pusher_, "RPUSH l a b");
  EXPECT_EQ(server_.TakeEffects(), (std::vector<std::string>{"0: RPUSH l a b", "0: LPOP l"}));
}

TEST_F(BlockedClientsTest, KeepTheirPlaceWhenThereIsNothingForThem) {
  const Peer first = server_.Connect(), second = server_.Connect();
  server_.Send(first, "BLPOP l 0");
  server_.Send(second, "BLPOP l 0");
  // Gone again before anybody is served, and a key of another type.
  EXPECT_EQ(server_.Ask(pusher_, "MULTI\r\nRPUSH l a\r\nDEL l\r\nSET l text\r\nEXEC"),
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n:1\r\n:1\r\n+OK\r\n");
  EXPECT_EQ(server_.Receive(first) + server_.Receive(second), "");
  server_.Send(pusher_, "DEL l\r\nRPUSH l a");
  EXPECT_EQ(server_.Receive(first), Popped("l", "a"));
  EXPECT_EQ(server_.Receive(second), "");
}

TEST_F(BlockedClientsTest, AreServedAfterTheWholeTransaction) {
  const Peer waiter = server_.Connect();
  server_.Send(waiter, "BLPOP l 0");
  server_.Send(pusher_, "MULTI\r\nRPUSH l a\r\nRPUSH l b\r\nEXEC");
  EXPECT_EQ(server_.Receive(waiter), Popped("l", "a"));
  EXPECT_EQ(server_.TakeEffects(),
            (std::vector<std::string>{"(", "0: RPUSH l a", "0: RPUSH l b", ")", "0: LPOP l"}));
}

TEST_F(BlockedClientsTest, GoOnWithTheRequestsThatTheySentMeanwhile) {
  const Peer waiter = server_.Connect();
  server_.Send(waiter, "PING\r\nBLPOP l 0\r\nPING");
  server_.Send(waiter, "PING");
  EXPECT_EQ(server_.Receive(waiter), "+PONG\r\n");
  server_.Send(pusher_, "RPUSH l a");
  EXPECT_EQ(server_.Receive(waiter), Popped("l", "a") + "+PONG\r\n+PONG\r\n");
}

TEST_F(BlockedClientsTest, GetTheirNullWhenTheTimeIsUp) {
  const Peer waiter = server_.Connect();
  server_.Send(waiter, "BLPOP l 500\r\nPING");
  server_.AdvanceMs(499);
  EXPECT_EQ(server_.Receive(waiter), "");
  server_.AdvanceMs(1);
  EXPECT_EQ(server_.Receive(waiter), "*-1\r\n+PONG\r\n");
  EXPECT_FALSE(server_.engine.blocking().any());
}

TEST_F(BlockedClientsTest, CanBeWokenWithAnError) {
  const Peer waiter = server_.Connect();
  server_.Send(waiter, "BLPOP l 0");
  EXPECT_TRUE(
      server_.engine.Unblock(server_.ClientOf(waiter), "UNBLOCKED client unblocked via CLIENT UNBLOCK"));
  EXPECT_FALSE(server_.engine.Unblock(server_.ClientOf(waiter)));
  EXPECT_EQ(server_.Receive(waiter), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
}

// CLIENT REPLY as the client itself would have sent it.
void SetReplyMode(Client& client, ReplyMode mode) {
  client.reply_mode = mode;
  client.set(Client::kReplyLimited, mode != ReplyMode::kOn);
}

TEST_F(BlockedClientsTest, GetNoLateReplyEitherWhileRepliesAreOff) {
  const Peer waiter = server_.Connect();
  SetReplyMode(server_.ClientOf(waiter), ReplyMode::kOff);
  server_.Send(waiter, "BLPOP l 0");
  server_.Send(pusher_, "RPUSH l a");
  EXPECT_EQ(server_.Receive(waiter), "");
  server_.Send(waiter, "BLPOP l 500");
  server_.AdvanceMs(500);
  EXPECT_EQ(server_.Receive(waiter), "");
  server_.Send(waiter, "BLPOP l 0");
  EXPECT_TRUE(server_.engine.Unblock(server_.ClientOf(waiter), "UNBLOCKED"));
  EXPECT_EQ(server_.Receive(waiter), "");
  SetReplyMode(server_.ClientOf(waiter), ReplyMode::kOn);
  EXPECT_EQ(server_.Ask(waiter, "PING"), "+PONG\r\n");
}

TEST_F(BlockedClientsTest, SkipTheLateReplyAndNoOther) {
  const Peer waiter = server_.Connect();
  SetReplyMode(server_.ClientOf(waiter), ReplyMode::kSkipNext);
  server_.Send(waiter, "BLPOP l 0\r\nPING");
  EXPECT_EQ(server_.Receive(waiter), "");
  server_.Send(pusher_, "RPUSH l a");
  EXPECT_EQ(server_.Receive(waiter), "+PONG\r\n");
}

TEST_F(BlockedClientsTest, WaitNoLongerOnceTheyHaveGone) {
  const Peer gone = server_.Connect(), waiter = server_.Connect();
  server_.Send(gone, "BLPOP l 0");
  server_.Send(waiter, "BLPOP l 0");
  server_.Disconnect(gone);
  EXPECT_EQ(server_.engine.blocking().waiting_count(), 1u);
  server_.Send(pusher_, "RPUSH l a");
  EXPECT_EQ(server_.Receive(waiter), Popped("l", "a"));
}

TEST_F(BlockedClientsTest, DoNotWaitInsideATransaction) {
  EXPECT_EQ(server_.Ask(pusher_, "MULTI\r\nBLPOP l 0\r\nEXEC"), "+OK\r\n+QUEUED\r\n*1\r\n*-1\r\n");
  EXPECT_FALSE(server_.engine.blocking().any());
}

void WaitForNoKey(Context& ctx) {
  ctx.Block({.deadline_ms = ctx.now_ms() + 500, .answer = [](resp::Writer& reply) { reply.Integer(7); }});
}

TEST_F(BlockedClientsTest, WithoutAKeyGetTheirOwnAnswerHoweverTheWaitingEnds) {
  server_.engine.commands().Bind("wait", MakeHandler<&WaitForNoKey>());
  const Peer waiter = server_.Connect();
  server_.Send(waiter, "WAIT 1 0\r\nPING");
  EXPECT_TRUE(server_.engine.Unblock(server_.ClientOf(waiter)));
  EXPECT_EQ(server_.Receive(waiter), ":7\r\n+PONG\r\n");
  server_.Send(waiter, "WAIT 1 0");
  server_.AdvanceMs(501);
  EXPECT_EQ(server_.Receive(waiter), ":7\r\n");
  server_.Send(waiter, "WAIT 1 0");
  EXPECT_TRUE(server_.engine.Unblock(server_.ClientOf(waiter), "UNBLOCKED by hand"));
  EXPECT_EQ(server_.Receive(waiter), "-UNBLOCKED by hand\r\n");
}

TEST_F(BlockedClientsTest, CountAsOneCallHoweverOftenTheyWoke) {
  const Peer waiter = server_.Connect();
  server_.Send(waiter, "BLPOP l 0");
  const Command& command = *server_.engine.commands().Find("blpop");
  EXPECT_EQ(command.counters.calls, 0u);
  server_.Send(pusher_, "RPUSH l a");
  EXPECT_EQ(command.counters.calls, 1u);
}

}  // namespace
}  // namespace hearth::engine
