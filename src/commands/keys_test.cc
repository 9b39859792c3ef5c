#include <gtest/gtest.h>

#include <set>

#include "base/test_seed.h"
#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

class KeysTest : public testing::Test {
 protected:
  KeysTest() {
    engine::CommandTable& table = fixture_.engine.commands();
    RegisterStrings(table);
    RegisterKeys(table);
    RegisterExpiry(table);
    RegisterScan(table);
    RegisterDatabases(table);
    RegisterLists(table);
    RegisterHashes(table);
    RegisterSort(table);
  }
  std::string Do(std::string_view line) { return fixture_.Do(line); }
  std::vector<std::string> Effects() { return fixture_.TakeEffects(); }
  int64_t now_ms() { return fixture_.engine.now_ms(); }

  engine::EngineFixture fixture_;
};

using Lines = std::vector<std::string>;

TEST_F(KeysTest, DelCountsWhatWasThere) {
  Do("MSET a 1 b 2");
  EXPECT_EQ(Do("DEL a nothing b a"), ":2\r\n");
  EXPECT_EQ(Do("DBSIZE"), ":0\r\n");
}

TEST_F(KeysTest, AnExpiredKeyIsNotDeletedTwice) {
  Do("SET k v PX 5");
  Effects();
  fixture_.AdvanceMs(6);
  EXPECT_EQ(Do("DEL k"), ":0\r\n");
  EXPECT_EQ(Effects(), Lines{"0: DEL k"});
}

TEST_F(KeysTest, RenameTakesTheExpiryAlong) {
  EXPECT_EQ(Do("RENAME a b"), "-ERR no such key\r\n");
  Do("SET a 1 EX 50");
  Do("SET b 2");
  EXPECT_EQ(Do("RENAMENX a b"), ":0\r\n");
  EXPECT_EQ(Do("RENAME a b"), "+OK\r\n");
  EXPECT_EQ(Do("TTL b"), ":50\r\n");
  EXPECT_EQ(Do("GET b"), "$1\r\n1\r\n");
  EXPECT_EQ(Do("EXISTS a"), ":0\r\n");
  EXPECT_EQ(Do("RENAME b b"), "+OK\r\n");
}

TEST_F(KeysTest, MoveAndCopyBetweenDatabases) {
  Do("SET a 1 EX 50");
  EXPECT_EQ(Do("COPY a a"), "-ERR source and destination objects are the same\r\n");
  EXPECT_EQ(Do("COPY a a DB 1"), ":1\r\n");
  EXPECT_EQ(Do("COPY a a DB 1"), ":0\r\n");
  EXPECT_EQ(Do("COPY a a DB 1 REPLACE"), ":1\r\n");
  EXPECT_EQ(Do("MOVE a 1"), ":0\r\n");
  EXPECT_EQ(Do("MOVE a 2"), ":1\r\n");
  EXPECT_EQ(Do("EXISTS a"), ":0\r\n");
  Do("SELECT 2");
  EXPECT_EQ(Do("TTL a"), ":50\r\n");
  EXPECT_EQ(Do("MOVE a 99"), "-ERR DB index is out of range\r\n");
}

TEST_F(KeysTest, SwappedDatabasesShowEachOthersKeys) {
  Do("SET a 1");
  EXPECT_EQ(Do("SWAPDB 0 1"), "+OK\r\n");
  EXPECT_EQ(Do("EXISTS a"), ":0\r\n");
  Do("SELECT 1");
  EXPECT_EQ(Do("EXISTS a"), ":1\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: SET a 1", "0: SWAPDB 0 1"}));
}

TEST_F(KeysTest, FlushingIsPassedOnEvenIfNothingWasThere) {
  for (int i = 0; i < 100; ++i) Do("SET key" + std::to_string(i) + " v");
  Effects();
  EXPECT_EQ(Do("FLUSHDB SYNC"), "+OK\r\n");
  EXPECT_EQ(Do("DBSIZE"), ":0\r\n");
  EXPECT_EQ(Do("FLUSHALL ASYNC"), "+OK\r\n");
  EXPECT_EQ(Do("FLUSHALL NOW"), "-ERR syntax error\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: FLUSHDB SYNC", "0: FLUSHALL ASYNC"}));
}

TEST_F(KeysTest, ConditionsOfExpire) {
  Do("SET k v");
  EXPECT_EQ(Do("EXPIRE k 10 XX"), ":0\r\n");
  EXPECT_EQ(Do("EXPIRE k 10 GT"), ":0\r\n");
  EXPECT_EQ(Do("EXPIRE k 10 LT"), ":1\r\n");
  EXPECT_EQ(Do("EXPIRE k 20 NX"), ":0\r\n");
  EXPECT_EQ(Do("EXPIRE k 20 LT"), ":0\r\n");
  EXPECT_EQ(Do("EXPIRE k 20 GT"), ":1\r\n");
  EXPECT_EQ(Do("TTL k"), ":20\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: SET k v", "0: PEXPIREAT k " + std::to_string(now_ms() + 10000),
                              "0: PEXPIREAT k " + std::to_string(now_ms() + 20000)}));
}

TEST_F(KeysTest, APastExpiryRemovesTheKey) {
  Do("SET k v");
  EXPECT_EQ(Do("EXPIRE k -1"), ":1\r\n");
  EXPECT_EQ(Do("EXISTS k"), ":0\r\n");
  EXPECT_EQ(Effects(), (Lines{"0: SET k v", "0: DEL k"}));
}

TEST_F(KeysTest, AReplicaKeepsAKeyWithAPastExpiryUntilItsPrimarySpeaks) {
  fixture_.engine.keyspace().set_expired_keys(keyspace::ExpiredKeys::kIgnore);
  Do("SET k v");
  EXPECT_EQ(Do("PEXPIREAT k -5"), ":1\r\n");
  EXPECT_EQ(Do("EXISTS k"), ":1\r\n");
  EXPECT_EQ(Do("PEXPIRETIME k"), ":0\r\n");
}

TEST_F(KeysTest, PersistForgetsTheExpiry) {
  Do("SET k v EX 5");
  EXPECT_EQ(Do("EXPIRETIME k"), ":" + std::to_string((now_ms() + 5500) / 1000) + "\r\n");
  EXPECT_EQ(Do("PERSIST k"), ":1\r\n");
  EXPECT_EQ(Do("PERSIST k"), ":0\r\n");
  EXPECT_EQ(Do("TTL k"), ":-1\r\n");
  EXPECT_EQ(Do("TTL none"), ":-2\r\n");
}

TEST_F(KeysTest, AScanSeesEveryKeyThatStaysAndRemovesExpiredOnes) {
  Prng random(TestSeed());
  std::set<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "key" + std::to_string(random.Below(100000));
    expected.insert(key);
    Do("SET " + key + " v");
  }
  Do("SET soon v PX 1");
  fixture_.AdvanceMs(2);
  std::set<std::string> seen;
  std::string cursor = "0";
  do {
    const std::string reply = Do("SCAN " + cursor + " COUNT 7");
    std::vector<std::string> lines;
    for (size_t at = 0; at < reply.size();) {
      const size_t end = reply.find("\r\n", at);
      lines.push_back(reply.substr(at, end - at));
      at = end + 2;
    }
    cursor = lines[2];
    for (size_t i = 5; i < lines.size(); i += 2) seen.insert(lines[i]);
  } while (cursor != "0");
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(Do("DBSIZE"), ":" + std::to_string(expected.size()) + "\r\n");
}

TEST_F(KeysTest, ScanFiltersByPatternAndType) {
  Do("MSET aa 1 ab 2 b 3");
  EXPECT_EQ(Do("SCAN 0 MATCH b COUNT 100"), "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n");
  EXPECT_EQ(Do("SCAN 0 TYPE list COUNT 100"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Do("SCAN x"), "-ERR invalid cursor\r\n");
  EXPECT_EQ(Do("SCAN 0 COUNT 0"), "-ERR syntax error\r\n");
  EXPECT_EQ(Do("KEYS b*"), "*1\r\n$1\r\nb\r\n");
}

TEST_F(KeysTest, SortsByNumberTextAndWeight) {
  Do("RPUSH l 3 1 2");
  EXPECT_EQ(Do("SORT l"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
  EXPECT_EQ(Do("SORT l DESC LIMIT 0 1"), "*1\r\n$1\r\n3\r\n");
  EXPECT_EQ(Do("SORT l BY none LIMIT 1 1"), "*1\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("SORT l BY none DESC LIMIT 0 1"), "*1\r\n$1\r\n2\r\n");
  Do("MSET w1 30 w2 20 w3 10");
  EXPECT_EQ(Do("SORT l BY w*"), "*3\r\n$1\r\n3\r\n$1\r\n2\r\n$1\r\n1\r\n");
  Do("HSET h1 f x");
  EXPECT_EQ(Do("SORT l GET # GET h*->f LIMIT 0 2"), "*4\r\n$1\r\n1\r\n$1\r\nx\r\n$1\r\n2\r\n$-1\r\n");
  Do("RPUSH l a");
  EXPECT_EQ(Do("SORT l"), "-ERR One or more scores can't be converted into double\r\n");
  EXPECT_EQ(Do("SORT l ALPHA STORE l"), ":4\r\n");
  EXPECT_EQ(Do("LRANGE l 0 -1"), "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("SORT none STORE l"), ":0\r\n");
  EXPECT_EQ(Do("EXISTS l"), ":0\r\n");
  EXPECT_EQ(Do("SORT_RO w1"), "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

}  // namespace
}  // namespace hearth::commands
