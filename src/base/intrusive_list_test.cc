#include "base/intrusive_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace hearth {
namespace {

struct ByAge;
struct Item : ListHook<>, ListHook<ByAge> {
  explicit Item(int n) : number(n) {}
  int number;
};

template <typename List>
std::vector<int> Numbers(List& list) {
  std::vector<int> numbers;
  for (Item& item : list) numbers.push_back(item.number);
  return numbers;
}

TEST(IntrusiveList, KeepsOrderAndUnlinksByElement) {
  IntrusiveList<Item> list;
  Item a(1), b(2), c(3), d(4);
  list.PushBack(a);
  list.PushBack(c);
  list.InsertBefore(c, b);
  list.PushFront(d);
  EXPECT_EQ(Numbers(list), (std::vector{4, 1, 2, 3}));
  IntrusiveList<Item>::Unlink(b);
  EXPECT_EQ(Numbers(list), (std::vector{4, 1, 3}));
  EXPECT_EQ(list.Front()->number, 4);
  EXPECT_EQ(list.Back()->number, 3);
  EXPECT_EQ(list.PopFront()->number, 4);
  list.Clear();
  EXPECT_TRUE(list.IsEmpty());
  EXPECT_EQ(list.Front(), nullptr);
  EXPECT_EQ(list.PopFront(), nullptr);
}

TEST(IntrusiveList, AnElementCanBeInOneListPerTag) {
  IntrusiveList<Item> list;
  IntrusiveList<Item, ByAge> by_age;
  Item a(1), b(2);
  list.PushBack(a);
  list.PushBack(b);
  by_age.PushBack(b);
  by_age.PushBack(a);
  IntrusiveList<Item>::Unlink(a);
  EXPECT_EQ(Numbers(list), (std::vector{2}));
  EXPECT_EQ(Numbers(by_age), (std::vector{2, 1}));
}

TEST(IntrusiveList, ElementsLeaveWhenTheyAreDestroyed) {
  IntrusiveList<Item> list;
  Item a(1);
  list.PushBack(a);
  {
    Item b(2);
    list.PushBack(b);
  }
  EXPECT_EQ(Numbers(list), (std::vector{1}));
}

}  // namespace
}  // namespace hearth
