#include "engine/acl.h"

#include <gtest/gtest.h>

#include "engine/testing/connected_engine.h"

namespace hearth::engine {
namespace {

using testing::ConnectedEngine;

class AclTest : public ::testing::Test {
 protected:
  void Set(std::string_view name, std::vector<std::string> rules) {
    ASSERT_TRUE(acl_.SetUser(name, rules, nullptr).has_value());
  }
  ConnectedEngine::Peer ConnectAs(std::string_view name) {
    const auto peer = engine_.Connect();
    EXPECT_TRUE(acl_.LogIn(engine_.ClientOf(peer), name, "", "AUTH", 0));
    return peer;
  }
  bool IsGone(ConnectedEngine::Peer peer) { return engine_.Ask(peer, "PING").empty(); }

  ConnectedEngine engine_;
  Acl& acl_ = engine_.engine.acl();
};

TEST_F(AclTest, WhoMayDoEverythingIsNotMarked) {
  Set("all", {"on", "nopass", "+@all", "~*", "&*"});
  const auto peer = ConnectAs("all");
  EXPECT_FALSE(engine_.ClientOf(peer).is(Client::kRestricted));
  Set("all", {"-set"});
  EXPECT_TRUE(engine_.ClientOf(peer).is(Client::kRestricted));
  EXPECT_EQ(engine_.Ask(peer, "SET a 1"), "-NOPERM User all has no permissions to run the 'set' command\r\n");
  EXPECT_EQ(engine_.Ask(peer, "PING"), "+PONG\r\n");
  EXPECT_EQ(acl_.denials().commands, 1u);
}

TEST_F(AclTest, ATransactionIsCheckedAgainWhenItRuns) {
  Set("bob", {"on", "nopass", "+@all", "~a"});
  const auto peer = ConnectAs("bob");
  engine_.Ask(peer, "MULTI");
  EXPECT_EQ(engine_.Ask(peer, "SET a 1"), "+QUEUED\r\n");
  Set("bob", {"resetkeys"});
  EXPECT_TRUE(engine_.Ask(peer, "EXEC").starts_with("*1\r\n-NOPERM ACLs rules changed between"));
  EXPECT_EQ(acl_.log().entries().front().context, AclContext::kTransaction);
}

TEST_F(AclTest, AClientThatWaitsIsCheckedAgainWhenItIsServed) {
  Set("bob", {"on", "nopass", "+@all", "~*"});
  const auto waiting = ConnectAs("bob");
  const auto other = engine_.Connect();
  engine_.Send(waiting, "BLPOP l 0");
  Set("bob", {"-blpop"});
  EXPECT_EQ(engine_.Ask(other, "RPUSH l x"), ":1\r\n");
  EXPECT_TRUE(engine_.Receive(waiting).starts_with("-NOPERM "));
  EXPECT_EQ(engine_.Ask(other, "EXISTS l"), ":1\r\n");
}

TEST_F(AclTest, ClientsOfADeletedUserAreClosed) {
  Set("bob", {"on", "nopass", "+@all"});
  const auto peer = ConnectAs("bob");
  const auto other = engine_.Connect();
  EXPECT_TRUE(acl_.DeleteUser("bob", nullptr));
  EXPECT_FALSE(acl_.DeleteUser("bob", nullptr));
  EXPECT_FALSE(acl_.DeleteUser("default", nullptr));
  EXPECT_TRUE(IsGone(peer));
  EXPECT_FALSE(IsGone(other));
}

TEST_F(AclTest, SubscribersAreClosedOnlyWhenAChannelOfTheirsGoes) {
  Set("bob", {"on", "nopass", "+@all", "&a", "&b"});
  const auto peer = ConnectAs("bob");
  engine_.engine.pubsub().Subscribe(engine_.ClientOf(peer), PubSub::Kind::kChannel, "a");
  Set("bob", {"resetchannels", "&a"});
  EXPECT_FALSE(IsGone(peer));
  Set("bob", {"resetchannels", "&b"});
  EXPECT_TRUE(IsGone(peer));
}

TEST_F(AclTest, ANewClientMustLogInUnlessTheDefaultUserIsOpen) {
  acl_.SetDefaultPassword("x");
  const auto peer = engine_.Connect();
  EXPECT_EQ(engine_.Ask(peer, "PING"), "-NOAUTH Authentication required.\r\n");
  EXPECT_FALSE(acl_.LogIn(engine_.ClientOf(peer), "default", "y", "AUTH", 0));
  EXPECT_EQ(acl_.denials().logins, 1u);
  acl_.SetDefaultPassword("");
  EXPECT_EQ(engine_.Ask(peer, "PING"), "+PONG\r\n");
}

}  // namespace
}  // namespace hearth::engine
