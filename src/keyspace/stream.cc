#include "keyspace/stream.h"

#include "base/assert.h"

namespace hearth::keyspace {
namespace {

// The nodes of the maps of groups and consumers: links, colour, key and pointer.
constexpr size_t kMapNodeBytes = 80;

}  // namespace

ConsumerGroup::~ConsumerGroup() {
  for (auto at = pending.First(); at; at = pending.Next(at)) {
    const std::unique_ptr<PendingEntry> freed(&pending.ValueAt(at));
  }
}

std::unique_ptr<ConsumerGroup> ConsumerGroup::CloneFor(const Stream& owner) const {
  auto copy = std::make_unique<ConsumerGroup>(owner, name, last_id, entries_read);
  for (const auto& [consumer_name, consumer] : consumers) {
    copy->AddConsumer(consumer_name, consumer->seen_ms).active_ms = consumer->active_ms;
  }
  for (auto at = pending.First(); at; at = pending.Next(at)) {
    const PendingEntry& entry = pending.ValueAt(at);
    copy->AddPending(pending.IdAt(at), *copy->FindConsumer(entry.consumer->name), entry.delivered_ms,
                     entry.delivery_count);
  }
  return copy;
}

Consumer* ConsumerGroup::FindConsumer(std::string_view consumer_name) const {
  const auto found = consumers.find(consumer_name);
  return found == consumers.end() ? nullptr : found->second.get();
}

Consumer& ConsumerGroup::AddConsumer(std::string_view consumer_name, int64_t seen_ms) {
  auto consumer = std::make_unique<Consumer>();
  consumer->name = consumer_name;
  consumer->seen_ms = seen_ms;
  const auto [at, is_new] = consumers.emplace(std::string(consumer_name), std::move(consumer));
  HEARTH_ASSERT(is_new);
  return *at->second;
}

PendingEntry& ConsumerGroup::AddPending(StreamId id, Consumer& consumer, int64_t delivered_ms,
                                        uint64_t delivery_count) {
  const uint8_t cut_bits = stream.cuts != nullptr ? stream.cuts->NewBits() : 0;
  PendingEntry* entry =
      std::make_unique<PendingEntry>(PendingEntry{delivered_ms, delivery_count, &consumer, cut_bits})
          .release();
  pending.Insert(id, entry);
  consumer.pending.Insert(id, entry);
  return *entry;
}

bool ConsumerGroup::RemovePending(StreamId id) {
  PendingEntry* entry = pending.Get(id);
  if (entry == nullptr) return false;
  Capture(id, *entry);
  pending.Erase(id);
  entry->consumer->pending.Erase(id);
  const std::unique_ptr<PendingEntry> freed(entry);
  return true;
}

void ConsumerGroup::Capture(StreamId id, PendingEntry& entry, uint8_t cuts) {
  const ds::CutState* state = stream.cuts;
  if (state == nullptr) return;
  const uint8_t missing = state->Uncaptured(entry.cut_bits) & cuts;
  if (missing == 0) return;
  state->observer->CapturePending(stream.log, id, &entry, missing);
  entry.cut_bits = state->WithCaptured(entry.cut_bits, missing);
}

size_t ConsumerGroup::MemoryBytes() const {
  size_t bytes = sizeof(*this) + pending.MemoryBytes() + pending.size() * sizeof(PendingEntry);
  for (const auto& [consumer_name, consumer] : consumers) {
    bytes +=
        kMapNodeBytes + sizeof(Consumer) + 2 * consumer_name.capacity() + consumer->pending.MemoryBytes();
  }
  return bytes;
}

Stream* Stream::Clone() const {
  auto copy = std::make_unique<Stream>(cuts);
  copy->log.CopyFrom(log);
  for (const auto& [name, group] : groups) copy->groups.emplace(name, group->CloneFor(*copy));
  return copy.release();
}

ConsumerGroup* Stream::FindGroup(std::string_view name) const {
  const auto found = groups.find(name);
  return found == groups.end() ? nullptr : found->second.get();
}

size_t Stream::PendingCount() const {
  size_t count = 0;
  for (const auto& [name, group] : groups) count += group->pending.size();
  return count;
}

void Stream::MarkCaptured(uint8_t marked) {
  log.MarkCaptured(marked);
  for (const auto& [name, group] : groups) {
    for (auto at = group->pending.First(); at; at = group->pending.Next(at)) {
      PendingEntry& entry = group->pending.ValueAt(at);
      entry.cut_bits = cuts->WithCaptured(entry.cut_bits, marked);
    }
  }
}

size_t Stream::MemoryBytes(size_t samples) const {
  size_t bytes = sizeof(*this) - sizeof(log) + log.MemoryBytes(samples);
  for (const auto& [name, group] : groups) bytes += kMapNodeBytes + group->MemoryBytes();
  return bytes;
}

size_t Stream::FreeEffort() const {
  size_t effort = 1 + log.blocks().size();
  for (const auto& [name, group] : groups) effort += 1 + group->consumers.size() + group->pending.size();
  return effort;
}

int64_t Stream::EntriesAddedUpTo(StreamId id) const {
  const ds::StreamLog::Counters& counters = log.counters();
  const auto added = static_cast<int64_t>(counters.entries_added);
  const auto length = static_cast<int64_t>(counters.length);
  if (added == 0) return 0;
  if (length == 0 && id <= counters.last_id) return added;
  if (id == counters.last_id) return added;
  if (id > counters.last_id) return ConsumerGroup::kUnknownRead;
  // Where nothing was deleted inside the log, what is in front of it has gone from the front.
  if (!counters.max_deleted_id.IsZero() && counters.max_deleted_id >= counters.first_id) {
    return ConsumerGroup::kUnknownRead;
  }
  if (id < counters.first_id) return added - length;
  if (id == counters.first_id) return added - length + 1;
  return ConsumerGroup::kUnknownRead;
}

bool Stream::HasTombstonesFrom(StreamId id) const {
  if (log.length() == 0 || log.max_deleted_id().IsZero()) return false;
  // Those in front of the first entry are nobody's concern.
  if (log.first_id() > log.max_deleted_id()) return false;
  return id <= log.max_deleted_id();
}

std::optional<int64_t> Stream::LagOf(const ConsumerGroup& group) const {
  const auto added = static_cast<int64_t>(log.entries_added());
  if (added == 0) return 0;
  if (group.entries_read != ConsumerGroup::kUnknownRead && !HasTombstonesFrom(group.last_id)) {
    return added - group.entries_read;
  }
  const int64_t read = EntriesAddedUpTo(group.last_id);
  if (read == ConsumerGroup::kUnknownRead) return std::nullopt;
  return added - read;
}

}  // namespace hearth::keyspace
