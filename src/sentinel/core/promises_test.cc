// Failovers where writes are promised: who must answer, who is promoted, and what becomes of fences.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sentinel/core/promises.h"
#include "sentinel/core/testing/deployment.h"

namespace hearth::sentinel {
namespace {

class PromisesTest : public testing::Deployment {
 protected:
  // Each server knows the set of all replicas, so many of which have each write.
  void BuildPromised(int replicas, int acks) {
    Build(3, replicas);
    for (auto& [port, server] : world.servers) {
      server.identity = "i" + std::to_string(port);
      server.acks_set = Set(0, 1, replicas, acks);
    }
    world.Run(11'000);
  }
  static std::string Set(int epoch, int version, int replicas, int acks) {
    std::string text = "epoch=" + std::to_string(epoch) + ",version=" + std::to_string(version) +
                       ",history=h,required=" + std::to_string(acks) + ",members=";
    for (int i = 1; i <= replicas; ++i) {
      const std::string port = std::to_string(kPrimary + i);
      text += (i == 1 ? "" : "|") + ("127.0.0.1:" + port + "@i" + port);
    }
    return text;
  }
  bool Explains(std::string_view part) {
    const auto lines = world.nodes.at(kSentinel).machine->Explain(world.now(), "mymaster");
    return std::ranges::any_of(
        lines.value(), [part](const std::string& line) { return line.find(part) != std::string::npos; });
  }
  int Fenced() {
    return static_cast<int>(
        std::ranges::count_if(world.servers, [](const auto& one) { return one.second.fenced_epoch != 0; }));
  }
  bool WasTold(int port, std::string_view begin) {
    return std::ranges::any_of(world.servers.at(port).commands,
                               [&](const std::string& command) { return command.starts_with(begin); });
  }
};

TEST_F(PromisesTest, TheMostAdvancedOfEnoughIsPromotedWhateverItsPriority) {
  BuildPromised(2, 1);
  world.servers.at(6381).offset = 2'000;
  world.servers.at(6380).priority = 1;
  EXPECT_TRUE(Explains("promised writes: 2 of 2 replicas that may have acknowledged answer, 2 needed"));
  EXPECT_TRUE(Explains("a failover could succeed now"));
  const int64_t killed_ms = world.now_ms;
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitPromotion(5'000));
  EXPECT_LE(world.now_ms - killed_ms, 1'000 + 500);
  EXPECT_EQ(Promoted(), 6381);
  EXPECT_TRUE(WasTold(6381, "REPLICATION PROMOTE "));
  ASSERT_TRUE(AwaitAgreement(3'000));
  ASSERT_TRUE(world.Await([&] { return WasTold(6380, "REPLICATION FOLLOW "); }, 3'000));
  EXPECT_EQ(world.servers.at(6380).follows.port, 6381);
  EXPECT_EQ(Fenced(), 0);
}

// The primary has been promoted or has restarted, and one replica alone has heard of that when it ends.
class RenamedHistoryTest : public PromisesTest {
 protected:
  void BuildRenamed() {
    BuildPromised(3, 2);
    testing::World::Server& told = world.servers.at(6380);
    told.history = "n";
    told.former_history = "h";
    told.acks_set = Set(1, 2, 3, 2);
    told.acks_set.replace(told.acks_set.find("history=h"), 9, "history=n");
    world.servers.at(6381).offset = 3'000;
    world.Kill(6382);
    world.Kill(kPrimary);
  }
};

TEST_F(RenamedHistoryTest, WhoIsStillInTheFormerOneCountsAndIsNotChosen) {
  BuildRenamed();
  ASSERT_TRUE(AwaitPromotion(20'000));
  EXPECT_EQ(Promoted(), 6380);
}

TEST_F(RenamedHistoryTest, WhoWasToldAndIsInTheFormerOneAllTheSameDoesNotCount) {
  BuildRenamed();
  world.servers.at(6381).acks_set = world.servers.at(6380).acks_set;
  world.Run(20'000);
  EXPECT_EQ(Promoted(), 0);
  EXPECT_TRUE(Explains("127.0.0.1:6381 is in another history"));
}

TEST_F(PromisesTest, TooFewAnswersPromoteNobodyAndDisturbNobody) {
  BuildPromised(2, 1);
  world.Kill(6380);
  world.Run(3'000);
  EXPECT_TRUE(Explains("of 2 replicas that may have acknowledged promised writes 2 must answer, and 1 do"));
  EXPECT_TRUE(Explains("127.0.0.1:6380 is down"));
  EXPECT_TRUE(Explains("a failover could not succeed now"));
  world.Kill(kPrimary);
  world.Run(20'000);
  EXPECT_EQ(Promoted(), 0);
  EXPECT_EQ(Fenced(), 0);
  EXPECT_GE(CountOf("-failover-abort-no-good-slave"), 1);
  // With the one that was missing it goes on at once.
  world.Restart(6380);
  ASSERT_TRUE(AwaitPromotion(5'000));
}

TEST_F(PromisesTest, AProcessThatHasRestartedDoesNotAnswerForItsFormerSelf) {
  BuildPromised(2, 1);
  world.Kill(kPrimary);
  world.servers.at(6380).identity = "another";
  world.Run(10'000);
  EXPECT_EQ(Promoted(), 0);
  EXPECT_TRUE(Explains("127.0.0.1:6380 has restarted since"));
}

TEST_F(PromisesTest, AReplicaOfAnotherHistoryDoesNotCountAndIsNotChosen) {
  BuildPromised(3, 2);
  world.servers.at(6380).history = "other";
  world.servers.at(6380).offset = 1'000'000;
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitPromotion(5'000));
  EXPECT_NE(Promoted(), 6380);
}

TEST_F(PromisesTest, TheNewestSetCounts) {
  BuildPromised(3, 1);
  // One has left the set, of which only one of the others has heard.
  world.servers.at(6381).acks_set = Set(0, 2, 2, 1);
  world.servers.at(6381).offset = 2'000;
  world.Run(11'000);
  world.Kill(6382);
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitPromotion(5'000));
  EXPECT_EQ(Promoted(), 6381);
}

TEST_F(PromisesTest, WithMoreAcknowledgementsFewerMustAnswer) {
  BuildPromised(2, 2);
  world.Kill(6380);
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitPromotion(5'000));
  EXPECT_EQ(Promoted(), 6381);
}

TEST_F(PromisesTest, AnOperatorIsToldWhyNotAndMayForceIt) {
  BuildPromised(2, 1);
  world.Kill(6380);
  world.Run(3'000);
  auto& machine = *world.nodes.at(kSentinel).machine;
  Effects effects;
  const Status refused = machine.Failover(world.now(), "mymaster", effects);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(
      refused.error().message.starts_with("NOGOODSLAVE Promised writes could be lost: of 2 replicas"));
  ASSERT_TRUE(machine.Failover(world.now(), "mymaster", effects, true));
  world.CarryOut(kSentinel, effects);
  ASSERT_TRUE(AwaitPromotion(3'000));
  EXPECT_EQ(Promoted(), 6381);
  EXPECT_TRUE(WasTold(6381, "REPLICATION PROMOTE 1 FORCE"));
}

TEST_F(PromisesTest, AnOperatorsFailoverNeedsTheConsentOfAMajority) {
  BuildPromised(2, 1);
  world.KillSentinel(kSentinel + 1);
  world.KillSentinel(kSentinel + 2);
  world.Run(2'500);
  Effects effects;
  ASSERT_TRUE(world.nodes.at(kSentinel).machine->Failover(world.now(), "mymaster", effects));
  world.CarryOut(kSentinel, effects);
  world.Run(15'000);
  EXPECT_EQ(Promoted(), 0);
  world.RestartSentinel(kSentinel + 1);
  world.Run(15'000);
  ASSERT_TRUE(world.nodes.at(kSentinel).machine->Failover(world.now(), "mymaster", effects = {}));
  world.CarryOut(kSentinel, effects);
  ASSERT_TRUE(AwaitPromotion(3'000));
}

TEST_F(PromisesTest, AFenceThatWasLeftBehindIsTakenAway) {
  BuildPromised(2, 1);
  for (auto& [port, node] : world.nodes) {
    Effects effects;
    ASSERT_TRUE(node.machine->Set(world.now(), "mymaster", {"failover-timeout", "2000"}, effects));
    world.CarryOut(port, effects);
  }
  auto& fenced = world.servers.at(6380);
  fenced.epoch = fenced.fenced_epoch = 7;
  ASSERT_TRUE(world.Await([&] { return Fenced() == 0; }, 40'000));
  EXPECT_EQ(Promoted(), 0);
  EXPECT_EQ(fenced.follows.port, kPrimary);
  EXPECT_GT(fenced.epoch, 7u);
  // The primary has heard that nobody has taken its place.
  EXPECT_TRUE(WasTold(kPrimary, "REPLICATION PROMOTE "));
  EXPECT_GT(PrimaryOf(kSentinel).config_epoch, 7u);
}

TEST_F(PromisesTest, AFormerPrimaryOfOurKindIsFencedBeforeItIsMadeAReplica) {
  BuildPromised(2, 1);
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitAgreement(5'000));
  const int promoted = Promoted();
  world.Run(5'000);
  world.Restart(kPrimary);
  ASSERT_TRUE(world.Await([&] { return !world.servers.at(kPrimary).is_primary; }, 2'000));
  EXPECT_TRUE(WasTold(kPrimary, "REPLICATION REPLACED 1"));
  EXPECT_EQ(world.servers.at(kPrimary).follows.port, promoted);
}

TEST_F(PromisesTest, APrimaryThatMayLackWhatItPromisedIsReplacedThoughItIsBackAtOnce) {
  BuildPromised(2, 1);
  world.servers.at(6381).offset = 2'000;
  world.Kill(kPrimary);
  world.Run(100);
  world.Restart(kPrimary);
  world.servers.at(kPrimary).is_uncertain = true;
  ASSERT_TRUE(AwaitPromotion(2'000));
  EXPECT_EQ(Promoted(), 6381);
  world.servers.at(kPrimary).is_uncertain = false;
  ASSERT_TRUE(world.Await([&] { return !world.servers.at(kPrimary).is_primary; }, 5'000));
}

TEST_F(PromisesTest, APrimaryThatMayLackWhatItPromisedIsUpAgainWhenAnOperatorSaysSo) {
  BuildPromised(2, 1);
  world.Kill(6380);
  world.Run(3'000);
  world.servers.at(kPrimary).is_uncertain = true;
  ASSERT_TRUE(world.Await([&] { return Explains("may lack writes that were promised"); }, 15'000));
  ASSERT_TRUE(world.Await([&] { return Explains("objectively down"); }, 15'000));
  EXPECT_EQ(Promoted(), 0);
  world.servers.at(kPrimary).is_uncertain = false;
  ASSERT_TRUE(world.Await([&] { return Explains("is up"); }, 5'000));
}

TEST_F(PromisesTest, WhoHasHeardOfAnEpochIsNotToldWhatToDoWithoutOne) {
  Primary primary{.instance = {.kind = Kind::kPrimary, .name = "m", .address = {"127.0.0.1", kPrimary}}};
  Instance replica{.kind = Kind::kReplica, .name = "r", .address = {"127.0.0.1", 6380}};
  replica.is_hearth = true;
  EXPECT_EQ(FollowCommand(primary, replica, &primary.instance.address).front(), "SLAVEOF");
  replica.epoch = 3;
  EXPECT_EQ(FollowCommand(primary, replica, &primary.instance.address).front(), "REPLICATION");
}

TEST_F(PromisesTest, WithoutPromisesNothingIsSaidOfThem) {
  Build(3);
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitAgreement(5'000));
  for (const auto& [port, server] : world.servers) {
    EXPECT_FALSE(WasTold(port, "REPLICATION"));
  }
  EXPECT_FALSE(Explains("promised"));
}

}  // namespace
}  // namespace hearth::sentinel
