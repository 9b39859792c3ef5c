// Hashes: fields and values one by one, zipmaps, ziplists and listpacks; the forms with field expiries are in
// decode_field_expiry.cc.
#include <algorithm>
#include <memory>
#include <utility>

#include "keyspace/field_table.h"
#include "rdb/decode_containers.h"
#include "rdb/packed.h"

namespace hearth::rdb {
namespace {

using ds::Listpack;
using ds::ListpackView;
using keyspace::Encoding;
using keyspace::FieldTable;

constexpr std::string_view kTwice = "a hash has a field twice";

uint64_t PackLimit(const DecodeContext& context) {
  return static_cast<uint64_t>(context.settings.hash_max_listpack_entries);
}

bool FillTable(ListpackView pack, FieldTable& table) {
  ds::NumberBuffer name_digits;
  ds::NumberBuffer value_digits;
  for (auto at = pack.First(); at != ListpackView::kNone;) {
    const auto value_at = pack.Next(at);
    if (!table.Set(pack.Get(at).View(name_digits), pack.Get(value_at).View(value_digits))) return false;
    at = pack.Next(value_at);
  }
  return true;
}

// Of pairs that are paired; a listpack while the limits allow it. `longest_matters`: values of any length may
// have been in the old form.
bool Keep(Reader& reader, Listpack& pack, bool longest_matters, const DecodeContext& context,
          Container* container) {
  const size_t count = pack.Length() / 2;
  if (count == 0) return true;
  bool fits = count <= PackLimit(context);
  if (fits && longest_matters) {
    const ListpackView view = pack.View();
    for (auto at = view.First(); at != ListpackView::kNone && fits; at = view.Next(at)) {
      fits = view.Get(at).text.size() <= static_cast<uint64_t>(context.settings.hash_max_listpack_value);
    }
  }
  if (fits) {
    if (context.checks_deeply && HasDuplicates(pack.View(), 2)) return reader.Fail(kTwice);
    *container = {Encoding::kListpack, pack.Release()};
    return true;
  }
  auto table = std::make_unique<FieldTable>(context.cuts);
  table->Reserve(count);
  if (!FillTable(pack.View(), *table)) return reader.Fail(kTwice);
  *container = {Encoding::kHashTable, table.release()};
  return true;
}

bool DecodeFields(Reader& reader, const DecodeContext& context, Container* container) {
  uint64_t count = 0;
  if (!reader.ReadCount(&count, 2)) return false;
  if (count == 0) return true;
  const auto value_limit = static_cast<uint64_t>(context.settings.hash_max_listpack_value);
  Listpack pack;
  std::unique_ptr<FieldTable> table;
  if (count > PackLimit(context)) {
    table = std::make_unique<FieldTable>(context.cuts);
    table->Reserve(reader.RoomFor(count));
  }
  std::string name;
  std::string_view value;
  for (; count > 0; --count) {
    if (!reader.ReadString(&name) || !reader.ReadString(&value)) return false;
    const bool fits = name.size() <= value_limit && value.size() <= value_limit &&
                      pack.TotalBytes() + name.size() + value.size() < Listpack::kMaxBytes / 2;
    if (table == nullptr && !fits) {
      table = std::make_unique<FieldTable>(context.cuts);
      if (!FillTable(pack.View(), *table)) return reader.Fail(kTwice);
    }
    if (table == nullptr) {
      pack.Append(name);
      pack.Append(value);
    } else if (!table->Set(name, value)) {
      return reader.Fail(kTwice);
    }
  }
  if (table == nullptr) return Keep(reader, pack, false, context, container);
  *container = {Encoding::kHashTable, table.release()};
  return true;
}

}  // namespace

bool DecodeHash(Reader& reader, ValueType type, const DecodeContext& context, Container* container) {
  std::optional<Listpack> pack;
  switch (type) {
    case ValueType::kHash:
      return DecodeFields(reader, context, container);
    case ValueType::kHashZipmap:
      if (!ReadZipmap(reader, &pack)) return false;
      break;
    case ValueType::kHashZiplist:
      if (!ReadZiplist(reader, &pack)) return false;
      break;
    case ValueType::kHashListpack:
      if (!ReadListpack(reader, &pack)) return false;
      break;
    default:
      return DecodeHashWithExpiries(reader, type, context, container);
  }
  if (pack->Length() % 2 != 0) return reader.Fail("a hash has a field without a value");
  return Keep(reader, *pack, type != ValueType::kHashListpack, context, container);
}

}  // namespace hearth::rdb
