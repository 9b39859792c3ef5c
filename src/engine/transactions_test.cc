#include <gtest/gtest.h>

#include "engine/testing/engine_fixture.h"
#include "engine/testing/test_commands.h"

namespace hearth::engine {
namespace {

constexpr std::string_view kNullArray = "*-1\r\n";
constexpr std::string_view kAborted = "-EXECABORT Transaction discarded because of previous errors.\r\n";

class TransactionsTest : public ::testing::Test {
 protected:
  TransactionsTest() { testing::BindCommands(fixture_.engine); }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  // What another client does meanwhile.
  std::string Other(std::string_view line) { return fixture_.Run(other_, *SplitArguments(line)); }

  EngineFixture fixture_;
  Client& other_ = fixture_.AddClient();
};

TEST_F(TransactionsTest, ExecRunsWhatWasQueuedInOrder) {
  EXPECT_EQ(Do("MULTI"), "+OK\r\n");
  EXPECT_EQ(Do("SET a 1"), "+QUEUED\r\n");
  EXPECT_EQ(Do("EXISTS a"), "+QUEUED\r\n");
  EXPECT_EQ(Other("EXISTS a"), ":0\r\n");
  EXPECT_EQ(Do("EXEC"), "*2\r\n+OK\r\n:1\r\n");
  EXPECT_EQ(Do("MULTI"), "+OK\r\n");
  EXPECT_EQ(Do("EXEC"), "*0\r\n");
}

TEST_F(TransactionsTest, DiscardForgetsWhatWasQueued) {
  Do("MULTI");
  Do("SET a 1");
  EXPECT_EQ(Do("DISCARD"), "+OK\r\n");
  EXPECT_EQ(Do("EXISTS a"), ":0\r\n");
}

TEST_F(TransactionsTest, ExecAndDiscardNeedAMulti) {
  EXPECT_EQ(Do("EXEC"), "-ERR EXEC without MULTI\r\n");
  EXPECT_EQ(Do("DISCARD"), "-ERR DISCARD without MULTI\r\n");
}

TEST_F(TransactionsTest, MultiAndWatchInsideATransactionAreErrorsThatDoNotEndIt) {
  Do("MULTI");
  EXPECT_EQ(Do("MULTI"), "-ERR MULTI calls can not be nested\r\n");
  EXPECT_EQ(Do("WATCH a"), "-ERR WATCH inside MULTI is not allowed\r\n");
  Do("PING");
  EXPECT_EQ(Do("EXEC"), "*1\r\n+PONG\r\n");
}

TEST_F(TransactionsTest, ARefusedCommandAbortsTheTransaction) {
  for (const std::string_view refused : {"nope", "SET a", "CONFIG nope", "GET a"}) {
    Do("MULTI");
    Do("SET a 1");
    EXPECT_EQ(Do(refused).substr(0, 5), "-ERR ") << refused;
    EXPECT_EQ(Do("EXEC"), kAborted) << refused;
    EXPECT_EQ(Do("EXEC"), "-ERR EXEC without MULTI\r\n");
  }
  EXPECT_EQ(Do("EXISTS a"), ":0\r\n");
}

TEST_F(TransactionsTest, ACommandThatFailsInExecStopsNothing) {
  Do("SET a x");
  Do("MULTI");
  Do("INCR a");
  Do("SET b 1");
  EXPECT_EQ(Do("EXEC"),
            "*2\r\n-WRONGTYPE Operation against a key holding the wrong kind of value\r\n+OK\r\n");
}

TEST_F(TransactionsTest, ARefusedExecEndsTheTransaction) {
  Do("MULTI");
  EXPECT_EQ(Do("EXEC x"),
            "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n");
  EXPECT_EQ(Do("EXEC"), "-ERR EXEC without MULTI\r\n");
}

TEST_F(TransactionsTest, ExecFailsWhenAWatchedKeyChanged) {
  for (const std::string_view change : {"SET a 2", "DEL a", "PEXPIRE a 100000"}) {
    Do("SET a 1");
    EXPECT_EQ(Do("WATCH b a"), "+OK\r\n");
    Other(change);
    Do("MULTI");
    Do("PING");
    EXPECT_EQ(Do("EXEC"), kNullArray) << change;
  }
}

TEST_F(TransactionsTest, ExecRunsWhenWatchedKeysStayedAsTheyWere) {
  Do("SET a 1");
  Do("WATCH a b");
  Other("SET c 1");
  Other("EXISTS a");
  Other("DEL b");
  Other("INCR a");
  Do("MULTI");
  Do("PING");
  EXPECT_EQ(Do("EXEC"), "*1\r\n+PONG\r\n");
}

TEST_F(TransactionsTest, AChangeOfOnesOwnCountsToo) {
  Do("WATCH a");
  Do("SET a 1");
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), kNullArray);
}

TEST_F(TransactionsTest, KeysAreWatchedInTheirDatabase) {
  Do("WATCH a");
  other_.database = 1;
  Other("SET a 1");
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), "*0\r\n");
}

TEST_F(TransactionsTest, ExecAndUnwatchAndDiscardEndTheWatching) {
  for (const std::string_view end : {"UNWATCH", "EXEC", "DISCARD"}) {
    Do("WATCH a");
    EXPECT_EQ(fixture_.engine.watches().key_count(), 1u);
    if (end != "UNWATCH") Do("MULTI");
    Do(end);
    EXPECT_EQ(fixture_.engine.watches().key_count(), 0u) << end;
    Other("SET a 1");
    Do("MULTI");
    EXPECT_EQ(Do("EXEC"), "*0\r\n") << end;
  }
}

TEST_F(TransactionsTest, UnwatchForgetsAChangeThatHappened) {
  Do("WATCH a");
  Other("SET a 1");
  Do("UNWATCH");
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), "*0\r\n");
}

TEST_F(TransactionsTest, AWatchedKeyWhoseTimeIsUpCountsAsChanged) {
  for (const bool somebody_looks : {false, true}) {
    Do("SET a 1");
    Do("PEXPIRE a 100");
    Do("WATCH a");
    fixture_.AdvanceMs(101);
    if (somebody_looks) Other("EXISTS a");
    Do("MULTI");
    EXPECT_EQ(Do("EXEC"), kNullArray) << somebody_looks;
  }
}

TEST_F(TransactionsTest, AKeyThatWasOverItsTimeWhenWatchedMayGo) {
  for (const bool somebody_looks : {false, true}) {
    Do("SET a 1");
    Do("PEXPIRE a 100");
    fixture_.AdvanceMs(101);
    Do("WATCH a");
    if (somebody_looks) Other("EXISTS a");
    Do("MULTI");
    EXPECT_EQ(Do("EXEC"), "*0\r\n") << somebody_looks;
  }
}

TEST_F(TransactionsTest, AKeyThatWasOverItsTimeWhenWatchedMustNotComeBack) {
  Do("SET a 1");
  Do("PEXPIRE a 100");
  fixture_.AdvanceMs(101);
  Do("WATCH a");
  Other("SET a 2");
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), kNullArray);
}

TEST_F(TransactionsTest, EmptyingOrExchangingADatabaseChangesTheKeysInIt) {
  Do("WATCH a");
  fixture_.engine.OnDatabaseCleared(0);
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), "*0\r\n") << "the watched key was not there";
  Do("SET a 1");
  Do("WATCH a");
  fixture_.engine.OnDatabaseCleared(0);
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), kNullArray);
  Do("WATCH a");
  fixture_.engine.keyspace().SwapDatabases(0, 1);
  fixture_.engine.OnDatabasesSwapped(0, 1);
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), kNullArray);
}

TEST_F(TransactionsTest, ARefusedExecEndsTheWatching) {
  Do("SET a 1");
  Do("WATCH a");
  Other("SET a 2");
  EXPECT_TRUE(Do("EXEC surplus").starts_with("-EXECABORT "));
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), "*0\r\n");
}

TEST_F(TransactionsTest, QueuedArgumentsAreCountedAsMemory) {
  Do("MULTI");
  Do("SET key 12345");
  EXPECT_EQ(fixture_.client->transaction->queue_bytes, 11u);
}

}  // namespace
}  // namespace hearth::engine
