#include "keyspace/stream_value.h"

#include "base/assert.h"
#include "keyspace/keyspace.h"

namespace hearth::keyspace {

WriteHandle StreamValue::Create(Database& database, const Key& key) {
  return database.Create(key, Type::kStream, Encoding::kStream,
                         std::make_unique<Stream>(&database.keyspace().cuts()).release());
}

void StreamValue::CountGroupChange() { handle_.database().keyspace().CountChanges(1); }

// ---- the log

void StreamValue::Append(StreamId id, std::span<const std::string_view> pairs) {
  const settings::Settings& settings = handle_.database().keyspace().settings();
  stream().log.Append(id, pairs,
                      {.max_bytes = static_cast<size_t>(settings.stream_node_max_bytes),
                       .max_entries = static_cast<size_t>(settings.stream_node_max_entries)});
  handle_.MarkChanged();
}

bool StreamValue::Delete(StreamId id) {
  if (!stream().log.Delete(id)) return false;
  handle_.MarkChanged();
  return true;
}

uint64_t StreamValue::Trim(const ds::StreamTrim& trim, bool counts) {
  const uint64_t removed = stream().log.Trim(trim);
  if (removed != 0) handle_.MarkChanged(counts ? removed : 0);
  return removed;
}

void StreamValue::SetLastId(StreamId last_id, std::optional<uint64_t> entries_added,
                            std::optional<StreamId> max_deleted_id) {
  ds::StreamLog& log = stream().log;
  log.set_last_id(last_id);
  if (entries_added) log.set_entries_added(*entries_added);
  if (max_deleted_id && !max_deleted_id->IsZero()) log.set_max_deleted_id(*max_deleted_id);
  CountGroupChange();
}

// ---- groups

ConsumerGroup* StreamValue::CreateGroup(std::string_view name, StreamId last_id, int64_t entries_read) {
  auto& groups = stream().groups;
  if (groups.contains(name)) return nullptr;
  const auto at =
      groups
          .emplace(std::string(name), std::make_unique<ConsumerGroup>(stream(), name, last_id, entries_read))
          .first;
  CountGroupChange();
  return at->second.get();
}

bool StreamValue::DestroyGroup(std::string_view name) {
  auto& groups = stream().groups;
  const auto found = groups.find(name);
  if (found == groups.end()) return false;
  ConsumerGroup& group = *found->second;
  for (auto at = group.pending.First(); at; at = group.pending.Next(at)) {
    group.Capture(group.pending.IdAt(at), group.pending.ValueAt(at));
  }
  if (stream().cuts->active != 0) stream().cuts->observer->OnGroupLeaves(stream().log, &group);
  groups.erase(found);
  CountGroupChange();
  return true;
}

void StreamValue::SetGroupId(ConsumerGroup& group, StreamId last_id, int64_t entries_read) {
  group.last_id = last_id;
  group.entries_read = entries_read;
  CountGroupChange();
}

Consumer& StreamValue::CreateConsumer(ConsumerGroup& group, std::string_view name, int64_t now_ms) {
  CountGroupChange();
  return group.AddConsumer(name, now_ms);
}

size_t StreamValue::DeleteConsumer(ConsumerGroup& group, Consumer& consumer) {
  const size_t pending_count = consumer.pending.size();
  for (auto at = consumer.pending.First(); at; at = consumer.pending.Next(at)) {
    const StreamId id = consumer.pending.IdAt(at);
    group.Capture(id, consumer.pending.ValueAt(at));
    const std::unique_ptr<PendingEntry> freed(group.pending.Erase(id));
  }
  group.consumers.erase(consumer.name);
  CountGroupChange();
  return pending_count;
}

void StreamValue::Advance(ConsumerGroup& group, StreamId id) {
  HEARTH_ASSERT(id > group.last_id);
  const Stream& all = stream();
  if (group.entries_read != ConsumerGroup::kUnknownRead && !all.HasTombstonesFrom(id)) {
    ++group.entries_read;
  } else if (all.log.entries_added() != 0) {
    group.entries_read = all.EntriesAddedUpTo(id);
  }
  group.last_id = id;
  CountGroupChange();
}

PendingEntry& StreamValue::Deliver(ConsumerGroup& group, Consumer& consumer, StreamId id, int64_t now_ms) {
  // The entry is pending already if the group was set back.
  if (group.pending.Get(id) != nullptr) return Claim(group, consumer, id, now_ms, 1);
  CountGroupChange();
  return group.AddPending(id, consumer, now_ms, 1);
}

PendingEntry& StreamValue::Claim(ConsumerGroup& group, Consumer& consumer, StreamId id, int64_t delivered_ms,
                                 uint64_t delivery_count) {
  PendingEntry& entry = *group.pending.Get(id);
  group.Capture(id, entry);
  if (entry.consumer != &consumer) {
    entry.consumer->pending.Erase(id);
    consumer.pending.Insert(id, &entry);
    entry.consumer = &consumer;
  }
  entry.delivered_ms = delivered_ms;
  entry.delivery_count = delivery_count;
  CountGroupChange();
  return entry;
}

bool StreamValue::Acknowledge(ConsumerGroup& group, StreamId id) {
  if (!group.RemovePending(id)) return false;
  CountGroupChange();
  return true;
}

void StreamValue::Redeliver(ConsumerGroup& group, StreamId id, PendingEntry& entry, int64_t now_ms) {
  group.Capture(id, entry);
  entry.delivered_ms = now_ms;
  ++entry.delivery_count;
}

}  // namespace hearth::keyspace
