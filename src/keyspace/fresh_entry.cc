#include "keyspace/fresh_entry.h"

#include "keyspace/database.h"
#include "keyspace/entry_layout.h"
#include "keyspace/keyspace.h"

namespace hearth::keyspace {

FreshEntry NewStringEntry(std::string_view key, std::string_view text, int64_t expiry_ms, uint32_t access) {
  return FreshEntry(EntryBuilder::NewString(key, text, expiry_ms, access));
}

FreshEntry NewContainerEntry(std::string_view key, Type type, Encoding encoding, void* container,
                             int64_t expiry_ms, uint32_t access) {
  return FreshEntry(EntryBuilder::NewContainer(key, type, encoding, container, expiry_ms, access));
}

// The doors of Database for entries made elsewhere.

void Database::Adopt(FreshEntry fresh, const Key& key) {
  const Type type = fresh->type();
  // What is hidden by its expiry, on a replica, makes way.
  if (Entry* hidden = Detach(key)) FreeDetached(hidden, keyspace_.settings().lazyfree_lazy_expire);
  Insert(fresh.release(), key.hash);
  ReportAdded(key, type);
  ReportChanged(key);
}

bool Database::Load(FreshEntry& fresh, uint64_t hash) {
  if (keys_.Find(fresh->key(), hash)) return false;
  Insert(fresh.release(), hash);
  return true;
}

void Database::Reserve(size_t keys, size_t expiring) {
  keys_.Reserve(keys);
  expires_.Reserve(expiring);
}

}  // namespace hearth::keyspace
