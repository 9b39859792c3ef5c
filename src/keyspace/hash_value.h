// Hashes: a listpack of fields and values in turn while small, a FieldTable beyond the limits
// hash-max-listpack-entries and hash-max-listpack-value. HashReader reads any hash; HashValue changes one
// through a WriteHandle. Both are made where they are needed, on the engine thread, and own nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "ds/listpack.h"
#include "keyspace/database.h"
#include "keyspace/field_table.h"
#include "keyspace/listpack_edit.h"

namespace hearth::keyspace {

// A text or a number in the hash, good until the hash changes.
using Element = ds::ListpackValue;

class HashReader {
 public:
  struct Pair {
    Element field;
    Element value;
  };

  // `entry` is a hash; the reader is good until it changes.
  explicit HashReader(const Entry& entry) : entry_(entry) {}

  size_t Length() const { return is_table() ? table().size() : pack().Length() / 2; }
  std::optional<Element> Get(std::string_view field) const;
  bool Has(std::string_view field) const { return Get(field).has_value(); }

  // `visit(const Element& field, const Element& value)` for all; a listpack's are in the order of their
  // coming.
  template <typename Visit>
  void ForEach(Visit&& visit) const;

  // One step of HSCAN; a listpack is visited whole. Gives the next cursor.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const;

  // Any pair, all with equal chance; the hash must not be empty.
  Pair RandomPair(Prng& random) const;
  // `count` such draws; `visit` gives false to stop early.
  template <typename Visit>
  void DrawPairs(Prng& random, uint64_t count, Visit&& visit) const;
  // `count` different pairs; fewer than there are.
  template <typename Visit>
  void DrawDistinctPairs(Prng& random, size_t count, Visit&& visit) const;

 private:
  using Position = ds::ListpackView::Position;

  bool is_table() const { return entry_.encoding() == Encoding::kHashTable; }
  const FieldTable& table() const { return *static_cast<const FieldTable*>(entry_.container()); }
  ds::ListpackView pack() const { return ListpackOf(entry_); }
  Pair PairAt(Position position) const { return {pack().Get(position), pack().Get(pack().Next(position))}; }
  std::vector<Position> FieldPositions() const;
  static Pair PairOf(const Field& field) { return {Element{field.name()}, Element{field.value()}}; }

  const Entry& entry_;
};

class HashValue {
 public:
  // A new, empty hash, of the encoding that will suit `pairs` (fields and values in turn), which the caller
  // is going to set.
  static WriteHandle Create(Database& database, const Key& key, std::span<const std::string_view> pairs);

  explicit HashValue(WriteHandle& handle) : handle_(handle) {}

  size_t Length() const { return HashReader(*handle_).Length(); }

  // To be called before several pairs are set: leaves the listpack now if one of them would not fit there.
  void PrepareFor(std::span<const std::string_view> pairs);
  // True if the field is new.
  bool Set(std::string_view field, std::string_view value);
  // False if there is no such field.
  bool Erase(std::string_view field);

 private:
  bool is_table() const { return handle_->encoding() == Encoding::kHashTable; }
  FieldTable& table() { return *static_cast<FieldTable*>(handle_.container()); }
  void ConvertToTable();

  WriteHandle& handle_;
};

template <typename Visit>
void HashReader::ForEach(Visit&& visit) const {
  if (is_table()) {
    table().VisitAll([&](const Field& field) { visit(Element{field.name()}, Element{field.value()}); });
    return;
  }
  const ds::ListpackView view = pack();
  for (Position at = view.First(); at != ds::ListpackView::kNone;) {
    const Position value_at = view.Next(at);
    visit(view.Get(at), view.Get(value_at));
    at = view.Next(value_at);
  }
}

template <typename Visit>
uint64_t HashReader::Scan(uint64_t cursor, Visit&& visit) const {
  if (is_table()) {
    return table().Scan(cursor,
                        [&](const Field& field) { visit(Element{field.name()}, Element{field.value()}); });
  }
  ForEach(visit);
  return 0;
}

template <typename Visit>
void HashReader::DrawPairs(Prng& random, uint64_t count, Visit&& visit) const {
  if (is_table()) {
    for (uint64_t i = 0; i < count; ++i) {
      if (!visit(PairOf(table().Random(random)))) return;
    }
    return;
  }
  // Walking to each drawn field would cost the length every time.
  const std::vector<Position> positions = FieldPositions();
  for (uint64_t i = 0; i < count; ++i) {
    if (!visit(PairAt(positions[random.Below(positions.size())]))) return;
  }
}

template <typename Visit>
void HashReader::DrawDistinctPairs(Prng& random, size_t count, Visit&& visit) const {
  if (is_table()) {
    for (const Field* field : table().RandomDistinct(random, count)) visit(PairOf(*field));
    return;
  }
  // Selection sampling: each pair is taken with the chance that keeps all subsets alike (Knuth, volume
  // 2, 3.4.2).
  size_t left = Length();
  ForEach([&](const Element& field, const Element& value) {
    if (count > 0 && random.Below(left) < count) {
      visit(Pair{field, value});
      --count;
    }
    --left;
  });
}

}  // namespace hearth::keyspace
