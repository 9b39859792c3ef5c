// Votes and epochs: one vote in an epoch, on disk before it is heard of, also over restarts.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "sentinel/core/testing/deployment.h"

namespace hearth::sentinel {
namespace {

constexpr Now kNow{1'000, 1'700'000'000'000};
const Address kPrimaryAddress{"127.0.0.1", 6379};
const std::string kOne(40, '1');
const std::string kTwo(40, '2');

Machine MakeMachine() {
  Machine machine({std::string(40, 'b'), 1, {}}, kNow);
  EXPECT_TRUE(machine.Load({"monitor", "mymaster", "127.0.0.1", "6379", "2"}, kNow));
  return machine;
}

TEST(VoteTest, IsGivenOnceInAnEpoch) {
  Machine machine = MakeMachine();
  Effects effects;
  EXPECT_EQ(machine.AnswerVote(kNow, kPrimaryAddress, 5, kOne, effects).leader, kOne);
  const Vote second = machine.AnswerVote(kNow, kPrimaryAddress, 5, kTwo, effects);
  EXPECT_EQ(second.leader, kOne);
  EXPECT_EQ(second.leader_epoch, 5u);
  EXPECT_EQ(machine.AnswerVote(kNow, kPrimaryAddress, 4, kTwo, effects).leader, kOne);
  EXPECT_EQ(machine.AnswerVote(kNow, kPrimaryAddress, 6, kTwo, effects).leader, kTwo);
  EXPECT_EQ(machine.current_epoch(), 6u);
}

TEST(VoteTest, IsSavedBeforeItIsAnswered) {
  Machine machine = MakeMachine();
  Effects effects;
  machine.AnswerVote(kNow, kPrimaryAddress, 5, kOne, effects);
  ASSERT_TRUE(std::holds_alternative<effect::SaveState>(effects.at(0)));
  std::vector<std::string> names;
  for (const Effect& effect : effects) {
    if (const auto* event = std::get_if<effect::Event>(&effect))
      names.push_back(event->name + " " + event->text);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"+new-epoch 5", "+vote-for-leader " + kOne + " 5"}));
}

TEST(VoteTest, IsRememberedOverARestart) {
  Machine machine = MakeMachine();
  Effects effects;
  machine.AnswerVote(kNow, kPrimaryAddress, 5, kOne, effects);
  Machine restarted({"", 2, {}}, kNow);
  for (const std::string& line : machine.StateLines()) {
    auto words = SplitArguments(line).value();
    words.erase(words.begin());
    ASSERT_TRUE(restarted.Load(words, kNow)) << line;
  }
  EXPECT_EQ(restarted.my_id(), machine.my_id());
  EXPECT_EQ(restarted.current_epoch(), 5u);
  const Vote vote = restarted.AnswerVote(kNow, kPrimaryAddress, 5, kTwo, effects);
  EXPECT_NE(vote.leader, kTwo);
  EXPECT_EQ(vote.leader_epoch, 5u);
}

TEST(VoteTest, IsNotGivenTwiceByWatchingThePrimaryAnew) {
  Machine machine = MakeMachine();
  Effects effects;
  machine.AnswerVote(kNow, kPrimaryAddress, 5, kOne, effects);
  ASSERT_TRUE(machine.Remove(kNow, "mymaster", effects));
  ASSERT_TRUE(machine.Monitor(kNow, "mymaster", kPrimaryAddress, 2, effects));
  EXPECT_NE(machine.AnswerVote(kNow, kPrimaryAddress, 5, kTwo, effects).leader, kTwo);
}

TEST(VoteTest, NobodyIsVotedForWithoutAskingOrWithNonsense) {
  Machine machine = MakeMachine();
  Effects effects;
  EXPECT_EQ(machine.AnswerVote(kNow, kPrimaryAddress, 5, "*", effects).leader, "*");
  EXPECT_EQ(machine.AnswerVote(kNow, kPrimaryAddress, UINT64_MAX, kOne, effects).leader, "*");
  EXPECT_EQ(machine.AnswerVote(kNow, kPrimaryAddress, 5, "a\nsentinel", effects).leader, "*");
  EXPECT_EQ(machine.AnswerVote(kNow, {"127.0.0.1", 1}, 5, kOne, effects).leader, "*");
  EXPECT_EQ(machine.AnswerVote(kNow, kPrimaryAddress, 5, machine.my_id(), effects).leader, "*");
  EXPECT_EQ(machine.current_epoch(), 0u);
}

using ConflictTest = testing::Deployment;

TEST_F(ConflictTest, OfTwoConfigurationsInOneEpochThatOfTheMajorityStays) {
  Build(5, 2, 3);
  const auto say = [&](int to, int from, int port) {
    Effects effects;
    const HelloMessage hello{{"127.0.0.1", from}, world.nodes.at(from).id, 1,
                             "mymaster",          {"127.0.0.1", port},     1};
    world.nodes.at(to).machine->Step(world.now(), input::Hello{FormatHello(hello)}, effects);
  };
  say(kSentinel, kSentinel + 1, 6380);
  EXPECT_EQ(PrimaryOf(kSentinel).instance.address.port, 6380);
  say(kSentinel, kSentinel + 2, 6381);
  say(kSentinel, kSentinel + 3, 6381);
  EXPECT_EQ(PrimaryOf(kSentinel).instance.address.port, 6380);
  say(kSentinel, kSentinel + 4, 6381);
  EXPECT_EQ(PrimaryOf(kSentinel).instance.address.port, 6381);
  EXPECT_EQ(PrimaryOf(kSentinel).config_epoch, 1u);
}

TEST_F(ConflictTest, WhoMadeAConfigurationMakesItAnewWhereNoMajorityDecides) {
  Build(1, 2, 1);
  Effects effects;
  ASSERT_TRUE(world.nodes.at(kSentinel).machine->Failover(world.now(), "mymaster", effects));
  world.CarryOut(kSentinel, effects);
  ASSERT_TRUE(AwaitAgreement(3'000));
  effects.clear();
  const HelloMessage hello{{"127.0.0.1", 5009}, kOne, 1, "mymaster", {"127.0.0.1", 6999}, 1};
  const auto hear = [&](Now now) {
    effects.clear();
    world.nodes.at(kSentinel).machine->Step(now, input::Hello{FormatHello(hello)}, effects);
  };
  Now now = world.now();
  hear(now);
  // Another one might be about to say that it follows one of the two.
  EXPECT_EQ(PrimaryOf(kSentinel).config_epoch, 1u);
  now.monotonic_ms += 2 * Timing().publish_period;
  hear(now);
  EXPECT_EQ(PrimaryOf(kSentinel).config_epoch, 2u);
  EXPECT_EQ(PrimaryOf(kSentinel).instance.address.port, Promoted());
}

// Random troubles in many small histories; the rules that may never be broken are looked at after each.
class HistoriesTest : public testing::Deployment {
 protected:
  void Trouble() {
    const int sentinel = kSentinel + static_cast<int>(random.Below(world.nodes.size()));
    const int server = kPrimary + static_cast<int>(random.Below(world.servers.size()));
    switch (random.Below(7)) {
      case 0:
      case 1:
        if (world.servers.at(server).is_up) {
          world.Kill(server);
        } else {
          world.Restart(server);
        }
        break;
      case 2:
        if (world.nodes.at(sentinel).is_up) {
          world.KillSentinel(sentinel);
        } else {
          world.RestartSentinel(sentinel);
        }
        break;
      case 3:
        world.servers.at(server).hangs = !world.servers.at(server).hangs;
        break;
      case 4:
        world.Cut(random.Below(2) == 0 ? server : sentinel);
        break;
      case 5: {
        if (!world.nodes.at(sentinel).is_up || !is_forced) break;
        Effects effects;
        (void)world.nodes.at(sentinel).machine->Failover(world.now(), "mymaster", effects);
        world.CarryOut(sentinel, effects);
        break;
      }
      default:
        break;
    }
    world.Run(static_cast<int64_t>(random.Below(4'000)));
  }
  void Heal() {
    for (auto& [port, server] : world.servers) {
      server.hangs = false;
      if (!server.is_up) world.Restart(port);
    }
    for (auto& [port, node] : world.nodes) {
      if (!node.is_up) world.RestartSentinel(port);
    }
  }
  // Nobody votes twice in an epoch, and no two are elected in one but where an operator forced it.
  void Check() {
    std::map<std::string, int> elected_in;
    for (auto& [port, node] : world.nodes) {
      std::map<std::string, std::string> voted;
      std::string own_vote;
      for (const auto& told : node.events) {
        if (told.name == "+elected-leader") ++elected_in[own_vote];
        if (told.name != "+vote-for-leader") continue;
        const size_t space = told.text.find(' ');
        const std::string epoch = told.text.substr(space);
        EXPECT_TRUE(voted.emplace(epoch, told.text).second) << told.text;
        if (told.text.substr(0, space) == node.id) own_vote = epoch;
      }
    }
    for (const auto& [epoch, count] : elected_in) {
      EXPECT_TRUE(is_forced || count == 1) << count << " leaders in epoch" << epoch;
    }
  }
  bool IsSettled() {
    int primaries = 0;
    int primary_port = 0;
    for (auto& [port, server] : world.servers) {
      if (!server.is_primary) continue;
      ++primaries;
      primary_port = port;
    }
    if (primaries != 1 || !AllSee(primary_port)) return false;
    for (auto& [port, server] : world.servers) {
      if (port != primary_port && server.follows.port != primary_port) return false;
    }
    return true;
  }

  std::string Describe() {
    std::string text = " at " + std::to_string(world.now_ms);
    for (auto& [port, server] : world.servers) {
      text += "\nserver " + std::to_string(port) + (server.is_primary ? " primary" : " follows ");
      if (!server.is_primary) text += std::to_string(server.follows.port);
    }
    for (auto& [port, node] : world.nodes) {
      text += "\nsentinel " + std::to_string(port) + " epoch " + std::to_string(PrimaryOf(port).config_epoch);
      const auto lines = node.machine->Explain(world.now(), "mymaster");
      for (const std::string& line : *lines) text += "\n  " + line;
      const size_t first = node.events.size() > 12 ? node.events.size() - 12 : 0;
      for (size_t i = first; i < node.events.size(); ++i) {
        text += "\n  " + std::to_string(node.events[i].ms) + " " + node.events[i].name + " " +
                node.events[i].text;
      }
    }
    return text;
  }

  bool is_forced = false;  // operators force failovers in this history
};

TEST_F(HistoriesTest, EverythingSettlesWhenTheTroubleIsOver) {
  for (int history = 0; history < 30; ++history) {
    world = testing::World(seed + static_cast<uint64_t>(history));
    is_forced = history % 3 == 2;
    Build(3 + 2 * static_cast<int>(random.Below(2)), 2, 2, 1000, {{"failover-timeout", "mymaster", "10000"}});
    for (int troubles = 0; troubles < 12; ++troubles) Trouble();
    Heal();
    ASSERT_TRUE(world.Await([&] { return IsSettled(); }, 120'000)) << "history " << history << Describe();
    Check();
  }
}

}  // namespace
}  // namespace hearth::sentinel
