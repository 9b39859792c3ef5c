// SortedTree::Fill: a whole tree at once, level by level from the leaves, instead of a descent for each
// member.
#include <algorithm>
#include <memory>
#include <vector>

#include "ds/sorted_tree.h"

namespace hearth::ds {
namespace {

// Into how many nodes of at most `capacity` things go, and how many the node at `index` gets when they are
// spread evenly.
struct Spread {
  Spread(size_t total_count, size_t capacity)
      : total(total_count), nodes((total_count + capacity - 1) / capacity) {}
  size_t SizeOf(size_t index) const { return total / nodes + (index < total % nodes ? 1 : 0); }
  size_t total;
  size_t nodes;
};

}  // namespace

void SortedTree::Fill(std::span<ScoredMember* const> items) {
  HEARTH_ASSERT(root_ == nullptr);
  if (items.empty()) return;
  std::vector<Child> level;
  const Spread leaves(items.size(), kFilledLeaf);
  level.reserve(leaves.nodes);
  Leaf* last = nullptr;
  for (size_t i = 0; i < leaves.nodes; ++i) {
    last = NewLeaf(last);
    last->count = static_cast<uint16_t>(leaves.SizeOf(i));
    std::copy_n(items.begin(), last->count, last->items);
    items = items.subspan(last->count);
    level.push_back(Describe(last));
  }
  size_ = leaves.total;
  while (level.size() > 1) {
    const Spread inners(level.size(), kFilledInner);
    auto from = level.begin();
    for (size_t i = 0; i < inners.nodes; ++i) {
      Inner* inner = std::make_unique_for_overwrite<Inner>().release();
      ++inner_count_;
      inner->count = static_cast<int64_t>(inners.SizeOf(i));
      std::copy_n(from, inner->count, inner->children);
      from += inner->count;
      // The places before `from` have been read.
      level[i] = Describe(inner);
    }
    level.resize(inners.nodes);
    ++height_;
  }
  root_ = level[0].node;
}

}  // namespace hearth::ds
