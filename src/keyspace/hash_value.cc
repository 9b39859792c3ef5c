#include "keyspace/hash_value.h"

#include <algorithm>
#include <memory>

#include "keyspace/keyspace.h"

namespace hearth::keyspace {
namespace {

using ds::Listpack;
using ds::ListpackView;

// Whether a listpack of `bytes` may take these pairs, going by their sizes alone; how many it ends up with
// shows only when they are set, for some may be there already.
bool SuitsListpack(const settings::Settings& settings, size_t bytes,
                   std::span<const std::string_view> pairs) {
  for (std::string_view text : pairs) {
    if (text.size() > static_cast<uint64_t>(settings.hash_max_listpack_value)) return false;
    bytes += text.size();
  }
  return bytes <= Listpack::kMaxBytes / 2;
}

}  // namespace

std::optional<Element> HashReader::Get(std::string_view field) const {
  if (is_table()) {
    const Field* found = table().Find(field);
    if (found == nullptr) return std::nullopt;
    return Element{found->value()};
  }
  const ListpackView view = pack();
  const Position at = view.Find(field, view.First(), 1);
  if (at == ListpackView::kNone) return std::nullopt;
  return view.Get(view.Next(at));
}

HashReader::Pair HashReader::RandomPair(Prng& random) const {
  if (is_table()) return PairOf(table().Random(random));
  return PairAt(pack().Seek(static_cast<int64_t>(random.Below(Length()) * 2)));
}

std::vector<HashReader::Position> HashReader::FieldPositions() const {
  std::vector<Position> positions;
  const ListpackView view = pack();
  positions.reserve(view.Length() / 2);
  for (Position at = view.First(); at != ListpackView::kNone; at = view.Next(view.Next(at))) {
    positions.push_back(at);
  }
  return positions;
}

WriteHandle HashValue::Create(Database& database, const Key& key, std::span<const std::string_view> pairs) {
  Keyspace& keyspace = database.keyspace();
  if (!SuitsListpack(keyspace.settings(), Listpack::kEmptyBytes, pairs)) {
    return database.Create(key, Type::kHash, Encoding::kHashTable,
                           std::make_unique<FieldTable>(&keyspace.cuts()).release());
  }
  // No more room than a listpack may take up before it becomes a table.
  const auto limit = static_cast<size_t>(keyspace.settings().hash_max_listpack_entries) * 2;
  size_t bytes = Listpack::kEmptyBytes;
  for (std::string_view text : pairs.first(std::min(pairs.size(), limit)))
    bytes += Listpack::EntryBytes(text);
  return database.Create(key, Type::kHash, Encoding::kListpack, Listpack(bytes).Release());
}

void HashValue::PrepareFor(std::span<const std::string_view> pairs) {
  if (is_table()) return;
  const settings::Settings& settings = handle_.database().keyspace().settings();
  if (!SuitsListpack(settings, ListpackOf(*handle_).TotalBytes(), pairs)) ConvertToTable();
}

bool HashValue::Set(std::string_view field, std::string_view value) {
  handle_.MarkChanged();
  const std::string_view pair[] = {field, value};
  PrepareFor(pair);
  if (is_table()) return table().Set(field, value);
  bool is_new;
  size_t length;
  {
    ListpackEdit pack(handle_);
    const auto at = pack->View().Find(field, pack->View().First(), 1);
    is_new = at == ListpackView::kNone;
    if (is_new) {
      pack->Append(field);
      pack->Append(value);
    } else {
      pack->Replace(pack->View().Next(at), value);
    }
    length = pack->Length() / 2;
  }
  const settings::Settings& settings = handle_.database().keyspace().settings();
  if (length > static_cast<uint64_t>(settings.hash_max_listpack_entries)) ConvertToTable();
  return is_new;
}

bool HashValue::Erase(std::string_view field) {
  if (is_table()) {
    if (!table().Erase(field)) return false;
  } else {
    ListpackEdit pack(handle_);
    const auto at = pack->View().Find(field, pack->View().First(), 1);
    if (at == ListpackView::kNone) return false;
    pack->Delete(at, 2);
  }
  handle_.MarkChanged();
  return true;
}

void HashValue::ConvertToTable() {
  auto table = std::make_unique<FieldTable>(&handle_.database().keyspace().cuts());
  HashReader(*handle_).ForEach([&](const Element& field, const Element& value) {
    ds::NumberBuffer field_buffer;
    ds::NumberBuffer value_buffer;
    table->Set(field.View(field_buffer), value.View(value_buffer));
  });
  const Listpack freed = Listpack::Adopt(static_cast<uint8_t*>(handle_.container()));
  handle_.SetContainer(Encoding::kHashTable, table.release());
}

}  // namespace hearth::keyspace
