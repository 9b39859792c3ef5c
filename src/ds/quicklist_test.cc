#include "ds/quicklist.h"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <vector>

#include "base/numbers.h"
#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::ds {
namespace {

std::deque<std::string> Forward(const Quicklist& list) {
  std::deque<std::string> elements;
  for (auto at = list.At(0); at.IsValid(); at.Next()) elements.push_back(at.Value().ToString());
  return elements;
}

std::deque<std::string> Backward(const Quicklist& list) {
  std::deque<std::string> elements;
  for (auto at = list.At(-1); at.IsValid(); at.Previous()) elements.push_front(at.Value().ToString());
  return elements;
}

// Sizes of the first nodes of a list of 3000 elements, from DUMPs of Redis 7.0.15.
TEST(Quicklist, FillsNodesAsRedisDoes) {
  struct Case {
    int16_t fill;
    std::vector<std::pair<size_t, uint32_t>> nodes;
  };
  const Case cases[] = {
      {-2, {{8166, 319}, {8182, 309}, {8152, 306}, {8147, 305}}},
      {-1, {{4086, 163}, {4087, 156}, {4072, 154}, {4088, 154}}},
      {-5, {{65526, 2483}, {13988, 517}}},
      {3, {{16, 3}, {25, 3}, {34, 3}}},
      {1, {{9, 1}, {10, 1}, {11, 1}}},
      {0, {{9, 1}, {10, 1}, {11, 1}}},
      {500, {{8166, 319}, {8182, 309}, {8152, 306}}},
  };
  for (const Case& c : cases) {
    Quicklist list(QuicklistLimits{.fill = c.fill});
    for (size_t i = 0; i < 3000; ++i) list.PushTail(std::string(i % 50, 'x'));
    const Quicklist::Node* node = list.FirstNode();
    for (const auto& [size, count] : c.nodes) {
      EXPECT_EQ(node->size, size) << c.fill;
      EXPECT_EQ(node->count, count) << c.fill;
      node = node->next;
    }
  }
}

TEST(Quicklist, AnElementLargerThanANodeStandsAlone) {
  Quicklist list;
  for (const auto& element : {std::string(9000, 'x'), std::string("a"), std::string("b"),
                              std::string(9000, 'y'), std::string(8100, 'z'), std::string("q")}) {
    list.PushTail(element);
  }
  std::vector<size_t> sizes;
  for (const auto* node = list.FirstNode(); node != nullptr; node = node->next) sizes.push_back(node->size);
  EXPECT_EQ(sizes, (std::vector<size_t>{9014, 13, 9014, 8117}));
}

TEST(Quicklist, LargeElementsGetPlainNodes) {
  Quicklist list(QuicklistLimits{.plain_bytes = 100});
  list.PushTail("a");
  list.PushTail(std::string(100, 'x'));
  list.PushTail("b");
  EXPECT_EQ(list.NodeCount(), 3u);
  EXPECT_TRUE(list.FirstNode()->next->is_plain);
  EXPECT_EQ(list.FirstNode()->next->Stored(), std::string(100, 'x'));
  EXPECT_EQ(Forward(list), (std::deque<std::string>{"a", std::string(100, 'x'), "b"}));
}

TEST(Quicklist, BecomesAListpackAndBack) {
  Listpack pack;
  pack.Append("a");
  pack.Append(int64_t{7});
  Quicklist list(std::move(pack), QuicklistLimits{});
  EXPECT_EQ(list.Length(), 2u);
  list.PushTail("c");
  std::optional<Listpack> taken = list.TakeSingleListpack();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->Length(), 3u);
  EXPECT_EQ(list.Length(), 0u);
  EXPECT_EQ(list.NodeCount(), 0u);
  for (int i = 0; i < 2000; ++i) list.PushHead("some element");
  EXPECT_FALSE(list.TakeSingleListpack().has_value());
  EXPECT_EQ(list.Length(), 2000u);
}

TEST(Quicklist, CompressesInnerNodesOnly) {
  Quicklist list(QuicklistLimits{.fill = -1, .compress_depth = 2});
  for (int i = 0; i < 5000; ++i) list.PushTail("element number " + ToString(i));
  size_t index = 0;
  for (const auto* node = list.FirstNode(); node != nullptr; node = node->next, ++index) {
    const bool at_end = index < 2 || index + 2 >= list.NodeCount();
    EXPECT_EQ(node->IsCompressed(), !at_end) << index;
  }
  EXPECT_LT(list.MemoryBytes(), size_t{5000} * 12);
  for (int i = 0; i < 5000; i += 37)
    EXPECT_EQ(list.At(i).Value().ToString(), "element number " + ToString(i));
  EXPECT_EQ(Forward(list), Backward(list));
}

TEST(Quicklist, FindsForwardAcrossNodes) {
  Quicklist list(QuicklistLimits{.fill = 4, .plain_bytes = 50});
  for (int i = 0; i < 100; ++i) list.PushTail(i == 50 ? std::string(60, 'p') : ToString(i));
  auto at = list.At(0);
  EXPECT_TRUE(at.FindForward("77"));
  EXPECT_EQ(at.Value().number, 77);
  EXPECT_FALSE(at.FindForward("76"));
  EXPECT_FALSE(at.IsValid());
  at = list.At(10);
  EXPECT_TRUE(at.FindForward(std::string(60, 'p')));
  at.Next();
  EXPECT_EQ(at.Value().number, 51);
}

TEST(Quicklist, ManySmallElementsAreCompact) {
  Quicklist list;
  constexpr int kCount = 1000000;
  for (int i = 0; i < kCount; ++i) list.PushTail(ToString(i % 100));
  EXPECT_EQ(list.Length(), static_cast<size_t>(kCount));
  EXPECT_LT(list.MemoryBytes(), size_t{kCount} * 21 / 10);
}

// Keeps the state that every node had at the cut.
class Recorder : public CutObserver {
 public:
  void CaptureNode(const Quicklist&, const QuicklistNode& node, uint8_t) override { Keep(node); }

  void Keep(const Quicklist::Node& node) {
    std::string bytes(node.size, '\0');
    node.CopyUncompressed(reinterpret_cast<uint8_t*>(bytes.data()));
    if (node.is_plain) {
      kept.insert(bytes);
      return;
    }
    const ListpackView view(reinterpret_cast<const uint8_t*>(bytes.data()));
    for (auto at = view.First(); at != ListpackView::kNone; at = view.Next(at))
      kept.insert(view.Get(at).ToString());
  }

  std::multiset<std::string> kept;
};

// Plays random changes on a quicklist and on a deque, which must stay equal.
class QuicklistModel {
 public:
  QuicklistModel(uint64_t seed, QuicklistLimits limits, const CutState* cuts = nullptr)
      : list(limits, cuts), prng_(seed) {}

  void Step() {
    if (model.empty() || prng_.Below(100) < 45) {
      const bool head = prng_.Below(2) == 0;
      const std::string element = Element();
      list.Push(head ? Quicklist::End::kHead : Quicklist::End::kTail, element);
      model.insert(head ? model.begin() : model.end(), element);
    } else if (prng_.Below(100) < 20) {
      Pop();
    } else {
      ChangeAt(prng_.Below(model.size()));
    }
  }

  void Check() {
    ASSERT_EQ(list.Length(), model.size());
    ASSERT_EQ(Forward(list), model);
    ASSERT_EQ(Backward(list), model);
    size_t count = 0;
    size_t nodes = 0;
    size_t bytes = sizeof(Quicklist);
    const auto* last = list.FirstNode();
    for (const auto* node = list.FirstNode(); node != nullptr; node = node->next, ++nodes) {
      count += node->count;
      bytes += sizeof(*node) + node->StoredBytes();
      last = node;
      ASSERT_GT(node->count, 0u);
      std::string raw(node->size, '\0');
      node->CopyUncompressed(reinterpret_cast<uint8_t*>(raw.data()));
      ASSERT_TRUE(node->is_plain || ValidateListpack(raw, true));
      const bool at_end =
          nodes < list.limits().compress_depth || nodes + list.limits().compress_depth >= list.NodeCount();
      ASSERT_FALSE(at_end && node->IsCompressed());
    }
    ASSERT_EQ(last, list.LastNode());
    ASSERT_EQ(count, model.size());
    ASSERT_EQ(nodes, list.NodeCount());
    ASSERT_EQ(bytes, list.MemoryBytes());
    ASSERT_FALSE(list.At(static_cast<int64_t>(model.size())).IsValid());
  }

  Quicklist list;
  std::deque<std::string> model;
  bool clones = true;  // a clone is a new list, with nothing that a cut would want

 private:
  std::string Element() {
    switch (prng_.Below(5)) {
      case 0:
        return ToString(static_cast<int64_t>(prng_.Next()) >> prng_.Below(64));
      case 1:
        return std::string(prng_.Below(prng_.Below(20) == 0 ? 9000 : 300),
                           static_cast<char>('a' + prng_.Below(26)));
      default:
        return "value:" + ToString(static_cast<int64_t>(prng_.Below(1000)));
    }
  }

  void Pop() {
    const bool head = prng_.Below(2) == 0;
    const auto popped = head ? list.PopHead() : list.PopTail();
    ASSERT_EQ(popped, head ? model.front() : model.back());
    model.erase(head ? model.begin() : model.end() - 1);
  }

  void ChangeAt(size_t index) {
    const auto place = model.begin() + static_cast<ptrdiff_t>(index);
    const int64_t seek =
        static_cast<int64_t>(index) - (prng_.Below(2) == 0 ? static_cast<int64_t>(model.size()) : 0);
    auto at = list.At(seek);
    ASSERT_TRUE(at.Equals(*place));
    const std::string element = Element();
    switch (prng_.Below(6)) {
      case 0:
        list.InsertBefore(at, element);
        model.insert(place, element);
        break;
      case 1:
        list.InsertAfter(at, element);
        model.insert(place + 1, element);
        break;
      case 2:
        list.Replace(at, element);
        *place = element;
        break;
      case 3:
        Delete(at, index);
        break;
      case 4: {
        const size_t count = prng_.Below(prng_.Below(10) == 0 ? 60 : 3);
        const size_t removed = std::min(count, model.size() - index);
        ASSERT_EQ(list.DeleteRange(seek, count), removed);
        model.erase(place, place + static_cast<ptrdiff_t>(removed));
        break;
      }
      default:
        if (clones && prng_.Below(20) == 0) list = list.Clone();
    }
  }

  void Delete(Quicklist::Iterator& at, size_t index) {
    const bool backward = prng_.Below(2) == 0;
    list.Delete(at, backward);
    model.erase(model.begin() + static_cast<ptrdiff_t>(index));
    const size_t expected = backward ? index - 1 : index;
    if (expected < model.size()) {
      ASSERT_TRUE(at.IsValid());
      ASSERT_EQ(at.Value().ToString(), model[expected]);
    } else {
      ASSERT_FALSE(at.IsValid());
    }
  }

  Prng prng_;
};

TEST(Quicklist, BehavesLikeADeque) {
  const uint64_t seed = TestSeed();
  const QuicklistLimits cases[] = {
      {},
      {.fill = 1},
      {.fill = 5, .plain_bytes = 200},
      {.fill = -1, .compress_depth = 1},
      {.fill = 4, .compress_depth = 1, .plain_bytes = 250},
      {.fill = 3, .compress_depth = 3},
  };
  for (const auto& limits : cases) {
    QuicklistModel model(seed, limits);
    for (int i = 0; i < 2500 && !testing::Test::HasFatalFailure(); ++i) {
      model.Step();
      model.Check();
    }
  }
}

TEST(Quicklist, ACutCapturesEveryNodeBeforeItChanges) {
  Prng prng(TestSeed());
  for (int round = 0; round < 60; ++round) {
    QuicklistLimits limits{.fill = 6, .compress_depth = static_cast<uint16_t>(round % 3), .plain_bytes = 250};
    Recorder recorder;
    CutState cuts{.observer = &recorder};
    QuicklistModel model(prng.Next(), limits, &cuts);
    for (int i = 0; i < 300; ++i) model.Step();
    const std::multiset<std::string> at_cut(model.model.begin(), model.model.end());
    cuts.captured = cuts.active = 1;
    model.clones = false;
    for (int i = 0; i < 200; ++i) model.Step();
    for (auto* node = model.list.FirstNode(); node != nullptr; node = node->next)
      model.list.Capture(*node, 1);
    ASSERT_EQ(recorder.kept, at_cut);
  }
}

}  // namespace
}  // namespace hearth::ds
