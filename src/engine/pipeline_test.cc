#include <gtest/gtest.h>

#include "base/memory.h"
#include "engine/testing/connected_engine.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::engine {
namespace {

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() { testing::BindCommands(fixture_.engine); }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  const CommandCounters& Counters(std::string_view name) {
    return fixture_.engine.commands().Find(name)->counters;
  }

  // Counts what the fixture allocates, for maxmemory.
  ThreadMemoryScope memory_;
  EngineFixture fixture_;
};

TEST_F(PipelineTest, AnUnknownCommandIsNamedWithTheBeginningOfItsArguments) {
  EXPECT_EQ(Do("nope"), "-ERR unknown command 'nope', with args beginning with: \r\n");
  EXPECT_EQ(Do("Nope a 'b c'"), "-ERR unknown command 'Nope', with args beginning with: 'a' 'b c' \r\n");
  const std::string reply = fixture_.Run({std::string(1000, 'n'), std::string(1000, 'a'), "b"});
  EXPECT_LT(reply.size(), 350u);
}

TEST_F(PipelineTest, LineEndsInErrorsBecomeSpaces) {
  EXPECT_EQ(fixture_.Run({"no\r\npe", "\n"}),
            "-ERR unknown command 'no  pe', with args beginning with: ' ' \r\n");
}

TEST_F(PipelineTest, AWrongNumberOfArgumentsIsRefused) {
  EXPECT_EQ(Do("SET a"), "-ERR wrong number of arguments for 'set' command\r\n");
  EXPECT_EQ(Do("CONFIG"), "-ERR wrong number of arguments for 'config' command\r\n");
  EXPECT_EQ(Do("config get"), "-ERR wrong number of arguments for 'config|get' command\r\n");
  EXPECT_EQ(Counters("set").rejected, 1u);
  EXPECT_EQ(Counters("set").calls, 0u);
}

TEST_F(PipelineTest, AnUnknownSubcommandIsPointedToTheHelp) {
  EXPECT_EQ(Do("cOnfig nope"), "-ERR unknown subcommand 'nope'. Try CONFIG HELP.\r\n");
}

TEST_F(PipelineTest, ACommandWithoutAHandlerSaysThatItIsNotSupported) {
  EXPECT_EQ(Do("GET a"), "-ERR 'get' is not supported by this version of Hearth\r\n");
}

TEST_F(PipelineTest, WithoutAuthenticationOnlyItsCommandsRun) {
  fixture_.engine.acl().SetDefaultPassword("secret");
  fixture_.client->set(Client::kUnauthenticated, true);
  EXPECT_EQ(Do("PING"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(Do("SET a"), "-ERR wrong number of arguments for 'set' command\r\n");
  EXPECT_NE(Do("AUTH x").substr(0, 7), "-NOAUTH");
  fixture_.client->set(Client::kUnauthenticated, false);
  EXPECT_EQ(Do("PING"), "+PONG\r\n");
}

TEST_F(PipelineTest, SubscribersOfProtocolTwoMaySayLittle) {
  fixture_.client->set(Client::kSubscribedResp2, true);
  EXPECT_EQ(Do("PING"), "+PONG\r\n");
  EXPECT_EQ(Do("EXISTS a"),
            "-ERR Can't execute 'exists': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
            "allowed in this context\r\n");
  fixture_.client->writer.set_protocol(3);
  EXPECT_EQ(Do("EXISTS a"), ":0\r\n");
}

TEST_F(PipelineTest, CountsCallsAndFailuresAndErrorsByCode) {
  Do("SET a x");
  Do("INCR a");
  Do("nope");
  EXPECT_EQ(Counters("set").calls, 1u);
  EXPECT_EQ(Counters("incr").calls, 1u);
  EXPECT_EQ(Counters("incr").failed, 1u);
  EXPECT_EQ(fixture_.engine.stats().errors.find("ERR")->second, 1u);
  EXPECT_EQ(fixture_.engine.stats().errors.find("WRONGTYPE")->second, 1u);
  EXPECT_EQ(fixture_.engine.stats().error_replies, 2u);
}

TEST_F(PipelineTest, OverMaxmemoryNothingThatNeedsMemoryRuns) {
  constexpr std::string_view kOom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
  Do("SET old 1");
  fixture_.settings.maxmemory = 1;
  fixture_.engine.RefreshChecks();
  EXPECT_EQ(Do("SET a 1"), kOom);
  EXPECT_EQ(Do("EXISTS old"), ":1\r\n");
  EXPECT_EQ(Do("DEL old"), ":1\r\n");
  // Queueing takes memory, whatever the command.
  Do("MULTI");
  EXPECT_EQ(Do("PING"), kOom);
  EXPECT_EQ(Do("EXEC"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
}

TEST_F(PipelineTest, ATransactionThatNeedsMemoryIsRefusedAtExec) {
  Do("MULTI");
  Do("SET a 1");
  fixture_.settings.maxmemory = 1;
  fixture_.engine.RefreshChecks();
  EXPECT_EQ(Do("EXEC"),
            "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > "
            "'maxmemory'.\r\n");
  EXPECT_EQ(Do("EXISTS a"), ":0\r\n");
}

TEST_F(PipelineTest, MutedClientsGetNoReplies) {
  Client& client = *fixture_.client;
  client.reply_mode = ReplyMode::kOff;
  client.set(Client::kReplyLimited, true);
  EXPECT_EQ(Do("SET a 1"), "");
  client.reply_mode = ReplyMode::kOn;
  client.set(Client::kReplyLimited, false);
  EXPECT_EQ(Do("EXISTS a"), ":1\r\n");
  // CLIENT REPLY SKIP: this one and no other.
  client.reply_mode = ReplyMode::kSkipNext;
  client.set(Client::kReplyLimited, true);
  EXPECT_EQ(Do("PING"), "");
  EXPECT_EQ(Do("PING"), "+PONG\r\n");
}

TEST_F(PipelineTest, ARenamedCommandRunsUnderItsNewNameAlone) {
  ASSERT_TRUE(fixture_.engine.commands().Rename("ping", "knock").has_value());
  EXPECT_EQ(Do("KNOCK"), "+PONG\r\n");
  EXPECT_EQ(Do("PING").substr(0, 20), "-ERR unknown command");
}

class PauseTest : public ::testing::Test {
 protected:
  void Start(Pause::Scope scope, int64_t ms) {
    server_.engine.pause().Start(scope, server_.engine.now_ms() + ms);
    server_.engine.RefreshChecks();
  }
  testing::ConnectedEngine server_;
  const size_t client_ = server_.Connect();
};

TEST_F(PauseTest, WritesWaitUntilItIsOverAndReadsDoNot) {
  Start(Pause::Scope::kWrites, 1000);
  EXPECT_EQ(server_.Ask(client_, "EXISTS a\r\nSET a 1\r\nEXISTS a"), ":0\r\n");
  server_.AdvanceMs(999);
  EXPECT_EQ(server_.Receive(client_), "");
  server_.AdvanceMs(1);
  EXPECT_EQ(server_.Receive(client_), "+OK\r\n:1\r\n");
}

TEST_F(PauseTest, AllCommandsWaitWhenAllAreMeant) {
  const size_t other = server_.Connect();
  Start(Pause::Scope::kAll, 1000);
  EXPECT_EQ(server_.Ask(client_, "PING"), "");
  EXPECT_EQ(server_.Ask(other, "PING"), "");
  server_.engine.EndPause();
  EXPECT_EQ(server_.Receive(client_), "+PONG\r\n");
  EXPECT_EQ(server_.Receive(other), "+PONG\r\n");
}

TEST_F(PauseTest, OfWritesLetsATransactionQueueAndHoldsItsExec) {
  Start(Pause::Scope::kWrites, 1000);
  EXPECT_EQ(server_.Ask(client_, "MULTI\r\nSET a 1\r\nEXEC"), "+OK\r\n+QUEUED\r\n");
  server_.engine.EndPause();
  EXPECT_EQ(server_.Receive(client_), "*1\r\n+OK\r\n");
}

TEST_F(PauseTest, AClientThatLeavesMeanwhileIsForgotten) {
  Start(Pause::Scope::kAll, 1000);
  server_.Send(client_, "PING");
  server_.Disconnect(client_);
  server_.engine.EndPause();
  server_.Turn();
  EXPECT_EQ(server_.engine.clients().size(), 0u);
}

TEST(PauseStateTest, ASecondPauseOnlyLengthensAndWidens) {
  Pause pause;
  pause.Start(Pause::Scope::kAll, 100);
  pause.Start(Pause::Scope::kWrites, 200);
  EXPECT_EQ(pause.scope(), Pause::Scope::kAll);
  EXPECT_EQ(pause.until_ms(), 200);
  EXPECT_FALSE(pause.IsOver(199));
  EXPECT_TRUE(pause.IsOver(200));
}

TEST(BatchTest, RequestsOfOneBatchRunInOrderAcrossPrefetchWindows) {
  testing::ConnectedEngine server;
  const size_t client = server.Connect();
  std::string requests, expected;
  for (int i = 0; i < 500; ++i) {
    requests +=
        (i == 0 ? "" : "\r\n") + ("EXISTS k" + std::to_string(i)) + "\r\nSET k" + std::to_string(i) + " v";
    expected += ":0\r\n+OK\r\n";
  }
  EXPECT_EQ(server.Ask(client, requests), expected);
}

TEST(BatchTest, ABrowserIsCutOffBeforeWhatItSendsRuns) {
  testing::ConnectedEngine server;
  for (const std::string_view line : {"POST / HTTP/1.1", "host: localhost"}) {
    const size_t client = server.Connect();
    EXPECT_EQ(server.Ask(client, std::string(line) + "\r\nSET a 1"), "");
  }
  EXPECT_EQ(server.engine.clients().size(), 0u);
  EXPECT_EQ(server.Ask(server.Connect(), "EXISTS a"), ":0\r\n");
}

TEST(BatchTest, ABrokenRequestIsAnsweredAfterThoseBeforeItAndEndsTheConnection) {
  testing::ConnectedEngine server;
  const size_t client = server.Connect();
  EXPECT_EQ(server.Ask(client, "PING\r\n*1\r\nx"), "+PONG\r\n-ERR Protocol error: expected '$', got 'x'\r\n");
  EXPECT_EQ(server.engine.clients().size(), 0u);
}

TEST_F(PipelineTest, ErrorsAreCountedByTheirCode) {
  const auto& errors = fixture_.engine.stats().errors;
  fixture_.engine.CountError("CODE text");
  fixture_.engine.CountError("CODE another text");
  fixture_.engine.CountError("without");
  fixture_.engine.CountError(std::string(32, 'x') + " text");
  EXPECT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors.at("CODE"), 2u);
  EXPECT_EQ(errors.at("ERR"), 2u);
}

TEST_F(PipelineTest, TooManyCodesOfErrorsEndTheirCounting) {
  EngineStats& stats = fixture_.engine.stats();
  for (int i = 0; i < 128; ++i) fixture_.engine.CountError("CODE" + std::to_string(i) + " text");
  EXPECT_EQ(stats.errors.size(), 128u);
  for (int i = 0; i < 10; ++i) fixture_.engine.CountError("OTHER" + std::to_string(i) + " text");
  ASSERT_EQ(stats.errors.size(), 1u);
  EXPECT_EQ(stats.errors.at("ERRORSTATS_DISABLED"), 1u);
  EXPECT_EQ(stats.error_replies, 138u);
  stats = {};
  fixture_.engine.CountError("AGAIN text");
  EXPECT_EQ(stats.errors.at("AGAIN"), 1u);
}

TEST_F(PipelineTest, DurationsAreTrackedWhileTheSettingsWantIt) {
  Do("PING");
  Do("PING");
  ASSERT_NE(Counters("ping").latency, nullptr);
  EXPECT_EQ(Counters("ping").latency->total(), 2u);
  EXPECT_EQ(Counters("exists").latency, nullptr);
  fixture_.settings.latency_tracking = false;
  fixture_.engine.RefreshChecks();
  Do("PING");
  Do("EXISTS a");
  EXPECT_EQ(Counters("ping").latency->total(), 2u);
  EXPECT_EQ(Counters("exists").latency, nullptr);
}

}  // namespace
}  // namespace hearth::engine
