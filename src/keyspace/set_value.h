// Sets: SetReader reads any set; SetValue changes one through a WriteHandle. Both are made where they are
// needed, on the engine thread, and own nothing.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "ds/intset.h"
#include "ds/listpack.h"
#include "keyspace/database.h"
#include "keyspace/member_table.h"
#include "keyspace/set_contents.h"

namespace hearth::keyspace {

class SetReader {
 public:
  // `entry` is a set; the reader is good until it changes.
  explicit SetReader(const Entry& entry) : SetReader(entry.encoding(), entry.container()) {}
  SetReader(Encoding encoding, const void* container) : encoding_(encoding), container_(container) {}

  size_t Length() const;
  bool Has(std::string_view member) const;
  bool Has(const Element& member) const;
  bool is_intset() const { return encoding_ == Encoding::kIntset; }

  // `visit(const Element&)` for all: an intset's in ascending order, a listpack's in the order of their
  // coming.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    ForEachWhile([&](const Element& member) {
      visit(member);
      return true;
    });
  }
  // Until `visit` gives false.
  template <typename Visit>
  void ForEachWhile(Visit&& visit) const;

  // One step of SSCAN; small encodings are visited whole. Gives the next cursor.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const;

  // Any member, all with equal chance; the set must not be empty.
  Element Random(Prng& random) const;
  // `count` such draws; `visit` gives false to stop early.
  template <typename Visit>
  void Draw(Prng& random, uint64_t count, Visit&& visit) const;
  // `count` different members; all if there are no more.
  std::vector<Element> DrawDistinct(Prng& random, size_t count) const;

 private:
  bool is_table() const { return encoding_ == Encoding::kHashTable; }
  const MemberTable& table() const { return *static_cast<const MemberTable*>(container_); }
  ds::IntsetView intset() const { return ds::IntsetView(static_cast<const uint8_t*>(container_)); }
  ds::ListpackView pack() const { return ds::ListpackView(static_cast<const uint8_t*>(container_)); }
  static Element NumberElement(int64_t number) { return Element{{}, number, true}; }

  Encoding encoding_;
  const void* container_;
};

class SetValue {
 public:
  // A new, empty set, of the encoding that will suit `first` and as many members as `size_hint`, which the
  // caller is going to add.
  static WriteHandle Create(Database& database, const Key& key, std::string_view first, size_t size_hint);
  // A key that is not there gets contents that are not empty. Counts one change.
  static WriteHandle Store(Database& database, const Key& key, SetContents contents);

  explicit SetValue(WriteHandle& handle) : handle_(handle) {}

  size_t Length() const { return SetReader(*handle_).Length(); }

  // To be called before several members are added to a set.
  void PrepareFor(size_t added);
  // False if the member was there already.
  bool Add(std::string_view member);
  // False if it was not there.
  bool Remove(std::string_view member);
  // Removes members that have been drawn from this set, and that are in it.
  void RemoveDrawn(const std::vector<Element>& members);

 private:
  class Edit;

  WriteHandle& handle_;
};

template <typename Visit>
void SetReader::ForEachWhile(Visit&& visit) const {
  if (is_table()) return table().VisitWhile([&](std::string_view text) { return visit(Element{text}); });
  if (is_intset()) {
    const ds::IntsetView view = intset();
    for (size_t i = 0; i < view.Length(); ++i) {
      if (!visit(NumberElement(view.Get(i)))) return;
    }
    return;
  }
  const ds::ListpackView view = pack();
  for (auto at = view.First(); at != ds::ListpackView::kNone; at = view.Next(at)) {
    if (!visit(view.Get(at))) return;
  }
}

template <typename Visit>
uint64_t SetReader::Scan(uint64_t cursor, Visit&& visit) const {
  if (is_table()) return table().Scan(cursor, [&](std::string_view text) { visit(Element{text}); });
  ForEach(visit);
  return 0;
}

template <typename Visit>
void SetReader::Draw(Prng& random, uint64_t count, Visit&& visit) const {
  if (encoding_ != Encoding::kListpack) {
    for (uint64_t i = 0; i < count; ++i) {
      if (!visit(Random(random))) return;
    }
    return;
  }
  // Walking to each drawn member would cost the length every time.
  std::vector<Element> members;
  members.reserve(Length());
  ForEach([&](const Element& member) { members.push_back(member); });
  for (uint64_t i = 0; i < count; ++i) {
    if (!visit(members[random.Below(members.size())])) return;
  }
}

}  // namespace hearth::keyspace
