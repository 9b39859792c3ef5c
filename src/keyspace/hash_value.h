// Hashes: a listpack while small, of fields and values in turn, or with the expiry as a third
// (expiring_pack.h) once a field has had one; a FieldTable beyond the limits hash-max-listpack-entries and
// hash-max-listpack-value. HashReader reads any hash; HashValue changes one through a WriteHandle. Both are
// made where they are needed, on the engine thread, and own nothing.
//
// Fields whose time is over are absent for both, even where they have not been removed yet; but with
// ExpiredKeys::kIgnore they are fields like any other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "ds/listpack.h"
#include "keyspace/container.h"
#include "keyspace/database.h"
#include "keyspace/expiring_pack.h"
#include "keyspace/field_expiry.h"
#include "keyspace/field_table.h"
#include "keyspace/keyspace.h"
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
  HashReader(const Entry& entry, const Keyspace& keyspace)
      : HashReader(entry, FieldsHiddenBefore(keyspace)) {}
  // One that hides nothing: for snapshots and their like.
  static HashReader OfAllFields(const Entry& entry) { return HashReader(entry, INT64_MIN); }

  size_t Length() const {
    return ContainerSize(entry_) -
           (HidesSome() ? CountExpiringFields(entry_, hidden_before_ms_, SIZE_MAX) : 0);
  }
  std::optional<Element> Get(std::string_view field) const;
  bool Has(std::string_view field) const { return Get(field).has_value(); }
  // Unix milliseconds, kNoFieldExpiry for a field without one; nothing if there is no such field.
  std::optional<int64_t> ExpiryOf(std::string_view field) const;

  // `visit(const Element& field, const Element& value)` for all; a listpack's are in the order in which they
  // stand there: that of their coming, or of their expiry.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    ForEachWithExpiry([&](const Element& field, const Element& value, int64_t) { visit(field, value); });
  }
  // `visit(const Element& field, const Element& value, int64_t expiry_ms)` likewise.
  template <typename Visit>
  void ForEachWithExpiry(Visit&& visit) const;

  // One step of HSCAN; a listpack is visited whole. Gives the next cursor.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const;

  // Any pair, all with equal chance; nothing if there is none.
  std::optional<Pair> RandomPair(Prng& random) const;
  // `count` such draws, if there is any pair; `visit` gives false to stop early.
  template <typename Visit>
  void DrawPairs(Prng& random, uint64_t count, Visit&& visit) const;
  // `count` different pairs; fewer than there are.
  template <typename Visit>
  void DrawDistinctPairs(Prng& random, size_t count, Visit&& visit) const;

 private:
  using Position = ds::ListpackView::Position;

  HashReader(const Entry& entry, int64_t hidden_before_ms)
      : entry_(entry), hidden_before_ms_(hidden_before_ms) {}

  bool is_table() const { return entry_.encoding() == Encoding::kHashTable; }
  bool has_triples() const { return entry_.encoding() == Encoding::kListpackEx; }
  const FieldTable& table() const { return *static_cast<const FieldTable*>(entry_.container()); }
  ds::ListpackView pack() const { return ListpackOf(entry_); }
  // kNone if the listpack has no such field, or hides it.
  Position FindInPack(std::string_view field) const;
  Position NextField(Position value_at) const {
    const Position next = pack().Next(value_at);
    return has_triples() ? pack().Next(next) : next;
  }
  int64_t ExpiryAt(Position field_at) const {
    return has_triples() ? expiring_pack::ExpiryAt(pack(), field_at) : kNoFieldExpiry;
  }
  bool Hides(int64_t expiry_ms) const { return expiry_ms < hidden_before_ms_ && expiry_ms != kNoFieldExpiry; }
  bool Hides(const Field& field) const { return field.has_expiry() && Hides(field.expiry_ms()); }
  // There are fields that count as absent.
  bool HidesSome() const { return NextFieldExpiry(entry_) < hidden_before_ms_; }
  // Everything that may be drawn, for where walking to it each time or missing it would cost too much.
  std::vector<Pair> AllPairs() const;
  static Pair PairOf(const Field& field) { return {Element{field.name()}, Element{field.value()}}; }

  const Entry& entry_;
  const int64_t hidden_before_ms_;
};

class HashValue {
 public:
  // A new, empty hash, of the encoding that will suit `pairs` (fields and values in turn), which the caller
  // is going to set.
  static WriteHandle Create(Database& database, const Key& key, std::span<const std::string_view> pairs);

  explicit HashValue(WriteHandle& handle) : handle_(handle) {}

  // To be called before several pairs are set: leaves the listpack now if one of them would not fit there.
  void PrepareFor(std::span<const std::string_view> pairs);
  // True if the field is new. Without an expiry given it has none afterwards; kKeepFieldExpiry keeps it.
  bool Set(std::string_view field, std::string_view value, int64_t expiry_ms = kNoFieldExpiry);
  // Gives the field an expiry, or takes it away (kNoFieldExpiry). False if there is no such field.
  bool SetExpiry(std::string_view field, int64_t expiry_ms);
  // False if there is no such field.
  bool Erase(std::string_view field);

  // Removes the first `limit` fields whose time is over and gives their names. For Database, which does all
  // that follows from it: the handle is not marked.
  std::vector<std::string> TakeExpired(size_t limit);

 private:
  Keyspace& keyspace() const { return handle_.database().keyspace(); }
  bool is_table() const { return handle_->encoding() == Encoding::kHashTable; }
  FieldTable& table() { return *static_cast<FieldTable*>(handle_.container()); }
  bool has_triples() const { return handle_->encoding() == Encoding::kListpackEx; }
  bool Hides(int64_t expiry_ms) const {
    return expiry_ms != kNoFieldExpiry && expiry_ms < FieldsHiddenBefore(keyspace());
  }
  bool SetInTable(std::string_view field, std::string_view value, int64_t expiry_ms);
  bool SetInPairs(std::string_view field, std::string_view value);
  bool SetInTriples(std::string_view field, std::string_view value, int64_t expiry_ms);
  void ConvertToTriples();
  void ConvertToTable();

  WriteHandle& handle_;
};

template <typename Visit>
void HashReader::ForEachWithExpiry(Visit&& visit) const {
  if (is_table()) {
    table().VisitAll([&](const Field& field) {
      if (!Hides(field)) visit(Element{field.name()}, Element{field.value()}, field.expiry_ms());
    });
    return;
  }
  const ds::ListpackView view = pack();
  for (Position at = view.First(); at != ds::ListpackView::kNone;) {
    const Position value_at = view.Next(at);
    const int64_t expiry_ms = ExpiryAt(at);
    if (!Hides(expiry_ms)) visit(view.Get(at), view.Get(value_at), expiry_ms);
    at = NextField(value_at);
  }
}

template <typename Visit>
uint64_t HashReader::Scan(uint64_t cursor, Visit&& visit) const {
  if (is_table()) {
    return table().Scan(cursor, [&](const Field& field) {
      if (!Hides(field)) visit(Element{field.name()}, Element{field.value()});
    });
  }
  ForEach(visit);
  return 0;
}

template <typename Visit>
void HashReader::DrawPairs(Prng& random, uint64_t count, Visit&& visit) const {
  if (is_table() && !HidesSome()) {
    for (uint64_t i = 0; i < count; ++i) {
      if (!visit(PairOf(table().Random(random)))) return;
    }
    return;
  }
  const std::vector<Pair> pairs = AllPairs();
  if (pairs.empty()) return;
  for (uint64_t i = 0; i < count; ++i) {
    if (!visit(pairs[random.Below(pairs.size())])) return;
  }
}

template <typename Visit>
void HashReader::DrawDistinctPairs(Prng& random, size_t count, Visit&& visit) const {
  if (is_table() && !HidesSome()) {
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
