#include "engine/tracked_keys.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/test_seed.h"

namespace hearth::engine {
namespace {

using Ids = std::vector<uint64_t>;

TEST(TrackedKeys, GivesEachClientOnceAndThenForgetsTheKey) {
  TrackedKeys keys;
  keys.Add("a", 7);
  keys.Add("a", 3);
  keys.Add("a", 7);
  keys.Add("b", 3);
  EXPECT_EQ(keys.key_count(), 2u);
  EXPECT_EQ(keys.item_count(), 3u);
  EXPECT_EQ(keys.Take("a"), Ids({3, 7}));
  EXPECT_EQ(keys.Take("a"), Ids());
  EXPECT_EQ(keys.key_count(), 1u);
  EXPECT_EQ(keys.item_count(), 1u);
}

TEST(TrackedKeys, KeysAreAnyBytes) {
  TrackedKeys keys;
  const std::string with_zero("a\0b", 3);
  keys.Add(with_zero, 1);
  keys.Add("", 2);
  EXPECT_EQ(keys.Take("a"), Ids());
  EXPECT_EQ(keys.Take(with_zero), Ids({1}));
  EXPECT_EQ(keys.Take(""), Ids({2}));
}

TEST(TrackedKeys, ClearingForgetsAllAtOnceAndFreesItInPieces) {
  TrackedKeys keys;
  for (int i = 0; i < 5000; ++i) keys.Add("key" + std::to_string(i), 1);
  keys.Clear();
  EXPECT_EQ(keys.key_count(), 0u);
  EXPECT_EQ(keys.item_count(), 0u);
  EXPECT_EQ(keys.Take("key1"), Ids());
  keys.FreeSome();
  keys.Add("key1", 2);
  keys.Clear();
  for (int i = 0; i < 10; ++i) keys.FreeSome();
  keys.Add("key1", 3);
  EXPECT_EQ(keys.Take("key1"), Ids({3}));
}

TEST(TrackedKeys, BehavesLikeAMapOfSets) {
  const uint64_t seed = TestSeed();
  Prng random(seed);
  TrackedKeys keys;
  std::map<std::string, std::set<uint64_t>> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::string key = std::to_string(random.Below(300));
    const uint64_t what = random.Below(100);
    if (what < 70) {
      const uint64_t id = random.Below(20) + 1;
      keys.Add(key, id);
      model[key].insert(id);
    } else if (what < 99) {
      const Ids taken = keys.Take(key);
      EXPECT_EQ(std::set<uint64_t>(taken.begin(), taken.end()), model[key]) << "seed " << seed;
      model.erase(key);
    } else {
      keys.Clear();
      keys.FreeSome();
      model.clear();
    }
    size_t items = 0;
    for (const auto& [name, ids] : model) items += ids.size();
    ASSERT_EQ(keys.item_count(), items) << "seed " << seed;
    if (keys.key_count() != 0) {
      ASSERT_TRUE(model.contains(std::string(keys.Random(random)))) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace hearth::engine
