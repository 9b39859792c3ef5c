#include "engine/key_positions.h"

#include <string>

#include <gtest/gtest.h>

#include "base/text.h"
#include "engine/command_table.h"

namespace hearth::engine {
namespace {

struct Found {
  bool is_valid;
  std::string keys;  // joined with spaces
  std::vector<uint16_t> flags;
};

Found Find(std::string_view line) {
  static const CommandTable table;  // lookups alone, for all tests
  const auto words = *SplitArguments(line);
  const std::vector<std::string_view> args(words.begin(), words.end());
  std::vector<KeyPosition> positions;
  Found found;
  found.is_valid = FindKeys(*table.Find(args[0])->facts, args, positions);
  for (const KeyPosition& position : positions) {
    found.keys += (found.keys.empty() ? "" : " ") + words[position.index];
    found.flags.push_back(position.flags);
  }
  return found;
}

std::string Keys(std::string_view line) { return Find(line).keys; }

TEST(KeyPositions, RangesEndWhereTheSpecificationSays) {
  EXPECT_EQ(Keys("get a"), "a");
  EXPECT_EQ(Keys("mset a 1 b 2"), "a b");
  EXPECT_EQ(Keys("blpop a b 0"), "a b");
  EXPECT_EQ(Keys("del a b c"), "a b c");
  EXPECT_EQ(Keys("xread count 1 streams a b 1 2"), "a b");
}

TEST(KeyPositions, KeywordsMayStandAmongOtherWords) {
  EXPECT_EQ(Keys("xreadgroup group streams c streams a b 1 2"), "a b");
  EXPECT_EQ(Keys("georadius a 1 2 3 m store b storedist c"), "a b c");
}

TEST(KeyPositions, CountedKeysAreChecked) {
  EXPECT_EQ(Keys("zunionstore d 2 a b"), "d a b");
  EXPECT_EQ(Keys("lmpop 2 a b left"), "a b");
  EXPECT_EQ(Keys("eval x 1 a b"), "a");
  for (const char* line : {"zunion 0 a", "zunion 2 a", "zunion x a", "lmpop 9 a b left", "eval x 0",
                           "zunion 9223372036854775807 a", "zunion -1 a"}) {
    EXPECT_FALSE(Find(line).is_valid) << line;
  }
}

TEST(KeyPositions, SortStoresWhereTheLastStoreSays) {
  EXPECT_EQ(Keys("sort a"), "a");
  EXPECT_EQ(Keys("sort a by x get store store b limit 0 1"), "a b");
  EXPECT_EQ(Keys("sort a store b store c"), "a c");
  EXPECT_EQ(Keys("sort_ro a by x"), "a");
}

TEST(KeyPositions, MigrateTakesOneKeyOrAList) {
  EXPECT_EQ(Keys("migrate h 1 k 0 10"), "k");
  EXPECT_EQ(Keys("migrate h 1 \"\" 0 10 auth keys keys a b"), "a b");
  EXPECT_FALSE(Find("migrate h 1 k 0 10 keys a b").is_valid);
}

TEST(KeyPositions, FlagsFollowWhatTheCallDoes) {
  const auto flags = [](std::string_view line) { return Find(line).flags.at(0); };
  EXPECT_EQ(flags("set a b"), kKeyOverwrite | kKeyUpdate);
  EXPECT_EQ(flags("set a b get"), kKeyReadWrite | kKeyAccess | kKeyUpdate);
  EXPECT_EQ(flags("set a get"), kKeyOverwrite | kKeyUpdate);
  EXPECT_EQ(flags("bitfield a get u8 0"), kKeyReadOnly | kKeyAccess);
  EXPECT_EQ(flags("bitfield a get u8 0 set u8 0 1"), kKeyReadWrite | kKeyAccess | kKeyUpdate);
}

TEST(KeyPositions, ShardChannelsAreNoKeys) {
  const CommandTable table;
  EXPECT_FALSE(HasKeys(*table.Find("spublish")->facts));
  EXPECT_FALSE(HasKeys(*table.Find("ping")->facts));
  EXPECT_TRUE(HasKeys(*table.Find("eval")->facts));
}

}  // namespace
}  // namespace hearth::engine
