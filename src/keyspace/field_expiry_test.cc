// Fields that expire, through the doors of Database: in all encodings, for readers, writers and the index.
#include "keyspace/field_expiry.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/test_seed.h"
#include "keyspace/container.h"
#include "keyspace/hash_value.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

using Lines = std::vector<std::string>;

// Runs each test with small hashes (0) and with tables (1).
class FieldExpiryTest : public testing::TestWithParam<bool> {
 protected:
  FieldExpiryTest() {
    if (GetParam()) t_.settings.hash_max_listpack_entries = 0;
  }
  Database& db() { return t_.db(); }
  int64_t now() { return t_.keyspace.now_ms(); }
  void Advance(int64_t ms) { t_.keyspace.set_now_ms(now() + ms); }
  const Entry* Find(std::string_view key = "h") { return db().Find(Key(key)); }
  WriteHandle Open() {
    WriteHandle handle = db().FindForWrite(key_);
    return handle ? std::move(handle) : HashValue::Create(db(), key_, {});
  }
  bool Set(std::string_view field, int64_t expiry_ms = kNoFieldExpiry) {
    WriteHandle handle = Open();
    return HashValue(handle).Set(field, "value", expiry_ms);
  }
  bool SetExpiry(std::string_view field, int64_t expiry_ms) {
    WriteHandle handle = Open();
    return HashValue(handle).SetExpiry(field, expiry_ms);
  }
  std::set<std::string> Fields(std::string_view key = "h") {
    std::set<std::string> fields;
    if (const Entry* entry = Find(key)) {
      HashReader(*entry, t_.keyspace).ForEach([&](const Element& field, const Element&) {
        fields.insert(field.ToString());
      });
    }
    return fields;
  }
  std::map<std::string, int64_t> Expiries(const Entry& entry) {
    std::map<std::string, int64_t> expiries;
    HashReader::OfAllFields(entry).ForEachWithExpiry(
        [&](const Element& field, const Element&, int64_t expiry_ms) {
          expiries[field.ToString()] = expiry_ms;
        });
    return expiries;
  }

  TestingKeyspace t_;
  const Key key_{"h"};
};

INSTANTIATE_TEST_SUITE_P(Encodings, FieldExpiryTest, testing::Values(false, true));

TEST_P(FieldExpiryTest, TheFirstExpiryMakesTriplesOfPairs) {
  Set("a");
  SetExpiry("a", kNoFieldExpiry);
  EXPECT_EQ(EncodingName(Find()->encoding()), GetParam() ? "hashtable" : "listpack");
  SetExpiry("a", now() + 5);
  EXPECT_EQ(EncodingName(Find()->encoding()), GetParam() ? "hashtable" : "listpackex");
  SetExpiry("a", kNoFieldExpiry);
  EXPECT_EQ(EncodingName(Find()->encoding()), GetParam() ? "hashtable" : "listpackex");
}

TEST_P(FieldExpiryTest, TheIndexFollowsEveryChange) {
  EXPECT_EQ(db().field_expiring_count(), 0u);
  Set("a", now() + 10);
  Set("b");
  EXPECT_EQ(db().field_expiring_count(), 1u);
  Set("a");
  EXPECT_EQ(db().field_expiring_count(), 0u);
  SetExpiry("b", now() + 10);
  EXPECT_EQ(db().field_expiring_count(), 1u);
  db().SetExpiry(key_, now() + 1000);
  db().SetExpiry(key_, Database::kNoExpiry);
  EXPECT_EQ(db().field_expiring_count(), 1u);
  db().Copy(key_, db(), Key("copy"));
  EXPECT_EQ(db().field_expiring_count(), 2u);
  db().Move(Key("copy"), t_.keyspace.database(1), Key("moved"));
  EXPECT_EQ(db().field_expiring_count(), 1u);
  EXPECT_EQ(t_.keyspace.database(1).field_expiring_count(), 1u);
  t_.keyspace.SwapDatabases(1, 2);
  EXPECT_EQ(t_.keyspace.database(1).field_expiring_count(), 0u);
  EXPECT_EQ(t_.keyspace.database(2).field_expiring_count(), 1u);
  t_.keyspace.database(2).Clear(true);
  EXPECT_EQ(t_.keyspace.database(2).field_expiring_count(), 0u);
  db().SetString(key_, "text");
  EXPECT_EQ(db().field_expiring_count(), 0u);
  db().Remove(key_);
  Set("a", now() + 10);
  db().Remove(key_);
  EXPECT_EQ(db().field_expiring_count(), 0u);
  Set("a", now() + 10);
  db().Evict(key_);
  EXPECT_EQ(db().field_expiring_count(), 0u);
}

TEST_P(FieldExpiryTest, WhoeverLooksRemovesWhatHasExpired) {
  Set("a", now() + 5);
  Set("b", now() + 20);
  Set("c");
  Advance(5);
  EXPECT_EQ(Fields(), (std::set<std::string>{"a", "b", "c"}));
  t_.observer.Take();
  Advance(1);
  const uint64_t changes = t_.keyspace.change_count();
  EXPECT_EQ(Fields(), (std::set<std::string>{"b", "c"}));
  EXPECT_EQ(t_.observer.Take(), (Lines{"changed 0 h", "field a expired 0 h"}));
  EXPECT_EQ(t_.keyspace.change_count(), changes);
  EXPECT_EQ(ContainerSize(*Find()), 2u);
  EXPECT_EQ(t_.keyspace.stats().expired_subkeys, 1u);
  EXPECT_EQ(db().field_expiring_count(), 1u);
}

TEST_P(FieldExpiryTest, TheKeyGoesWithItsLastField) {
  Set("a", now() + 5);
  Set("b", now() + 6);
  Advance(10);
  t_.observer.Take();
  EXPECT_FALSE(db().FindForWrite(key_));
  EXPECT_EQ(t_.observer.Take(),
            (Lines{"changed 0 h", "field a expired 0 h", "field b expired 0 h", "emptied 0 h"}));
  EXPECT_EQ(db().size(), 0u);
  EXPECT_EQ(db().field_expiring_count(), 0u);
}

TEST_P(FieldExpiryTest, AReplicaHidesFieldsUntilItsPrimaryRemovesThem) {
  Prng random(TestSeed());
  Set("a", now() + 5);
  Set("b");
  t_.keyspace.set_expired_keys(ExpiredKeys::kHide);
  Advance(10);
  t_.observer.Take();
  EXPECT_EQ(Fields(), (std::set<std::string>{"b"}));
  const HashReader hidden(*Find(), t_.keyspace);
  EXPECT_EQ(hidden.Length(), 1u);
  EXPECT_FALSE(hidden.Has("a"));
  EXPECT_FALSE(hidden.ExpiryOf("a"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(hidden.RandomPair(random)->field.ToString(), "b");
  hidden.DrawPairs(random, 20, [](const HashReader::Pair& pair) {
    EXPECT_EQ(pair.field.ToString(), "b");
    return true;
  });
  EXPECT_EQ(ContainerSize(*Find()), 2u);
  t_.keyspace.set_expired_keys(ExpiredKeys::kIgnore);
  EXPECT_EQ(Fields(), (std::set<std::string>{"a", "b"}));
  EXPECT_TRUE(t_.observer.Take().empty());
}

TEST_P(FieldExpiryTest, AHiddenFieldIsAbsentForWritersToo) {
  Set("a", now() + 5);
  Set("b", now() + 5);
  Set("c");
  t_.keyspace.set_expired_keys(ExpiredKeys::kHide);
  Advance(10);
  WriteHandle handle = Open();
  HashValue hash(handle);
  EXPECT_FALSE(hash.Erase("a"));
  EXPECT_FALSE(hash.SetExpiry("a", now() + 100));
  EXPECT_TRUE(hash.Set("a", "new", kKeepFieldExpiry));
  EXPECT_TRUE(hash.Set("b", "new"));
  EXPECT_FALSE(hash.Set("b", "newer"));
  EXPECT_EQ(*HashReader(*handle, t_.keyspace).ExpiryOf("a"), kNoFieldExpiry);
}

TEST_P(FieldExpiryTest, AWaveIsHiddenAndLeftToTheCycle) {
  t_.settings.hash_max_listpack_entries *= 2;
  for (int i = 0; i < 100; ++i) Set(std::to_string(i), now() + 5);
  Set("stays");
  Advance(10);
  EXPECT_EQ(Fields(), std::set<std::string>{"stays"});
  EXPECT_EQ(t_.keyspace.stats().expired_subkeys, 0u);
  EXPECT_EQ(db().ExpireFieldsOfFirst(60), 60u);
  // What is left now is little enough for the next one to look.
  EXPECT_EQ(Fields(), std::set<std::string>{"stays"});
  EXPECT_EQ(t_.keyspace.stats().expired_subkeys, 100u);
  EXPECT_EQ(db().ExpireFieldsOfFirst(60), 0u);
}

TEST_P(FieldExpiryTest, ExpiriesOutliveCopiesMovesAndTheLimitsOfAListpack) {
  Set("a", now() + 5);
  Set("b", now() + 3);
  Set("c");
  const auto expected = Expiries(*Find());
  db().Copy(key_, db(), Key("copy"));
  EXPECT_EQ(Expiries(*Find("copy")), expected);
  db().Move(Key("copy"), db(), Key("moved"));
  EXPECT_EQ(Expiries(*Find("moved")), expected);
  {
    WriteHandle handle = Open();
    HashValue(handle).Set("d", std::string(100, 'x'));
    HashValue(handle).Erase("d");
  }
  EXPECT_EQ(Find()->encoding(), Encoding::kHashTable);
  EXPECT_EQ(Expiries(*Find()), expected);
  Advance(10);
  EXPECT_EQ(Fields(), std::set<std::string>{"c"});
  EXPECT_EQ(Fields("moved"), std::set<std::string>{"c"});
}

TEST_P(FieldExpiryTest, DoesWhatAMapOfTimesDoes) {
  Prng random(TestSeed());
  if (!GetParam()) t_.settings.hash_max_listpack_entries = 30;
  std::map<std::string, int64_t> model;
  for (int i = 0; i < 5000; ++i) {
    Advance(static_cast<int64_t>(random.Below(3)));
    std::erase_if(model,
                  [&](const auto& field) { return field.second != kNoFieldExpiry && field.second < now(); });
    const std::string field = std::to_string(random.Below(40));
    const int64_t at_ms = now() + 1 + static_cast<int64_t>(random.Below(60));
    switch (random.Below(5)) {
      case 0:
        EXPECT_EQ(Set(field), !model.contains(field));
        model[field] = kNoFieldExpiry;
        break;
      case 1:
        EXPECT_EQ(Set(field, kKeepFieldExpiry), !model.contains(field));
        model.emplace(field, kNoFieldExpiry);
        break;
      case 2:
        EXPECT_EQ(Set(field, at_ms), !model.contains(field));
        model[field] = at_ms;
        break;
      case 3:
        if (Find() == nullptr) break;
        EXPECT_EQ(SetExpiry(field, at_ms), model.contains(field));
        if (model.contains(field)) model[field] = at_ms;
        break;
      default:
        if (WriteHandle handle = db().FindForWrite(key_)) {
          EXPECT_EQ(HashValue(handle).Erase(field), model.erase(field) == 1);
        }
    }
    const Entry* entry = Find();
    ASSERT_EQ(entry == nullptr, model.empty());
    if (entry != nullptr) {
      ASSERT_EQ(Expiries(*entry), model);
    }
    ASSERT_EQ(db().field_expiring_count(),
              std::ranges::any_of(model, [](const auto& f) { return f.second != kNoFieldExpiry; }) ? 1u : 0u);
  }
}

TEST(ExpiringPack, TriplesStandInTheOrderOfTheirExpiry) {
  ds::Listpack pack;
  expiring_pack::Insert(pack, "none", "1", kNoFieldExpiry);
  expiring_pack::Insert(pack, "late", "2", 300);
  expiring_pack::Insert(pack, "7", "x", 100);
  expiring_pack::Insert(pack, "same", "4", 300);
  expiring_pack::Insert(pack, "none too", "5", kNoFieldExpiry);
  expiring_pack::SetExpiry(pack, expiring_pack::Find(pack.View(), "late"), 50);
  expiring_pack::SetExpiry(pack, expiring_pack::Find(pack.View(), "7"), kNoFieldExpiry);
  std::vector<std::string> elements;
  for (auto at = pack.View().First(); at != ds::ListpackView::kNone; at = pack.View().Next(at)) {
    elements.push_back(pack.View().Get(at).ToString());
  }
  EXPECT_EQ(elements, (Lines{"late", "2", "50", "same", "4", "300", "none", "1", "0", "none too", "5", "0",
                             "7", "x", "0"}));
  EXPECT_TRUE(ds::ValidateListpack(pack.View().Raw(), true));
  EXPECT_EQ(expiring_pack::NextExpiry(pack.View()), 50);
  EXPECT_EQ(expiring_pack::TakeExpiring(pack, 300, 10), Lines{"late"});
  EXPECT_EQ(expiring_pack::TakeExpiring(pack, 301, 10), Lines{"same"});
  EXPECT_EQ(expiring_pack::NextExpiry(pack.View()), kNeverMs);
}

}  // namespace
}  // namespace hearth::keyspace
