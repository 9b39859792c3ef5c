#include "keyspace/eviction.h"

#include <gtest/gtest.h>

#include <string>

#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

using settings::MaxmemoryPolicy;

// Memory is counted as 100 bytes a key, so that the tests say how many keys may stay.
struct EvictingKeyspace : TestingKeyspace {
  EvictingKeyspace()
      : eviction(
            keyspace,
            [this] {
              size_t keys = 0;
              for (int i = 0; i < keyspace.database_count(); ++i) keys += keyspace.database(i).size();
              return keys * 100;
            },
            [] { return 0; }) {}
  void Fill(int count, int64_t expiry_ms = Database::kNoExpiry) {
    for (int i = 0; i < count; ++i) db().SetString(Key("key:" + std::to_string(i)), "v", expiry_ms);
  }
  Eviction eviction;
};

TEST(Eviction, NothingHappensBelowTheLimitOrWithoutOne) {
  EvictingKeyspace t;
  t.Fill(10);
  EXPECT_EQ(t.eviction.Run(), Eviction::Outcome::kEnough);
  t.settings.maxmemory = 1000;
  t.settings.maxmemory_policy = MaxmemoryPolicy::kAllkeysLru;
  EXPECT_EQ(t.eviction.Run(), Eviction::Outcome::kEnough);
  EXPECT_EQ(t.db().size(), 10u);
}

TEST(Eviction, NoevictionNeverRemovesAnything) {
  EvictingKeyspace t;
  t.Fill(10);
  t.settings.maxmemory = 500;
  EXPECT_EQ(t.eviction.Run(), Eviction::Outcome::kImpossible);
  EXPECT_EQ(t.db().size(), 10u);
}

TEST(Eviction, EveryPolicyGetsBelowTheLimit) {
  for (int policy = 0; policy < static_cast<int>(MaxmemoryPolicy::kNoeviction); ++policy) {
    EvictingKeyspace t;
    t.settings.maxmemory_policy = static_cast<MaxmemoryPolicy>(policy);
    t.Fill(200, t.keyspace.now_ms() + 100000);
    t.settings.maxmemory = 5000;
    EXPECT_EQ(t.eviction.Run(), Eviction::Outcome::kEnough) << policy;
    EXPECT_EQ(t.db().size(), 50u) << policy;
    EXPECT_EQ(t.keyspace.stats().evicted_keys, 150u);
  }
}

TEST(Eviction, FewKeysInALargeTableAreFound) {
  for (int policy = 0; policy < static_cast<int>(MaxmemoryPolicy::kNoeviction); ++policy) {
    EvictingKeyspace t;
    t.settings.maxmemory_policy = static_cast<MaxmemoryPolicy>(policy);
    t.Fill(5000, t.keyspace.now_ms() + 100000);
    t.settings.maxmemory = 200;
    EXPECT_EQ(t.eviction.Run(), Eviction::Outcome::kEnough) << policy;
    EXPECT_EQ(t.db().size(), 2u) << policy;
  }
}

TEST(Eviction, VolatilePoliciesLeaveKeysWithoutExpiry) {
  for (auto policy : {MaxmemoryPolicy::kVolatileLru, MaxmemoryPolicy::kVolatileLfu,
                      MaxmemoryPolicy::kVolatileRandom, MaxmemoryPolicy::kVolatileTtl}) {
    EvictingKeyspace t;
    t.settings.maxmemory_policy = policy;
    t.Fill(50);
    for (int i = 0; i < 50; ++i)
      t.db().SetString(Key("v:" + std::to_string(i)), "v", t.keyspace.now_ms() + 1000 + i);
    t.settings.maxmemory = 2000;
    EXPECT_EQ(t.eviction.Run(), Eviction::Outcome::kImpossible);
    EXPECT_EQ(t.db().size(), 50u);
    EXPECT_EQ(t.db().expiring_count(), 0u);
  }
}

TEST(Eviction, LruPrefersKeysThatWereNotUsedForLong) {
  EvictingKeyspace t;
  t.settings.maxmemory_policy = MaxmemoryPolicy::kAllkeysLru;
  t.Fill(1000);
  t.keyspace.set_now_ms(t.keyspace.now_ms() + 100000);
  for (int i = 0; i < 100; ++i) t.db().Find(Key("key:" + std::to_string(i)));
  t.settings.maxmemory = 50000;
  EXPECT_EQ(t.eviction.Run(), Eviction::Outcome::kEnough);
  int survivors = 0;
  for (int i = 0; i < 100; ++i) survivors += t.db().Find(Key("key:" + std::to_string(i))) != nullptr;
  EXPECT_GT(survivors, 95);
}

TEST(Eviction, TtlPrefersKeysThatExpireSoon) {
  EvictingKeyspace t;
  t.settings.maxmemory_policy = MaxmemoryPolicy::kVolatileTtl;
  for (int i = 0; i < 1000; ++i) {
    t.db().SetString(Key("key:" + std::to_string(i)), "v", t.keyspace.now_ms() + 1000 + i * 1000);
  }
  t.settings.maxmemory = 50000;
  EXPECT_EQ(t.eviction.Run(), Eviction::Outcome::kEnough);
  int late = 0;
  for (int i = 800; i < 1000; ++i) late += t.db().Find(Key("key:" + std::to_string(i))) != nullptr;
  EXPECT_GT(late, 180);
}

}  // namespace
}  // namespace hearth::keyspace
