#include "sentinel/sentinel_commands.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "commands/register.h"
#include "settings/testing/memory_source.h"

namespace hearth::sentinel {
namespace {

void Nothing(engine::Context&) {}

// A Sentinel that watches nothing, without clients.
class SentinelCommandsTest : public ::testing::Test {
 protected:
  std::unique_ptr<env::Net> net_ = env::MakeSystemNet();
  std::unique_ptr<env::Clock> clock_ = env::MakeSystemClock();
  std::unique_ptr<env::Disk> disk_ = env::MakeSystemDisk();
  std::unique_ptr<env::Poller> poller_ = std::move(*env::MakeSystemPoller());
  net::EventLoop loop_{*poller_, *clock_};
  Logger log_;
  engine::PubSub pubsub_;
  settings::MemorySource source_;
  settings::Configuration configuration_{source_};
  StateFile state_{configuration_, *disk_, log_};
  const net::Tls tls_;
  Carrier carrier_{{loop_, *net_, *clock_, pubsub_, log_, state_, tls_},
                   std::make_unique<Machine>(Machine::Options{"", 1, {}}, Now{})};
  SentinelCommands commands_{carrier_, configuration_};
};

TEST_F(SentinelCommandsTest, EverySubcommandOfTheSpecificationHasAHandler) {
  engine::CommandTable table;
  commands::RegisterPubSub(table);
  table.Bind("role", engine::MakeHandler<&Nothing>());
  const auto publish = table.Find("publish")->handler.call;
  table.BecomeSentinel();
  commands_.Register(table);
  EXPECT_NE(table.Find("publish")->handler.call, publish);
  const engine::Command* container = table.Find("sentinel");
  ASSERT_NE(container, nullptr);
  EXPECT_GE(container->subcommands.size(), 27u);
  for (const engine::Command* command : container->subcommands) {
    EXPECT_TRUE(command->handler) << command->full_name();
  }
}

TEST_F(SentinelCommandsTest, InfoTellsOfEachPrimary) {
  EXPECT_EQ(commands_.InfoFields().size(), 6u);
  carrier_.Do([](Machine& machine, Now now, Effects& effects) {
    const Status status = machine.Monitor(now, "m", {"127.0.0.1", 1}, 2, effects);
    effects.clear();  // there is no file to save to, and nobody to connect to
    return status;
  });
  const auto fields = commands_.InfoFields();
  ASSERT_EQ(fields.size(), 7u);
  EXPECT_EQ(fields[0].second, "1");
  EXPECT_EQ(fields[6].first, "master0");
  EXPECT_EQ(fields[6].second, "name=m,status=ok,address=127.0.0.1:1,slaves=0,sentinels=1");
}

}  // namespace
}  // namespace hearth::sentinel
