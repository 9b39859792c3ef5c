#include "engine/command_table.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/text.h"

namespace hearth::engine {
namespace {

void Nothing(Context&) {}
void NothingElse(Context&) { std::abort(); }

TEST(CommandTableTest, FindsEveryCommandInAnyCase) {
  CommandTable table;
  for (const Command* command : table.commands()) {
    const std::string name(command->full_name());
    EXPECT_EQ(table.Find(name), command) << name;
    EXPECT_EQ(table.Find(ToUpper(name)), command) << name;
    std::string mixed = name;
    mixed[0] = ToUpper(mixed)[0];
    EXPECT_EQ(table.Find(mixed), command) << name;
    for (const Command* subcommand : command->subcommands) {
      EXPECT_EQ(table.FindFull(ToUpper(subcommand->full_name())), subcommand) << subcommand->full_name();
      EXPECT_EQ(subcommand->container, command);
    }
  }
}

TEST(CommandTableTest, NamesThatOnlyLookAlikeAreUnknown) {
  CommandTable table;
  // '\x7f' folds onto '_' as letters fold onto each other, but is not its other case.
  ASSERT_NE(table.Find("sort_ro"), nullptr);
  for (const std::string name : {"sort\x7fro", "SORT\x7fRO", "", "ge", "gett", "get ", "get|", "config|set",
                                 "subscribd", "subscribe1", "\xc7\xc5\xd4"}) {
    EXPECT_EQ(table.FindId(name), CommandTable::kNone) << name;
  }
  EXPECT_EQ(table.FindId(std::string("get\0", 4)), CommandTable::kNone);
  EXPECT_EQ(table.FindId(std::string(100'000, 'g')), CommandTable::kNone);
}

TEST(CommandTableTest, IdsLeadBackToTheirCommands) {
  CommandTable table;
  std::set<uint16_t> ids;
  for (const auto& command : table.all()) {
    EXPECT_TRUE(ids.insert(command->id).second);
    EXPECT_EQ(&table.at(command->id), command.get());
  }
}

TEST(CommandTableTest, CommandsThatOnlySentinelHasAreAbsent) {
  CommandTable table;
  for (const auto& command : table.all())
    EXPECT_FALSE(command->is(kCommandOnlySentinel)) << command->full_name();
}

TEST(CommandTableTest, ASentinelHasItsOwnCommandsAndFewOthers) {
  CommandTable table;
  table.Bind("ping", MakeHandler<&Nothing>());
  table.BecomeSentinel();
  for (const Command* command : table.commands()) {
    EXPECT_TRUE(command->is(kCommandSentinel)) << command->full_name();
    EXPECT_EQ(table.Find(command->full_name()), command);
    for (const Command* subcommand : command->subcommands) {
      EXPECT_TRUE(subcommand->is(kCommandSentinel)) << subcommand->full_name();
    }
  }
  EXPECT_EQ(table.FindId("get"), CommandTable::kNone);
  EXPECT_EQ(table.FindFull("config|get"), nullptr);
  EXPECT_TRUE(table.Find("ping")->handler);
  Command* const masters = table.FindFull("sentinel|masters");
  ASSERT_NE(masters, nullptr);
  EXPECT_FALSE(masters->handler);
  EXPECT_EQ(masters->container, table.Find("SENTINEL"));
}

TEST(CommandTableTest, ACommandCanGetAnotherHandler) {
  CommandTable table;
  table.Bind("ping", MakeHandler<&Nothing>());
  const auto before = table.Find("ping")->handler.call;
  table.Rebind("ping", MakeHandler<&NothingElse>());
  EXPECT_NE(table.Find("ping")->handler.call, before);
}

TEST(CommandTableTest, ARenamedCommandHasItsNewNameAlone) {
  CommandTable table;
  Command* const get = table.Find("get");
  EXPECT_TRUE(table.Rename("GET", "Fetch").has_value());
  EXPECT_EQ(table.Find("get"), nullptr);
  EXPECT_EQ(table.Find("fetch"), get);
  EXPECT_EQ(table.Find("FETCH"), get);
  EXPECT_EQ(get->full_name(), "get");
  // The old name is free for another, and the new one can be renamed again.
  EXPECT_TRUE(table.Rename("set", "get").has_value());
  EXPECT_EQ(table.Find("get")->full_name(), "set");
  EXPECT_TRUE(table.Rename("fetch", "f").has_value());
  EXPECT_EQ(table.Find("f"), get);
}

TEST(CommandTableTest, AnEmptyNewNameTakesACommandAway) {
  CommandTable table;
  const size_t count = table.commands().size();
  EXPECT_TRUE(table.Rename("flushall", "").has_value());
  EXPECT_EQ(table.Find("flushall"), nullptr);
  EXPECT_EQ(table.commands().size(), count - 1);
}

TEST(CommandTableTest, RefusesToRenameWhatIsNotThereOrOntoAnother) {
  CommandTable table;
  EXPECT_EQ(table.Rename("nope", "x").error().message, "No such command in rename-command");
  EXPECT_EQ(table.Rename("get", "SET").error().message, "Target command name already exists");
  EXPECT_NE(table.Find("get"), nullptr);
}

TEST(CommandTableTest, KnowsTheKeyThatRequestsComeHashedWith) {
  CommandTable table;
  EXPECT_EQ(table.Find("get")->hashed_key, 1);
  EXPECT_EQ(table.Find("eval")->hashed_key, 3);
  EXPECT_EQ(table.Find("fcall")->hashed_key, 3);
  EXPECT_EQ(table.Find("zunion")->hashed_key, 2);
  EXPECT_EQ(table.Find("zunionstore")->hashed_key, 1);
  EXPECT_EQ(table.Find("ping")->hashed_key, 0);
  EXPECT_EQ(table.Find("xread")->hashed_key, 0);
}

TEST(CommandTableTest, AritiesCountTheNames) {
  CommandTable table;
  EXPECT_TRUE(table.Find("get")->AcceptsArgumentCount(2));
  EXPECT_FALSE(table.Find("get")->AcceptsArgumentCount(1));
  EXPECT_FALSE(table.Find("get")->AcceptsArgumentCount(3));
  EXPECT_TRUE(table.Find("mget")->AcceptsArgumentCount(100));
  EXPECT_FALSE(table.Find("mget")->AcceptsArgumentCount(1));
  EXPECT_FALSE(table.FindFull("config|set")->AcceptsArgumentCount(3));
  EXPECT_TRUE(table.FindFull("config|set")->AcceptsArgumentCount(4));
}

}  // namespace
}  // namespace hearth::engine
