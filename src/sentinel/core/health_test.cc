// Who counts as down and when, and what becomes of servers that come back.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sentinel/core/testing/deployment.h"

namespace hearth::sentinel {
namespace {

class HealthTest : public testing::Deployment {
 protected:
  // A busy server takes no new connection: the probes are to be there before.
  void BuildProbed(int sentinels, int replicas, int quorum) {
    Build(sentinels, replicas, quorum, 1000, {{"busy-is-alive-max-ms", "mymaster", "8000"}});
    ASSERT_TRUE(world.Await(
        [&] {
          return std::ranges::all_of(world.nodes, [&](const auto& node) {
            return PrimaryOf(node.first).instance.link->probe.answered_ms >= 0;
          });
        },
        20'000));
  }
};

TEST_F(HealthTest, ADownPrimaryIsFoundToTheMillisecond) {
  Build(1, 0, 1, 700);
  world.servers.at(kPrimary).hangs = true;
  ASSERT_TRUE(world.Await([&] { return CountOf("+sdown") == 1; }, 5'000));
  EXPECT_EQ(world.now_ms, PrimaryOf(kSentinel).instance.link->ping_sent_ms + 700);
  world.servers.at(kPrimary).hangs = false;
  ASSERT_TRUE(world.Await([&] { return CountOf("-sdown") == 1 && CountOf("-odown") == 1; }, 20'000));
}

TEST_F(HealthTest, ARefusedConnectionCanCountSooner) {
  Build(3, 2, 2, 30'000, {{"refused-down-after-milliseconds", "mymaster", "200"}});
  const int64_t killed_ms = world.now_ms;
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitPromotion(1'000));
  EXPECT_LE(world.now_ms - killed_ms, 200 + 250);
}

TEST_F(HealthTest, ASilentConnectionDoesNotCountAsRefused) {
  Build(3, 2, 2, 30'000, {{"refused-down-after-milliseconds", "mymaster", "200"}});
  world.servers.at(kPrimary).hangs = true;
  world.Run(20'000);
  EXPECT_EQ(CountOf("+sdown"), 0);
}

TEST_F(HealthTest, AFormerPrimaryIsDemotedWithinASecondOfBeingSeen) {
  Build(3);
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitAgreement(5'000));
  const int promoted = Promoted();
  world.Run(20'000);
  world.Restart(kPrimary);
  ASSERT_TRUE(world.Await([&] { return !world.servers.at(kPrimary).is_primary; }, 2'000));
  EXPECT_EQ(world.servers.at(kPrimary).follows.port, promoted);
  EXPECT_GE(CountOf("+convert-to-slave"), 1);
  world.Run(30'000);
  EXPECT_EQ(CountOf("+try-failover"), 1);
}

TEST_F(HealthTest, AReplicaThatTurnsPrimaryIsGivenTimeToProveIt) {
  Build(3);
  const int64_t turned_ms = world.now_ms;
  world.servers.at(6380).is_primary = true;
  ASSERT_TRUE(world.Await([&] { return !world.servers.at(6380).is_primary; }, 40'000));
  EXPECT_GE(world.now_ms - turned_ms, 8'000);
}

TEST_F(HealthTest, AReplicaOfAnotherPrimaryIsBroughtBack) {
  Build(3);
  world.servers.at(6380).follows = {"127.0.0.1", 6381};
  ASSERT_TRUE(world.Await([&] { return CountOf("+fix-slave-config") > 0; }, 60'000));
  world.Run(5);
  EXPECT_EQ(world.servers.at(6380).follows.port, kPrimary);
}

TEST_F(HealthTest, APrimaryThatComesBackEmptyIsReplaced) {
  Build(3);
  world.Kill(kPrimary);
  world.Run(50);
  world.Restart(kPrimary, false);
  ASSERT_TRUE(AwaitPromotion(3'000));
  ASSERT_TRUE(AwaitAgreement(3'000));
  ASSERT_TRUE(world.Await([&] { return !world.servers.at(kPrimary).is_primary; }, 3'000));
  EXPECT_EQ(CountOf("+elected-leader"), 1);
  EXPECT_GE(CountOf("+reboot"), 2);
}

// It comes back empty, and a client writes to it before a Sentinel asks it what it has.
TEST_F(HealthTest, APrimaryThatBeganWithNothingIsReplacedThoughItHasKeysAgain) {
  Build(3);
  const auto restart = [&](std::string history) {
    world.Kill(kPrimary);
    world.Run(50);
    world.Restart(kPrimary);
    world.servers.at(kPrimary).has_loaded_nothing = true;
    world.servers.at(kPrimary).history = std::move(history);
  };
  restart("h");
  world.Run(12'000);
  EXPECT_EQ(Promoted(), 0);
  restart("another");
  ASSERT_TRUE(AwaitPromotion(3'000));
  ASSERT_TRUE(AwaitAgreement(3'000));
}

TEST_F(HealthTest, WhoHasCopiedWhatTheEmptyPrimaryHasNowIsNotTakenForIt) {
  Build(3);
  world.Kill(kPrimary);
  world.Run(50);
  world.Restart(kPrimary);
  world.servers.at(kPrimary).has_loaded_nothing = true;
  world.servers.at(kPrimary).history = "another";
  world.servers.at(6381).history = "another";
  world.servers.at(6381).offset = 5'000;
  ASSERT_TRUE(AwaitPromotion(3'000));
  EXPECT_EQ(Promoted(), 6380);
}

TEST_F(HealthTest, AnEmptyPrimaryStaysWhereThatIsWantedOrNothingWouldBeSaved) {
  Build(3, 2, 2, 1000, {{"promote-on-empty-primary", "mymaster", "no"}});
  world.Kill(kPrimary);
  world.Run(50);
  world.Restart(kPrimary, false);
  world.Run(10'000);
  EXPECT_EQ(Promoted(), 0);
  EXPECT_EQ(CountOf("+sdown"), 0);

  world = testing::World(seed);
  Build(3);
  for (auto& [port, server] : world.servers) server.has_keys = false;
  world.Run(12'000);
  world.Kill(kPrimary);
  world.Run(50);
  world.Restart(kPrimary, false);
  world.Run(10'000);
  EXPECT_EQ(Promoted(), 0);
}

TEST_F(HealthTest, APrimaryThatLoadsForTooLongAfterARestartIsReplaced) {
  Build(3, 2, 2, 10'000, {{"master-reboot-down-after-period", "mymaster", "2000"}});
  world.Kill(kPrimary);
  world.Run(50);
  world.Restart(kPrimary);
  world.servers.at(kPrimary).ping_reply = "LOADING the dataset";
  const int64_t since_ms = world.now_ms;
  ASSERT_TRUE(AwaitPromotion(8'000));
  EXPECT_GE(world.now_ms - since_ms, 2'000);
}

TEST_F(HealthTest, ABusyScriptIsKilledOnce) {
  Build(1, 1, 2);
  world.servers.at(kPrimary).ping_reply = "BUSY a script runs";
  world.Run(20'000);
  const auto& commands = world.servers.at(kPrimary).commands;
  EXPECT_EQ(std::count(commands.begin(), commands.end(), "SCRIPT"), 1);
  EXPECT_EQ(PrimaryOf(kSentinel).instance.link->trouble, "BUSY a script runs");
}

TEST_F(HealthTest, APrimaryThatSaysItIsAReplicaIsDownAfterAWhile) {
  Build(3);
  world.servers.at(kPrimary).is_primary = false;
  world.servers.at(kPrimary).follows = {"127.0.0.1", 6381};
  ASSERT_TRUE(AwaitPromotion(60'000));
}

TEST_F(HealthTest, APrimaryThatBecameAReplicaOfItsReplicaDoesNotLeaveEverybodyWithoutOne) {
  Build(3, 2, 2, 200);
  for (auto& [port, server] : world.servers) {
    server.is_primary = false;
    server.follows = {"127.0.0.1", port == 6380 ? kPrimary : 6380};
    server.link_down_since_ms = world.now_ms;
  }
  EXPECT_TRUE(AwaitPromotion(60'000));
}

TEST_F(HealthTest, WhoStoodStillDecidesNothingForAWhile) {
  Build(1, 1, 1, 500);
  world.Kill(kPrimary);
  world.now_ms += 5'000;
  world.Run(29'000);
  EXPECT_EQ(CountOf("+tilt"), 1);
  EXPECT_TRUE(world.nodes.at(kSentinel).machine->is_in_tilt());
  EXPECT_EQ(Promoted(), 0);
  ASSERT_TRUE(AwaitPromotion(5'000));
  EXPECT_EQ(CountOf("-tilt"), 1);
}

TEST_F(HealthTest, ABusyPrimaryIsNotADeadOne) {
  BuildProbed(3, 2, 2);
  world.BeBusy(kPrimary);
  world.Run(7'000);
  EXPECT_EQ(CountOf("+sdown"), 0);
  EXPECT_EQ(CountOf("+busy"), 3);
  world.BeIdle(kPrimary);
  world.Run(100);
  EXPECT_EQ(CountOf("-busy"), 3);
  world.Run(20'000);
  EXPECT_EQ(CountOf("+sdown"), 0);
}

TEST_F(HealthTest, WhoIsBusyForLongerThanTheMaximumIsReplaced) {
  BuildProbed(3, 2, 2);
  world.BeBusy(kPrimary);
  const int64_t busy_ms = world.now_ms;
  ASSERT_TRUE(AwaitPromotion(12'000));
  EXPECT_GE(world.now_ms - busy_ms, 8'000);
  EXPECT_LE(world.now_ms - busy_ms, 8'500);
}

TEST_F(HealthTest, ABusyProcessThatIsStoppedIsFoundAfterDownAfter) {
  BuildProbed(3, 2, 2);
  world.BeBusy(kPrimary);
  world.Run(3'000);
  EXPECT_EQ(CountOf("+sdown"), 0);
  world.servers.at(kPrimary).busy_since_ms = -1;
  const int64_t stopped_ms = world.now_ms;
  ASSERT_TRUE(AwaitPromotion(2'000));
  EXPECT_LE(world.now_ms - stopped_ms, 1'000 + 250);
}

TEST_F(HealthTest, AStoppedPrimaryIsFoundAsSoonAsWithoutProbes) {
  BuildProbed(3, 2, 2);
  world.servers.at(kPrimary).hangs = true;
  const int64_t stopped_ms = world.now_ms;
  ASSERT_TRUE(AwaitPromotion(3'000));
  EXPECT_LE(world.now_ms - stopped_ms, 1'000 + 200 + 250);
}

TEST_F(HealthTest, WithoutAMaximumOrWithoutProbesSilenceCounts) {
  Build(1);
  world.BeBusy(kPrimary);
  world.Run(1'500);
  EXPECT_EQ(CountOf("+sdown"), 1);

  world = testing::World(seed);
  BuildProbed(1, 2, 2);
  for (auto& [port, server] : world.servers) server.offers_probes = false;
  world.Run(11'000);
  world.BeBusy(kPrimary);
  world.Run(1'500);
  EXPECT_EQ(CountOf("+sdown"), 1);
}

TEST_F(HealthTest, AProbeThatWasLostIsReplacedWhileTheServerIsWell) {
  BuildProbed(1, 1, 1);
  world.Cut(kPrimary);
  world.Run(3'000);
  EXPECT_TRUE(PrimaryOf(kSentinel).instance.link->probe.is_open);
  world.BeBusy(kPrimary);
  world.Run(5'000);
  EXPECT_EQ(CountOf("+sdown"), 0);
}

TEST_F(HealthTest, AReplicaThatWasAwayWhileThePrimaryChangedIsToldAtOnce) {
  Build(3);
  world.Kill(6381);
  world.Run(2'000);
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitAgreement(5'000));
  world.Run(5'000);
  world.Restart(6381);
  const auto follows = [&] { return world.servers.at(6381).follows.port == Promoted(); };
  ASSERT_TRUE(world.Await(follows, 2'000));
}

TEST_F(HealthTest, TheConnectionToOneThatCountsAsDownIsMadeAnew) {
  Build(1);
  const LinkId before = PrimaryOf(kSentinel).instance.link->commands;
  world.servers.at(kPrimary).hangs = true;
  ASSERT_TRUE(world.Await([&] { return CountOf("+sdown") == 1; }, 2'000));
  world.Run(10);
  EXPECT_NE(PrimaryOf(kSentinel).instance.link->commands, before);
}

TEST_F(HealthTest, TheDeadAreForgottenWhereThatIsWanted) {
  Build(5, 2, 2, 1000, {{"forget-after", "mymaster", "5000"}});
  world.Kill(6381);
  world.KillSentinel(kSentinel + 4);
  world.Run(9'000);
  EXPECT_EQ(PrimaryOf(kSentinel).replicas.size(), 1u);
  EXPECT_EQ(PrimaryOf(kSentinel).sentinels.size(), 3u);
  // A minority must not take itself for the whole.
  for (const int i : {1, 2, 3}) world.KillSentinel(kSentinel + i);
  world.Run(30'000);
  EXPECT_GE(PrimaryOf(kSentinel).sentinels.size(), 2u);
}

TEST_F(HealthTest, ASentinelThatMovedIsFoundAndOneThatIsNewReplacesItsFormerSelf) {
  Build(2, 0);
  auto& machine = *world.nodes.at(kSentinel).machine;
  const std::string id = PrimaryOf(kSentinel).sentinels.begin()->first;
  const auto hello = [&](const std::string& run_id, int port) {
    Effects effects;
    const HelloMessage message{{"127.0.0.1", port}, run_id, 0, "mymaster", {"127.0.0.1", kPrimary}, 0};
    machine.Step(world.now(), input::Hello{FormatHello(message)}, effects);
    world.CarryOut(kSentinel, effects);
  };
  hello(id, 5999);
  EXPECT_EQ(CountOf("+sentinel-address-switch"), 1);
  EXPECT_EQ(PrimaryOf(kSentinel).sentinels.at(id).address.port, 5999);
  hello(std::string(40, 'f'), 5999);
  EXPECT_EQ(CountOf("+sentinel-invalid-addr"), 1);
  EXPECT_EQ(PrimaryOf(kSentinel).sentinels.size(), 1u);
  EXPECT_TRUE(PrimaryOf(kSentinel).sentinels.contains(std::string(40, 'f')));
}

}  // namespace
}  // namespace hearth::sentinel
