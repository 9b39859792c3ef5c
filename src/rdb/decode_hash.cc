// Hashes: fields and values one by one, zipmaps, ziplists and listpacks; the forms with field expiries are in
// decode_field_expiry.cc.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "keyspace/table_builders.h"
#include "rdb/decode_containers.h"
#include "rdb/packed.h"

namespace hearth::rdb {
namespace {

using ds::Listpack;
using ds::ListpackView;
using keyspace::Encoding;
using keyspace::FieldTableBuilder;

constexpr std::string_view kTwice = "a hash has a field twice";

uint64_t PackLimit(const DecodeContext& context) {
  return static_cast<uint64_t>(context.settings.hash_max_listpack_entries);
}

bool Fill(FieldTableBuilder& table, ListpackView pack) {
  ds::NumberBuffer name_digits;
  ds::NumberBuffer value_digits;
  for (auto at = pack.First(); at != ListpackView::kNone;) {
    const auto value_at = pack.Next(at);
    if (!table.Add(pack.Get(at).View(name_digits), pack.Get(value_at).View(value_digits))) return false;
    at = pack.Next(value_at);
  }
  return true;
}

bool KeepTable(Reader& reader, FieldTableBuilder& builder, Container* container) {
  auto table = builder.Build();
  if (table == nullptr) return reader.Fail(kTwice);
  *container = {Encoding::kHashTable, table.release()};
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
  FieldTableBuilder table(context.cuts, count);
  if (!Fill(table, pack.View())) return reader.Fail(kTwice);
  return KeepTable(reader, table, container);
}

bool DecodeFields(Reader& reader, const DecodeContext& context, Container* container) {
  uint64_t count = 0;
  if (!reader.ReadCount(&count, 2)) return false;
  if (count == 0) return true;
  const auto value_limit = static_cast<uint64_t>(context.settings.hash_max_listpack_value);
  Listpack pack;
  std::optional<FieldTableBuilder> table;
  const size_t expected = reader.RoomFor(count);
  if (count > PackLimit(context)) table.emplace(context.cuts, expected);
  std::string name;
  std::string_view value;
  for (; count > 0; --count) {
    if (!reader.ReadString(&name) || !reader.ReadString(&value)) return false;
    const bool fits = name.size() <= value_limit && value.size() <= value_limit &&
                      pack.TotalBytes() + name.size() + value.size() < Listpack::kMaxBytes / 2;
    if (!table && !fits) {
      table.emplace(context.cuts, expected);
      if (!Fill(*table, pack.View())) return reader.Fail(kTwice);
    }
    if (!table) {
      pack.Append(name);
      pack.Append(value);
    } else if (!table->Add(name, value)) {
      return reader.Fail(kTwice);
    }
  }
  return table ? KeepTable(reader, *table, container) : Keep(reader, pack, false, context, container);
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
