#include "keyspace/database.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

using Events = std::vector<std::string>;

std::string TextOf(const Entry& entry) {
  return entry.is_int() ? std::to_string(entry.int_value()) : std::string(entry.text());
}

TEST(Database, StringsOfEverySizeAndKindComeBack) {
  TestingKeyspace t;
  const std::string long_key(300, 'k');
  for (const std::string& key : {std::string("k"), std::string(), long_key, std::string(5000, 'x')}) {
    for (const std::string& value :
         {std::string(), std::string("12345"), std::string("-7"), std::string("007"), std::string(44, 'v'),
          std::string(45, 'v'), std::string(499, 'w'), std::string(70000, 'z'),
          std::string("9223372036854775807")}) {
      t.db().SetString(Key(key), value);
      const Entry* entry = t.db().Find(Key(key));
      ASSERT_NE(entry, nullptr);
      EXPECT_EQ(TextOf(*entry), value);
      EXPECT_EQ(entry->key(), key);
      t.db().SetExpiry(Key(key), 2'000'000'000'000);
      entry = t.db().Find(Key(key));
      EXPECT_EQ(TextOf(*entry), value);
      EXPECT_EQ(entry->expiry_ms(), 2'000'000'000'000);
      t.db().SetExpiry(Key(key), Database::kNoExpiry);
      EXPECT_EQ(TextOf(*t.db().Find(Key(key))), value);
    }
  }
  EXPECT_EQ(t.db().size(), 4u);
  EXPECT_EQ(t.db().expiring_count(), 0u);
}

TEST(Database, EncodingsFollowTheText) {
  TestingKeyspace t;
  const auto encoding = [&](std::string_view value) {
    t.db().SetString(Key("k"), value);
    return t.db().Find(Key("k"))->encoding();
  };
  EXPECT_EQ(encoding("12"), Encoding::kInt);
  EXPECT_EQ(encoding("012"), Encoding::kEmbstr);
  EXPECT_EQ(encoding("9223372036854775808"), Encoding::kEmbstr);
  EXPECT_EQ(encoding(std::string(44, 'a')), Encoding::kEmbstr);
  EXPECT_EQ(encoding(std::string(45, 'a')), Encoding::kRaw);
}

TEST(Database, AnExpiredKeyIsAbsentAndReportedOnce) {
  TestingKeyspace t;
  t.db().SetString(Key("k"), "v", t.keyspace.now_ms() + 10);
  t.observer.Take();
  t.keyspace.set_now_ms(t.keyspace.now_ms() + 10);
  EXPECT_NE(t.db().Find(Key("k")), nullptr);
  t.keyspace.set_now_ms(t.keyspace.now_ms() + 1);
  EXPECT_EQ(t.db().Find(Key("k")), nullptr);
  EXPECT_EQ(t.db().Find(Key("k")), nullptr);
  EXPECT_EQ(t.observer.Take(), (Events{"changed 0 k", "expired 0 k"}));
  EXPECT_EQ(t.keyspace.stats().expired_keys, 1u);
}

TEST(Database, AReplicaHidesExpiredKeysWithoutRemovingThem) {
  TestingKeyspace t;
  t.db().SetString(Key("k"), "v", t.keyspace.now_ms() + 10);
  t.observer.Take();
  t.keyspace.set_expired_keys(ExpiredKeys::kHide);
  t.keyspace.set_now_ms(t.keyspace.now_ms() + 100);
  EXPECT_EQ(t.db().Find(Key("k")), nullptr);
  EXPECT_EQ(t.db().size(), 1u);
  EXPECT_TRUE(t.observer.Take().empty());
  t.keyspace.set_expired_keys(ExpiredKeys::kIgnore);
  EXPECT_NE(t.db().Find(Key("k")), nullptr);
}

TEST(Database, SettingOverAKeyClearsItsExpiryUnlessKept) {
  TestingKeyspace t;
  const int64_t later = t.keyspace.now_ms() + 1000;
  t.db().SetString(Key("k"), "v", later);
  t.db().SetString(Key("k"), "w", Database::kKeepExpiry);
  EXPECT_EQ(t.db().Find(Key("k"))->expiry_ms(), later);
  t.db().SetString(Key("k"), "x");
  EXPECT_FALSE(t.db().Find(Key("k"))->has_expiry());
  EXPECT_EQ(t.db().expiring_count(), 0u);
}

TEST(Database, MoveAndCopyTakeValueAndExpiryAlong) {
  TestingKeyspace t;
  const int64_t later = t.keyspace.now_ms() + 1000;
  t.db().SetString(Key("a"), std::string(1000, 'x'), later);
  t.db().Copy(Key("a"), t.keyspace.database(1), Key("b"));
  t.db().Move(Key("a"), t.db(), Key("a much longer name than before"));
  EXPECT_EQ(t.db().Find(Key("a")), nullptr);
  for (const Entry* entry :
       {t.db().Find(Key("a much longer name than before")), t.keyspace.database(1).Find(Key("b"))}) {
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(TextOf(*entry), std::string(1000, 'x'));
    EXPECT_EQ(entry->expiry_ms(), later);
  }
  EXPECT_EQ(t.db().expiring_count(), 1u);
}

TEST(Database, SwapAndClearExchangeAndEmptyWholeDatabases) {
  TestingKeyspace t;
  for (int i = 0; i < 100; ++i) t.db().SetString(Key(std::to_string(i)), "v", t.keyspace.now_ms() + 1000);
  t.keyspace.SwapDatabases(0, 3);
  EXPECT_EQ(t.db().size(), 0u);
  EXPECT_EQ(t.keyspace.database(3).size(), 100u);
  EXPECT_EQ(t.keyspace.database(3).expiring_count(), 100u);
  t.keyspace.database(3).Clear(true);
  EXPECT_EQ(t.keyspace.database(3).size(), 0u);
  EXPECT_EQ(t.keyspace.database(3).expiring_count(), 0u);
}

TEST(Database, BehavesLikeAMapUnderRandomOperations) {
  const char* text = std::getenv("HEARTH_SEED");
  const uint64_t seed = text ? std::strtoull(text, nullptr, 10) : std::random_device{}();
  std::printf("HEARTH_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Prng random(seed);
  TestingKeyspace t(seed);
  struct Value {
    std::string text;
    int64_t expiry_ms;
  };
  std::map<std::string, Value> model;
  for (int step = 0; step < 100000; ++step) {
    const std::string name = "key:" + std::string(random.Below(30), 'p') + std::to_string(random.Below(50));
    const Key key(name);
    const int64_t expiry_ms =
        random.Below(2) ? t.keyspace.now_ms() + static_cast<int64_t>(random.Below(300)) : -1;
    switch (random.Below(6)) {
      case 0:
      case 1: {
        const std::string value =
            random.Below(3) ? std::string(random.Below(600), 'a') : std::to_string(random.Next());
        t.db().SetString(key, value, expiry_ms);
        model[name] = {value, expiry_ms};
        break;
      }
      case 2:
        EXPECT_EQ(t.db().Find(key) != nullptr && t.db().Remove(key), model.erase(name) == 1);
        break;
      case 3:
        if (t.db().Find(key) != nullptr) {
          t.db().SetExpiry(key, expiry_ms);
          model[name].expiry_ms = expiry_ms;
        }
        break;
      case 4: {
        t.keyspace.set_now_ms(t.keyspace.now_ms() + 1);
        std::erase_if(model, [&](const auto& item) {
          return item.second.expiry_ms >= 0 && item.second.expiry_ms < t.keyspace.now_ms();
        });
        break;
      }
      case 5: {
        const Entry* entry = t.db().Find(key);
        const auto found = model.find(name);
        ASSERT_EQ(entry != nullptr, found != model.end()) << name;
        if (entry != nullptr) {
          ASSERT_EQ(TextOf(*entry), found->second.text);
          ASSERT_EQ(entry->expiry_ms(), found->second.expiry_ms);
        }
        break;
      }
    }
  }
}

}  // namespace
}  // namespace hearth::keyspace
