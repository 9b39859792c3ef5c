#include "keyspace/expiring_pack.h"

#include "base/assert.h"
#include "keyspace/field_table.h"

namespace hearth::keyspace::expiring_pack {
namespace {

using ds::Listpack;
using ds::ListpackValue;
using ds::ListpackView;
using ds::NumberBuffer;

ListpackView::Position NextField(ListpackView pack, ListpackView::Position field) {
  for (size_t i = 0; i < kWidth && field != ListpackView::kNone; ++i) field = pack.Next(field);
  return field;
}

// What stands for the expiry in the listpack.
int64_t Stored(int64_t expiry_ms) { return expiry_ms < 0 ? 0 : expiry_ms; }

void Append(Listpack& pack, const ListpackValue& value) {
  if (value.is_number) {
    pack.Append(value.number);
  } else {
    pack.Append(value.text);
  }
}

}  // namespace

ListpackView::Position Find(ListpackView pack, std::string_view field) {
  return pack.Find(field, pack.First(), kWidth - 1);
}

int64_t ExpiryAt(ListpackView pack, ListpackView::Position field) {
  const ListpackValue expiry = pack.Get(pack.Next(pack.Next(field)));
  HEARTH_ASSERT(expiry.is_number);
  return expiry.number == 0 ? kNoFieldExpiry : expiry.number;
}

int64_t NextExpiry(ListpackView pack) {
  if (pack.IsEmpty()) return kNeverMs;
  const int64_t first = ExpiryAt(pack, pack.First());
  return first == kNoFieldExpiry ? kNeverMs : first;
}

size_t CountExpiring(ListpackView pack, int64_t ms, size_t limit) {
  size_t count = 0;
  for (auto at = pack.First(); at != ListpackView::kNone && count < limit; at = NextField(pack, at)) {
    const int64_t expiry_ms = ExpiryAt(pack, at);
    if (expiry_ms == kNoFieldExpiry || expiry_ms >= ms) break;
    ++count;
  }
  return count;
}

std::vector<std::string> TakeExpiring(Listpack& pack, int64_t ms, size_t limit) {
  const size_t count = CountExpiring(pack.View(), ms, limit);
  std::vector<std::string> names;
  names.reserve(count);
  for (auto at = pack.View().First(); names.size() < count; at = NextField(pack.View(), at)) {
    names.push_back(pack.View().Get(at).ToString());
  }
  pack.DeleteRange(0, count * kWidth);
  return names;
}

void Insert(Listpack& pack, std::string_view field, std::string_view value, int64_t expiry_ms) {
  auto at = ListpackView::kNone;
  if (expiry_ms >= 0) {
    // Behind those of the same time.
    at = pack.View().First();
    while (at != ListpackView::kNone) {
      const int64_t other = ExpiryAt(pack.View(), at);
      if (other == kNoFieldExpiry || other > expiry_ms) break;
      at = NextField(pack.View(), at);
    }
  }
  if (at == ListpackView::kNone) {
    pack.Append(field);
    pack.Append(value);
    pack.Append(Stored(expiry_ms));
  } else {
    at = pack.InsertBefore(at, field);
    at = pack.InsertAfter(at, value);
    pack.InsertAfter(at, Stored(expiry_ms));
  }
}

void Overwrite(Listpack& pack, ListpackView::Position at, std::string_view value, int64_t expiry_ms) {
  if (ExpiryAt(pack.View(), at) == expiry_ms) {
    pack.Replace(pack.View().Next(at), value);
    return;
  }
  const std::string field = pack.View().Get(at).ToString();
  pack.Delete(at, kWidth);
  Insert(pack, field, value, expiry_ms);
}

void SetExpiry(Listpack& pack, ListpackView::Position at, int64_t expiry_ms) {
  const std::string value = pack.View().Get(pack.View().Next(at)).ToString();
  Overwrite(pack, at, value, expiry_ms);
}

Listpack FromPairs(ListpackView pairs) {
  // Two bytes more for each pair, at most.
  Listpack pack(pairs.TotalBytes() + pairs.Length());
  for (auto at = pairs.First(); at != ListpackView::kNone; at = pairs.Next(at)) {
    Append(pack, pairs.Get(at));
    at = pairs.Next(at);
    Append(pack, pairs.Get(at));
    pack.Append(int64_t{0});
  }
  return pack;
}

}  // namespace hearth::keyspace::expiring_pack
