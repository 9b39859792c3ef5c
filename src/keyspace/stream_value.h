// Streams as the commands see them: StreamOf reads any stream; StreamValue changes one through a WriteHandle.
// Engine thread only; both own nothing.
//
// What happens to groups counts as a change for the effects and `rdb_changes_since_last_save`, but leaves the
// transactions of those who WATCH the key alone, as in Redis: only the log and the key itself are what they
// watch.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "keyspace/database.h"
#include "keyspace/stream.h"

namespace hearth::keyspace {

// `entry` is a stream.
inline const Stream& StreamOf(const Entry& entry) { return *static_cast<const Stream*>(entry.container()); }

class StreamValue {
 public:
  // A new, empty stream; empty streams stay.
  static WriteHandle Create(Database& database, const Key& key);

  explicit StreamValue(WriteHandle& handle) : handle_(handle) {}

  const Stream& operator*() const { return stream(); }
  const Stream* operator->() const { return &stream(); }

  // ---- the log

  // Adds an entry; `id` is above the last one, `pairs` are fields and values in turn.
  void Append(StreamId id, std::span<const std::string_view> pairs);
  bool Delete(StreamId id);
  // Returns how many entries went. `counts`: they count as changes; not so in XADD, which is one change.
  uint64_t Trim(const ds::StreamTrim& trim, bool counts = true);
  // XSETID.
  void SetLastId(StreamId last_id, std::optional<uint64_t> entries_added,
                 std::optional<StreamId> max_deleted_id);

  // ---- groups

  // Null if the name is taken.
  ConsumerGroup* CreateGroup(std::string_view name, StreamId last_id, int64_t entries_read);
  // False if there is no such group.
  bool DestroyGroup(std::string_view name);
  ConsumerGroup* FindGroup(std::string_view name) { return stream().FindGroup(name); }
  void SetGroupId(ConsumerGroup& group, StreamId last_id, int64_t entries_read);
  Consumer& CreateConsumer(ConsumerGroup& group, std::string_view name, int64_t now_ms);
  // Returns how many entries were pending for it; they are no more.
  size_t DeleteConsumer(ConsumerGroup& group, Consumer& consumer);

  // The group has read the entry `id`, which is above its last one.
  void Advance(ConsumerGroup& group, StreamId id);
  // `id` goes to `consumer`, whoever has it now.
  PendingEntry& Deliver(ConsumerGroup& group, Consumer& consumer, StreamId id, int64_t now_ms);
  // Pending entry `id` goes to another consumer with the given time and count.
  PendingEntry& Claim(ConsumerGroup& group, Consumer& consumer, StreamId id, int64_t delivered_ms,
                      uint64_t delivery_count);
  bool Acknowledge(ConsumerGroup& group, StreamId id);
  // The consumer reads again what it has got.
  void Redeliver(ConsumerGroup& group, StreamId id, PendingEntry& entry, int64_t now_ms);
  void MarkSeen(Consumer& consumer, int64_t now_ms) { consumer.seen_ms = now_ms; }
  void MarkActive(Consumer& consumer, int64_t now_ms) { consumer.active_ms = now_ms; }

 private:
  Stream& stream() const { return *static_cast<Stream*>(handle_.container()); }
  void CountGroupChange();

  WriteHandle& handle_;
};

}  // namespace hearth::keyspace
