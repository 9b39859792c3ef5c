// How links are set up, and when they are opened again.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

using Words = std::vector<std::string>;

class LinksTest : public ::testing::Test {
 protected:
  LinksTest() {
    EXPECT_TRUE(machine.Load({"monitor", "mymaster", "127.0.0.1", "6379", "2"}, now));
    EXPECT_TRUE(machine.Load({"auth-pass", "mymaster", "secret"}, now));
    EXPECT_TRUE(machine.Load({"rename-command", "mymaster", "PING", "pong"}, now));
  }
  Effects Step(const Input& input) {
    Effects effects;
    machine.Step(now, input, effects);
    return effects;
  }
  // The link for commands that these effects open; its id is 0 if there is none.
  static effect::OpenLink Opened(const Effects& effects) {
    for (const Effect& effect : effects) {
      const auto* open = std::get_if<effect::OpenLink>(&effect);
      if (open != nullptr && !open->is_subscriber) return *open;
    }
    return {};
  }

  Now now{1'000, 1'000};
  Machine machine{{std::string(40, 'b'), 1, {}}, now};
};

TEST_F(LinksTest, AreSetUpAsRedisDoes) {
  const Effects effects = Step(input::Tick{});
  EXPECT_EQ(Opened(effects).setup,
            (std::vector<Words>{{"AUTH", "secret"}, {"CLIENT", "SETNAME", "sentinel-bbbbbbbb-cmd"}}));
  const auto& subscription = std::get<effect::OpenLink>(effects.at(1));
  EXPECT_TRUE(subscription.is_subscriber);
  EXPECT_EQ(subscription.setup.back(), (Words{"SUBSCRIBE", "__sentinel__:hello"}));
}

TEST_F(LinksTest, BeginWithInfoPingAndHelloInTheServersOwnWords) {
  const LinkId link = Opened(Step(input::Tick{})).link;
  Words sent;
  for (const Effect& effect : Step(input::LinkOpened{link, {"10.0.0.9", 50000}})) {
    if (const auto* send = std::get_if<effect::Send>(&effect)) sent.push_back(send->command[0]);
  }
  EXPECT_EQ(sent, (Words{"INFO", "pong", "PUBLISH"}));
}

TEST_F(LinksTest, AServerWithoutAPasswordIsWatchedAllTheSame) {
  const LinkId link = Opened(Step(input::Tick{})).link;
  const auto again = Opened(Step(
      input::LinkEnded{link, LinkEnd::kRejected,
                       "ERR AUTH <password> called without any password configured for the default user"}));
  EXPECT_NE(again.link, 0u);
  EXPECT_EQ(again.setup.size(), 1u);
}

TEST_F(LinksTest, AreOpenedAgainAtOnceThenLessAndLessOften) {
  LinkId link = Opened(Step(input::Tick{})).link;
  std::vector<int64_t> waits;
  int64_t lost_ms = now.monotonic_ms;
  Effects effects = Step(input::LinkEnded{link, LinkEnd::kRefused, "refused"});
  while (waits.size() < 9) {
    if (const auto open = Opened(effects); open.link != 0) {
      waits.push_back(now.monotonic_ms - lost_ms);
      lost_ms = now.monotonic_ms;
      effects = Step(input::LinkEnded{open.link, LinkEnd::kRefused, "refused"});
    } else {
      now.monotonic_ms = machine.next_wakeup_ms();
      effects = Step(input::Tick{});
    }
  }
  EXPECT_EQ(waits, (std::vector<int64_t>{0, 25, 50, 100, 200, 400, 800, 1'000, 1'000}));
}

}  // namespace
}  // namespace hearth::sentinel
