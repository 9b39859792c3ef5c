// A large hash: a table of fields, one allocation for each.
//
//   tiny, for a field up to 63 and a value up to 255 bytes:
//     form u8: 0, and the field's size in the upper six bits | value size u8
//   compact, for a field up to 255 and a value up to 65535 bytes:
//     form u8: 1, and 4 with an expiry | field size u8 | value size u16 LE
//   wide:
//     form u8: 2, and 4 with an expiry | not used, 3 bytes | field size u64 LE | value size u64 LE
//
// then, if there is an expiry: Unix milliseconds, i64 LE; then the field's bytes, then the value's. A tiny
// one has no expiry.
//
// Fields that have an expiry also stand in a tree in the order of their times, which exists only while there
// are such fields. The table itself never hides or removes a field by its time: that is up to its readers and
// to HashValue.
//
// Owned by the entry of its key, changed by HashValue (hash_value.h) on the engine thread; once nothing
// refers to it, any thread may destroy it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/prng.h"
#include "ds/hash_table.h"
#include "ds/ordered_index.h"

namespace hearth::keyspace {

// In the place of a field's expiry: it has none; it is to keep what it has.
inline constexpr int64_t kNoFieldExpiry = -1;
inline constexpr int64_t kKeepFieldExpiry = -2;
// Later than any expiry: when the next field of a hash goes that loses none.
inline constexpr int64_t kNeverMs = std::numeric_limits<int64_t>::max();

// One field with its value. Made, changed and freed by FieldTable.
class Field {
 public:
  std::string_view name() const { return {bytes() + header_size(), name_size()}; }
  std::string_view value() const { return {bytes() + header_size() + name_size(), value_size()}; }
  bool has_expiry() const { return form() != kTiny && (bytes_[0] & kExpires) != 0; }
  // Unix milliseconds, or kNoFieldExpiry.
  int64_t expiry_ms() const {
    return has_expiry() ? LoadLittle<int64_t>(bytes() + header_size() - 8) : kNoFieldExpiry;
  }

 private:
  friend class FieldTable;
  friend class FieldTableBuilder;

  enum Form : uint8_t { kTiny = 0, kCompact = 1, kWide = 2 };
  static constexpr uint8_t kFormBits = 3;
  static constexpr uint8_t kExpires = 4;
  static constexpr int kTinyNameShift = 2;
  static constexpr size_t kMaxTinyName = 63;
  static constexpr size_t kMaxTinyValue = UINT8_MAX;

  // `expiry_ms` may be kNoFieldExpiry.
  static Field* New(std::string_view name, std::string_view value, int64_t expiry_ms);
  static void Free(Field* field);
  // Whether value and expiry may be overwritten where they stand.
  bool HasRoomFor(std::string_view value, int64_t expiry_ms) const;
  void SetValue(std::string_view value);
  void SetExpiry(int64_t expiry_ms) { StoreLittle(bytes() + header_size() - 8, expiry_ms); }

  Form form() const { return static_cast<Form>(bytes_[0] & kFormBits); }
  static size_t HeaderSize(Form form, bool expires) {
    if (form == kTiny) return 2;
    return (form == kWide ? 20u : 4u) + (expires ? 8u : 0u);
  }
  size_t header_size() const { return HeaderSize(form(), has_expiry()); }
  size_t name_size() const {
    if (form() == kTiny) return bytes_[0] >> kTinyNameShift;
    return form() == kCompact ? bytes_[1] : LoadLittle<uint64_t>(bytes() + 4);
  }
  size_t value_size() const {
    if (form() == kTiny) return bytes_[1];
    return form() == kCompact ? LoadLittle<uint16_t>(bytes() + 2) : LoadLittle<uint64_t>(bytes() + 12);
  }
  size_t max_value_size() const {
    if (form() == kTiny) return kMaxTinyValue;
    return form() == kCompact ? UINT16_MAX : SIZE_MAX;
  }
  size_t total_size() const { return header_size() + name_size() + value_size(); }
  const char* bytes() const { return reinterpret_cast<const char*>(this); }
  char* bytes() { return reinterpret_cast<char*>(this); }

  uint8_t bytes_[2];
};
static_assert(sizeof(Field) == 2);

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

  // To be called while empty, before so many fields come.
  void Reserve(size_t count) { fields_.Reserve(count); }
  // True if the field is new. Without an expiry given it has none afterwards; kKeepFieldExpiry keeps it.
  bool Set(std::string_view name, std::string_view value, int64_t expiry_ms = kNoFieldExpiry);
  // False if there is no such field. kNoFieldExpiry takes its expiry away.
  bool SetExpiry(std::string_view name, int64_t expiry_ms);
  // False if there is no such field.
  bool Erase(std::string_view name);

  // When the first field's time is over, Unix milliseconds; kNeverMs if no field has an expiry.
  int64_t NextExpiry() const {
    return expiring_ == nullptr ? kNeverMs : static_cast<int64_t>(expiring_->IdAt(expiring_->First()).ms);
  }
  // Fields whose time is over before `ms`, up to `limit` of them.
  size_t CountExpiring(int64_t ms, size_t limit) const;
  // Removes the first `limit` of them and gives their names.
  std::vector<std::string> TakeExpiring(int64_t ms, size_t limit);

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

  ds::WalkedTable Walked() { return fields_.Walked(); }

  // Any field with equal chance; the table must not be empty.
  const Field& Random(Prng& random) const { return *fields_.FairRandom(random); }
  // `count` different fields, all if there are no more.
  std::vector<const Field*> RandomDistinct(Prng& random, size_t count) const;

  // Bytes that the allocator holds for all of it; those of the fields are estimated from about
  // `samples` of them (0: all).
  size_t MemoryBytes(size_t samples) const;

  // A step over all that moves one bucket's fields; gives the next cursor, 0 at the end. No cut runs.
  uint64_t Relocate(uint64_t cursor, ds::BlockMover& mover);

  // A deep copy. The caller owns it.
  FieldTable* Clone() const;

 private:
  friend class FieldTableBuilder;

  struct Traits {
    using Item = Field;
    static std::string_view KeyOf(const Field* field) { return field->name(); }
    static uint64_t HashOf(const Field* field) { return Hash(field->name()); }
  };

  // The fields that have an expiry, by (expiry, address).
  using ExpiringFields = ds::IdMap<Field>;
  static ds::StreamId ExpiringId(const Field* field) {
    return {static_cast<uint64_t>(field->expiry_ms()), reinterpret_cast<uint64_t>(field)};
  }
  void StartExpiring(Field* field);
  void StopExpiring(Field* field);
  // Gives the field at `position` a value and an expiry.
  void Overwrite(ds::HashTable<Traits>::Position position, uint64_t hash, std::string_view value,
                 int64_t expiry_ms);

  const ds::CutState* cuts_;
  ds::HashTable<Traits> fields_;
  std::unique_ptr<ExpiringFields> expiring_;  // null while no field has an expiry
};

}  // namespace hearth::keyspace
