// A long list: a doubly linked chain of nodes, each a listpack of many elements or one large element. Inner
// nodes can be kept compressed. Byte for byte the nodes are what RDB stores for a list. Owned by a keyspace
// value; engine thread only, except that a list nobody refers to any more may be destroyed by another thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ds/block_mover.h"
#include "ds/cut_state.h"
#include "ds/listpack.h"
#include "ds/quicklist_node.h"

namespace hearth::ds {

// How large nodes get, and which are compressed.
struct QuicklistLimits {
  // list-max-listpack-size: -1 to -5 is 4, 8, 16, 32 or 64 KiB a node; a positive number is elements a node
  // (and at most 8 KiB); 0 counts as 1.
  int16_t fill = -2;
  // list-compress-depth: this many nodes at either end stay uncompressed; 0 compresses none.
  uint16_t compress_depth = 0;
  // Elements of this size and more get a plain node.
  uint32_t plain_bytes = uint32_t{1} << 29;

  // Whether a node with so many bytes and elements is within the limits. Also tells when a list that is one
  // listpack should become a quicklist.
  bool Fits(size_t bytes, size_t count) const;
};

class Quicklist {
 public:
  using Node = QuicklistNode;
  class Iterator;
  enum class End { kHead, kTail };

  // `cuts` outlives the list; null for a list that no snapshot walks.
  explicit Quicklist(QuicklistLimits limits = {}, const CutState* cuts = nullptr)
      : limits_(limits), cuts_(cuts) {}
  // The listpack becomes the only node, whatever its size (none if it is empty).
  Quicklist(Listpack listpack, QuicklistLimits limits, const CutState* cuts = nullptr);
  Quicklist(Quicklist&& other) noexcept { Swap(other); }
  Quicklist& operator=(Quicklist&& other) noexcept;
  ~Quicklist();
  Quicklist Clone() const;

  const QuicklistLimits& limits() const { return limits_; }

  size_t Length() const { return length_; }
  size_t NodeCount() const { return node_count_; }
  // Bytes of the nodes and what they store, without the allocator's rounding. O(1).
  size_t MemoryBytes() const { return sizeof(*this) + node_count_ * sizeof(Node) + data_bytes_; }
  // The chain, for snapshots and encoders.
  Node* FirstNode() const { return head_; }
  Node* LastNode() const { return tail_; }
  // Announces and marks as captured one node for the cuts in `cuts`: the walker's step.
  void Capture(Node& node, uint8_t cuts);
  // For one whose nodes have all been captured at once.
  void MarkCaptured(uint8_t cuts);
  // Moves some nodes and what they hold, going on where the last call came to. False at the end, behind which
  // the next call begins again. No cut runs.
  bool Relocate(BlockMover& mover, size_t nodes);

  void Push(End end, std::string_view element);
  void PushHead(std::string_view element) { Push(End::kHead, element); }
  void PushTail(std::string_view element) { Push(End::kTail, element); }
  // The element at an end of a list that is not empty; the view lasts until the list changes.
  ListpackValue Peek(End end) const;
  // Removes the element at an end of a list that is not empty.
  void Drop(End end);
  std::optional<std::string> Pop(End end);
  std::optional<std::string> PopHead() { return Pop(End::kHead); }
  std::optional<std::string> PopTail() { return Pop(End::kTail); }

  // At the element with that index (negative: from the end), or an iterator that is not valid.
  Iterator At(int64_t index) const;

  // These leave every iterator, `at` included, not to be used.
  void InsertBefore(Iterator& at, std::string_view element);
  void InsertAfter(Iterator& at, std::string_view element);
  void Replace(Iterator& at, std::string_view element);

  // Removes the element and moves `at` to the one that followed it, or with `backward` to the one before.
  // Other iterators are not to be used any more.
  void Delete(Iterator& at, bool backward = false);
  // Removes up to `count` elements from index `start` on (negative: from the end). Returns how many.
  size_t DeleteRange(int64_t start, size_t count);

  // Adds a whole node at the tail, whatever its size: how a list is loaded. Empty listpacks add none.
  void AppendListpack(Listpack listpack);
  void AppendPlain(std::string_view element);

  // Takes the content out if it is one listpack (or empty), leaving the list empty; else nothing.
  std::optional<Listpack> TakeSingleListpack();

 private:
  class Edit;

  bool IsLarge(std::string_view element) const { return element.size() >= limits_.plain_bytes; }
  bool Accepts(const Node* node, std::string_view element) const;
  void Insert(Iterator& at, std::string_view element, bool after);
  void InsertNew(Node* previous, std::string_view element);
  void InsertIntoSplit(Node* node, size_t position, std::string_view element);
  void ReplaceNode(Node* node, std::string_view element);
  void Link(Node* node, Node* previous);
  void Unlink(Node* node);
  void RemoveNode(Node* node);
  void MergeWithNext(Node* node);
  void BeforeChange(Node* node);
  void SetCompressed(Node* node, bool compressed);
  void Settle(Node* changed);
  void Swap(Quicklist& other) noexcept;

  Node* head_ = nullptr;
  Node* tail_ = nullptr;
  size_t length_ = 0;
  size_t node_count_ = 0;
  size_t data_bytes_ = 0;
  QuicklistLimits limits_;
  const CutState* cuts_ = nullptr;
  Node* next_to_move_ = nullptr;  // the one that Relocate comes to next; null for the first
};

// Stands at an element, or is not valid (behind either end). Movable. Reading never changes the list: a
// compressed node is unpacked into the iterator's own memory.
class Quicklist::Iterator {
 public:
  Iterator() = default;

  bool IsValid() const { return node_ != nullptr; }
  // The element; a text lasts until the iterator leaves the node or the list changes.
  ListpackValue Value() const;
  bool Equals(std::string_view text) const;
  void Next();
  void Previous();
  // Moves forward to the nearest element equal to `text`, the present one included; false if there is none.
  bool FindForward(std::string_view text);

 private:
  friend class Quicklist;

  explicit Iterator(Node* node) { Enter(node); }
  void Enter(Node* node);
  ListpackView View() const { return ListpackView(bytes_); }
  bool IsFirstInNode() const { return node_->is_plain || position_ == View().First(); }
  bool IsLastInNode() const { return node_->is_plain || View().Next(position_) == ListpackView::kNone; }

  Node* node_ = nullptr;
  const uint8_t* bytes_ = nullptr;  // the node's uncompressed bytes
  size_t position_ = 0;             // in a listpack node
  std::unique_ptr<uint8_t[]> unpacked_;
};

}  // namespace hearth::ds
