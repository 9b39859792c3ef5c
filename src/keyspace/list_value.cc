#include "keyspace/list_value.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "keyspace/keyspace.h"

namespace hearth::keyspace {
namespace {

using ds::Listpack;
using ds::ListpackView;
using ds::Quicklist;

ListpackView::Position PositionAt(ListpackView view, ListEnd end) {
  return end == ListEnd::kHead ? view.First() : view.Last();
}

}  // namespace

ListReader::Element ListReader::Peek(ListEnd end) const {
  if (is_quicklist()) return quicklist().Peek(end);
  return pack().Get(PositionAt(pack(), end));
}

WriteHandle ListValue::Create(Database& database, const Key& key) {
  return database.Create(key, Type::kList, Encoding::kListpack, Listpack().Release());
}

ds::QuicklistLimits ListValue::Limits() const {
  const Keyspace& keyspace = handle_.database().keyspace();
  const settings::Settings& settings = keyspace.settings();
  ds::QuicklistLimits limits;
  limits.plain_bytes = keyspace.large_element_bytes();
  limits.fill = static_cast<int16_t>(std::clamp<int64_t>(settings.list_max_listpack_size, -5, INT16_MAX));
  limits.compress_depth =
      static_cast<uint16_t>(std::clamp<int64_t>(settings.list_compress_depth, 0, UINT16_MAX));
  return limits;
}

// A listpack that would outgrow the limit with these elements becomes a quicklist first.
void ListValue::GrowFor(std::span<const std::string_view> elements) {
  if (is_quicklist()) return;
  const ListpackView view = ListpackOf(*handle_);
  size_t bytes = view.TotalBytes();
  for (std::string_view element : elements) bytes += element.size();
  const ds::QuicklistLimits limits = Limits();
  if (limits.Fits(bytes, view.Length() + elements.size())) return;
  Listpack pack = Listpack::Adopt(static_cast<uint8_t*>(handle_.container()));
  handle_.SetContainer(
      Encoding::kQuicklist,
      std::make_unique<Quicklist>(std::move(pack), limits, &handle_.database().keyspace().cuts()).release());
}

// After a removal: a quicklist of one node becomes a listpack again. Half the limit keeps a list that hovers
// around the limit from changing to and fro.
void ListValue::ShrinkIfSmall() {
  if (!is_quicklist() || quicklist().NodeCount() != 1) return;
  const ds::QuicklistNode& node = *quicklist().FirstNode();
  if (node.is_plain) return;
  const ds::QuicklistLimits limits = Limits();
  const bool is_small = limits.fill < 0
                            ? limits.Fits(node.size * 2, node.count)
                            : node.count <= static_cast<uint32_t>(std::max<int>(limits.fill, 1)) / 2;
  if (!is_small) return;
  const std::unique_ptr<Quicklist> emptied(&quicklist());
  handle_.SetContainer(Encoding::kListpack, emptied->TakeSingleListpack()->Release());
  handle_.database().keyspace().cutter().OnListGone(*emptied);
}

void ListValue::PushOne(ListEnd end, std::string_view element) {
  if (is_quicklist()) {
    quicklist().Push(end, element);
    return;
  }
  ListpackEdit pack(handle_);
  if (end == ListEnd::kHead) {
    pack->Prepend(element);
  } else {
    pack->Append(element);
  }
}

void ListValue::Push(ListEnd end, std::span<const std::string_view> elements, bool counts) {
  GrowFor(elements);
  for (std::string_view element : elements) PushOne(end, element);
  handle_.MarkChanged(counts ? elements.size() : 0);
}

void ListValue::DeleteRange(size_t start, size_t count) {
  if (count == 0) return;
  if (is_quicklist()) {
    quicklist().DeleteRange(static_cast<int64_t>(start), count);
  } else {
    ListpackEdit pack(handle_);
    pack->DeleteRange(static_cast<int64_t>(start), count);
  }
}

void ListValue::Drop(ListEnd end, size_t count) {
  if (count == 1 && is_quicklist()) {
    quicklist().Drop(end);
  } else if (count == 1) {
    ListpackEdit pack(handle_);
    pack->Delete(PositionAt(pack.View(), end));
  } else {
    DeleteRange(end == ListEnd::kHead ? 0 : Length() - count, count);
  }
  ShrinkIfSmall();
  handle_.MarkChanged(count);
}

void ListValue::Rotate(ListEnd from, ListEnd to) {
  const std::string element = ListReader(*handle_).Peek(from).ToString();
  if (is_quicklist()) {
    quicklist().Drop(from);
  } else {
    ListpackEdit pack(handle_);
    pack->Delete(PositionAt(pack.View(), from));
  }
  PushOne(to, element);
  ShrinkIfSmall();
  handle_.MarkChanged();
}

void ListValue::Keep(size_t start, size_t count) {
  const size_t length = Length();
  DeleteRange(start + count, length - start - count);
  DeleteRange(0, start);
  ShrinkIfSmall();
  handle_.MarkChanged(length - count);
}

bool ListValue::Set(int64_t index, std::string_view element) {
  const auto length = static_cast<int64_t>(Length());
  if (index < -length || index >= length) return false;
  GrowFor({&element, 1});
  if (is_quicklist()) {
    Quicklist::Iterator at = quicklist().At(index);
    quicklist().Replace(at, element);
    ShrinkIfSmall();
  } else {
    ListpackEdit pack(handle_);
    pack->Replace(pack.View().Seek(index), element);
  }
  handle_.MarkChanged();
  return true;
}

bool ListValue::Insert(std::string_view pivot, bool after, std::string_view element) {
  if (!is_quicklist()) {
    const ListpackView view = ListpackOf(*handle_);
    const auto at = view.Find(pivot, view.First(), 0);
    if (at == ListpackView::kNone) return false;
    GrowFor({&element, 1});
    if (!is_quicklist()) {
      ListpackEdit pack(handle_);
      if (after) {
        pack->InsertAfter(at, element);
      } else {
        pack->InsertBefore(at, element);
      }
      handle_.MarkChanged();
      return true;
    }
  }
  Quicklist::Iterator at = quicklist().At(0);
  if (!at.FindForward(pivot)) return false;
  if (after) {
    quicklist().InsertAfter(at, element);
  } else {
    quicklist().InsertBefore(at, element);
  }
  handle_.MarkChanged();
  return true;
}

size_t ListValue::Remove(std::string_view element, size_t limit, bool backward) {
  const size_t removed = is_quicklist() ? RemoveFromQuicklist(element, limit, backward)
                                        : RemoveFromPack(element, limit, backward);
  if (removed == 0) return 0;
  ShrinkIfSmall();
  handle_.MarkChanged(removed);
  return removed;
}

size_t ListValue::RemoveFromPack(std::string_view element, size_t limit, bool backward) {
  const ElementMatcher matches(element);
  ListpackEdit pack(handle_);
  size_t removed = 0;
  auto at = backward ? pack.View().Last() : pack.View().First();
  while (at != ListpackView::kNone && (limit == 0 || removed < limit)) {
    // What stands before a position does not move when it is deleted.
    const auto previous = backward ? pack.View().Previous(at) : at;
    if (matches(pack.View().Get(at))) {
      const auto next = pack->Delete(at);
      at = backward ? previous : next;
      ++removed;
    } else {
      at = backward ? previous : pack.View().Next(at);
    }
  }
  return removed;
}

size_t ListValue::RemoveFromQuicklist(std::string_view element, size_t limit, bool backward) {
  const ElementMatcher matches(element);
  size_t removed = 0;
  Quicklist::Iterator at = quicklist().At(backward ? -1 : 0);
  while (at.IsValid() && (limit == 0 || removed < limit)) {
    if (matches(at.Value())) {
      quicklist().Delete(at, backward);
      ++removed;
    } else if (backward) {
      at.Previous();
    } else {
      at.Next();
    }
  }
  return removed;
}

}  // namespace hearth::keyspace
