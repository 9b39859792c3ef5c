#include "replication/log_walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::replication {
namespace {

class LogWalkTest : public testing::Test {
 protected:
  // A command as the log has it.
  static std::string Bytes(std::initializer_list<std::string_view> words) {
    std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string_view word : words) {
      bytes += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
    }
    return bytes;
  }
  void Feed(std::initializer_list<std::string_view> words) { ASSERT_TRUE(walk.Feed(Bytes(words))); }
  // "<database>:<key>" of each, in order.
  std::vector<std::string> Keys() {
    std::vector<std::string> found;
    walk.keys()->ForEach([&](int database, std::string_view key) {
      found.push_back(std::to_string(database) + ":" + std::string(key));
    });
    std::sort(found.begin(), found.end());
    return found;
  }
  using Words = std::vector<std::string>;

  engine::CommandTable commands;
  LogWalk walk{commands, 0, 16};
};

TEST_F(LogWalkTest, FindsWhatCommandsWriteAndNotWhatTheyRead) {
  Feed({"SET", "a", "1"});
  Feed({"mset", "b", "1", "c", "2"});
  Feed({"RENAME", "d", "e"});
  Feed({"SUNIONSTORE", "f", "read1", "read2"});
  Feed({"SORT", "read3", "BY", "nosort", "STORE", "g"});
  Feed({"XGROUP", "CREATE", "h", "group", "$"});
  Feed({"ZUNIONSTORE", "i", "2", "read4", "read5"});
  Feed({"GEORADIUS", "read6", "0", "0", "1", "km", "STORE", "j"});
  EXPECT_EQ(walk.unknown(), "");
  EXPECT_EQ(Keys(), (Words{"0:a", "0:b", "0:c", "0:d", "0:e", "0:f", "0:g", "0:h", "0:i", "0:j"}));
  EXPECT_EQ(walk.command_count(), 8u);
}

TEST_F(LogWalkTest, FollowsTheDatabase) {
  Feed({"SET", "a", "1"});
  Feed({"SELECT", "3"});
  Feed({"MULTI"});
  Feed({"SET", "a", "1"});
  Feed({"MOVE", "b", "5"});
  Feed({"EXEC"});
  Feed({"COPY", "a", "c", "DB", "7", "REPLACE"});
  Feed({"COPY", "a", "d", "REPLACE"});
  EXPECT_EQ(walk.unknown(), "");
  EXPECT_EQ(Keys(), (Words{"0:a", "3:a", "3:b", "3:d", "5:b", "7:c"}));
  EXPECT_EQ(walk.command_count(), 5u);
}

TEST_F(LogWalkTest, CommandsThatDoNotNameWhatTheyWriteMakeItUnknown) {
  for (const std::vector<std::string_view>& words :
       std::vector<std::vector<std::string_view>>{{"FLUSHALL"},
                                                  {"FLUSHDB"},
                                                  {"SWAPDB", "0", "1"},
                                                  {"FUNCTION", "FLUSH"},
                                                  {"NOSUCHCOMMAND", "a"},
                                                  {"MOVE", "a", "99"},
                                                  {"SET"}}) {
    std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string_view word : words) {
      bytes += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
    }
    LogWalk one(commands, 0, 16);
    EXPECT_TRUE(one.Feed(bytes));
    EXPECT_NE(one.unknown(), "") << words[0];
  }
}

TEST_F(LogWalkTest, AnUnknownDatabaseIsNoTroubleOnceOneIsSelected) {
  LogWalk selected(commands, -1, 16);
  ASSERT_TRUE(selected.Feed(Bytes({"SELECT", "2"}) + Bytes({"SET", "a", "1"})));
  EXPECT_EQ(selected.unknown(), "");
  LogWalk unknown(commands, -1, 16);
  ASSERT_TRUE(unknown.Feed(Bytes({"SET", "a", "1"})));
  EXPECT_NE(unknown.unknown(), "");
}

TEST_F(LogWalkTest, GivesOnTheBytesOfAllThatBelongsToTheDataset) {
  std::string given;
  walk.set_take_command([&](std::string_view bytes) -> Status {
    given += bytes;
    return {};
  });
  const std::string kept = Bytes({"SELECT", "1"}) + Bytes({"SET", "a", "1"}) + Bytes({"FLUSHALL"});
  ASSERT_TRUE(walk.Feed(Bytes({"ping"}) + Bytes({"SELECT", "1"}) + Bytes({"REPLCONF", "GETACK", "*"}) +
                        Bytes({"SET", "a", "1"}) + Bytes({"PUBLISH", "c", "m"}) + Bytes({"FLUSHALL"})));
  EXPECT_EQ(given, kept);
}

TEST_F(LogWalkTest, TheCutsBetweenPiecesDoNotMatter) {
  const uint64_t seed = TestSeed();
  Prng prng(seed);
  std::string log;
  for (int i = 0; i < 3000; ++i) {
    log += Bytes({"SET", "key:" + std::to_string(i), std::string(prng.Below(300), 'v')});
  }
  log += Bytes({"SET", "large", std::string(1'000'000, 'v')}) + Bytes({"SET", "last", "v"});
  std::string given;
  walk.set_take_command([&](std::string_view bytes) -> Status {
    given += bytes;
    return {};
  });
  for (size_t at = 0; at < log.size();) {
    const size_t size = std::min<size_t>(1 + prng.Below(100'000), log.size() - at);
    ASSERT_TRUE(walk.Feed(std::string_view(log).substr(at, size)));
    at += size;
  }
  EXPECT_TRUE(walk.is_complete());
  EXPECT_EQ(walk.keys()->size(), 3002u);
  EXPECT_EQ(given, log);
}

TEST_F(LogWalkTest, APartOfACommandIsNotComplete) {
  ASSERT_TRUE(walk.Feed("*2\r\n$3\r\nDEL\r\n$5\r\nabc"));
  EXPECT_FALSE(walk.is_complete());
}

TEST_F(LogWalkTest, WhatIsNoCommandIsAnError) { EXPECT_FALSE(walk.Feed("*x\r\n")); }

}  // namespace
}  // namespace hearth::replication
