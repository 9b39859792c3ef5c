#include "keyspace/field_expiry.h"

#include <string>
#include <vector>

#include "keyspace/container.h"
#include "keyspace/expiring_pack.h"
#include "keyspace/field_table.h"
#include "keyspace/hash_value.h"

namespace hearth::keyspace {
namespace {

// Whoever comes upon a hash removes as many expired fields himself; more are hidden from him and left to the
// expiry cycle, so that no command waits for a wave of them.
constexpr size_t kRemovedAtOnce = 64;

const FieldTable& TableOf(const Entry& entry) { return *static_cast<const FieldTable*>(entry.container()); }

ds::StreamId IndexId(const Entry* entry, int64_t at_ms) {
  return {static_cast<uint64_t>(at_ms), reinterpret_cast<uint64_t>(entry)};
}

}  // namespace

int64_t NextFieldExpiry(const Entry& entry) {
  if (entry.type() != Type::kHash || entry.encoding() == Encoding::kListpack) return kNeverMs;
  return entry.encoding() == Encoding::kHashTable ? TableOf(entry).NextExpiry()
                                                  : expiring_pack::NextExpiry(ListpackOf(entry));
}

size_t CountExpiringFields(const Entry& entry, int64_t ms, size_t limit) {
  if (entry.encoding() == Encoding::kListpack) return 0;
  return entry.encoding() == Encoding::kHashTable
             ? TableOf(entry).CountExpiring(ms, limit)
             : expiring_pack::CountExpiring(ListpackOf(entry), ms, limit);
}

// ---- the database's index: (time of the first field, entry) for every hash with such a field

void Database::IndexFields(Entry* entry) {
  const int64_t next_ms = NextFieldExpiry(*entry);
  entry->set_has_field_expiry(next_ms != kNeverMs);
  if (next_ms != kNeverMs) field_expiries_.Insert(IndexId(entry, next_ms), entry);
}

void Database::UnindexFields(Entry* entry, int64_t next_ms) {
  field_expiries_.Erase(IndexId(entry, next_ms));
  entry->set_has_field_expiry(false);
}

void Database::ReindexFields(Entry* entry, int64_t old_next_ms) {
  const int64_t next_ms = NextFieldExpiry(*entry);
  if (next_ms == old_next_ms) return;
  if (old_next_ms != kNeverMs) UnindexFields(entry, old_next_ms);
  IndexFields(entry);
}

bool Database::LosesAllFields(const Key& key, Entry* entry) {
  if (keyspace_.expired_keys() != ExpiredKeys::kRemove) return false;
  const int64_t now_ms = keyspace_.now_ms();
  const size_t count = CountExpiringFields(*entry, now_ms, kRemovedAtOnce + 1);
  // All or none: within a command the second look at a hash must not change what the first one saw.
  if (count == 0 || count > kRemovedAtOnce) return false;
  return RemoveExpiredFields(key, entry, count);
}

bool Database::RemoveExpiredFields(const Key& key, Entry* entry, size_t limit) {
  const int64_t old_next_ms = NextFieldExpiry(*entry);
  keys_.WillChange(key.hash);
  std::vector<std::string> fields;
  {
    // Never marked as changed: what follows from a change is done here, and is not the caller's write.
    WriteHandle handle(*this, entry, key);
    fields = HashValue(handle).TakeExpired(limit);
  }
  ReindexFields(entry, old_next_ms);
  keyspace_.stats().expired_subkeys += fields.size();
  Announce(key);
  keyspace_.observer().OnFieldsExpired(*this, key, fields);
  if (ContainerSize(*entry) != 0) return false;
  // `key` may be the entry's own text, so the entry goes last.
  Detach(key);
  keyspace_.observer().OnEmptied(*this, key);
  FreeDetached(entry, keyspace_.settings().lazyfree_lazy_expire);
  return true;
}

size_t Database::ExpireFieldsOfFirst(size_t limit) {
  const auto first = field_expiries_.First();
  if (!first || static_cast<int64_t>(field_expiries_.IdAt(first).ms) >= keyspace_.now_ms()) return 0;
  Entry* entry = &field_expiries_.ValueAt(first);
  const Key key(entry->key());
  if (RemoveIfExpired(key)) return 1;
  const uint64_t before = keyspace_.stats().expired_subkeys;
  RemoveExpiredFields(key, entry, limit);
  return keyspace_.stats().expired_subkeys - before;
}

}  // namespace hearth::keyspace
