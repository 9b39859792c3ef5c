#include "keyspace/fresh_entry.h"

#include <gtest/gtest.h>

#include "keyspace/access.h"
#include "keyspace/score_index_builder.h"
#include "keyspace/sorted_set_value.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

using Lines = std::vector<std::string>;

TEST(FreshEntryTest, AdoptedKeysAreReportedLikeAnyNewKey) {
  TestingKeyspace t;
  t.db().Adopt(NewStringEntry("k", "value", -1, 5), Key("k"));
  EXPECT_EQ(t.observer.Take(), (Lines{"added 0 k", "changed 0 k"}));
  const Entry* entry = t.db().Find(Key("k"), Database::Touch::kNo);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->text(), "value");
  EXPECT_EQ(entry->access(), 5u);
}

TEST(FreshEntryTest, AKeyHiddenByItsExpiryMakesWay) {
  TestingKeyspace t;
  t.db().SetString(Key("k"), "old", t.keyspace.now_ms() - 1);
  t.keyspace.set_expired_keys(ExpiredKeys::kHide);
  ASSERT_EQ(t.db().Find(Key("k")), nullptr);
  t.db().Adopt(NewStringEntry("k", "new", -1, 0), Key("k"));
  ASSERT_NE(t.db().Find(Key("k")), nullptr);
  EXPECT_EQ(t.db().Find(Key("k"))->text(), "new");
  EXPECT_EQ(t.db().size(), 1u);
  EXPECT_EQ(t.db().expiring_count(), 0u);
}

TEST(FreshEntryTest, LoadedKeysAreNotReportedAndComeOnce) {
  TestingKeyspace t;
  t.db().Reserve(1000, 500);
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "key" + std::to_string(i);
    FreshEntry entry = NewStringEntry(name, std::to_string(i), i % 2 == 0 ? t.keyspace.now_ms() + i : -1, 0);
    ASSERT_TRUE(t.db().Load(entry, Key(name).hash));
    EXPECT_EQ(entry, nullptr);
  }
  EXPECT_TRUE(t.observer.Take().empty());
  EXPECT_EQ(t.db().size(), 1000u);
  EXPECT_EQ(t.db().expiring_count(), 500u);
  FreshEntry twice = NewStringEntry("key7", "other", -1, 0);
  EXPECT_FALSE(t.db().Load(twice, Key("key7").hash));
  ASSERT_NE(twice, nullptr);
  EXPECT_EQ(t.db().Find(Key("key7"))->int_value(), 7);
}

TEST(FreshEntryTest, ReservedTablesShrinkAgain) {
  TestingKeyspace t;
  t.db().Reserve(100000, 0);
  const size_t reserved = t.db().KeyTableBytes();
  for (int round = 0; round < 20000; ++round) {
    t.db().SetString(Key("k"), "v");
    t.db().Remove(Key("k"));
  }
  EXPECT_LT(t.db().KeyTableBytes(), reserved / 10);
}

TEST(FreshEntryTest, HistoryIsKeptAsThePolicyHasIt) {
  TestingKeyspace t;
  const int64_t now_ms = t.keyspace.now_ms();
  EXPECT_EQ(IdleMs(RestoredAccess(t.settings, now_ms, 77, 9), now_ms), 77000);
  EXPECT_EQ(IdleMs(RestoredAccess(t.settings, now_ms, -1, 9), now_ms), 0);
  t.settings.maxmemory_policy = settings::MaxmemoryPolicy::kAllkeysLfu;
  EXPECT_EQ(Frequency(RestoredAccess(t.settings, now_ms, 77, 9), t.settings, now_ms), 9);
  EXPECT_EQ(Frequency(RestoredAccess(t.settings, now_ms, 77, -1), t.settings, now_ms), 5);
}

TEST(ScoreIndexBuilderTest, AnyOrderGivesTheSameIndex) {
  for (const int step : {1, -1, 377}) {
    TestingKeyspace t;
    ScoreIndexBuilder builder(&t.keyspace.cuts(), 1000);
    for (int i = 0; i < 1000; ++i) {
      const int number = ((i * step) % 1000 + 1000) % 1000;
      // Members with equal scores are in the order of their bytes.
      ASSERT_TRUE(builder.Add("member" + std::to_string(1000 + number), number / 10));
    }
    const std::unique_ptr<ScoreIndex> index = builder.Build();
    EXPECT_TRUE(index->tree().IsSound());
    for (size_t rank = 0; rank < 1000; ++rank) {
      EXPECT_EQ(index->tree().At(rank).member().member(), "member" + std::to_string(1000 + rank));
    }
    EXPECT_EQ(index->Find("member1500")->score(), 50);
  }
}

TEST(ScoreIndexBuilderTest, NoMemberComesTwice) {
  TestingKeyspace t;
  for (const int between : {0, 1, 5, 16, 100}) {
    ScoreIndexBuilder builder(&t.keyspace.cuts(), 1000);
    ASSERT_TRUE(builder.Add("twice", 1));
    for (int i = 0; i < between; ++i) ASSERT_TRUE(builder.Add("member" + std::to_string(i), i));
    // It may be noticed late, but not too late.
    builder.Add("twice", 2);
    EXPECT_EQ(builder.Build(), nullptr);
  }
}

}  // namespace
}  // namespace hearth::keyspace
