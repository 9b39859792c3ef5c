// The machine in a world of servers and other machines: failovers from the first trouble to the last replica.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sentinel/core/testing/deployment.h"

namespace hearth::sentinel {
namespace {

using FailoverTest = testing::Deployment;

// The events of this Sentinel since then that are not about connections and roles.
std::vector<std::string> Story(const testing::World::Node& node, int64_t since_ms) {
  std::vector<std::string> names;
  for (const auto& told : node.events) {
    const bool is_aside =
        told.name.find("reconnection") != std::string::npos || told.name.find("role") != std::string::npos;
    if (told.ms >= since_ms && !is_aside) names.push_back(told.name);
  }
  return names;
}

TEST_F(FailoverTest, TheWalkThroughHasTheEventsOfRedisInTheirOrder) {
  Build(3);
  const int64_t killed_ms = world.now_ms;
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitPromotion(5'000));
  EXPECT_LE(world.now_ms - killed_ms, 1'000 + 250);
  const int promoted = Promoted();
  ASSERT_TRUE(AwaitAgreement(1'000));
  world.Run(3'000);
  const auto* leader = Leader();
  ASSERT_NE(leader, nullptr);
  const std::vector<std::string> expected = {"+sdown",
                                             "+odown",
                                             "+new-epoch",
                                             "+try-failover",
                                             "+vote-for-leader",
                                             "+elected-leader",
                                             "+failover-state-select-slave",
                                             "+selected-slave",
                                             "+failover-state-send-slaveof-noone",
                                             "+failover-state-wait-promotion",
                                             "+promoted-slave",
                                             "+failover-state-reconf-slaves",
                                             "+slave-reconf-sent",
                                             "+slave-reconf-inprog",
                                             "+slave-reconf-done",
                                             "+failover-end",
                                             "+switch-master",
                                             "+slave",
                                             "+slave",
                                             "+sdown"};
  EXPECT_EQ(Story(*leader, killed_ms), expected);
  const std::string to = std::to_string(promoted);
  const std::string other = std::to_string(promoted == 6380 ? 6381 : 6380);
  const std::string primary = "master mymaster 127.0.0.1 6379";
  const std::string replica =
      "slave 127.0.0.1:" + other + " 127.0.0.1 " + other + " @ mymaster 127.0.0.1 6379";
  const std::string chosen = "slave 127.0.0.1:" + to + " 127.0.0.1 " + to + " @ mymaster 127.0.0.1 6379";
  for (const auto& told : leader->events) {
    if (told.ms < killed_ms) continue;
    const auto expect = [&](std::string_view name, const std::string& text) {
      if (told.name == name) {
        EXPECT_EQ(told.text, text) << name;
      }
    };
    expect("+odown", primary + " #quorum 2/2");
    expect("+new-epoch", "1");
    expect("+try-failover", primary);
    expect("+vote-for-leader", leader->machine->my_id() + " 1");
    expect("+selected-slave", chosen);
    expect("+promoted-slave", chosen);
    expect("+slave-reconf-done", replica);
    expect("+switch-master", "mymaster 127.0.0.1 6379 127.0.0.1 " + to);
  }
  const auto& history = leader->machine->primaries().at("mymaster").history;
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0].outcome, "succeeded");
  EXPECT_EQ(history[0].epoch, 1u);
  EXPECT_EQ(history[0].to.port, promoted);
  EXPECT_EQ(history[0].events.front().name, "+sdown");
  EXPECT_EQ(history[0].events.back().name, "+switch-master");
}

TEST_F(FailoverTest, OthersTakeTheConfigurationFromTheLeadersHello) {
  Build(3);
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitAgreement(5'000));
  EXPECT_EQ(CountOf("+elected-leader"), 1);
  EXPECT_EQ(CountOf("+config-update-from"), 2);
  EXPECT_EQ(CountOf("+switch-master"), 3);
  for (auto& [port, node] : world.nodes) EXPECT_EQ(PrimaryOf(port).config_epoch, 1u);
}

TEST_F(FailoverTest, AServerThatHangsIsReplacedLikeOneThatIsDead) {
  Build(3);
  const int64_t since_ms = world.now_ms;
  world.servers.at(kPrimary).hangs = true;
  ASSERT_TRUE(AwaitPromotion(5'000));
  EXPECT_LE(world.now_ms - since_ms, 1'000 + 200 + 250);
}

TEST_F(FailoverTest, ManySentinelsElectOneLeaderQuickly) {
  for (const int sentinels : {1, 2, 5, 7}) {
    SCOPED_TRACE(sentinels);
    world = testing::World(seed);
    Build(sentinels, 3, sentinels / 2 + 1, 500);
    const int64_t killed_ms = world.now_ms;
    world.Kill(kPrimary);
    ASSERT_TRUE(AwaitPromotion(10'000));
    EXPECT_LE(world.now_ms - killed_ms, 500 + 250);
    ASSERT_TRUE(AwaitAgreement(5'000));
    EXPECT_EQ(CountOf("+elected-leader"), 1);
    EXPECT_EQ(CountOf("+failover-end"), 1);
  }
}

TEST_F(FailoverTest, TheReplicaIsChosenByPriorityThenOffset) {
  Build(3, 4);
  world.servers.at(6380).priority = 0;
  world.servers.at(6380).offset = 9'000;
  world.servers.at(6382).offset = 2'000;
  world.servers.at(6383).offset = 5'000;
  world.servers.at(6383).priority = 101;
  world.Run(12'000);
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitPromotion(5'000));
  EXPECT_EQ(Promoted(), 6382);
}

TEST_F(FailoverTest, ReplicasAreRepointedAsManyAtOnceAsIsAllowed) {
  for (const int allowed : {1, 3}) {
    SCOPED_TRACE(allowed);
    world = testing::World(seed);
    Build(3, 4, 2, 1000, {{"parallel-syncs", "mymaster", std::to_string(allowed)}});
    world.Kill(kPrimary);
    ASSERT_TRUE(AwaitAgreement(10'000));
    int most = 0;
    int busy = 0;
    for (const auto& told : Leader()->events) {
      if (told.name == "+slave-reconf-sent") most = std::max(most, ++busy);
      if (told.name == "+slave-reconf-done") --busy;
    }
    EXPECT_EQ(most, allowed);
  }
}

TEST_F(FailoverTest, NothingHappensWithoutAMajorityAndAtOnceWithIt) {
  Build(3);
  world.KillSentinel(kSentinel + 1);
  world.KillSentinel(kSentinel + 2);
  world.Run(2'500);
  world.Kill(kPrimary);
  world.Run(60'000);
  EXPECT_EQ(Promoted(), 0);
  EXPECT_EQ(CountOf("+try-failover"), 0);
  world.RestartSentinel(kSentinel + 1);
  ASSERT_TRUE(AwaitPromotion(3'500));
}

TEST_F(FailoverTest, ALeaderThatDiesIsReplacedWhenItIsFoundDead) {
  Build(3);
  for (auto& [port, node] : world.nodes) node.machine->SimulateFailure(true, false);
  world.Kill(kPrimary);
  ASSERT_TRUE(world.Await([&] { return CountOf("+elected-leader") == 1; }, 5'000));
  for (auto& [port, node] : world.nodes) node.machine->SimulateFailure(false, false);
  EXPECT_EQ(Promoted(), 0);
  ASSERT_TRUE(AwaitPromotion(3'000));
  ASSERT_TRUE(AwaitAgreement(3'000));
}

TEST_F(FailoverTest, AFailoverThatItsLeaderDidNotEndIsEndedByAnother) {
  Build(3);
  for (auto& [port, node] : world.nodes) node.machine->SimulateFailure(false, true);
  world.Kill(kPrimary);
  ASSERT_TRUE(world.Await([&] { return CountOf("+promoted-slave") == 1; }, 5'000));
  for (auto& [port, node] : world.nodes) node.machine->SimulateFailure(false, false);
  world.Run(40'000);
  int primaries = 0;
  for (auto& [port, server] : world.servers) primaries += server.is_up && server.is_primary;
  EXPECT_EQ(primaries, 1);
  EXPECT_TRUE(AllSee(Promoted()));
}

TEST_F(FailoverTest, AReplicaThatDiesWhileItIsPromotedIsReplacedByAnother) {
  Build(3);
  world.Kill(kPrimary);
  ASSERT_TRUE(world.Await([&] { return CountOf("+selected-slave") == 1; }, 5'000));
  const int chosen = PrimaryOf(Leader()->address.port).promoted == "127.0.0.1:6380" ? 6380 : 6381;
  world.Kill(chosen);
  ASSERT_TRUE(AwaitPromotion(10'000));
  ASSERT_TRUE(AwaitAgreement(10'000));
  EXPECT_NE(Promoted(), chosen);
}

TEST_F(FailoverTest, WithoutAGoodReplicaItIsTriedAgainWhenThereIsOne) {
  Build(3, 1);
  world.Kill(6380);
  world.Run(3'000);
  world.Kill(kPrimary);
  ASSERT_TRUE(world.Await([&] { return CountOf("-failover-abort-no-good-slave") == 1; }, 5'000));
  world.Run(20'000);
  EXPECT_EQ(CountOf("-failover-abort-no-good-slave"), 1);
  world.Restart(6380);
  ASSERT_TRUE(AwaitPromotion(5'000));
}

TEST_F(FailoverTest, AnOperatorNeedsNobodysConsent) {
  Build(3);
  Effects effects;
  EXPECT_EQ(world.nodes.at(kSentinel).machine->Failover(world.now(), "nobody", effects).error().message,
            "ERR No such master with that name");
  auto& machine = *world.nodes.at(kSentinel).machine;
  ASSERT_TRUE(machine.Failover(world.now(), "mymaster", effects));
  world.CarryOut(kSentinel, effects);
  Effects none;
  EXPECT_EQ(machine.Failover(world.now(), "mymaster", none).error().message,
            "INPROG Failover already in progress");
  ASSERT_TRUE(AwaitAgreement(2'000));
  EXPECT_EQ(CountOf("+odown"), 0);
  // The former primary was there all the time: it is told at once.
  ASSERT_TRUE(world.Await([&] { return !world.servers.at(kPrimary).is_primary; }, 1'000));
  EXPECT_EQ(world.servers.at(kPrimary).follows.port, Promoted());
}

TEST_F(FailoverTest, AnOperatorNeedsAReplicaThatCanBePromoted) {
  Build(1, 1, 1);
  world.servers.at(6380).priority = 0;
  world.Run(12'000);
  Effects effects;
  EXPECT_EQ(world.nodes.at(kSentinel).machine->Failover(world.now(), "mymaster", effects).error().message,
            "NOGOODSLAVE No suitable replica to promote");
  const auto lines = world.nodes.at(kSentinel).machine->Explain(world.now(), "mymaster");
  ASSERT_TRUE(lines);
  EXPECT_NE(std::find(lines->begin(), lines->end(), "replica 127.0.0.1:6380: its priority is 0"),
            lines->end());
  EXPECT_EQ(lines->back(), "a failover could not succeed now");
}

TEST_F(FailoverTest, ScriptsAreToldOfEventsAndOfTheNewPrimary) {
  Build(1, 1, 1, 1000,
        {{"notification-script", "mymaster", "/bin/notify"},
         {"client-reconfig-script", "mymaster", "/bin/reconfigure"}});
  world.Kill(kPrimary);
  ASSERT_TRUE(AwaitAgreement(5'000));
  const auto& scripts = world.nodes.at(kSentinel).scripts;
  const auto has = [&](const std::vector<std::string>& words) {
    return std::any_of(scripts.begin(), scripts.end(),
                       [&](const auto& script) { return script.words == words; });
  };
  EXPECT_TRUE(has({"/bin/notify", "+sdown", "master mymaster 127.0.0.1 6379"}));
  EXPECT_TRUE(
      has({"/bin/reconfigure", "mymaster", "leader", "start", "127.0.0.1", "6379", "127.0.0.1", "6380"}));
}

}  // namespace
}  // namespace hearth::sentinel
