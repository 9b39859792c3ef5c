#include "keyspace/expiry_cycle.h"

#include <gtest/gtest.h>

#include <string>

#include "keyspace/hash_value.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

TEST(ExpiryCycle, RemovesAllExpiredKeysOverItsSlices) {
  TestingKeyspace t;
  int64_t now_us = 0;
  ExpiryCycle cycle(t.keyspace, [&] { return now_us += 10; });
  for (int i = 0; i < 5000; ++i) {
    t.keyspace.database(i % 4).SetString(Key(std::to_string(i)), "v",
                                         t.keyspace.now_ms() + (i % 2 ? 5 : 1000000));
  }
  t.keyspace.set_now_ms(t.keyspace.now_ms() + 10);
  for (int round = 0; round < 2000 && t.keyspace.stats().expired_keys < 2500; ++round) {
    cycle.Begin(25000);
    while (cycle.RunSlice()) {
    }
  }
  EXPECT_EQ(t.keyspace.stats().expired_keys, 2500u);
}

TEST(ExpiryCycle, AFewExpiredKeysAmongManyAreFoundInTime) {
  TestingKeyspace t;
  int64_t now_us = 0;
  ExpiryCycle cycle(t.keyspace, [&] { return now_us += 10; });
  for (int i = 0; i < 10000; ++i) {
    t.db().SetString(Key(std::to_string(i)), "v", t.keyspace.now_ms() + (i == 7777 ? 5 : 1000000));
  }
  t.keyspace.set_now_ms(t.keyspace.now_ms() + 10);
  int rounds = 0;
  for (; rounds < 2000 && t.keyspace.stats().expired_keys == 0; ++rounds) {
    cycle.Begin(25000);
    while (cycle.RunSlice()) {
    }
  }
  EXPECT_EQ(t.keyspace.stats().expired_keys, 1u) << "after " << rounds << " rounds";
}

TEST(ExpiryCycle, ASliceStopsWhenItsTimeIsUp) {
  TestingKeyspace t;
  int64_t now_us = 0;
  ExpiryCycle cycle(t.keyspace, [&] { return now_us += 400; });
  for (int i = 0; i < 5000; ++i) t.db().SetString(Key(std::to_string(i)), "v", t.keyspace.now_ms() + 5);
  t.keyspace.set_now_ms(t.keyspace.now_ms() + 10);
  cycle.Begin(25000);
  EXPECT_TRUE(cycle.RunSlice());
  EXPECT_GT(t.db().size(), 4000u);
}

void SetField(Database& database, std::string_view key, std::string_view field, int64_t expiry_ms) {
  WriteHandle handle = database.FindForWrite(Key(key));
  if (!handle) handle = HashValue::Create(database, Key(key), {});
  HashValue(handle).Set(field, "v", expiry_ms);
}

TEST(ExpiryCycle, RemovesExpiredFieldsOfAllDatabasesAndNoOthers) {
  TestingKeyspace t;
  int64_t now_us = 0;
  ExpiryCycle cycle(t.keyspace, [&] { return now_us += 10; });
  const int64_t now_ms = t.keyspace.now_ms();
  for (int i = 0; i < 2000; ++i) {
    SetField(t.keyspace.database(i % 3), "large", std::to_string(i), now_ms + (i < 1500 ? 5 : 1000));
  }
  for (int i = 0; i < 100; ++i) {
    const std::string key = "small" + std::to_string(i);
    SetField(t.keyspace.database(i % 3), key, "goes", now_ms + 5);
    if (i < 50) SetField(t.keyspace.database(i % 3), key, "stays", kNoFieldExpiry);
  }
  t.keyspace.set_now_ms(now_ms + 10);
  for (int round = 0; round < 100 && t.keyspace.stats().expired_subkeys < 1600; ++round) {
    cycle.Begin(25000);
    while (cycle.RunSlice()) {
    }
  }
  EXPECT_EQ(t.keyspace.stats().expired_subkeys, 1600u);
  size_t keys = 0;
  size_t indexed = 0;
  for (int i = 0; i < 3; ++i) {
    keys += t.keyspace.database(i).size();
    indexed += t.keyspace.database(i).field_expiring_count();
  }
  EXPECT_EQ(keys, 3u + 50u);
  EXPECT_EQ(indexed, 3u);
}

TEST(ExpiryCycle, AWaveOfFieldsTakesManySlices) {
  TestingKeyspace t;
  int64_t now_us = 0;
  ExpiryCycle cycle(t.keyspace, [&] { return now_us += 100; });
  for (int i = 0; i < 5000; ++i) SetField(t.db(), "h", std::to_string(i), t.keyspace.now_ms() + 5);
  t.keyspace.set_now_ms(t.keyspace.now_ms() + 10);
  cycle.Begin(25000);
  EXPECT_TRUE(cycle.RunSlice());
  EXPECT_GT(t.keyspace.stats().expired_subkeys, 0u);
  EXPECT_LT(t.keyspace.stats().expired_subkeys, 1000u);
}

TEST(ExpiryCycle, DoesNothingWhenOffOrOnAReplica) {
  TestingKeyspace t;
  int64_t now_us = 0;
  ExpiryCycle cycle(t.keyspace, [&] { return now_us += 10; });
  t.db().SetString(Key("k"), "v", t.keyspace.now_ms() + 5);
  t.keyspace.set_now_ms(t.keyspace.now_ms() + 10);
  cycle.set_enabled(false);
  cycle.Begin(25000);
  EXPECT_FALSE(cycle.RunSlice());
  cycle.set_enabled(true);
  t.keyspace.set_expired_keys(ExpiredKeys::kHide);
  EXPECT_FALSE(cycle.RunSlice());
  EXPECT_EQ(t.db().size(), 1u);
}

}  // namespace
}  // namespace hearth::keyspace
