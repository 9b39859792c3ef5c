#include "keyspace/expiry_cycle.h"

#include <gtest/gtest.h>

#include <string>

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
