// A large hash: a table of fields, one allocation for each.
//
//   compact, for a field up to 255 and a value up to 65535 bytes:  flags u8 | field size u8 | value size u16
//   LE wide:  flags u8 | not used, 3 bytes | field size u64 LE | value size u64 LE then the field's bytes,
//   then the value's. Bit 0 of the flags says wide; bit 1 is kept for an expiry of the field.
//
// Owned by the entry of its key, changed by HashValue (hash_value.h) on the engine thread; once nothing
// refers to it, any thread may destroy it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/prng.h"
#include "ds/hash_table.h"

namespace hearth::keyspace {

// One field with its value. Made, changed and freed by FieldTable.
class Field {
 public:
  std::string_view name() const { return {bytes() + header_size(), name_size()}; }
  std::string_view value() const { return {bytes() + header_size() + name_size(), value_size()}; }

 private:
  friend class FieldTable;

  static constexpr uint8_t kWide = 1;
  static constexpr size_t kCompactHeader = 4;
  static constexpr size_t kWideHeader = 20;

  static Field* New(std::string_view name, std::string_view value);
  static void Free(Field* field);
  // Overwrites the value where it stands, if its allocation and header allow that; false if nothing was done.
  bool HasRoomFor(std::string_view value) const;
  void SetValue(std::string_view value);

  bool is_wide() const { return flags_ & kWide; }
  size_t header_size() const { return is_wide() ? kWideHeader : kCompactHeader; }
  size_t name_size() const { return is_wide() ? LoadLittle<uint64_t>(bytes() + 4) : name_size_; }
  size_t value_size() const { return is_wide() ? LoadLittle<uint64_t>(bytes() + 12) : value_size_; }
  size_t total_size() const { return header_size() + name_size() + value_size(); }
  const char* bytes() const { return reinterpret_cast<const char*>(this); }
  char* bytes() { return reinterpret_cast<char*>(this); }

  uint8_t flags_;
  uint8_t name_size_;
  uint16_t value_size_;
};
static_assert(sizeof(Field) == 4);

class FieldTable {
 public:
  // `cuts` outlives the table; null for a table that no snapshot walks.
  explicit FieldTable(const ds::CutState* cuts) : cuts_(cuts), fields_(cuts) {}
  ~FieldTable();
  FieldTable(const FieldTable&) = delete;
  FieldTable& operator=(const FieldTable&) = delete;

  size_t size() const { return fields_.size(); }

  // Null if absent. Good until the table changes.
  const Field* Find(std::string_view name) const {
    const auto position = fields_.Find(name, Hash(name));
    return position ? position.item() : nullptr;
  }

  // True if the field is new.
  bool Set(std::string_view name, std::string_view value);
  // False if there is no such field.
  bool Erase(std::string_view name);

  // `visit(const Field&)` must not change the table.
  template <typename Visit>
  void VisitAll(Visit&& visit) const {
    fields_.VisitAll([&](const Field* field) { visit(*field); });
  }
  // One step of a scan: one bucket; gives the next cursor, 0 at the end.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const {
    return fields_.Scan(cursor, [&](const Field* field) { visit(*field); });
  }

  // Any field with equal chance; the table must not be empty.
  const Field& Random(Prng& random) const { return *fields_.FairRandom(random); }
  // `count` different fields, all if there are no more.
  std::vector<const Field*> RandomDistinct(Prng& random, size_t count) const;

  // Bytes that the allocator holds for all of it; those of the fields are estimated from about
  // `samples` of them (0: all).
  size_t MemoryBytes(size_t samples) const;

  // A deep copy. The caller owns it.
  FieldTable* Clone() const;

 private:
  struct Traits {
    using Item = Field;
    static std::string_view KeyOf(const Field* field) { return field->name(); }
    static uint64_t HashOf(const Field* field) { return Hash(field->name()); }
  };

  const ds::CutState* cuts_;
  ds::HashTable<Traits> fields_;
};

}  // namespace hearth::keyspace
