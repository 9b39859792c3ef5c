// What hangs on the entry of a stream key: the log of entries and the consumer groups, each with its
// consumers and the entries that were delivered and not acknowledged.
//
// Changed by StreamValue (stream_value.h) on the engine thread; everybody else reads. Once nothing refers to
// it, any thread may destroy it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ds/cut_state.h"
#include "ds/ordered_index.h"
#include "ds/stream_id.h"
#include "ds/stream_log.h"

namespace hearth::keyspace {

using ds::StreamId;

struct Consumer;
struct Stream;

// An entry that a consumer got and has not acknowledged. It stands in its group's index and in its
// consumer's.
struct PendingEntry {
  int64_t delivered_ms = 0;  // Unix milliseconds of the last delivery
  uint64_t delivery_count = 0;
  Consumer* consumer = nullptr;
  uint8_t cut_bits = 0;  // ds/cut_state.h
};

struct Consumer {
  std::string name;
  int64_t seen_ms = 0;     // of its last attempt to get entries
  int64_t active_ms = -1;  // of the last one that got some; -1 for never
  ds::IdMap<PendingEntry> pending;
};

// Owns its pending entries and consumers.
struct ConsumerGroup {
  // The number of entries read is not known.
  static constexpr int64_t kUnknownRead = -1;

  // `owner` outlives it.
  ConsumerGroup(const Stream& owner, std::string_view group_name, StreamId last, int64_t read)
      : stream(owner), name(group_name), last_id(last), entries_read(read) {}
  ConsumerGroup(const ConsumerGroup&) = delete;
  ConsumerGroup& operator=(const ConsumerGroup&) = delete;
  ~ConsumerGroup();
  std::unique_ptr<ConsumerGroup> CloneFor(const Stream& owner) const;

  Consumer* FindConsumer(std::string_view consumer_name) const;
  // The name must not be there.
  Consumer& AddConsumer(std::string_view consumer_name, int64_t seen_ms);
  // Gives `id`, which is not pending, to a consumer.
  PendingEntry& AddPending(StreamId id, Consumer& consumer, int64_t delivered_ms, uint64_t delivery_count);
  // False if `id` is not pending.
  bool RemovePending(StreamId id);
  // Every change of a pending entry begins with it: those of `cuts` that have not captured the entry do.
  void Capture(StreamId id, PendingEntry& entry, uint8_t cuts = ds::CutState::kAllCuts);
  size_t MemoryBytes() const;

  const Stream& stream;
  std::string name;
  StreamId last_id;      // delivered last
  int64_t entries_read;  // how many the group has read of all that were ever added, or kUnknownRead
  ds::IdMap<PendingEntry> pending;
  std::map<std::string, std::unique_ptr<Consumer>, std::less<>>
      consumers;  // in order of name, as replies list them
};

struct Stream {
  // `cuts` outlives the stream; null for one that no snapshot walks.
  explicit Stream(const ds::CutState* cuts) : cuts(cuts), log(cuts) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  Stream* Clone() const;

  ConsumerGroup* FindGroup(std::string_view name) const;
  // Of all groups.
  size_t PendingCount() const;
  // All parts, which were captured otherwise, for these cuts.
  void MarkCaptured(uint8_t cuts);
  // The log's part is estimated from `samples` blocks; 0 looks at all.
  size_t MemoryBytes(size_t samples) const;
  size_t FreeEffort() const;

  // How many entries were ever added up to `id`, if that can be told from the counters.
  int64_t EntriesAddedUpTo(StreamId id) const;
  // Whether a deleted entry may lie at `id` or behind it.
  bool HasTombstonesFrom(StreamId id) const;
  // How many entries the group has still to read, if that can be told; below zero if XGROUP SETID said too
  // much.
  std::optional<int64_t> LagOf(const ConsumerGroup& group) const;

  const ds::CutState* cuts;
  ds::StreamLog log;
  std::map<std::string, std::unique_ptr<ConsumerGroup>, std::less<>> groups;
};

}  // namespace hearth::keyspace
