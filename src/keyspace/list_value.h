// Lists: one listpack while that is within list-max-listpack-size, a quicklist beyond; back when what is left
// is one node of half the limit. ListReader reads any list; ListValue changes one through a WriteHandle. Both
// are made where they are needed, on the engine thread, and own nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/numbers.h"
#include "ds/listpack.h"
#include "ds/quicklist.h"
#include "keyspace/database.h"
#include "keyspace/listpack_edit.h"

namespace hearth::keyspace {

using ListEnd = ds::Quicklist::End;

// Compares elements with one text, which is parsed once.
class ElementMatcher {
 public:
  explicit ElementMatcher(std::string_view text) : text_(text), number_(ParseInt64(text)) {}
  bool operator()(const ds::ListpackValue& element) const {
    return element.is_number ? number_ && *number_ == element.number : element.text == text_;
  }

 private:
  std::string_view text_;
  std::optional<int64_t> number_;
};

class ListReader {
 public:
  using Element = ds::ListpackValue;

  // `entry` is a list; the reader is good until it changes.
  explicit ListReader(const Entry& entry) : entry_(entry) {}

  size_t Length() const { return is_quicklist() ? quicklist().Length() : pack().Length(); }

  // The element at an end of a list that is not empty; good until the list changes.
  Element Peek(ListEnd end) const;

  // Visits elements from index `from` on (negative: from the end) towards the tail, or the head if
  // `backward`, until `visit(const Element&)` gives false. The element is good during the visit alone. No
  // visit if `from` is outside.
  template <typename Visit>
  void Walk(int64_t from, bool backward, Visit&& visit) const;

 private:
  bool is_quicklist() const { return entry_.encoding() == Encoding::kQuicklist; }
  const ds::Quicklist& quicklist() const { return *static_cast<const ds::Quicklist*>(entry_.container()); }
  ds::ListpackView pack() const { return ListpackOf(entry_); }

  const Entry& entry_;
};

class ListValue {
 public:
  // A new, empty list, which the caller is going to fill.
  static WriteHandle Create(Database& database, const Key& key);

  explicit ListValue(WriteHandle& handle) : handle_(handle) {}

  size_t Length() const { return ListReader(*handle_).Length(); }

  // Pushes one after the other. `counts`: the elements count as changes; not so when they come from another
  // list, where taking them out counts already.
  void Push(ListEnd end, std::span<const std::string_view> elements, bool counts = true);
  // Removes `count` elements at an end; there are as many.
  void Drop(ListEnd end, size_t count);
  // Moves one element from one end to the other, or to the same.
  void Rotate(ListEnd from, ListEnd to);
  // Keeps `count` elements from index `start` on, which are there, and removes the others. Counts as touched
  // even when there are no others.
  void Keep(size_t start, size_t count);

  // False if there is no such index.
  bool Set(int64_t index, std::string_view element);
  // Inserts before or after the first element equal to `pivot`; false if there is none.
  bool Insert(std::string_view pivot, bool after, std::string_view element);
  // Removes the first `limit` elements equal to `element`, the last ones if `backward`; all if `limit` is 0.
  // Returns how many.
  size_t Remove(std::string_view element, size_t limit, bool backward);

 private:
  bool is_quicklist() const { return handle_->encoding() == Encoding::kQuicklist; }
  ds::Quicklist& quicklist() { return *static_cast<ds::Quicklist*>(handle_.container()); }
  ds::QuicklistLimits Limits() const;
  void GrowFor(std::span<const std::string_view> elements);
  void ShrinkIfSmall();
  void PushOne(ListEnd end, std::string_view element);
  void DeleteRange(size_t start, size_t count);
  size_t RemoveFromPack(std::string_view element, size_t limit, bool backward);
  size_t RemoveFromQuicklist(std::string_view element, size_t limit, bool backward);

  WriteHandle& handle_;
};

template <typename Visit>
void ListReader::Walk(int64_t from, bool backward, Visit&& visit) const {
  if (is_quicklist()) {
    ds::Quicklist::Iterator at = quicklist().At(from);
    while (at.IsValid() && visit(at.Value())) {
      if (backward) {
        at.Previous();
      } else {
        at.Next();
      }
    }
    return;
  }
  const ds::ListpackView view = pack();
  auto at = view.Seek(from);
  while (at != ds::ListpackView::kNone && visit(view.Get(at))) {
    at = backward ? view.Previous(at) : view.Next(at);
  }
}

}  // namespace hearth::keyspace
