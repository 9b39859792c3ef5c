#include <gtest/gtest.h>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

struct Session : engine::EngineFixture {
  Session() {
    RegisterConnection(engine.commands());
    RegisterPubSub(engine.commands());
    RegisterTransactions(engine.commands());
    RegisterClientCommands(engine.commands());
    RegisterClientControl(engine.commands());
  }
  void SetPassword(std::string_view password) {
    engine.acl().SetDefaultPassword(password);
    client->set(engine::Client::kUnauthenticated, true);
  }
};

TEST(Auth, TakesThePasswordOfTheDefaultUser) {
  Session session;
  session.SetPassword("secret");
  EXPECT_EQ(session.Do("ECHO a"), "-NOAUTH Authentication required.\r\n");
  EXPECT_TRUE(session.Do("AUTH secre").starts_with("-WRONGPASS "));
  EXPECT_TRUE(session.Do("AUTH secretsecret").starts_with("-WRONGPASS "));
  EXPECT_TRUE(session.Do("AUTH ''").starts_with("-WRONGPASS "));
  EXPECT_TRUE(session.Do("AUTH nobody secret").starts_with("-WRONGPASS "));
  EXPECT_EQ(session.Do("AUTH default secret"), "+OK\r\n");
  EXPECT_EQ(session.Do("ECHO a"), "$1\r\na\r\n");
}

TEST(Auth, SaysThatThereIsNoPassword) {
  Session session;
  EXPECT_TRUE(
      session.Do("AUTH x").starts_with("-ERR AUTH <password> called without any password configured"));
  EXPECT_EQ(session.Do("AUTH default anything"), "+OK\r\n");
}

TEST(Hello, ChangesNothingUnlessAllOfItHolds) {
  Session session;
  session.SetPassword("secret");
  EXPECT_TRUE(session.Do("HELLO 3").starts_with("-NOAUTH HELLO must be called"));
  EXPECT_TRUE(session.Do("HELLO 3 AUTH default wrong SETNAME a").starts_with("-WRONGPASS"));
  EXPECT_TRUE(session.client->name.empty());
  EXPECT_TRUE(
      session.Do("HELLO 3 AUTH default secret SETNAME me").starts_with("%7\r\n$6\r\nserver\r\n$5\r\nredis"));
  EXPECT_EQ(session.client->name, "me");
  EXPECT_TRUE(session.Do("HELLO 2").starts_with("*14\r\n"));
}

TEST(Hello, NamesWhatItDoesNotUnderstand) {
  Session session;
  EXPECT_EQ(session.Do("HELLO 4"), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(session.Do("HELLO x"), "-ERR Protocol version is not an integer or out of range\r\n");
  EXPECT_EQ(session.Do("HELLO 3 SETNAME"), "-ERR Syntax error in HELLO option 'SETNAME'\r\n");
}

TEST(Reset, AsksForThePasswordAgain) {
  Session session;
  session.engine.acl().SetDefaultPassword("secret");
  EXPECT_EQ(session.Do("SUBSCRIBE a"), "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
  EXPECT_EQ(session.Do("RESET"), "+RESET\r\n");
  EXPECT_TRUE(session.Do("ECHO a").starts_with("-NOAUTH"));
  EXPECT_FALSE(session.engine.pubsub().has_listeners());
}

TEST(PubSub, SubscribersWithResp2MayUseFewCommands) {
  Session session;
  session.Do("SUBSCRIBE a");
  EXPECT_TRUE(session.Do("ECHO a").starts_with("-ERR Can't execute 'echo'"));
  EXPECT_EQ(session.Do("PING"), "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  session.Do("UNSUBSCRIBE");
  EXPECT_EQ(session.Do("PING"), "+PONG\r\n");
  session.Do("HELLO 3");
  EXPECT_EQ(session.Do("SSUBSCRIBE a"), ">3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n");
  EXPECT_EQ(session.Do("PING"), "+PONG\r\n");
}

TEST(PubSub, MessagesReachChannelsAndPatterns) {
  Session session;
  engine::Client& listener = session.AddClient();
  session.Run(listener, {"SUBSCRIBE", "news"});
  session.Run(listener, {"PSUBSCRIBE", "n*"});
  EXPECT_EQ(session.Do("PUBLISH news hello"), ":2\r\n");
  EXPECT_EQ(session.TakeOutput(listener),
            "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"
            "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
  EXPECT_EQ(session.Do("PUBSUB NUMSUB news other"), "*4\r\n$4\r\nnews\r\n:1\r\n$5\r\nother\r\n:0\r\n");
  EXPECT_EQ(session.Do("PUBSUB NUMPAT"), ":1\r\n");
  EXPECT_EQ(session.Run(listener, {"PUNSUBSCRIBE", "other"}),
            "*3\r\n$12\r\npunsubscribe\r\n$5\r\nother\r\n:2\r\n");
}

TEST(PubSub, EndingNothingIsConfirmed) {
  Session session;
  EXPECT_EQ(session.Do("UNSUBSCRIBE"), "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
}

TEST(Transactions, RunWhatWasQueued) {
  Session session;
  EXPECT_EQ(session.Do("MULTI"), "+OK\r\n");
  EXPECT_EQ(session.Do("ECHO a"), "+QUEUED\r\n");
  EXPECT_EQ(session.Do("EXEC"), "*1\r\n$1\r\na\r\n");
  EXPECT_EQ(session.Do("EXEC"), "-ERR EXEC without MULTI\r\n");
}

TEST(ClientReply, OffAndSkipSwallowReplies) {
  Session session;
  EXPECT_EQ(session.Do("CLIENT REPLY SKIP"), "");
  EXPECT_EQ(session.Do("PING"), "");
  EXPECT_EQ(session.Do("PING"), "+PONG\r\n");
  EXPECT_EQ(session.Do("CLIENT REPLY OFF"), "");
  EXPECT_EQ(session.Do("PING"), "");
  EXPECT_EQ(session.Do("CLIENT REPLY SKIP"), "");
  EXPECT_EQ(session.Do("PING"), "");
  EXPECT_EQ(session.Do("PING"), "");
  EXPECT_EQ(session.Do("CLIENT REPLY ON"), "+OK\r\n");
  EXPECT_EQ(session.Do("PING"), "+PONG\r\n");
}

TEST(ClientNames, AreOneWord) {
  Session session;
  EXPECT_EQ(session.Do("CLIENT SETNAME abc"), "+OK\r\n");
  EXPECT_EQ(session.Do("CLIENT SETNAME 'a b'"),
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(session.Do("CLIENT GETNAME"), "$3\r\nabc\r\n");
  EXPECT_EQ(session.Do("CLIENT SETINFO lib-name my-lib"), "+OK\r\n");
  EXPECT_EQ(session.client->library_name, "my-lib");
  EXPECT_EQ(session.Do("CLIENT SETINFO lib-x y"), "-ERR Unrecognized option 'lib-x'\r\n");
}

TEST(ClientKill, RefusesWhatItDoesNotUnderstand) {
  Session session;
  EXPECT_EQ(session.Do("CLIENT KILL 127.0.0.1:1"), "-ERR No such client\r\n");
  EXPECT_EQ(session.Do("CLIENT KILL ID 0"), "-ERR client-id should be greater than 0\r\n");
  EXPECT_EQ(session.Do("CLIENT KILL TYPE x"), "-ERR Unknown client type 'x'\r\n");
  EXPECT_EQ(session.Do("CLIENT KILL MAXAGE 0"), "-ERR maxage should be greater than 0\r\n");
  EXPECT_EQ(session.Do("CLIENT KILL SKIPME maybe"), "-ERR syntax error\r\n");
  EXPECT_EQ(session.Do("CLIENT KILL ADDR 127.0.0.1:1 LADDR"), "-ERR syntax error\r\n");
}

}  // namespace
}  // namespace hearth::commands
