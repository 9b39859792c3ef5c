// The members of a sorted set in the order of score and bytes: a B+ tree whose inner nodes count what is
// below them, so that finding a place, its rank, and the member at a rank all cost one descent.
//
// A leaf holds pointers to members. An inner node holds for each child the child's first member with its
// score, so that a descent reads members only where scores are equal, and the number of members below. Nodes
// are split in halves, but at either end of the tree nearly all stays in one node: sets that grow at an end
// get full leaves. A node that has become small is joined to a neighbour if both fit with room to spare.
// Limitation: a small node between full neighbours stays small.
//
// The tree never makes or frees members. Owned by one sorted set; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/assert.h"
#include "base/prefetch.h"
#include "ds/block_mover.h"
#include "ds/scored_member.h"

namespace hearth::ds {

class SortedTree {
 public:
  // A leaf fills the allocator's class of 320 bytes, an inner node that of 1024.
  static constexpr int kLeafSlots = 37;
  static constexpr int kFanout = 31;

  struct Leaf {
    Leaf* previous = nullptr;
    Leaf* next = nullptr;
    uint16_t count = 0;
    ScoredMember* items[kLeafSlots];
  };

  // Stands at a member, or is not valid (behind either end). Not to be used after the tree has changed.
  class Cursor {
   public:
    Cursor() = default;
    Cursor(const Leaf* leaf, int slot) : leaf_(leaf), slot_(slot) {}
    bool IsValid() const { return leaf_ != nullptr; }
    const ScoredMember& member() const { return *leaf_->items[slot_]; }
    void Next() {
      if (++slot_ < leaf_->count) {
        // Walks read the members, which lie anywhere.
        if (slot_ + kAhead < leaf_->count) Prefetch(leaf_->items[slot_ + kAhead]);
        return;
      }
      leaf_ = leaf_->next;
      slot_ = 0;
    }
    void Previous() {
      if (--slot_ >= 0) {
        if (slot_ >= kAhead) Prefetch(leaf_->items[slot_ - kAhead]);
        return;
      }
      leaf_ = leaf_->previous;
      slot_ = leaf_ == nullptr ? 0 : leaf_->count - 1;
    }

   private:
    static constexpr int kAhead = 6;
    const Leaf* leaf_ = nullptr;
    int slot_ = 0;
  };

  SortedTree() = default;
  ~SortedTree();
  SortedTree(const SortedTree&) = delete;
  SortedTree& operator=(const SortedTree&) = delete;

  size_t size() const { return size_; }
  // The chain.
  Leaf* FirstLeaf() const { return first_leaf_; }
  size_t leaf_count() const { return leaf_count_; }
  // Bytes of the nodes, without members and the tree itself.
  size_t MemoryBytes() const { return leaf_count_ * sizeof(Leaf) + inner_count_ * sizeof(Inner); }

  // Members in order for a tree that is empty.
  void Fill(std::span<ScoredMember* const> items);
  // No equal member may be in the tree.
  void Insert(ScoredMember* item);
  // `item` is in the tree; it is taken out.
  void Erase(const ScoredMember* item);
  // Gives `item`, which is in the tree, another score and its new place.
  void ChangeScore(ScoredMember* item, double score);

  // Moves the leaf with the member that has `rank` before it, and the inner nodes that begin with it;
  // `move_item(ScoredMember*)` gives where each of its members is from now on. Gives the rank of the first
  // member behind the leaf.
  template <typename MoveItem>
  size_t Relocate(size_t rank, BlockMover& mover, MoveItem&& move_item) {
    Path path;
    DescendToRank(rank, path);
    RelocateNodes(path, mover);
    const Leaf& leaf = *path.leaf;
    for (int i = 0; i < leaf.count; ++i) {
      ScoredMember* const moved = move_item(leaf.items[i]);
      if (moved == leaf.items[i]) continue;
      path.leaf->items[i] = moved;
      if (i == 0) SetFirst(path, 0, moved);
    }
    return path.rank - static_cast<size_t>(path.slot) + leaf.count;
  }

  // How many stand before `item`, which is in the tree.
  size_t RankOf(const ScoredMember& item) const;
  // At the member with so many before it; not valid if there is none.
  Cursor At(size_t rank) const;
  // How many members `before(score, item)` is true for, which are the first ones of the tree.
  template <typename Before>
  size_t CountBefore(Before&& before) const {
    if (size_ == 0) return 0;
    Path path;
    Descend(before, path);
    return path.rank;
  }

  // Every invariant of the structure holds; for tests.
  bool IsSound() const;

 private:
  // More than enough: a level multiplies the members by about ten at least.
  static constexpr int kMaxHeight = 24;
  static constexpr int kSmallLeaf = kLeafSlots / 4;
  static constexpr int kSmallInner = kFanout / 4;
  // Joined nodes keep room, so that the next insertion does not split them again.
  static constexpr int kJoinedLeaf = kLeafSlots * 3 / 4;
  static constexpr int kJoinedInner = kFanout * 3 / 4;
  // As do nodes that are filled at once.
  static constexpr size_t kFilledLeaf = kLeafSlots * 9 / 10;
  static constexpr size_t kFilledInner = kFanout * 9 / 10;

  struct Child {
    double score;               // of `first`
    const ScoredMember* first;  // the first member below
    void* node;                 // a Leaf at level 0, else an Inner
    size_t count;               // members below
  };
  struct Inner {
    int64_t count = 0;
    Child children[kFanout];
  };

  // The way from the root to a place in a leaf. Level 0 is that of the inner nodes above leaves; height_ - 1
  // the root.
  struct Path {
    Inner* inners[kMaxHeight];
    int slots[kMaxHeight];
    Leaf* leaf;
    int slot;
    size_t rank;
  };

  // To the first place for whose member `before` is false: in the last leaf whose first member is before it,
  // so the place may be that leaf's end. The tree must not be empty.
  template <typename Before>
  void Descend(Before&& before, Path& path) const {
    path.rank = 0;
    void* node = root_;
    for (int level = height_ - 1; level >= 0; --level) {
      auto* inner = static_cast<Inner*>(node);
      int low = 0;
      for (int high = static_cast<int>(inner->count) - 1; low < high;) {
        const int middle = (low + high + 1) / 2;
        const Child& child = inner->children[middle];
        if (before(child.score, child.first)) {
          low = middle;
        } else {
          high = middle - 1;
        }
      }
      for (int i = 0; i < low; ++i) path.rank += inner->children[i].count;
      path.inners[level] = inner;
      path.slots[level] = low;
      node = inner->children[low].node;
    }
    path.leaf = static_cast<Leaf*>(node);
    int low = 0;
    for (int high = path.leaf->count; low < high;) {
      const int middle = (low + high) / 2;
      const ScoredMember* item = path.leaf->items[middle];
      if (before(item->score(), item)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    path.slot = low;
    path.rank += static_cast<size_t>(low);
  }
  // To an item that is in the tree.
  void DescendTo(const ScoredMember& item, Path& path) const;
  // To the item with so many before it, which is there.
  void DescendToRank(size_t rank, Path& path) const;
  void RelocateNodes(Path& path, BlockMover& mover);

  Leaf* NewLeaf(Leaf* previous);
  void FreeLeaf(Leaf* leaf);
  void EraseAt(Path& path);
  void SplitLeaf(Path& path);
  void AddChild(Path& path, int level, const Child& child);
  void SplitInner(Path& path, int level, int at, const Child& child);
  void RemoveChild(Path& path, int level);
  void JoinLeaf(Path& path);
  void JoinInner(Path& path, int level);
  void SetFirst(Path& path, int level, const ScoredMember* first);
  static void InsertChild(Inner* inner, int at, const Child& child);
  static Child Describe(Inner* inner);
  static Child Describe(Leaf* leaf);
  void DropInner(Inner* inner);
  // With all inner nodes below.
  void FreeInner(Inner* inner, int level);
  bool IsSoundBelow(const void* node, int level, size_t count, const ScoredMember* first) const;

  void* root_ = nullptr;  // a Leaf if height_ is 0
  Leaf* first_leaf_ = nullptr;
  size_t size_ = 0;
  size_t leaf_count_ = 0;
  size_t inner_count_ = 0;
  int height_ = 0;
};
static_assert(sizeof(SortedTree::Leaf) == 320);

}  // namespace hearth::ds
