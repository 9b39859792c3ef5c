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

HashReader::Position HashReader::FindInPack(std::string_view field) const {
  if (!has_triples()) return pack().Find(field, pack().First(), 1);
  const Position at = expiring_pack::Find(pack(), field);
  return at == ListpackView::kNone || Hides(ExpiryAt(at)) ? ListpackView::kNone : at;
}

std::optional<Element> HashReader::Get(std::string_view field) const {
  if (is_table()) {
    const Field* found = table().Find(field);
    if (found == nullptr || Hides(*found)) return std::nullopt;
    return Element{found->value()};
  }
  const Position at = FindInPack(field);
  if (at == ListpackView::kNone) return std::nullopt;
  return pack().Get(pack().Next(at));
}

std::optional<int64_t> HashReader::ExpiryOf(std::string_view field) const {
  if (is_table()) {
    const Field* found = table().Find(field);
    if (found == nullptr || Hides(*found)) return std::nullopt;
    return found->expiry_ms();
  }
  const Position at = FindInPack(field);
  if (at == ListpackView::kNone) return std::nullopt;
  return ExpiryAt(at);
}

std::optional<HashReader::Pair> HashReader::RandomPair(Prng& random) const {
  if (HidesSome()) {
    const std::vector<Pair> pairs = AllPairs();
    if (pairs.empty()) return std::nullopt;
    return pairs[random.Below(pairs.size())];
  }
  if (is_table()) return PairOf(table().Random(random));
  const int64_t width = has_triples() ? expiring_pack::kWidth : 2;
  const Position at = pack().Seek(static_cast<int64_t>(random.Below(Length())) * width);
  return Pair{pack().Get(at), pack().Get(pack().Next(at))};
}

std::vector<HashReader::Pair> HashReader::AllPairs() const {
  std::vector<Pair> pairs;
  pairs.reserve(ContainerSize(entry_));
  ForEach([&](const Element& field, const Element& value) { pairs.push_back({field, value}); });
  return pairs;
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
  const settings::Settings& settings = keyspace().settings();
  if (!SuitsListpack(settings, ListpackOf(*handle_).TotalBytes(), pairs)) ConvertToTable();
}

bool HashValue::Set(std::string_view field, std::string_view value, int64_t expiry_ms) {
  handle_.MarkChanged();
  const std::string_view pair[] = {field, value};
  PrepareFor(pair);
  if (is_table()) return SetInTable(field, value, expiry_ms);
  if (expiry_ms >= 0 && !has_triples()) ConvertToTriples();
  const bool is_new = has_triples() ? SetInTriples(field, value, expiry_ms) : SetInPairs(field, value);
  const uint64_t limit = static_cast<uint64_t>(keyspace().settings().hash_max_listpack_entries);
  if (ContainerSize(*handle_) > limit) ConvertToTable();
  return is_new;
}

// A field whose time is over and that has not gone yet is written over like a new one.
bool HashValue::SetInTable(std::string_view field, std::string_view value, int64_t expiry_ms) {
  const bool is_plain = table().NextExpiry() == kNeverMs;
  if (is_plain) return table().Set(field, value, expiry_ms);
  const Field* old = table().Find(field);
  const bool was_hidden = old != nullptr && Hides(old->expiry_ms());
  if (was_hidden && expiry_ms == kKeepFieldExpiry) expiry_ms = kNoFieldExpiry;
  return table().Set(field, value, expiry_ms) || was_hidden;
}

bool HashValue::SetInPairs(std::string_view field, std::string_view value) {
  ListpackEdit pack(handle_);
  const auto at = pack->View().Find(field, pack->View().First(), 1);
  if (at != ListpackView::kNone) {
    pack->Replace(pack->View().Next(at), value);
    return false;
  }
  pack->Append(field);
  pack->Append(value);
  return true;
}

bool HashValue::SetInTriples(std::string_view field, std::string_view value, int64_t expiry_ms) {
  ListpackEdit pack(handle_);
  const auto at = expiring_pack::Find(pack->View(), field);
  if (at == ListpackView::kNone) {
    expiring_pack::Insert(*pack, field, value, expiry_ms);
    return true;
  }
  const int64_t old_expiry_ms = expiring_pack::ExpiryAt(pack->View(), at);
  const bool was_hidden = Hides(old_expiry_ms);
  if (expiry_ms == kKeepFieldExpiry) expiry_ms = was_hidden ? kNoFieldExpiry : old_expiry_ms;
  expiring_pack::Overwrite(*pack, at, value, expiry_ms);
  return was_hidden;
}

bool HashValue::SetExpiry(std::string_view field, int64_t expiry_ms) {
  if (!HashReader(*handle_, keyspace()).Has(field)) return false;
  handle_.MarkChanged();
  if (is_table()) return table().SetExpiry(field, expiry_ms);
  if (!has_triples()) {
    if (expiry_ms == kNoFieldExpiry) return true;
    ConvertToTriples();
  }
  ListpackEdit pack(handle_);
  expiring_pack::SetExpiry(*pack, expiring_pack::Find(pack->View(), field), expiry_ms);
  return true;
}

bool HashValue::Erase(std::string_view field) {
  if (is_table()) {
    if (table().NextExpiry() != kNeverMs && !HashReader(*handle_, keyspace()).Has(field)) return false;
    if (!table().Erase(field)) return false;
  } else {
    const size_t width = has_triples() ? expiring_pack::kWidth : 2;
    ListpackEdit pack(handle_);
    const auto at = pack->View().Find(field, pack->View().First(), width - 1);
    if (at == ListpackView::kNone) return false;
    if (has_triples() && Hides(expiring_pack::ExpiryAt(pack->View(), at))) return false;
    pack->Delete(at, width);
  }
  handle_.MarkChanged();
  return true;
}

std::vector<std::string> HashValue::TakeExpired(size_t limit) {
  const int64_t before_ms = FieldsHiddenBefore(keyspace());
  if (is_table()) return table().TakeExpiring(before_ms, limit);
  ListpackEdit pack(handle_);
  return expiring_pack::TakeExpiring(*pack, before_ms, limit);
}

void HashValue::ConvertToTriples() {
  Listpack triples = expiring_pack::FromPairs(ListpackOf(*handle_));
  const Listpack freed = Listpack::Adopt(static_cast<uint8_t*>(handle_.container()));
  handle_.SetContainer(Encoding::kListpackEx, triples.Release());
}

void HashValue::ConvertToTable() {
  auto table = std::make_unique<FieldTable>(&keyspace().cuts());
  HashReader::OfAllFields(*handle_).ForEachWithExpiry(
      [&](const Element& field, const Element& value, int64_t expiry_ms) {
        ds::NumberBuffer field_buffer;
        ds::NumberBuffer value_buffer;
        table->Set(field.View(field_buffer), value.View(value_buffer), expiry_ms);
      });
  const Listpack freed = Listpack::Adopt(static_cast<uint8_t*>(handle_.container()));
  handle_.SetContainer(Encoding::kHashTable, table.release());
}

}  // namespace hearth::keyspace
