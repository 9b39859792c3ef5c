#include "ds/ordered_index.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::ds {
namespace {

struct Item {
  StreamId id;
};
using Model = std::map<StreamId, Item*>;

void CheckOrder(const IdMap<Item>& index, const Model& model) {
  ASSERT_EQ(index.size(), model.size());
  auto at = index.First();
  for (const auto& [id, item] : model) {
    ASSERT_TRUE(at);
    ASSERT_EQ(index.IdAt(at), id);
    ASSERT_EQ(&index.ValueAt(at), item);
    at = index.Next(at);
  }
  ASSERT_FALSE(at);
  at = index.Last();
  for (auto last = model.rbegin(); last != model.rend(); ++last) {
    ASSERT_EQ(index.IdAt(at), last->first);
    at = index.Previous(at);
  }
  ASSERT_FALSE(at);
}

void CheckSeeks(const IdMap<Item>& index, const Model& model, StreamId id) {
  const auto lower = model.lower_bound(id);
  const auto found = index.LowerBound(id);
  ASSERT_EQ(static_cast<bool>(found), lower != model.end());
  if (found) {
    ASSERT_EQ(index.IdAt(found), lower->first);
  }
  const auto above = model.upper_bound(id);
  const auto floor = index.Floor(id);
  ASSERT_EQ(static_cast<bool>(floor), above != model.begin());
  if (floor) {
    ASSERT_EQ(index.IdAt(floor), std::prev(above)->first);
  }
  ASSERT_EQ(index.Get(id) != nullptr, model.contains(id));
}

TEST(OrderedIndex, BehavesAsAMapUnderRandomChanges) {
  Prng random(TestSeed());
  for (int round = 0; round < 20; ++round) {
    IdMap<Item> index;
    Model model;
    std::vector<std::unique_ptr<Item>> items;
    const uint64_t span = 10 + random.Below(5000);
    uint64_t inserts_of_ten = 5;
    for (int step = 0; step < 6000; ++step) {
      // Phases of growth and of shrinking, so that levels come and go.
      if (step % 1000 == 0) inserts_of_ten = 1 + random.Below(9);
      const StreamId id{random.Below(span), random.Below(2)};
      if (random.Below(10) < inserts_of_ten) {
        if (model.contains(id)) continue;
        items.push_back(std::make_unique<Item>(Item{id}));
        index.Insert(id, items.back().get());
        model[id] = items.back().get();
      } else {
        const auto at = model.lower_bound(id);
        const StreamId gone = at == model.end() ? id : at->first;
        ASSERT_EQ(index.Erase(gone) != nullptr, model.erase(gone) == 1);
      }
      CheckSeeks(index, model, {random.Below(span), random.Below(2)});
      if (step % 500 == 0) CheckOrder(index, model);
    }
    CheckOrder(index, model);
    while (!model.empty()) {
      const StreamId id = random.Below(2) == 0 ? model.begin()->first : model.rbegin()->first;
      ASSERT_NE(index.Erase(id), nullptr);
      model.erase(id);
    }
    CheckOrder(index, model);
    EXPECT_EQ(index.node_count(), 0u);
  }
}

TEST(OrderedIndex, AppendedIdsFillTheirNodes) {
  IdMap<Item> index;
  Item item;
  for (uint64_t i = 0; i < 100'000; ++i) index.Insert({i, 0}, &item);
  EXPECT_LT(index.MemoryBytes(), 100'000u * 28);
  for (uint64_t i = 0; i < 100'000; ++i) ASSERT_EQ(index.Erase({i, 0}), &item);
  EXPECT_EQ(index.node_count(), 0u);
}

}  // namespace
}  // namespace hearth::ds
