#include "engine/effects.h"

#include <gtest/gtest.h>

#include "engine/testing/engine_fixture.h"
#include "engine/testing/test_commands.h"

namespace hearth::engine {
namespace {

using Lines = std::vector<std::string>;

class EffectsTest : public ::testing::Test {
 protected:
  EffectsTest() { testing::BindCommands(fixture_.engine); }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  Lines Effects() { return fixture_.TakeEffects(); }

  EngineFixture fixture_;
};

TEST_F(EffectsTest, ACommandThatChangedSomethingIsPassedOnAsItCame) {
  Do("seT k v");
  EXPECT_EQ(Effects(), Lines{"0: seT k v"});
  fixture_.client->database = 3;
  Do("SET k v");
  EXPECT_EQ(Effects(), Lines{"3: SET k v"});
}

TEST_F(EffectsTest, ACommandThatChangedNothingIsNot) {
  Do("DEL k");
  Do("EXISTS k");
  Do("SET k v");
  Effects();
  Do("INCR k");
  EXPECT_TRUE(Effects().empty());
}

TEST_F(EffectsTest, AHandlerMaySayWhatItDidInstead) {
  Do("SET k v");
  Effects();
  Do("PEXPIRE k 1000");
  EXPECT_EQ(Effects(), Lines{"0: PEXPIREAT k " + std::to_string(fixture_.engine.now_ms() + 1000)});
}

TEST_F(EffectsTest, ATransactionComesAsOneUnit) {
  Do("MULTI");
  Do("SET a 1");
  Do("DEL absent");
  Do("SET b 2");
  EXPECT_TRUE(Effects().empty());
  Do("EXEC");
  EXPECT_EQ(Effects(), (Lines{"(", "0: SET a 1", "0: SET b 2", ")"}));
}

TEST_F(EffectsTest, ATransactionWithOneEffectNeedsNoUnitAndOneWithoutHasNone) {
  Do("MULTI");
  Do("EXISTS a");
  Do("SET a 1");
  Do("EXEC");
  EXPECT_EQ(Effects(), Lines{"0: SET a 1"});
  Do("MULTI");
  Do("EXISTS a");
  Do("EXEC");
  EXPECT_TRUE(Effects().empty());
}

TEST_F(EffectsTest, TheDeletionOfAnExpiredKeyComesBeforeWhatTheCommandDid) {
  Do("SET k v");
  Do("PEXPIRE k 10");
  Effects();
  fixture_.AdvanceMs(11);
  Do("INCR k");
  EXPECT_EQ(Effects(), (Lines{"(", "0: DEL k", "0: INCR k", ")"}));
}

TEST_F(EffectsTest, AReaderThatMeetsAnExpiredKeyPassesOnItsDeletion) {
  Do("SET k v");
  Do("PEXPIRE k 10");
  Effects();
  fixture_.AdvanceMs(11);
  EXPECT_EQ(Do("EXISTS k"), ":0\r\n");
  EXPECT_EQ(Effects(), Lines{"0: DEL k"});
}

TEST_F(EffectsTest, ExpiryInsideATransactionBelongsToItsUnit) {
  Do("SET k v");
  Do("PEXPIRE k 10");
  Do("MULTI");
  Do("SET a 1");
  Do("EXISTS k");
  Effects();
  fixture_.AdvanceMs(11);
  EXPECT_EQ(Do("EXEC"), "*2\r\n+OK\r\n:0\r\n");
  EXPECT_EQ(Effects(), (Lines{"(", "0: SET a 1", "0: DEL k", ")"}));
}

TEST_F(EffectsTest, NothingIsKeptWhileNobodyListens) {
  fixture_.engine.effects().set_sink(nullptr);
  Do("SET k v");
  fixture_.engine.effects().set_sink(&fixture_);
  Do("SET k w");
  EXPECT_EQ(Effects(), Lines{"0: SET k w"});
}

}  // namespace
}  // namespace hearth::engine
