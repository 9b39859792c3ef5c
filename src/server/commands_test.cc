#include "server/commands.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "engine/command_facts.h"
#include "server/config_files.h"

namespace hearth::server {
namespace {

using engine::Command;
using engine::CommandSupport;

// All parts of a server around the command table, none of them running.
class CommandsTest : public ::testing::Test {
 protected:
  // Never called itself: every call that its arity allows names a subcommand.
  static bool IsOnlyContainer(const Command& command) {
    return !command.subcommands.empty() && !command.AcceptsArgumentCount(1);
  }

  Logger log_;
  std::unique_ptr<env::Clock> clock_ = env::MakeSystemClock();
  std::unique_ptr<env::Disk> disk_ = env::MakeSystemDisk();
  std::unique_ptr<env::Random> random_ = env::MakeSystemRandom();
  std::unique_ptr<env::Net> net_ = env::MakeSystemNet();
  std::unique_ptr<env::Poller> poller_ = std::move(*env::MakeSystemPoller());
  ConfigFiles files_{*disk_};
  settings::Configuration configuration_{files_};
  net::EventLoop loop_{*poller_, *clock_};
  engine::Engine engine_{{configuration_.settings(), *clock_, env::TickScale(1000.0), log_, 1}};
  keyspace::ExpiryCycle expiry_{engine_.keyspace(), [this] { return clock_->MonotonicMicros(); }};
  keyspace::Defragmenter defragmenter_{engine_.keyspace(), [this] { return clock_->MonotonicMicros(); }};
  net::IoThreads connections_{loop_, *net_, *clock_, env::MakeSystemPoller, engine_, engine_};
  engine::ClientLimits limits_{engine_};
  persistence::Persistence persistence_{
      {configuration_, engine_, loop_, *disk_, *clock_, log_, [] { return true; }, [] {}}};
  net::Tls tls_;
  replication::Replication replication_{
      {configuration_, engine_, loop_, *net_, connections_, *clock_, *disk_, log_, persistence_, tls_}};
  Shutdown shutdown_{{engine_, persistence_, replication_, log_, [] {}}};
  script::Scripts scripts_{{engine_, *clock_, log_, {}}};
  Commands commands_{{configuration_, log_, *clock_, *random_, *disk_, loop_, engine_, expiry_, defragmenter_,
                      connections_, limits_, persistence_, replication_, shutdown_, scripts_}};
};

TEST_F(CommandsTest, EveryCommandThatTheSpecificationCallsSupportedHasAHandler) {
  for (const auto& command : engine_.commands().all()) {
    if (command->facts->support == CommandSupport::kMissing || IsOnlyContainer(*command)) continue;
    EXPECT_TRUE(command->handler) << command->full_name()
                                  << " is supported in spec/commands/, but nothing is bound to it";
  }
}

TEST_F(CommandsTest, NoCommandThatTheSpecificationCallsMissingHasAHandler) {
  for (const auto& command : engine_.commands().all()) {
    if (command->facts->support != CommandSupport::kMissing) continue;
    EXPECT_FALSE(command->handler) << command->full_name() << " works, but spec/commands/ calls it missing";
  }
}

TEST_F(CommandsTest, AContainerIsMissingExactlyWhenAllItsSubcommandsAre) {
  for (const Command* command : engine_.commands().commands()) {
    if (!IsOnlyContainer(*command)) continue;
    bool any_supported = false;
    for (const Command* subcommand : command->subcommands) {
      any_supported |= subcommand->facts->support != CommandSupport::kMissing;
    }
    EXPECT_EQ(command->facts->support != CommandSupport::kMissing, any_supported) << command->full_name();
  }
}

TEST_F(CommandsTest, WhatDiffersOrIsMissingSaysHowOrWhy) {
  for (const auto& command : engine_.commands().all()) {
    if (command->facts->support == CommandSupport::kSupported) continue;
    EXPECT_FALSE(command->facts->support_note.empty()) << command->full_name();
  }
}

}  // namespace
}  // namespace hearth::server
