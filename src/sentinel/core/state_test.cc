// What is read from the configuration file and written to it, and the settings that requests change.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

using Words = std::vector<std::string>;
constexpr Now kNow{1'000, 1'700'000'000'000};
const std::string kMine(40, 'b');
const std::string kOther(40, 'c');

class StateTest : public ::testing::Test {
 protected:
  std::string Load(const std::string& line) {
    const Status status = machine.Load(SplitArguments(line).value(), kNow);
    return status ? "" : status.error().message;
  }
  std::string Set(const Words& words) {
    Effects effects;
    const Status status = machine.Set(kNow, "mymaster", words, effects);
    return status ? "" : status.error().message;
  }
  std::string SetGlobals(const Words& words) {
    Effects effects;
    const Status status = machine.SetGlobals(kNow, words, effects);
    return status ? "" : status.error().message;
  }
  bool HasLine(const std::string& line) {
    const auto lines = machine.StateLines();
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  }
  const Primary& primary() { return machine.primaries().at("mymaster"); }

  Machine machine{{kMine, 1, {}}, kNow};
};

TEST_F(StateTest, ComesBackAsItWasWritten) {
  const Words lines = {
      "sentinel myid " + kMine,
      "sentinel deny-scripts-reconfig no",
      "sentinel resolve-hostnames yes",
      "sentinel announce-hostnames yes",
      "sentinel monitor mymaster 127.0.0.1 6379 2",
      "sentinel down-after-milliseconds mymaster 1000",
      "sentinel failover-timeout mymaster 60000",
      "sentinel parallel-syncs mymaster 3",
      "sentinel notification-script mymaster /bin/true",
      "sentinel client-reconfig-script mymaster /bin/false",
      "sentinel auth-pass mymaster \"pa ss\"",
      "sentinel auth-user mymaster watcher",
      "sentinel master-reboot-down-after-period mymaster 5",
      "sentinel refused-down-after-milliseconds mymaster 100",
      "sentinel forget-after mymaster 7",
      "sentinel promote-on-empty-primary mymaster no",
      "sentinel config-epoch mymaster 4",
      "sentinel leader-epoch mymaster 5",
      "sentinel known-replica mymaster 127.0.0.1 6380",
      "sentinel known-sentinel mymaster 127.0.0.1 26380 " + kOther,
      "sentinel rename-command mymaster config guessme",
      "sentinel current-epoch 6",
      "sentinel announce-ip 10.0.0.1",
      "sentinel announce-port 5000",
      "sentinel sentinel-user them",
      "sentinel sentinel-pass secret",
  };
  for (const std::string& line : lines) EXPECT_EQ(Load(line.substr(9)), "") << line;
  Effects effects;
  ASSERT_TRUE(machine.FinishLoading(kNow, effects));
  EXPECT_EQ(machine.StateLines(), lines);
  EXPECT_EQ(std::get<effect::Event>(effects[0]).text, "master mymaster 127.0.0.1 6379 quorum 2");
}

TEST_F(StateTest, OldWordsAreUnderstood) {
  EXPECT_EQ(Load("monitor mymaster 127.0.0.1 6379 2"), "");
  EXPECT_EQ(Load("known-slave mymaster 127.0.0.1 6380"), "");
  EXPECT_EQ(Load("known-sentinel mymaster 127.0.0.1 26380"), "");
  EXPECT_EQ(Load("primary-reboot-down-after-period mymaster 9"), "");
  EXPECT_TRUE(HasLine("sentinel known-replica mymaster 127.0.0.1 6380"));
  EXPECT_TRUE(HasLine("sentinel master-reboot-down-after-period mymaster 9"));
  EXPECT_TRUE(primary().sentinels.empty());
}

TEST_F(StateTest, EpochsNeverStandBehindThoseOfAPrimary) {
  Load("monitor mymaster 127.0.0.1 6379 2");
  Load("config-epoch mymaster 12");
  Load("current-epoch 3");
  EXPECT_EQ(machine.current_epoch(), 12u);
}

TEST_F(StateTest, MistakesInTheFileAreNamed) {
  Load("monitor mymaster 127.0.0.1 6379 2");
  for (const std::string line :
       {"myid short", "monitor mymaster 127.0.0.1 6379 2", "monitor a 127.0.0.1 6379 0",
        "monitor a somewhere 6379 1", "down-after-milliseconds mymaster 0",
        "down-after-milliseconds other 10", "parallel-syncs mymaster x",
        "known-replica mymaster 127.0.0.1 99999", "known-replica mymaster", "config-epoch mymaster -1",
        "current-epoch 99999999999999999999", "resolve-hostnames maybe", "can-failover mymaster yes",
        "nonsense", "known-sentinel mymaster 127.0.0.1 1 a\"b"}) {
    const auto words = SplitArguments(line).value_or(Words{line});
    EXPECT_FALSE(machine.Load(words, kNow)) << line;
  }
  EXPECT_FALSE(machine.Load({}, kNow));
}

TEST_F(StateTest, WithoutAnIdOneIsMadeAndSaved) {
  Machine fresh({"", 42, {}}, kNow);
  Effects effects;
  ASSERT_TRUE(fresh.FinishLoading(kNow, effects));
  EXPECT_EQ(fresh.my_id().size(), 40u);
  EXPECT_TRUE(std::holds_alternative<effect::SaveState>(effects.at(0)));
}

TEST_F(StateTest, SetChangesAllOrNothing) {
  Load("monitor mymaster 127.0.0.1 6379 2");
  EXPECT_EQ(Set({"quorum", "3", "down-after-milliseconds", "500"}), "");
  EXPECT_EQ(primary().settings.quorum, 3);
  EXPECT_EQ(primary().instance.down_after_ms, 500);
  EXPECT_EQ(Set({"quorum", "5", "down-after-milliseconds", "x"}),
            "ERR Invalid argument 'x' for SENTINEL SET 'down-after-milliseconds'");
  EXPECT_EQ(primary().settings.quorum, 3);
  EXPECT_EQ(Set({"quorum", "5", "rename-command", "a"}),
            "ERR Unknown option or number of arguments for SENTINEL SET 'rename-command'");
  EXPECT_EQ(Set({"foo", "5"}), "ERR Unknown option or number of arguments for SENTINEL SET 'foo'");
  EXPECT_NE(Set({"notification-script", "/bin/true"}).find("denied for security reasons"), std::string::npos);
  EXPECT_EQ(Set({"rename-command", "CONFIG", "guessme"}), "");
  EXPECT_TRUE(HasLine("sentinel rename-command mymaster config guessme"));
  EXPECT_EQ(Set({"rename-command", "config", "CONFIG", "forget-after", "10"}), "");
  EXPECT_TRUE(primary().settings.renamed_commands.empty());
}

TEST_F(StateTest, EventsOfSetDoNotShowPasswords) {
  Load("monitor mymaster 127.0.0.1 6379 2");
  Effects effects;
  ASSERT_TRUE(machine.Set(kNow, "mymaster", {"auth-pass", "secret", "quorum", "1"}, effects));
  Words texts;
  for (const Effect& effect : effects) {
    if (const auto* event = std::get_if<effect::Event>(&effect))
      texts.push_back(event->name + " " + event->text);
  }
  EXPECT_EQ(texts, (Words{"+set master mymaster 127.0.0.1 6379 auth-pass ******",
                          "+set master mymaster 127.0.0.1 6379 quorum 1"}));
}

TEST_F(StateTest, GlobalsAreCheckedAndShown) {
  EXPECT_EQ(SetGlobals({"foo", "1"}), "ERR Invalid argument 'foo' to SENTINEL CONFIG SET");
  EXPECT_EQ(SetGlobals({"announce-port", "x"}),
            "ERR Invalid value 'x' to SENTINEL CONFIG SET 'announce-port'");
  EXPECT_EQ(SetGlobals({"announce-port", "5", "announce-port", "6"}),
            "ERR Duplicate argument 'announce-port' to SENTINEL CONFIG SET");
  EXPECT_EQ(SetGlobals({"announce-ip"}), "ERR Missing argument 'announce-ip' value");
  EXPECT_EQ(SetGlobals({"announce-ip", "10.0.0.1", "resolve-hostnames", "yes"}), "");
  const auto shown = machine.GetGlobals("*o*n?e-*");
  ASSERT_EQ(shown.size(), 3u);
  EXPECT_EQ(shown[1], std::pair(std::string("announce-ip"), std::string("10.0.0.1")));
}

TEST_F(StateTest, PeriodsAreCheckedAndShown) {
  EXPECT_EQ(machine.SetTiming({"info-period", "0"}).error().message,
            "ERR Invalid argument '0' for SENTINEL DEBUG 'info-period'");
  EXPECT_EQ(machine.SetTiming({"info-period"}).error().message,
            "ERR Unknown option or number of arguments for SENTINEL DEBUG 'info-period'");
  EXPECT_EQ(machine.SetTiming({"foo", "1"}).error().message,
            "ERR Unknown option or number of arguments for SENTINEL DEBUG 'foo'");
  EXPECT_TRUE(machine.SetTiming({"INFO-PERIOD", "100", "ping-period", "50"}));
  EXPECT_EQ(machine.timing().ping_period, 50);
  EXPECT_EQ(machine.GetTiming().at(0), std::pair(std::string("INFO-PERIOD"), std::string("100")));
  EXPECT_EQ(machine.GetTiming().size(), 13u);
}

TEST_F(StateTest, MonitorRefusesWhatItCannotWatch) {
  Effects effects;
  const auto monitor = [&](const std::string& name, const Address& address, int quorum) {
    const Status status = machine.Monitor(kNow, name, address, quorum, effects);
    return status ? "" : status.error().message;
  };
  EXPECT_EQ(monitor("a", {"127.0.0.1", 1}, 0), "ERR Quorum must be 1 or greater.");
  EXPECT_EQ(monitor("a", {"not.a.number", 1}, 1), "ERR Invalid IP address or hostname specified");
  EXPECT_EQ(monitor("a", {"127.0.0.1", 1}, 1), "");
  EXPECT_EQ(monitor("a", {"127.0.0.1", 1}, 1), "ERR Duplicate master name.");
  EXPECT_EQ(machine.Reset(kNow, "[ab]", effects), 1);
  EXPECT_TRUE(machine.Remove(kNow, "a", effects));
  EXPECT_EQ(machine.Remove(kNow, "a", effects).error().message, "ERR No such master with that name");
}

TEST_F(StateTest, AQuorumOutOfReachIsSaid) {
  Load("monitor mymaster 127.0.0.1 6379 2");
  EXPECT_EQ(machine.CheckQuorum("mymaster").error().message,
            "NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the specified quorum for "
            "this master");
  Load("known-sentinel mymaster 127.0.0.1 26380 " + kOther);
  EXPECT_EQ(machine.CheckQuorum("mymaster").value(),
            "OK 2 usable Sentinels. Quorum and failover authorization can be reached");
}

TEST_F(StateTest, HostNamesBecomeNumbersUnlessTheyAreToBeShown) {
  Load("resolve-hostnames yes");
  Load("monitor mymaster db.example 6379 2");
  Effects effects;
  ASSERT_TRUE(machine.FinishLoading(kNow, effects));
  EXPECT_EQ(std::get<effect::Resolve>(effects.at(0)).host, "db.example");
  effects.clear();
  machine.Step(kNow, input::Resolved{"db.example", "10.0.0.5"}, effects);
  EXPECT_EQ(primary().instance.address.host, "10.0.0.5");
  effects.clear();
  machine.Step(kNow, input::Resolved{"db.example", ""}, effects);
  EXPECT_EQ(primary().instance.address.host, "10.0.0.5");
}

}  // namespace
}  // namespace hearth::sentinel
