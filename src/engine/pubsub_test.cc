#include "engine/pubsub.h"

#include <gtest/gtest.h>

#include "engine/testing/engine_fixture.h"

namespace hearth::engine {
namespace {

using Kind = PubSub::Kind;

class PubSubTest : public ::testing::Test {
 protected:
  ~PubSubTest() override {
    pubsub_.Forget(a_);
    pubsub_.Forget(b_);
  }
  EngineFixture fixture_;
  PubSub& pubsub_ = fixture_.engine.pubsub();
  Client& a_ = *fixture_.client;
  Client& b_ = fixture_.AddClient();
};

TEST_F(PubSubTest, AMessageReachesChannelAndPatternListeners) {
  EXPECT_TRUE(pubsub_.Subscribe(a_, Kind::kChannel, "news"));
  EXPECT_FALSE(pubsub_.Subscribe(a_, Kind::kChannel, "news"));
  EXPECT_TRUE(pubsub_.Subscribe(b_, Kind::kPattern, "n*"));
  EXPECT_EQ(pubsub_.Publish("news", "hi"), 2u);
  EXPECT_EQ(fixture_.TakeOutput(a_), "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
  EXPECT_EQ(fixture_.TakeOutput(b_), "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
  EXPECT_EQ(pubsub_.Publish("old", "hi"), 0u);
}

TEST_F(PubSubTest, TheHookSeesEachDeliveryAndAClientThatItClosesGetsNoMore) {
  std::vector<Client*> seen;
  pubsub_.set_after_delivery([&](Client& client) {
    seen.push_back(&client);
    if (&client == &a_) client.CloseNow();
  });
  pubsub_.Subscribe(a_, Kind::kChannel, "c");
  pubsub_.Subscribe(b_, Kind::kChannel, "c");
  EXPECT_EQ(pubsub_.Publish("c", "1"), 2u);
  EXPECT_EQ(pubsub_.Publish("c", "2"), 1u);
  EXPECT_EQ(seen, (std::vector<Client*>{&a_, &b_, &b_}));
  EXPECT_EQ(fixture_.TakeOutput(a_), "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n1\r\n");
  a_.set(Client::kClosing, false);
}

TEST_F(PubSubTest, OneClientGetsAMessageOnceForEachMatch) {
  pubsub_.Subscribe(a_, Kind::kChannel, "news");
  pubsub_.Subscribe(a_, Kind::kPattern, "n*");
  pubsub_.Subscribe(a_, Kind::kPattern, "*s");
  EXPECT_EQ(pubsub_.Publish("news", "x"), 3u);
}

TEST_F(PubSubTest, PushesOnProtocolThree) {
  a_.writer.set_protocol(3);
  pubsub_.Subscribe(a_, Kind::kChannel, "c");
  pubsub_.Publish("c", "m");
  EXPECT_EQ(fixture_.TakeOutput(a_), ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n");
}

TEST_F(PubSubTest, ShardChannelsAreAWorldOfTheirOwn) {
  pubsub_.Subscribe(a_, Kind::kShardChannel, "c");
  pubsub_.Subscribe(b_, Kind::kChannel, "c");
  EXPECT_EQ(pubsub_.PublishShard("c", "s"), 1u);
  EXPECT_EQ(fixture_.TakeOutput(a_), "*3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$1\r\ns\r\n");
  EXPECT_EQ(fixture_.TakeOutput(b_), "");
  EXPECT_EQ(pubsub_.channel_count(), 1u);
  EXPECT_EQ(pubsub_.shard_channel_count(), 1u);
}

TEST_F(PubSubTest, EndedSubscriptionsGetNothingAndLeaveNothing) {
  pubsub_.Subscribe(a_, Kind::kChannel, "c");
  EXPECT_TRUE(pubsub_.Unsubscribe(a_, Kind::kChannel, "c"));
  EXPECT_FALSE(pubsub_.Unsubscribe(a_, Kind::kChannel, "c"));
  EXPECT_FALSE(pubsub_.Unsubscribe(b_, Kind::kPattern, "p"));
  EXPECT_EQ(pubsub_.Publish("c", "m"), 0u);
  EXPECT_FALSE(pubsub_.has_listeners());
  for (Kind kind : {Kind::kChannel, Kind::kPattern, Kind::kShardChannel}) pubsub_.Subscribe(a_, kind, "x");
  pubsub_.Forget(a_);
  EXPECT_FALSE(pubsub_.has_listeners());
  EXPECT_EQ(pubsub_.shard_channel_count(), 0u);
}

TEST_F(PubSubTest, ListsChannelsThatSomebodyListensTo) {
  pubsub_.Subscribe(a_, Kind::kChannel, "one");
  pubsub_.Subscribe(b_, Kind::kChannel, "one");
  pubsub_.Subscribe(b_, Kind::kChannel, "two");
  EXPECT_EQ(pubsub_.Channels(Kind::kChannel, std::nullopt).size(), 2u);
  EXPECT_EQ(pubsub_.Channels(Kind::kChannel, "o*"), std::vector<std::string_view>{"one"});
  EXPECT_EQ(pubsub_.ListenerCount(Kind::kChannel, "one"), 2u);
  EXPECT_EQ(pubsub_.ListenerCount(Kind::kChannel, "three"), 0u);
}

TEST_F(PubSubTest, KeyspaceNotificationsGoToBothKindsOfChannelsThatAreOn) {
  pubsub_.Subscribe(a_, Kind::kPattern, "__key*");
  fixture_.engine.NotifyKey(0, settings::kNotifyString, "set", "k");
  EXPECT_EQ(fixture_.TakeOutput(a_), "");
  fixture_.settings.notify_keyspace_events.bits =
      settings::kNotifyKeyspace | settings::kNotifyKeyevent | settings::kNotifyString;
  fixture_.engine.NotifyKey(4, settings::kNotifyString, "set", "k");
  EXPECT_EQ(fixture_.TakeOutput(a_),
            "*4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$16\r\n__keyspace@4__:k\r\n$3\r\nset\r\n"
            "*4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$18\r\n__keyevent@4__:set\r\n$1\r\nk\r\n");
  fixture_.engine.NotifyKey(4, settings::kNotifyList, "lpush", "k");
  EXPECT_EQ(fixture_.TakeOutput(a_), "");
}

}  // namespace
}  // namespace hearth::engine
