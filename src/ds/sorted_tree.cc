#include "ds/sorted_tree.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace hearth::ds {
namespace {

template <typename T>
void OpenGap(T* items, int64_t count, int64_t at) {
  std::memmove(items + at + 1, items + at, static_cast<size_t>(count - at) * sizeof(T));
}

template <typename T>
void CloseGap(T* items, int64_t count, int64_t at) {
  std::memmove(items + at, items + at + 1, static_cast<size_t>(count - at - 1) * sizeof(T));
}

// How many of a full node's items stay in it when it is split before position `at`: at an end of the tree
// nearly all are left together, since the next ones will come there too.
int KeptInSplit(int count, int at, bool is_first, bool is_last) {
  if (is_last && at == count) return count - 1;
  if (is_first && at == 0) return 1;
  return count / 2;
}

}  // namespace

SortedTree::~SortedTree() {
  for (Leaf* leaf = first_leaf_; leaf != nullptr;) {
    const std::unique_ptr<Leaf> freed(leaf);
    leaf = leaf->next;
  }
  if (height_ > 0) FreeInner(static_cast<Inner*>(root_), height_ - 1);
}

void SortedTree::FreeInner(Inner* inner, int level) {
  const std::unique_ptr<Inner> freed(inner);
  if (level > 0) {
    for (int i = 0; i < inner->count; ++i) FreeInner(static_cast<Inner*>(inner->children[i].node), level - 1);
  }
}

// ---- finding

void SortedTree::DescendTo(const ScoredMember& item, Path& path) const {
  const double wanted = item.score();
  const std::string_view text = item.member();
  Descend(
      [&](double score, const ScoredMember* other) {
        return score < wanted || (score == wanted && (other == &item || other->member() <= text));
      },
      path);
  // The item is the last of those that are not behind it.
  --path.slot;
  --path.rank;
  HEARTH_ASSERT(path.slot >= 0 && path.leaf->items[path.slot] == &item);
}

size_t SortedTree::RankOf(const ScoredMember& item) const {
  Path path;
  DescendTo(item, path);
  return path.rank;
}

SortedTree::Cursor SortedTree::At(size_t rank) const {
  if (rank >= size_) return {};
  void* node = root_;
  for (int level = height_ - 1; level >= 0; --level) {
    const Child* child = static_cast<Inner*>(node)->children;
    for (; rank >= child->count; ++child) rank -= child->count;
    node = child->node;
  }
  return {static_cast<const Leaf*>(node), static_cast<int>(rank)};
}

void SortedTree::DescendToRank(size_t rank, Path& path) const {
  HEARTH_ASSERT(rank < size_);
  path.rank = rank;
  void* node = root_;
  for (int level = height_ - 1; level >= 0; --level) {
    auto* inner = static_cast<Inner*>(node);
    int slot = 0;
    for (; rank >= inner->children[slot].count; ++slot) rank -= inner->children[slot].count;
    path.inners[level] = inner;
    path.slots[level] = slot;
    node = inner->children[slot].node;
  }
  path.leaf = static_cast<Leaf*>(node);
  path.slot = static_cast<int>(rank);
}

// ---- moving

void SortedTree::RelocateNodes(Path& path, BlockMover& mover) {
  Leaf* leaf = path.leaf = mover.Moved(path.leaf);
  (leaf->previous == nullptr ? first_leaf_ : leaf->previous->next) = leaf;
  if (leaf->next != nullptr) leaf->next->previous = leaf;
  void* node = leaf;
  for (int level = 0; level < height_; ++level) {
    path.inners[level]->children[path.slots[level]].node = node;
    if (path.slots[level] != 0) return;
    path.inners[level] = mover.Moved(path.inners[level]);
    node = path.inners[level];
  }
  root_ = node;
}

// ---- inserting

void SortedTree::Insert(ScoredMember* item) {
  if (root_ == nullptr) root_ = NewLeaf(nullptr);
  const double wanted = item->score();
  const std::string_view text = item->member();
  const auto before = [&](double score, const ScoredMember* other) {
    return score < wanted || (score == wanted && other->member() < text);
  };
  Path path;
  Descend(before, path);
  if (path.leaf->count == kLeafSlots) {
    SplitLeaf(path);
    Descend(before, path);
  }
  Leaf* leaf = path.leaf;
  OpenGap(leaf->items, leaf->count, path.slot);
  leaf->items[path.slot] = item;
  ++leaf->count;
  ++size_;
  for (int level = 0; level < height_; ++level) ++path.inners[level]->children[path.slots[level]].count;
  if (path.slot == 0) SetFirst(path, 0, item);
}

SortedTree::Leaf* SortedTree::NewLeaf(Leaf* previous) {
  Leaf* leaf = std::make_unique_for_overwrite<Leaf>().release();
  leaf->previous = previous;
  leaf->next = previous == nullptr ? nullptr : previous->next;
  if (previous == nullptr) {
    first_leaf_ = leaf;
  } else {
    previous->next = leaf;
  }
  if (leaf->next != nullptr) leaf->next->previous = leaf;
  ++leaf_count_;
  return leaf;
}

void SortedTree::FreeLeaf(Leaf* leaf) {
  const std::unique_ptr<Leaf> freed(leaf);
  if (leaf->next != nullptr) leaf->next->previous = leaf->previous;
  if (leaf->previous != nullptr) {
    leaf->previous->next = leaf->next;
  } else {
    first_leaf_ = leaf->next;
  }
  --leaf_count_;
}

void SortedTree::SplitLeaf(Path& path) {
  Leaf* left = path.leaf;
  const int kept = KeptInSplit(left->count, path.slot, left->previous == nullptr, left->next == nullptr);
  Leaf* right = NewLeaf(left);
  right->count = static_cast<uint16_t>(left->count - kept);
  std::copy_n(left->items + kept, right->count, right->items);
  left->count = static_cast<uint16_t>(kept);
  if (height_ > 0) path.inners[0]->children[path.slots[0]].count = left->count;
  AddChild(path, 0, Describe(right));
}

// Puts `child` behind the path's own child at `level`.
void SortedTree::AddChild(Path& path, int level, const Child& child) {
  if (level == height_) {
    HEARTH_ASSERT(height_ < kMaxHeight);
    Inner* root = std::make_unique_for_overwrite<Inner>().release();
    ++inner_count_;
    root->count = 2;
    root->children[0] =
        height_ == 0 ? Describe(static_cast<Leaf*>(root_)) : Describe(static_cast<Inner*>(root_));
    root->children[1] = child;
    root_ = root;
    ++height_;
    return;
  }
  Inner* inner = path.inners[level];
  const int at = path.slots[level] + 1;
  if (inner->count == kFanout) return SplitInner(path, level, at, child);
  InsertChild(inner, at, child);
}

void SortedTree::SplitInner(Path& path, int level, int at, const Child& child) {
  Inner* left = path.inners[level];
  // Children come behind others, so nothing is ever put before the first one.
  bool is_last = true;
  for (int above = level + 1; above < height_; ++above) {
    is_last = is_last && path.slots[above] == path.inners[above]->count - 1;
  }
  const int kept = KeptInSplit(kFanout, at, false, is_last);
  Inner* right = std::make_unique_for_overwrite<Inner>().release();
  ++inner_count_;
  right->count = kFanout - kept;
  std::copy_n(left->children + kept, right->count, right->children);
  left->count = kept;
  if (at > kept) {
    InsertChild(right, at - kept, child);
  } else {
    InsertChild(left, at, child);
  }
  const Child added = Describe(right);
  if (level + 1 < height_) path.inners[level + 1]->children[path.slots[level + 1]].count -= added.count;
  AddChild(path, level + 1, added);
}

void SortedTree::InsertChild(Inner* inner, int at, const Child& child) {
  OpenGap(inner->children, inner->count, at);
  inner->children[at] = child;
  ++inner->count;
}

SortedTree::Child SortedTree::Describe(Inner* inner) {
  size_t count = 0;
  for (int i = 0; i < inner->count; ++i) count += inner->children[i].count;
  return {inner->children[0].score, inner->children[0].first, inner, count};
}

SortedTree::Child SortedTree::Describe(Leaf* leaf) {
  return {leaf->items[0]->score(), leaf->items[0], leaf, leaf->count};
}

// The path's node below `level` begins with another member now: its parents up to where it is not the first
// are told.
void SortedTree::SetFirst(Path& path, int level, const ScoredMember* first) {
  for (; level < height_; ++level) {
    Child& child = path.inners[level]->children[path.slots[level]];
    child.first = first;
    child.score = first->score();
    if (path.slots[level] != 0) return;
  }
}

// ---- erasing

void SortedTree::Erase(const ScoredMember* item) {
  Path path;
  DescendTo(*item, path);
  EraseAt(path);
}

void SortedTree::EraseAt(Path& path) {
  Leaf* leaf = path.leaf;
  CloseGap(leaf->items, leaf->count, path.slot);
  --leaf->count;
  --size_;
  for (int level = 0; level < height_; ++level) --path.inners[level]->children[path.slots[level]].count;
  if (leaf->count == 0) {
    FreeLeaf(leaf);
    RemoveChild(path, 0);
    return;
  }
  if (path.slot == 0) SetFirst(path, 0, leaf->items[0]);
  if (leaf->count < kSmallLeaf) JoinLeaf(path);
}

// Takes the path's child at `level` out of its parent; the child's node is gone already.
void SortedTree::RemoveChild(Path& path, int level) {
  if (level == height_) {
    root_ = nullptr;
    height_ = 0;
    return;
  }
  Inner* inner = path.inners[level];
  const int at = path.slots[level];
  CloseGap(inner->children, inner->count, at);
  --inner->count;
  if (inner->count == 0) {
    DropInner(inner);
    RemoveChild(path, level + 1);
    return;
  }
  if (at == 0) SetFirst(path, level + 1, inner->children[0].first);
  if (level + 1 < height_) {
    if (inner->count < kSmallInner) JoinInner(path, level);
    return;
  }
  while (height_ > 0 && static_cast<Inner*>(root_)->count == 1) {
    auto* root = static_cast<Inner*>(root_);
    root_ = root->children[0].node;
    --height_;
    DropInner(root);
  }
}

void SortedTree::DropInner(Inner* inner) {
  const std::unique_ptr<Inner> freed(inner);
  --inner_count_;
}

void SortedTree::JoinLeaf(Path& path) {
  if (height_ == 0) return;
  Inner* parent = path.inners[0];
  for (const int at : {path.slots[0] + 1, path.slots[0]}) {
    if (at == 0 || at >= parent->count) continue;
    auto* left = static_cast<Leaf*>(parent->children[at - 1].node);
    auto* right = static_cast<Leaf*>(parent->children[at].node);
    if (left->count + right->count > kJoinedLeaf) continue;
    std::copy_n(right->items, right->count, left->items + left->count);
    left->count = static_cast<uint16_t>(left->count + right->count);
    parent->children[at - 1].count = left->count;
    FreeLeaf(right);
    path.slots[0] = at;
    RemoveChild(path, 0);
    return;
  }
}

void SortedTree::JoinInner(Path& path, int level) {
  Inner* parent = path.inners[level + 1];
  for (const int at : {path.slots[level + 1] + 1, path.slots[level + 1]}) {
    if (at == 0 || at >= parent->count) continue;
    auto* left = static_cast<Inner*>(parent->children[at - 1].node);
    auto* right = static_cast<Inner*>(parent->children[at].node);
    if (left->count + right->count > kJoinedInner) continue;
    std::copy_n(right->children, right->count, left->children + left->count);
    left->count += right->count;
    parent->children[at - 1].count += parent->children[at].count;
    DropInner(right);
    path.slots[level + 1] = at;
    RemoveChild(path, level + 1);
    return;
  }
}

void SortedTree::ChangeScore(ScoredMember* item, double score) {
  Path path;
  DescendTo(*item, path);
  Leaf* leaf = path.leaf;
  const int slot = path.slot;
  // Between its neighbours in the leaf it may stay: no inner node knows of it.
  if (slot > 0 && slot + 1 < leaf->count && leaf->items[slot - 1]->IsBefore(score, item->member()) &&
      !leaf->items[slot + 1]->IsBefore(score, item->member())) {
    item->set_score(score);
    return;
  }
  EraseAt(path);
  item->set_score(score);
  Insert(item);
}

// ---- checking

bool SortedTree::IsSoundBelow(const void* node, int level, size_t count, const ScoredMember* first) const {
  if (level < 0) {
    const auto* leaf = static_cast<const Leaf*>(node);
    return leaf->count > 0 && leaf->count <= kLeafSlots && leaf->count == count && leaf->items[0] == first;
  }
  const auto* inner = static_cast<const Inner*>(node);
  if (inner->count < 1 || inner->count > kFanout || inner->children[0].first != first) return false;
  size_t total = 0;
  for (int i = 0; i < inner->count; ++i) {
    const Child& child = inner->children[i];
    if (child.score != child.first->score()) return false;
    if (!IsSoundBelow(child.node, level - 1, child.count, child.first)) return false;
    total += child.count;
  }
  return total == count;
}

bool SortedTree::IsSound() const {
  if (root_ == nullptr) return size_ == 0 && first_leaf_ == nullptr && leaf_count_ == 0 && inner_count_ == 0;
  if (!IsSoundBelow(root_, height_ - 1, size_, first_leaf_->items[0])) return false;
  size_t count = 0;
  size_t leaves = 0;
  const ScoredMember* last = nullptr;
  const Leaf* previous = nullptr;
  for (const Leaf* leaf = first_leaf_; leaf != nullptr; previous = leaf, leaf = leaf->next, ++leaves) {
    if (leaf->previous != previous) return false;
    for (int i = 0; i < leaf->count; ++i, ++count) {
      if (last != nullptr && !last->IsBefore(leaf->items[i]->score(), leaf->items[i]->member())) return false;
      last = leaf->items[i];
    }
  }
  return count == size_ && leaves == leaf_count_;
}

}  // namespace hearth::ds
