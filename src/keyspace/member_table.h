// A large set: a table of members, one allocation for each.
//
//   size u8, 255 for a wide one | (size u64 LE, if wide) | the member's bytes
//
// Owned by the entry of its key, changed by SetValue (set_value.h) on the engine thread; once nothing refers
// to it, any thread may destroy it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/prng.h"
#include "ds/hash_table.h"

namespace hearth::keyspace {

// Made and freed by MemberTable; never changes.
class Member {
 public:
  std::string_view text() const {
    if (is_wide()) [[unlikely]] {
      return {bytes() + kWideHeader, LoadLittle<uint64_t>(bytes() + 1)};
    }
    return {bytes() + 1, size_};
  }

 private:
  friend class MemberTable;
  friend class MemberTableBuilder;

  static constexpr uint8_t kWide = 255;
  static constexpr size_t kWideHeader = 9;

  static Member* New(std::string_view text);
  static void Free(Member* member);

  bool is_wide() const { return size_ == kWide; }
  const char* bytes() const { return reinterpret_cast<const char*>(this); }
  char* bytes() { return reinterpret_cast<char*>(this); }

  uint8_t size_;
};
static_assert(sizeof(Member) == 1);

class MemberTable {
 public:
  // `cuts` outlives the table; null for a table that no snapshot walks.
  explicit MemberTable(const ds::CutState* cuts) : cuts_(cuts), members_(cuts) {}
  ~MemberTable();
  MemberTable(const MemberTable&) = delete;
  MemberTable& operator=(const MemberTable&) = delete;

  size_t size() const { return members_.size(); }
  bool Has(std::string_view text) const { return static_cast<bool>(members_.Find(text, Hash(text))); }

  // False if the member was there already.
  bool Add(std::string_view text);
  // False if it was not there.
  bool Erase(std::string_view text);

  template <typename Visit>
  void VisitAll(Visit&& visit) const {
    members_.VisitAll([&](const Member* member) { visit(member->text()); });
  }
  // Until `visit` gives false.
  template <typename Visit>
  void VisitWhile(Visit&& visit) const {
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < members_.bucket_count(); ++i) {
      members_.VisitBucket(i, [&](const Member* member) { goes_on = goes_on && visit(member->text()); });
    }
  }
  // One step of a scan: one bucket; gives the next cursor, 0 at the end.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const {
    return members_.Scan(cursor, [&](const Member* member) { visit(member->text()); });
  }

  ds::WalkedTable Walked() { return members_.Walked(); }
  // A step over all that moves one bucket's members; gives the next cursor, 0 at the end. No cut runs.
  uint64_t Relocate(uint64_t cursor, ds::BlockMover& mover) {
    return members_.Relocate(cursor, mover, [&](Member* member) { return mover.Moved(member); });
  }

  // Any member with equal chance; the table must not be empty.
  std::string_view Random(Prng& random) const { return members_.FairRandom(random)->text(); }
  // `count` different members, all if there are no more.
  std::vector<std::string_view> RandomDistinct(Prng& random, size_t count) const;

  // Bytes that the allocator holds for all of it; those of the members are estimated from about `samples` of
  // them (0: all).
  size_t MemoryBytes(size_t samples) const;

  // A deep copy. The caller owns it.
  MemberTable* Clone() const;

 private:
  friend class MemberTableBuilder;

  struct Traits {
    using Item = Member;
    static std::string_view KeyOf(const Member* member) { return member->text(); }
    static uint64_t HashOf(const Member* member) { return Hash(member->text()); }
  };

  const ds::CutState* cuts_;
  ds::HashTable<Traits> members_;
};

}  // namespace hearth::keyspace
