#include "ds/sorted_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::ds {
namespace {

using Pair = std::pair<double, std::string>;

// A tree with its members, and beside it a sorted vector's worth of truth.
class Model {
 public:
  ~Model() {
    for (auto& [name, member] : members_) ScoredMember::Free(member);
  }
  void Set(const std::string& name, double score) {
    auto& member = members_[name];
    if (member == nullptr) {
      member = ScoredMember::New(name, score);
      tree.Insert(member);
    } else {
      pairs.erase({member->score(), name});
      tree.ChangeScore(member, score);
    }
    pairs.insert({score, name});
  }
  void Erase(const std::string& name) {
    const auto at = members_.find(name);
    if (at == members_.end()) return;
    tree.Erase(at->second);
    pairs.erase({at->second->score(), name});
    ScoredMember::Free(at->second);
    members_.erase(at);
  }
  const ScoredMember& member(const std::string& name) const { return *members_.at(name); }
  void Check() const {
    ASSERT_TRUE(tree.IsSound());
    ASSERT_EQ(tree.size(), pairs.size());
    size_t rank = 0;
    auto cursor = tree.At(0);
    for (const auto& [score, name] : pairs) {
      ASSERT_EQ(cursor.member().member(), name);
      ASSERT_EQ(cursor.member().score(), score);
      ASSERT_EQ(tree.RankOf(member(name)), rank);
      ASSERT_EQ(tree.At(rank).member().member(), name);
      cursor.Next();
      ++rank;
    }
    ASSERT_FALSE(cursor.IsValid());
    ASSERT_FALSE(tree.At(rank).IsValid());
  }

  SortedTree tree;
  std::set<Pair> pairs;

 private:
  std::map<std::string, ScoredMember*> members_;
};

size_t Below(const SortedTree& tree, double limit) {
  return tree.CountBefore([&](double score, const ScoredMember*) { return score < limit; });
}

TEST(SortedTree, BehavesAsAnOrderedSetOfPairs) {
  Prng random(TestSeed());
  for (const uint64_t names : {40u, 400u, 6000u}) {
    Model model;
    for (int step = 0; step < 20000; ++step) {
      const std::string name = std::to_string(random.Below(names));
      // The first half grows, the second shrinks.
      if (random.Below(10) < (step < 10000 ? 7u : 3u)) {
        model.Set(name, static_cast<double>(random.Below(names / 4)));
      } else {
        model.Erase(name);
      }
      if (step % 997 == 0) model.Check();
    }
    model.Check();
    for (uint64_t limit = 0; limit < names / 4; limit += 7) {
      const auto bound = static_cast<double>(limit);
      EXPECT_EQ(Below(model.tree, bound), static_cast<size_t>(std::distance(
                                              model.pairs.begin(), model.pairs.lower_bound({bound, ""}))));
    }
    while (!model.pairs.empty()) model.Erase(model.pairs.begin()->second);
    model.Check();
  }
}

TEST(SortedTree, MembersThatComeInOrderFillTheirLeaves) {
  Model up;
  Model down;
  for (int i = 0; i < 50000; ++i) {
    up.Set(std::to_string(i), i);
    down.Set(std::to_string(i), -i);
  }
  EXPECT_TRUE(up.tree.IsSound());
  EXPECT_TRUE(down.tree.IsSound());
  EXPECT_LT(up.tree.leaf_count(), 50000u / (SortedTree::kLeafSlots - 2));
  EXPECT_LT(down.tree.leaf_count(), 50000u / (SortedTree::kLeafSlots - 2));
}

TEST(SortedTree, GivesUpItsNodesAsItShrinks) {
  Prng random(TestSeed());
  Model model;
  std::vector<std::string> names;
  for (int i = 0; i < 30000; ++i) {
    names.push_back(std::to_string(i));
    model.Set(names.back(), static_cast<double>(random.Below(1000)));
  }
  for (size_t i = names.size(); i > 1; --i) std::swap(names[i - 1], names[random.Below(i)]);
  while (names.size() > 300) {
    model.Erase(names.back());
    names.pop_back();
  }
  model.Check();
  EXPECT_LT(model.tree.leaf_count(), 300u / 4);
}

TEST(SortedTree, WalksBackwards) {
  Model model;
  for (int i = 0; i < 1000; ++i) model.Set(std::to_string(i), i);
  int expected = 999;
  for (auto at = model.tree.At(999); at.IsValid(); at.Previous()) {
    EXPECT_EQ(at.member().score(), expected--);
  }
  EXPECT_EQ(expected, -1);
}

TEST(SortedTree, KeepsLongMembersAndInfiniteScores) {
  Model model;
  model.Set(std::string(300, 'x'), 1);
  model.Set(std::string(254, 'y'), 1);
  model.Set(std::string(255, 'z'), -std::numeric_limits<double>::infinity());
  model.Set("", std::numeric_limits<double>::infinity());
  model.Check();
  EXPECT_EQ(Below(model.tree, 1), 1u);
}

}  // namespace
}  // namespace hearth::ds
