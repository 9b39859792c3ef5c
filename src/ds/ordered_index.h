// An ordered map from stream ids to pointers, as a B+ tree: the blocks of a stream by their first id, and
// pending entries by theirs. Ids mostly arrive at the end and leave at the front, and the tree is made for
// that: a full node at the right edge stays full when a new one begins behind it. Nodes that run low join a
// neighbour.
//
// Owned by the value it is part of; one thread at a time. A Position is good until the index changes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ds/stream_id.h"

namespace hearth::ds {

class OrderedIndex {
 public:
  struct Node;
  struct Position {
    Node* leaf = nullptr;
    int slot = 0;
    explicit operator bool() const { return leaf != nullptr; }
  };

  OrderedIndex() = default;
  OrderedIndex(OrderedIndex&& other) noexcept;
  OrderedIndex& operator=(OrderedIndex&& other) noexcept;
  ~OrderedIndex() { Clear(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t node_count() const { return node_count_; }
  size_t MemoryBytes() const;

  Position First() const;
  Position Last() const;
  static Position Next(Position at);
  static Position Previous(Position at);
  static StreamId IdAt(Position at);
  static void* ValueAt(Position at);
  // Another value for the same id.
  static void SetValueAt(Position at, void* value);

  Position Find(StreamId id) const;
  // The first id that is not below `id`.
  Position LowerBound(StreamId id) const;
  // The last id that is not above `id`.
  Position Floor(StreamId id) const;

  // `id` must not be there.
  void Insert(StreamId id, void* value);
  // Gives back the value; null if the id is not there.
  void* Erase(StreamId id);
  void Clear();

 private:
  struct Path;

  Node* NewNode(bool is_leaf);
  void FreeNode(Node* node);
  Node* Descend(StreamId id, Path& path) const;
  void InsertIntoParent(Path& path, Node* left, Node* right);
  void RemoveFromNode(Path& path, Node* node, int slot);
  void JoinNeighbour(Path& path, Node* node);
  static Node* Split(Node* node, Node* right, int slot);

  Node* root_ = nullptr;
  Node* first_leaf_ = nullptr;
  Node* last_leaf_ = nullptr;
  size_t size_ = 0;
  size_t node_count_ = 0;
};

// The same with the type of its values. It does not own them.
template <typename Value>
class IdMap {
 public:
  using Position = OrderedIndex::Position;

  size_t size() const { return index_.size(); }
  bool empty() const { return index_.empty(); }
  size_t node_count() const { return index_.node_count(); }
  size_t MemoryBytes() const { return index_.MemoryBytes(); }

  Position First() const { return index_.First(); }
  Position Last() const { return index_.Last(); }
  static Position Next(Position at) { return OrderedIndex::Next(at); }
  static Position Previous(Position at) { return OrderedIndex::Previous(at); }
  static StreamId IdAt(Position at) { return OrderedIndex::IdAt(at); }
  static Value& ValueAt(Position at) { return *static_cast<Value*>(OrderedIndex::ValueAt(at)); }

  static void SetValueAt(Position at, Value* value) { OrderedIndex::SetValueAt(at, value); }

  Position Find(StreamId id) const { return index_.Find(id); }
  Position LowerBound(StreamId id) const { return index_.LowerBound(id); }
  Position Floor(StreamId id) const { return index_.Floor(id); }
  // Null if absent.
  Value* Get(StreamId id) const {
    const Position at = index_.Find(id);
    return at ? &ValueAt(at) : nullptr;
  }

  void Insert(StreamId id, Value* value) { index_.Insert(id, value); }
  Value* Erase(StreamId id) { return static_cast<Value*>(index_.Erase(id)); }
  void Clear() { index_.Clear(); }

 private:
  OrderedIndex index_;
};

}  // namespace hearth::ds
