// One database: the only door to its keys and values.
//
// Reading goes by Find; changing goes by FindForWrite, Create, SetString, Remove and their kin, and each of
// them does all that a change owes: lets running cuts copy the old state, keeps the index of expiring keys,
// reports the change to the observer. Values can be changed only through a WriteHandle, by the value classes
// (string_value.h, list_value.h, hash_value.h, ...), which mark it when they really change something. So no
// command can forget.
//
// Engine thread only. An Entry pointer is good until the next call that may change or expire its key.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "ds/hash_table.h"
#include "ds/ordered_index.h"
#include "keyspace/entry.h"
#include "keyspace/fresh_entry.h"

namespace hearth::keyspace {

class Keyspace;
class WriteHandle;

using EntryTable = ds::HashTable<EntryTraits>;

class Database {
 public:
  Database(Keyspace& keyspace, int index);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  int index() const { return index_; }
  Keyspace& keyspace() { return keyspace_; }
  size_t size() const { return keys_.size(); }
  size_t expiring_count() const { return expires_.size(); }
  // Hashes that have a field with an expiry.
  size_t field_expiring_count() const { return field_expiries_.size(); }

  // ---- reading

  enum class Touch : bool { kNo, kYes };

  // The key's entry, or null if it is absent or its time is over. kYes renews its place in the eviction
  // order.
  const Entry* Find(const Key& key, Touch touch = Touch::kYes) {
    const auto position = keys_.Find(key.text, key.hash);
    if (!position) return nullptr;
    Entry* entry = position.item();
    if (entry->may_expire() && IsGone(key, entry)) return nullptr;
    if (touch == Touch::kYes) TouchEntry(*entry);
    return entry;
  }

  // ---- changing

  // The entry to be changed by a value class; empty if absent.
  WriteHandle FindForWrite(const Key& key);

  // A new container under a key that is not there (FindForWrite gave nothing). Takes ownership of
  // `container`.
  WriteHandle Create(const Key& key, Type type, Encoding encoding, void* container);

  // Takes an entry made elsewhere, whose key Find does not give, and reports it like any new key.
  void Adopt(FreshEntry fresh, const Key& key);

  // The same for loading: nothing is counted or reported. False, with `fresh` untouched, if the key is there.
  bool Load(FreshEntry& fresh, uint64_t hash);
  // To be called while empty, before so many keys come.
  void Reserve(size_t keys, size_t expiring);

  // What happens to the expiry that a key had before it was set.
  static constexpr int64_t kNoExpiry = -1;
  static constexpr int64_t kKeepExpiry = -2;

  // Sets the key to a string, whatever it was. `expiry_ms`: Unix milliseconds, kNoExpiry or kKeepExpiry.
  void SetString(const Key& key, std::string_view text, int64_t expiry_ms = kNoExpiry);

  // The same with a text made in place, which stays raw and without expiry. Takes ownership of `text`.
  void SetText(const Key& key, Text* text);

  // Removes a key and frees its value, large ones (or all if `lazily`) by the free worker. False if absent or
  // if its time is over, which is dealt with as in Find.
  bool Remove(const Key& key, bool lazily = false);

  // Sets (`at_ms` >= 0) or clears (kNoExpiry) the expiry. The key must exist.
  void SetExpiry(const Key& key, int64_t at_ms);

  // Gives `from`'s value and expiry to `to` in `target`, whose key must be free. `from` must exist.
  void Move(const Key& from, Database& target, const Key& to);

  // Copies `from`'s value and expiry to `to` in `target`, whose key must be free. `from` must exist.
  void Copy(const Key& from, Database& target, const Key& to);

  // Removes every key. `lazily`: O(1) for the engine, the free worker does the rest.
  void Clear(bool lazily);

  // Removes a key whose time is over and reports it: the expiry cycle's act. False if it is not so.
  bool RemoveIfExpired(const Key& key);

  // Removes up to `limit` fields of the hash whose field is the first to expire, if its time is over, and
  // reports them: the expiry cycle's act. Gives how many went.
  size_t ExpireFieldsOfFirst(size_t limit);

  // Removes a key for want of memory and reports it.
  void Evict(const Key& key);

  // Exchanges contents with another database; observers are not told.
  void SwapContents(Database& other);

  // ---- walking and sampling

  // One step of SCAN over all keys, expired ones included; `visit(const Entry&)` must not change the
  // database.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const {
    return keys_.Scan(cursor, [&](Entry* entry) { visit(std::as_const(*entry)); });
  }
  // The same over the keys that have an expiry.
  template <typename Visit>
  uint64_t ScanExpiring(uint64_t cursor, Visit&& visit) const {
    return expires_.Scan(cursor, [&](Entry* entry) { visit(std::as_const(*entry)); });
  }

  // A random key that is not expired; null if there is none to be found.
  const Entry* RandomEntry();

  // Up to `count` entries near a random place; `expiring_only` takes keys with an expiry.
  int Sample(const Entry** entries, int count, bool expiring_only);

  bool IsExpired(const Entry& entry) const;
  // The key is there, but its time is over and nobody has looked at it since.
  bool HoldsExpired(const Key& key) const {
    const auto position = keys_.Find(key.text, key.hash);
    return position && IsExpired(*position.item());
  }

  // For batches, three passes: the buckets, the entries that they point to, the rest of long chains.
  void PrefetchBucket(uint64_t hash) const { keys_.PrefetchBucket(hash); }
  void PrefetchEntry(uint64_t hash) const { keys_.PrefetchItem(hash); }
  void PrefetchChain(uint64_t hash) const { keys_.PrefetchOverflow(hash); }

  // Bytes of the two tables, without the entries.
  size_t TableBytes() const { return KeyTableBytes() + ExpiryTableBytes(); }
  size_t KeyTableBytes() const { return keys_.MemoryBytes(); }
  size_t ExpiryTableBytes() const { return expires_.MemoryBytes() + field_expiries_.MemoryBytes(); }

  EntryTable& keys() { return keys_; }

 private:
  friend class WriteHandle;
  friend class StringValue;
  friend class Defragmenter;

  // Deals with what has expired of a key that somebody asked for; true if the key counts as absent.
  bool IsGone(const Key& key, Entry* entry) {
    return (entry->has_expiry() && IsExpired(*entry) && HideExpired(key)) ||
           (entry->has_field_expiry() && LosesAllFields(key, entry));
  }
  bool HideExpired(const Key& key);

  // ---- hashes of which fields expire (field_expiry.cc)

  // Removes the expired fields of a hash that somebody asked for; true if none is left, nor the key.
  bool LosesAllFields(const Key& key, Entry* entry);
  bool RemoveExpiredFields(const Key& key, Entry* entry, size_t limit);
  void IndexFields(Entry* entry);
  void UnindexFields(Entry* entry, int64_t next_ms);
  // After a change of a hash whose first field was to expire at `old_next_ms`.
  void ReindexFields(Entry* entry, int64_t old_next_ms);

  void TouchEntry(const Entry& entry);
  uint32_t NewAccess() const;
  void Insert(Entry* entry, uint64_t hash);
  // Puts `entry` where the one with the same key stands; only the indexes change.
  void ReplaceEntry(Entry* old_entry, Entry* entry, uint64_t hash);
  // Takes the key's entry out of both tables; null if absent.
  Entry* Detach(const Key& key);
  void FreeDetached(Entry* entry, bool lazily);
  void ReportChanged(const Key& key);
  void Announce(const Key& key);
  void ReportAdded(const Key& key, Type type);
  void RemoveEmptied(const Key& key);

  Keyspace& keyspace_;
  const int index_;
  EntryTable keys_;
  EntryTable expires_;  // The entries of keys_ that have an expiry.
  // The hashes in keys_ of which fields expire, by (time of the first field, address).
  ds::IdMap<Entry> field_expiries_;
};

// The right to change one value. Given by Database::FindForWrite and Create; used by the value classes. When
// it goes out of scope after a change, the change is reported, and a container left empty is removed. A
// handler sends the keyspace events of its own before that. At most one handle for a key at a time.
class WriteHandle {
 public:
  WriteHandle() = default;
  WriteHandle(WriteHandle&& other) noexcept
      : database_(other.database_),
        entry_(other.entry_),
        key_(other.key_),
        next_field_expiry_ms_(other.next_field_expiry_ms_),
        is_changed_(other.is_changed_),
        is_created_(other.is_created_) {
    other.entry_ = nullptr;
    other.is_changed_ = false;
  }
  WriteHandle& operator=(WriteHandle&& other) noexcept {
    Release();
    database_ = other.database_;
    entry_ = std::exchange(other.entry_, nullptr);
    key_ = other.key_;
    next_field_expiry_ms_ = other.next_field_expiry_ms_;
    is_changed_ = std::exchange(other.is_changed_, false);
    is_created_ = other.is_created_;
    return *this;
  }
  ~WriteHandle() { Release(); }

  explicit operator bool() const { return entry_ != nullptr; }
  const Entry& operator*() const { return *entry_; }
  const Entry* operator->() const { return entry_; }
  const Key& key() const { return key_; }
  Database& database() const { return *database_; }

  // Reports and cleans up now; the handle is empty afterwards.
  void Release() {
    if (is_changed_) Finish();
    entry_ = nullptr;
  }

  // ---- for value classes

  void* container() { return const_cast<void*>(entry_->container()); }
  // Counts `changes` for `rdb_changes_since_last_save` and marks the key as changed; 0 only marks it.
  void MarkChanged(uint64_t changes = 1);
  void SetContainer(Encoding encoding, void* container);

 private:
  friend class Database;
  friend class StringValue;
  WriteHandle(Database& database, Entry* entry, const Key& key);
  void Finish();

  Database* database_ = nullptr;
  Entry* entry_ = nullptr;
  Key key_{{}, 0};
  int64_t next_field_expiry_ms_ = 0;  // of a hash, before any change
  bool is_changed_ = false;
  bool is_created_ = false;  // by Create, and not filled yet
};

}  // namespace hearth::keyspace
