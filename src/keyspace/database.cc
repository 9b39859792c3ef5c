#include "keyspace/database.h"

#include <algorithm>

#include "env/clock.h"
#include "keyspace/access.h"
#include "keyspace/container.h"
#include "keyspace/entry_layout.h"
#include "keyspace/field_expiry.h"
#include "keyspace/field_table.h"
#include "keyspace/keyspace.h"

namespace hearth::keyspace {
namespace {

// Freeing something of more parts than this is the free worker's work.
constexpr size_t kFreeAtOnceEffort = 64;

// Times the removal of a key, if somebody wants to know.
class RemovalTimer {
 public:
  RemovalTimer(const Keyspace& keyspace, uint64_t& longest)
      : longest_(longest), start_(keyspace.times_removals() ? env::Ticks() : 0) {}
  RemovalTimer(const RemovalTimer&) = delete;
  RemovalTimer& operator=(const RemovalTimer&) = delete;
  ~RemovalTimer() {
    if (start_ != 0) longest_ = std::max(longest_, env::Ticks() - start_);
  }

 private:
  uint64_t& longest_;
  const uint64_t start_;
};

}  // namespace

Database::Database(Keyspace& keyspace, int index)
    : keyspace_(keyspace), index_(index), keys_(&keyspace.cuts()) {}

Database::~Database() { keys_.VisitAll(FreeEntry); }

bool Database::IsExpired(const Entry& entry) const {
  return entry.has_expiry() && entry.expiry_ms() < keyspace_.now_ms() &&
         keyspace_.expired_keys() != ExpiredKeys::kIgnore;
}

bool Database::HideExpired(const Key& key) {
  if (keyspace_.expired_keys() == ExpiredKeys::kRemove) RemoveIfExpired(key);
  return true;
}

void Database::TouchEntry(const Entry& entry) {
  entry.set_access(
      TouchedAccess(entry.access(), keyspace_.settings(), keyspace_.now_ms(), keyspace_.random()));
}

uint32_t Database::NewAccess() const { return FirstAccess(keyspace_.settings(), keyspace_.now_ms()); }

void Database::Insert(Entry* entry, uint64_t hash) {
  keys_.Insert(entry, hash);
  if (entry->has_expiry()) expires_.Insert(entry, hash);
  IndexFields(entry);
}

void Database::ReplaceEntry(Entry* old_entry, Entry* entry, uint64_t hash) {
  const std::string_view key = entry->key();
  if (entry->has_expiry()) {
    if (old_entry->has_expiry()) {
      expires_.Replace(expires_.Find(key, hash), entry, hash);
    } else {
      expires_.Insert(entry, hash);
    }
  } else if (old_entry->has_expiry()) {
    expires_.Erase(expires_.Find(key, hash), hash);
  }
  if (old_entry->has_field_expiry()) UnindexFields(old_entry, NextFieldExpiry(*old_entry));
  keys_.Replace(keys_.Find(key, hash), entry, hash);
}

Entry* Database::Detach(const Key& key) {
  const auto position = keys_.Find(key.text, key.hash);
  if (!position) return nullptr;
  Entry* entry = position.item();
  if (entry->has_expiry()) expires_.Erase(expires_.Find(key.text, key.hash), key.hash);
  if (entry->has_field_expiry()) UnindexFields(entry, NextFieldExpiry(*entry));
  return keys_.Erase(position, key.hash);
}

void Database::FreeDetached(Entry* entry, bool lazily) {
  if (keyspace_.cutter().any() && keyspace_.cutter().TakeRemoved(entry)) return;
  const size_t effort = FreeEffort(*entry);
  if (effort > kFreeAtOnceEffort || (lazily && effort > 1)) {
    keyspace_.free_worker().Free(entry);
  } else {
    FreeEntry(entry);
  }
}

void Database::ReportChanged(const Key& key) {
  keyspace_.CountChanges(1);
  Announce(key);
}

// Without counting: a key that went by itself is not what the command that met it has written.
void Database::Announce(const Key& key) {
  if (keyspace_.reports_changes()) keyspace_.observer().OnChanged(*this, key);
}

void Database::ReportAdded(const Key& key, Type type) {
  if (keyspace_.reports_added()) keyspace_.observer().OnAdded(*this, key, type);
}

WriteHandle Database::FindForWrite(const Key& key) {
  const auto position = keys_.Find(key.text, key.hash);
  if (!position) return {};
  Entry* entry = position.item();
  if (entry->may_expire() && IsGone(key, entry)) return {};
  TouchEntry(*entry);
  keys_.WillChange(key.hash);
  return WriteHandle(*this, entry, key);
}

WriteHandle Database::Create(const Key& key, Type type, Encoding encoding, void* container) {
  Entry* entry = EntryBuilder::NewContainer(key.text, type, encoding, container, kNoExpiry, NewAccess());
  Insert(entry, key.hash);
  ReportAdded(key, type);
  WriteHandle handle(*this, entry, key);
  handle.is_changed_ = true;
  handle.is_created_ = true;
  return handle;
}

void Database::SetString(const Key& key, std::string_view text, int64_t expiry_ms) {
  const auto position = keys_.Find(key.text, key.hash);
  if (position && position.item()->has_expiry() && IsExpired(*position.item())) {
    HideExpired(key);
    // A replica's own write over a key that its primary has not expired yet replaces it like any other.
    if (keyspace_.expired_keys() == ExpiredKeys::kRemove) return SetString(key, text, expiry_ms);
    if (expiry_ms == kKeepExpiry) expiry_ms = kNoExpiry;
  }
  if (!position) {
    if (expiry_ms == kKeepExpiry) expiry_ms = kNoExpiry;
    Insert(EntryBuilder::NewString(key.text, text, expiry_ms, NewAccess()), key.hash);
    ReportAdded(key, Type::kString);
    ReportChanged(key);
    return;
  }
  Entry* old_entry = position.item();
  if (expiry_ms == kKeepExpiry) expiry_ms = old_entry->expiry_ms();
  keys_.WillChange(key.hash);
  if (EntryBuilder::SetTextInPlace(*old_entry, text, expiry_ms)) {
    old_entry->set_access(
        TouchedAccess(old_entry->access(), keyspace_.settings(), keyspace_.now_ms(), keyspace_.random()));
  } else {
    Entry* entry = EntryBuilder::NewString(key.text, text, expiry_ms, old_entry->access());
    ReplaceEntry(old_entry, entry, key.hash);
    FreeDetached(old_entry, keyspace_.settings().lazyfree_lazy_server_del);
    TouchEntry(*entry);
  }
  ReportChanged(key);
}

void Database::SetText(const Key& key, Text* text) {
  const auto position = keys_.Find(key.text, key.hash);
  if (position && IsExpired(*position.item())) {
    HideExpired(key);
    if (keyspace_.expired_keys() == ExpiredKeys::kRemove) return SetText(key, text);
  }
  if (!position) {
    Insert(EntryBuilder::NewText(key.text, text, kNoExpiry, NewAccess()), key.hash);
    ReportAdded(key, Type::kString);
  } else {
    Entry* old_entry = position.item();
    keys_.WillChange(key.hash);
    Entry* entry = EntryBuilder::NewText(key.text, text, kNoExpiry, old_entry->access());
    ReplaceEntry(old_entry, entry, key.hash);
    FreeDetached(old_entry, keyspace_.settings().lazyfree_lazy_server_del);
    TouchEntry(*entry);
  }
  ReportChanged(key);
}

bool Database::Remove(const Key& key, bool lazily) {
  const auto position = keys_.Find(key.text, key.hash);
  if (!position) return false;
  if (position.item()->has_expiry()) {
    if (IsExpired(*position.item())) {
      HideExpired(key);
      return false;
    }
    expires_.Erase(expires_.Find(key.text, key.hash), key.hash);
  }
  // `key` may be the entry's own text, so the entry goes last.
  Entry* entry = position.item();
  if (entry->has_field_expiry()) UnindexFields(entry, NextFieldExpiry(*entry));
  keys_.Erase(position, key.hash);
  ReportChanged(key);
  FreeDetached(entry, lazily);
  return true;
}

void Database::RemoveEmptied(const Key& key) {
  Remove(key);
  keyspace_.observer().OnEmptied(*this, key);
}

void Database::SetExpiry(const Key& key, int64_t at_ms) {
  const auto position = keys_.Find(key.text, key.hash);
  HEARTH_ASSERT(position);
  Entry* entry = position.item();
  if (entry->has_expiry() && at_ms >= 0) {
    keys_.WillChange(key.hash);
    entry->set_expiry_ms(at_ms);
  } else if (entry->has_expiry() || at_ms >= 0) {
    // The expiry is part of the entry's layout: it is rebuilt with or without the room for one.
    if (entry->has_expiry()) expires_.Erase(expires_.Find(key.text, key.hash), key.hash);
    if (entry->has_field_expiry()) UnindexFields(entry, NextFieldExpiry(*entry));
    keys_.WillChange(key.hash);
    // The key is copied because the rebuilt entry's key must not read the freed one.
    Entry* rebuilt = EntryBuilder::Rebuild(entry, key.text, at_ms);
    keys_.Replace(position, rebuilt, key.hash);
    if (at_ms >= 0) expires_.Insert(rebuilt, key.hash);
    IndexFields(rebuilt);
  } else {
    return;
  }
  ReportChanged(key);
}

void Database::Move(const Key& from, Database& target, const Key& to) {
  Entry* entry = Detach(from);
  HEARTH_ASSERT(entry != nullptr);
  const Type type = entry->type();
  target.Insert(EntryBuilder::Rebuild(entry, to.text, entry->expiry_ms()), to.hash);
  target.ReportAdded(to, type);
  ReportChanged(from);
  target.ReportChanged(to);
}

void Database::Copy(const Key& from, Database& target, const Key& to) {
  const auto position = keys_.Find(from.text, from.hash);
  HEARTH_ASSERT(position);
  const Entry& entry = *position.item();
  target.Insert(EntryBuilder::Copy(entry, to.text, entry.expiry_ms()), to.hash);
  target.ReportAdded(to, entry.type());
  target.ReportChanged(to);
}

void Database::Clear(bool lazily) {
  EntryTable keys(&keyspace_.cuts());
  EntryTable expires;
  keys.Swap(keys_);
  expires.Swap(expires_);
  field_expiries_.Clear();
  keyspace_.CountChanges(keys.size());
  if (keyspace_.cutter().any()) {
    keyspace_.cutter().TakeCleared(keys_, std::move(keys), std::move(expires));
  } else if (lazily) {
    keyspace_.free_worker().Free(std::move(keys), std::move(expires));
  } else {
    keys.VisitAll(FreeEntry);
  }
}

bool Database::RemoveIfExpired(const Key& key) {
  const auto position = keys_.Find(key.text, key.hash);
  if (!position || !IsExpired(*position.item())) return false;
  const RemovalTimer timer(keyspace_, keyspace_.removal_times().expiry_ticks);
  // `key` may be the entry's own text, so the entry goes last.
  Entry* entry = Detach(key);
  ++keyspace_.stats().expired_keys;
  Announce(key);
  keyspace_.observer().OnExpired(*this, key);
  FreeDetached(entry, keyspace_.settings().lazyfree_lazy_expire);
  return true;
}

void Database::Evict(const Key& key) {
  const RemovalTimer timer(keyspace_, keyspace_.removal_times().eviction_ticks);
  Entry* entry = Detach(key);
  HEARTH_ASSERT(entry != nullptr);
  ++keyspace_.stats().evicted_keys;
  Announce(key);
  keyspace_.observer().OnEvicted(*this, key);
  FreeDetached(entry, keyspace_.settings().lazyfree_lazy_eviction);
}

void Database::SwapContents(Database& other) {
  keyspace_.cutter().OnSwapped(keys_, other.keys_);
  keys_.Swap(other.keys_);
  expires_.Swap(other.expires_);
  std::swap(field_expiries_, other.field_expiries_);
}

const Entry* Database::RandomEntry() {
  // A database full of expired keys must not hold the engine: a hundred tries, as many as anybody needs in
  // practice.
  for (int tries = 0; tries < 100 && keys_.size() > 0; ++tries) {
    const Entry* entry = keys_.FairRandom(keyspace_.random());
    if (!IsExpired(*entry)) return entry;
    if (keyspace_.expired_keys() == ExpiredKeys::kRemove) {
      RemoveIfExpired(Key(entry->key()));
    } else if (expires_.size() == keys_.size() && tries > 20) {
      return entry;
    }
  }
  return nullptr;
}

int Database::Sample(const Entry** entries, int count, bool expiring_only) {
  EntryTable& table = expiring_only ? expires_ : keys_;
  return table.SampleNeighbours(keyspace_.random(), const_cast<Entry**>(entries), count);
}

void WriteHandle::MarkChanged(uint64_t changes) {
  // Finish() counts one change itself: the first one, which creating a value is too until it gets its
  // content.
  database_->keyspace_.CountChanges(is_changed_ && !is_created_ ? changes : changes - 1);
  is_changed_ = true;
  is_created_ = false;
}

void WriteHandle::SetContainer(Encoding encoding, void* container) {
  entry_->set_encoding(encoding);
  entry_->set_container(container);
}

WriteHandle::WriteHandle(Database& database, Entry* entry, const Key& key)
    : database_(&database),
      entry_(entry),
      key_(key),
      next_field_expiry_ms_(entry->has_field_expiry() ? NextFieldExpiry(*entry) : kNeverMs) {}

void WriteHandle::Finish() {
  is_changed_ = false;
  if (entry_->type() == Type::kHash) database_->ReindexFields(entry_, next_field_expiry_ms_);
  if (entry_->type() != Type::kString && entry_->type() != Type::kStream && ContainerSize(*entry_) == 0) {
    database_->RemoveEmptied(key_);
  } else {
    database_->ReportChanged(key_);
  }
}

}  // namespace hearth::keyspace
