// A large sorted set: its members in order in a tree and by name in a hash table, one allocation for each,
// which both share.
//
// Running snapshots walk the buckets of the table: a score is part of what a bucket holds.
//
// Owned by the entry of its key, changed by SortedSetValue (sorted_set_value.h) on the engine thread; once
// nothing refers to it, any thread may destroy it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/hash.h"
#include "ds/hash_table.h"
#include "ds/scored_member.h"
#include "ds/sorted_tree.h"

namespace hearth::keyspace {

class ScoreIndex {
 public:
  using Member = ds::ScoredMember;

  // `cuts` outlives the index; null for one that no snapshot walks.
  explicit ScoreIndex(const ds::CutState* cuts) : cuts_(cuts), members_(cuts) {}
  ~ScoreIndex();
  ScoreIndex(const ScoreIndex&) = delete;
  ScoreIndex& operator=(const ScoreIndex&) = delete;

  size_t size() const { return tree_.size(); }
  const ds::SortedTree& tree() const { return tree_; }
  ds::SortedTree& tree() { return tree_; }

  // Null if absent. Good until the member goes.
  const Member* Find(std::string_view text) const { return Find(text, Hash(text)); }
  const Member* Find(std::string_view text, uint64_t hash) const {
    const auto position = members_.Find(text, hash);
    return position ? position.item() : nullptr;
  }

  // The member must not be there; `hash` is its hash.
  void Add(std::string_view text, uint64_t hash, double score);
  void Add(std::string_view text, double score) { Add(text, Hash(text), score); }
  // `member` is one of ours; `hash` is its hash.
  void SetScore(const Member& member, uint64_t hash, double score) {
    members_.WillChange(hash);
    tree_.ChangeScore(const_cast<Member*>(&member), score);
  }
  void Erase(const Member& member);
  // Removes `count` members from rank `start` on; there must be as many.
  void EraseRange(size_t start, size_t count);

  // One step of a scan: one bucket; gives the next cursor, 0 at the end.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const {
    return members_.Scan(cursor, [&](const Member* member) { visit(*member); });
  }

  ds::WalkedTable Walked() { return members_.Walked(); }
  // Moves the members of the tree's leaf at `rank` and the leaf itself; gives the rank to go on from, size()
  // at the end. Then the table's own memory, by its cursor. No cut runs.
  size_t Relocate(size_t rank, ds::BlockMover& mover);
  uint64_t RelocateTable(uint64_t cursor, ds::BlockMover& mover) {
    return members_.Relocate(cursor, mover, [](Member* member) { return member; });
  }

  // Bytes that the allocator holds for all of it; those of the members are estimated from about `samples` of
  // them (0: all).
  size_t MemoryBytes(size_t samples) const;

  // A deep copy. The caller owns it.
  ScoreIndex* Clone() const;

 private:
  friend class ScoreIndexBuilder;

  struct Traits {
    using Item = Member;
    static std::string_view KeyOf(const Member* member) { return member->member(); }
    static uint64_t HashOf(const Member* member) { return Hash(member->member()); }
  };

  const ds::CutState* cuts_;
  ds::HashTable<Traits> members_;
  ds::SortedTree tree_;
};

}  // namespace hearth::keyspace
