#include "keyspace/hash_value.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/test_seed.h"
#include "keyspace/container.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

class HashValueTest : public testing::Test {
 protected:
  const Entry* Find() { return keyspace_.db().Find(key_); }
  WriteHandle Open(std::span<const std::string_view> pairs = {}) {
    WriteHandle handle = keyspace_.db().FindForWrite(key_);
    return handle ? std::move(handle) : HashValue::Create(keyspace_.db(), key_, pairs);
  }
  bool Set(std::string_view field, std::string_view value) {
    const std::string_view pair[] = {field, value};
    WriteHandle handle = Open(pair);
    return HashValue(handle).Set(field, value);
  }
  bool Erase(std::string_view field) {
    WriteHandle handle = keyspace_.db().FindForWrite(key_);
    return handle && HashValue(handle).Erase(field);
  }
  std::map<std::string, std::string> Content() {
    std::map<std::string, std::string> content;
    if (const Entry* entry = Find()) {
      HashReader(*entry, keyspace_.keyspace).ForEach([&](const Element& field, const Element& value) {
        EXPECT_TRUE(content.emplace(field.ToString(), value.ToString()).second);
      });
    }
    return content;
  }

  TestingKeyspace keyspace_;
  const Key key_{"hash"};
};

TEST_F(HashValueTest, StaysAListpackUpToTheLimits) {
  keyspace_.settings.hash_max_listpack_entries = 3;
  keyspace_.settings.hash_max_listpack_value = 5;
  EXPECT_TRUE(Set("a", "12345"));
  EXPECT_TRUE(Set("b", "2"));
  EXPECT_TRUE(Set("c", "3"));
  EXPECT_FALSE(Set("c", "4"));
  EXPECT_EQ(Find()->encoding(), Encoding::kListpack);
  EXPECT_TRUE(Set("d", "5"));
  EXPECT_EQ(Find()->encoding(), Encoding::kHashTable);
  EXPECT_EQ(Content(),
            (std::map<std::string, std::string>{{"a", "12345"}, {"b", "2"}, {"c", "4"}, {"d", "5"}}));
}

TEST_F(HashValueTest, BecomesATableForOneLongText) {
  keyspace_.settings.hash_max_listpack_value = 5;
  Set("a", "1");
  Set("a", "123456");
  EXPECT_EQ(Find()->encoding(), Encoding::kHashTable);
  EXPECT_EQ(HashReader(*Find(), keyspace_.keyspace).Get("a")->ToString(), "123456");
}

TEST_F(HashValueTest, PreparesForSeveralPairsAtOnce) {
  keyspace_.settings.hash_max_listpack_value = 5;
  Set("a", "1");
  {
    WriteHandle handle = Open();
    const std::string_view pairs[] = {"b", "2", "long field", "3"};
    HashValue(handle).PrepareFor(pairs);
  }
  EXPECT_EQ(Find()->encoding(), Encoding::kHashTable);
  EXPECT_EQ(HashReader(*Find(), keyspace_.keyspace).Length(), 1u);
}

TEST_F(HashValueTest, LosesItsKeyWithItsLastField) {
  Set("a", "1");
  keyspace_.observer.Take();
  EXPECT_FALSE(Erase("b"));
  EXPECT_TRUE(keyspace_.observer.Take().empty());
  EXPECT_TRUE(Erase("a"));
  EXPECT_EQ(Find(), nullptr);
  EXPECT_EQ(keyspace_.observer.Take(), (std::vector<std::string>{"changed 0 hash", "emptied 0 hash"}));
}

TEST_F(HashValueTest, CountsOneChangeForEachFieldSet) {
  const uint64_t before = keyspace_.keyspace.change_count();
  {
    WriteHandle handle = Open();
    HashValue hash(handle);
    hash.Set("a", "1");
    hash.Set("b", "2");
  }
  EXPECT_EQ(keyspace_.keyspace.change_count() - before, 2u);
  Set("a", "3");
  EXPECT_EQ(keyspace_.keyspace.change_count() - before, 3u);
}

TEST_F(HashValueTest, DoesWhatAMapDoesInBothEncodings) {
  Prng random(TestSeed());
  keyspace_.settings.hash_max_listpack_entries = 30;
  std::map<std::string, std::string> model;
  for (int i = 0; i < 5000; ++i) {
    const std::string field = std::to_string(random.Below(60));
    if (random.Below(5) < 2) {
      EXPECT_EQ(Erase(field), model.erase(field) == 1);
    } else {
      const std::string value =
          random.Below(2) == 0 ? std::to_string(random.Next() >> random.Below(64)) : "x" + field;
      EXPECT_EQ(Set(field, value), model.insert_or_assign(field, value).second);
    }
    ASSERT_EQ(Find() == nullptr ? 0 : ContainerSize(*Find()), model.size());
  }
  EXPECT_EQ(Content(), model);
}

TEST_F(HashValueTest, DrawsEveryFieldAndNoneTwiceWhenDistinct) {
  Prng random(TestSeed());
  for (int limit : {512, 0}) {
    keyspace_.settings.hash_max_listpack_entries = limit;
    keyspace_.db().Remove(key_);
    for (int i = 0; i < 20; ++i) Set(std::to_string(i), "v" + std::to_string(i));
    const HashReader hash(*Find(), keyspace_.keyspace);
    std::set<std::string> met;
    for (int i = 0; i < 300; ++i) {
      std::set<std::string> drawn;
      hash.DrawDistinctPairs(random, 7, [&](const HashReader::Pair& pair) {
        EXPECT_EQ("v" + pair.field.ToString(), pair.value.ToString());
        drawn.insert(pair.field.ToString());
      });
      EXPECT_EQ(drawn.size(), 7u);
      met.merge(drawn);
    }
    EXPECT_EQ(met.size(), 20u);
    std::set<std::string> repeated;
    int draws = 0;
    hash.DrawPairs(random, 1000, [&](const HashReader::Pair& pair) {
      repeated.insert(pair.field.ToString());
      return ++draws < 900;
    });
    EXPECT_EQ(draws, 900);
    EXPECT_EQ(repeated.size(), 20u);
    EXPECT_TRUE(hash.Has(hash.RandomPair(random)->field.ToString()));
  }
}

TEST_F(HashValueTest, CopiesAreDeep) {
  for (int limit : {512, 0}) {
    keyspace_.settings.hash_max_listpack_entries = limit;
    keyspace_.db().Remove(key_);
    keyspace_.db().Remove(Key("copy"));
    Set("a", "1");
    keyspace_.db().Copy(key_, keyspace_.db(), Key("copy"));
    Set("a", "2");
    const Entry* copy = keyspace_.db().Find(Key("copy"));
    EXPECT_EQ(copy->encoding(), Find()->encoding());
    EXPECT_EQ(HashReader(*copy, keyspace_.keyspace).Get("a")->ToString(), "1");
    EXPECT_GT(ValueBytes(*copy, 5), 0u);
  }
}

}  // namespace
}  // namespace hearth::keyspace
