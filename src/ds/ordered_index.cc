// The tree of ordered_index.h.
//
// A leaf holds ids with their values, an inner node the lower bounds of its children with the children; a
// bound is at most the smallest id below it, and the first bound of every node counts as minus infinity.
// Leaves are linked both ways. A node is split in halves when it is full, but for the last one of its level,
// which stays full while a new one starts at its right. A node that falls under a quarter joins a neighbour
// under the same parent if the two fit one node; so a node may stay low next to full ones, but never empty.
#include "ds/ordered_index.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace hearth::ds {
namespace {

constexpr int kCapacity = 20;
constexpr int kLow = kCapacity / 4;
// A level takes a tenfold of inserts at least.
constexpr int kMaxDepth = 24;

}  // namespace

struct OrderedIndex::Node {
  Node* previous = nullptr;  // leaves alone
  Node* next = nullptr;
  int16_t count = 0;
  bool is_leaf;
  StreamId ids[kCapacity];
  void* values[kCapacity];

  explicit Node(bool leaf) : is_leaf(leaf) {}
  Node* child(int slot) const { return static_cast<Node*>(values[slot]); }

  // The first slot whose id is not below `id`.
  int LowerSlot(StreamId id) const { return static_cast<int>(std::lower_bound(ids, ids + count, id) - ids); }
  // The child under which `id` belongs.
  int ChildSlot(StreamId id) const {
    const int above = static_cast<int>(std::upper_bound(ids, ids + count, id) - ids);
    return std::max(above - 1, 0);
  }
  void InsertAt(int slot, StreamId id, void* value) {
    std::copy_backward(ids + slot, ids + count, ids + count + 1);
    std::copy_backward(values + slot, values + count, values + count + 1);
    ids[slot] = id;
    values[slot] = value;
    ++count;
  }
  void EraseAt(int slot) {
    std::copy(ids + slot + 1, ids + count, ids + slot);
    std::copy(values + slot + 1, values + count, values + slot);
    --count;
  }
  // Moves the slots from `from` on to the end of `to`.
  void MoveTail(int from, Node& to) {
    std::copy(ids + from, ids + count, to.ids + to.count);
    std::copy(values + from, values + count, to.values + to.count);
    to.count = static_cast<int16_t>(to.count + count - from);
    count = static_cast<int16_t>(from);
  }
};

// The inner nodes from the root down to a leaf, with the slot taken in each.
struct OrderedIndex::Path {
  Node* nodes[kMaxDepth];
  int slots[kMaxDepth];
  int depth = 0;

  void Push(Node* node, int slot) {
    HEARTH_ASSERT(depth < kMaxDepth);
    nodes[depth] = node;
    slots[depth++] = slot;
  }
};

OrderedIndex::OrderedIndex(OrderedIndex&& other) noexcept
    : root_(std::exchange(other.root_, nullptr)),
      first_leaf_(std::exchange(other.first_leaf_, nullptr)),
      last_leaf_(std::exchange(other.last_leaf_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      node_count_(std::exchange(other.node_count_, 0)) {}

OrderedIndex& OrderedIndex::operator=(OrderedIndex&& other) noexcept {
  OrderedIndex taken(std::move(other));
  std::swap(root_, taken.root_);
  std::swap(first_leaf_, taken.first_leaf_);
  std::swap(last_leaf_, taken.last_leaf_);
  std::swap(size_, taken.size_);
  std::swap(node_count_, taken.node_count_);
  return *this;
}

size_t OrderedIndex::MemoryBytes() const { return node_count_ * sizeof(Node); }

OrderedIndex::Node* OrderedIndex::NewNode(bool is_leaf) {
  ++node_count_;
  return std::make_unique<Node>(is_leaf).release();
}

void OrderedIndex::FreeNode(Node* node) {
  --node_count_;
  const std::unique_ptr<Node> freed(node);
}

// ---- reading

OrderedIndex::Position OrderedIndex::First() const {
  return size_ == 0 ? Position{} : Position{first_leaf_, 0};
}
OrderedIndex::Position OrderedIndex::Last() const {
  return size_ == 0 ? Position{} : Position{last_leaf_, last_leaf_->count - 1};
}
OrderedIndex::Position OrderedIndex::Next(Position at) {
  if (at.slot + 1 < at.leaf->count) return {at.leaf, at.slot + 1};
  return {at.leaf->next, 0};
}
OrderedIndex::Position OrderedIndex::Previous(Position at) {
  if (at.slot > 0) return {at.leaf, at.slot - 1};
  Node* previous = at.leaf->previous;
  return {previous, previous == nullptr ? 0 : previous->count - 1};
}
StreamId OrderedIndex::IdAt(Position at) { return at.leaf->ids[at.slot]; }
void* OrderedIndex::ValueAt(Position at) { return at.leaf->values[at.slot]; }
void OrderedIndex::SetValueAt(Position at, void* value) { at.leaf->values[at.slot] = value; }

OrderedIndex::Node* OrderedIndex::Descend(StreamId id, Path& path) const {
  Node* node = root_;
  while (!node->is_leaf) {
    const int slot = node->ChildSlot(id);
    path.Push(node, slot);
    node = node->child(slot);
  }
  return node;
}

OrderedIndex::Position OrderedIndex::LowerBound(StreamId id) const {
  if (size_ == 0) return {};
  Path path;
  Node* leaf = Descend(id, path);
  const int slot = leaf->LowerSlot(id);
  return slot < leaf->count ? Position{leaf, slot} : Position{leaf->next, 0};
}

OrderedIndex::Position OrderedIndex::Find(StreamId id) const {
  const Position at = LowerBound(id);
  return at && IdAt(at) == id ? at : Position{};
}

OrderedIndex::Position OrderedIndex::Floor(StreamId id) const {
  if (size_ == 0) return {};
  Path path;
  Node* leaf = Descend(id, path);
  const int slot = leaf->LowerSlot(id);
  if (slot < leaf->count && leaf->ids[slot] == id) return {leaf, slot};
  if (slot > 0) return {leaf, slot - 1};
  Node* previous = leaf->previous;
  return {previous, previous == nullptr ? 0 : previous->count - 1};
}

// ---- changing

void OrderedIndex::Insert(StreamId id, void* value) {
  ++size_;
  if (root_ == nullptr) root_ = first_leaf_ = last_leaf_ = NewNode(true);
  // The end, where most go, needs the path to the leaf only when that is full.
  if (last_leaf_->count < kCapacity && last_leaf_->count > 0 && last_leaf_->ids[last_leaf_->count - 1] < id) {
    last_leaf_->InsertAt(last_leaf_->count, id, value);
    return;
  }
  Path path;
  Node* leaf = Descend(id, path);
  const int slot = leaf->LowerSlot(id);
  HEARTH_ASSERT(slot == leaf->count || leaf->ids[slot] != id);
  if (leaf->count < kCapacity) {
    leaf->InsertAt(slot, id, value);
    return;
  }
  Node* right = NewNode(true);
  right->previous = leaf;
  right->next = std::exchange(leaf->next, right);
  (right->next == nullptr ? last_leaf_ : right->next->previous) = right;
  Node* target = Split(leaf, right, slot);
  target->InsertAt(target->LowerSlot(id), id, value);
  InsertIntoParent(path, leaf, right);
}

// Makes room in a full node for a new slot by moving a part of it to the empty `right`; tells which of the
// two the new slot goes to.
OrderedIndex::Node* OrderedIndex::Split(Node* node, Node* right, int slot) {
  if (slot == kCapacity && right->next == nullptr) return right;
  node->MoveTail(kCapacity / 2, *right);
  return slot <= node->count ? node : right;
}

void OrderedIndex::InsertIntoParent(Path& path, Node* left, Node* right) {
  for (int level = path.depth - 1; level >= 0; --level) {
    Node* parent = path.nodes[level];
    const int slot = path.slots[level] + 1;
    if (parent->count < kCapacity) {
      parent->InsertAt(slot, right->ids[0], right);
      return;
    }
    Node* parent_right = NewNode(false);
    Node* target = Split(parent, parent_right, slot);
    target->InsertAt(target == parent ? slot : slot - parent->count, right->ids[0], right);
    left = parent;
    right = parent_right;
  }
  Node* root = NewNode(false);
  root->InsertAt(0, left->ids[0], left);
  root->InsertAt(1, right->ids[0], right);
  root_ = root;
}

void* OrderedIndex::Erase(StreamId id) {
  if (size_ == 0) return nullptr;
  Path path;
  Node* leaf = Descend(id, path);
  const int slot = leaf->LowerSlot(id);
  if (slot == leaf->count || leaf->ids[slot] != id) return nullptr;
  void* value = leaf->values[slot];
  --size_;
  RemoveFromNode(path, leaf, slot);
  return value;
}

// `path` ends above `node`.
void OrderedIndex::RemoveFromNode(Path& path, Node* node, int slot) {
  node->EraseAt(slot);
  if (node->count > kLow) return;
  if (path.depth > 0) {
    JoinNeighbour(path, node);
  } else if (node->count == 0) {
    FreeNode(node);
    root_ = first_leaf_ = last_leaf_ = nullptr;
  }
  while (root_ != nullptr && !root_->is_leaf && root_->count == 1) {
    Node* gone = root_;
    root_ = gone->child(0);
    FreeNode(gone);
  }
}

// Puts what is left of a low node into one beside it, if there is room. An empty one always goes.
void OrderedIndex::JoinNeighbour(Path& path, Node* node) {
  Node* parent = path.nodes[path.depth - 1];
  const int slot = path.slots[path.depth - 1];
  const bool goes_left = slot > 0 && parent->child(slot - 1)->count + node->count <= kCapacity;
  const bool takes_right =
      !goes_left && slot + 1 < parent->count && parent->child(slot + 1)->count + node->count <= kCapacity;
  if (!goes_left && !takes_right && node->count > 0) return;
  const int gone_slot = takes_right ? slot + 1 : slot;
  Node* gone = parent->child(gone_slot);
  // Its first bound counted as minus infinity; between others it must be a true one.
  if (!gone->is_leaf && gone_slot > 0) gone->ids[0] = parent->ids[gone_slot];
  if (goes_left) {
    gone->MoveTail(0, *parent->child(slot - 1));
  } else if (takes_right) {
    gone->MoveTail(0, *node);
  }
  if (gone->is_leaf) {
    (gone->previous == nullptr ? first_leaf_ : gone->previous->next) = gone->next;
    (gone->next == nullptr ? last_leaf_ : gone->next->previous) = gone->previous;
  }
  FreeNode(gone);
  --path.depth;
  RemoveFromNode(path, parent, gone_slot);
}

void OrderedIndex::Clear() {
  // Depth first with a path of its own: a tree has few levels.
  Path path;
  Node* node = root_;
  while (node != nullptr) {
    if (!node->is_leaf && node->count > 0) {
      path.Push(node, 0);
      node = node->child(--node->count);
      continue;
    }
    FreeNode(node);
    node = path.depth > 0 ? path.nodes[--path.depth] : nullptr;
  }
  root_ = first_leaf_ = last_leaf_ = nullptr;
  size_ = 0;
}

}  // namespace hearth::ds
