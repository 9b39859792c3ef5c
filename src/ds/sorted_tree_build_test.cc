#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"
#include "ds/sorted_tree.h"

namespace hearth::ds {
namespace {

class SortedTreeFillTest : public testing::Test {
 protected:
  ~SortedTreeFillTest() override {
    for (ScoredMember* item : items_) ScoredMember::Free(item);
  }
  void MakeItems(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      items_.push_back(ScoredMember::New("m" + std::to_string(i), static_cast<double>(i)));
    }
  }

  std::vector<ScoredMember*> items_;
};

TEST_F(SortedTreeFillTest, TreesOfEverySizeAreSound) {
  MakeItems(40000);
  for (const size_t size : {0, 1, 2, 33, 34, 66, 67, 890, 891, 892, 1000, 24057, 24058, 40000}) {
    SortedTree tree;
    tree.Fill(std::span(items_).first(size));
    ASSERT_TRUE(tree.IsSound()) << size;
    EXPECT_EQ(tree.size(), size);
    for (size_t rank = 0; rank < size; rank += 1 + size / 50) {
      EXPECT_EQ(&tree.At(rank).member(), items_[rank]);
      EXPECT_EQ(tree.RankOf(*items_[rank]), rank);
    }
  }
}

TEST_F(SortedTreeFillTest, AFilledTreeLivesOn) {
  MakeItems(3000);
  Prng random(TestSeed());
  SortedTree tree;
  tree.Fill(items_);
  for (int i = 0; i < 5000; ++i) {
    ScoredMember* item = items_[random.Below(items_.size())];
    if (random.Below(2) == 0) {
      tree.ChangeScore(item, static_cast<double>(random.Below(3000)));
    } else {
      tree.Erase(item);
      tree.Insert(item);
    }
  }
  EXPECT_TRUE(tree.IsSound());
  for (ScoredMember* item : items_) tree.Erase(item);
  EXPECT_TRUE(tree.IsSound());
}

}  // namespace
}  // namespace hearth::ds
