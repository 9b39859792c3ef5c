// The entries of a stream: blocks of listpacks (stream_block.h) under an ordered index by the first id of
// each, and the counters that outlive entries. Adding at the end touches the last block alone.
//
// Owned by a keyspace value (keyspace/stream.h); engine thread only, except that a log nobody refers to any
// more may be destroyed by another thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ds/block_mover.h"
#include "ds/cut_state.h"
#include "ds/ordered_index.h"
#include "ds/stream_block.h"
#include "ds/stream_id.h"

namespace hearth::ds {

// When a block is full: stream-node-max-bytes and stream-node-max-entries; 0 for no limit.
struct StreamBlockLimits {
  size_t max_bytes = 4096;
  size_t max_entries = 100;
};

// What XADD's and XTRIM's trimming options ask for.
struct StreamTrim {
  enum class By : uint8_t { kLength, kMinId } by = By::kLength;
  uint64_t max_length = 0;
  StreamId min_id;
  bool is_approximate = false;  // removes whole blocks only
  uint64_t limit = 0;           // of entries to remove when approximate; 0 for none
};

// The blocks of a log in their order, for those who read them. A Position is good until a block comes or
// goes.
class StreamBlocks {
 public:
  using Index = IdMap<StoredStreamBlock>;
  using Position = Index::Position;

  size_t size() const { return index_.size(); }
  bool empty() const { return index_.empty(); }
  size_t node_count() const { return index_.node_count(); }
  size_t MemoryBytes() const { return index_.MemoryBytes() + size() * sizeof(StoredStreamBlock); }

  Position First() const { return index_.First(); }
  Position Last() const { return index_.Last(); }
  static Position Next(Position at) { return Index::Next(at); }
  static Position Previous(Position at) { return Index::Previous(at); }
  static StreamId IdAt(Position at) { return Index::IdAt(at); }
  static StreamBlock ValueAt(Position at) { return Index::ValueAt(at).With(IdAt(at)); }
  Position LowerBound(StreamId id) const { return index_.LowerBound(id); }
  Position Floor(StreamId id) const { return index_.Floor(id); }

 private:
  friend class StreamLog;
  static StoredStreamBlock& StoredAt(Position at) { return Index::ValueAt(at); }

  Index index_;
};

class StreamLog {
 public:
  using Position = StreamBlocks::Position;

  // Counters that RDB keeps beside the blocks.
  struct Counters {
    uint64_t length = 0;  // entries that are not deleted
    StreamId last_id;     // the highest id ever given
    StreamId first_id;    // of the first entry; zero if there is none
    StreamId max_deleted_id;
    uint64_t entries_added = 0;
  };

  // `cuts` outlives the log; null for a log that no snapshot walks.
  explicit StreamLog(const CutState* cuts = nullptr) : cuts_(cuts) {}
  StreamLog(const StreamLog&) = delete;
  StreamLog& operator=(const StreamLog&) = delete;
  ~StreamLog();
  // Copies blocks and counters into this log, which must be empty.
  void CopyFrom(const StreamLog& other);

  const Counters& counters() const { return counters_; }
  uint64_t length() const { return counters_.length; }
  StreamId last_id() const { return counters_.last_id; }
  StreamId first_id() const { return counters_.first_id; }
  StreamId max_deleted_id() const { return counters_.max_deleted_id; }
  uint64_t entries_added() const { return counters_.entries_added; }
  bool is_exhausted() const { return counters_.last_id == StreamId::Max(); }

  // For XSETID and loading, which know what they do.
  void set_last_id(StreamId id) { counters_.last_id = id; }
  void set_max_deleted_id(StreamId id) { counters_.max_deleted_id = id; }
  void set_entries_added(uint64_t count) { counters_.entries_added = count; }
  void set_counters(const Counters& counters) { counters_ = counters; }
  // A validated block, behind the others: how a log is loaded. The counters are the caller's to set.
  void AddBlock(StreamId first_id, Listpack pack);

  const StreamBlocks& blocks() const { return blocks_; }
  // Announces and marks as captured one block for the cuts in `cuts`: the walker's step.
  void Capture(Position at, uint8_t cuts);
  // For one whose blocks have all been captured at once.
  void MarkCaptured(uint8_t cuts);
  // Moves up to `count` blocks from that with the id `from`, or the next one, on. The id to go on from, if
  // there is more. No cut runs.
  std::optional<StreamId> Relocate(StreamId from, BlockMover& mover, size_t count);
  // Estimated from that many blocks; 0 looks at all.
  size_t MemoryBytes(size_t samples) const;

  // Whether an entry with these fields and values can be stored at all.
  static bool IsStorable(std::span<const std::string_view> pairs);
  // Adds an entry; `id` is above last_id(), `pairs` are fields and values in turn.
  void Append(StreamId id, std::span<const std::string_view> pairs, const StreamBlockLimits& limits);

  bool Contains(StreamId id) const;
  // Removes an entry and remembers its id as deleted; false if there is none.
  bool Delete(StreamId id);
  // Removes entries at the front; returns how many. They do not count as deleted in max_deleted_id().
  uint64_t Trim(const StreamTrim& trim);

 private:
  void BeforeChange(Position at) {
    if (cuts_ != nullptr && cuts_->active != 0) Capture(at, CutState::kAllCuts);
  }
  void InsertBlock(StreamId first_id, StoredStreamBlock* block);
  void RemoveBlock(Position at);
  uint64_t TrimWithin(Position at, const StreamTrim& trim);
  void RefreshFirstId();
  Position BlockOf(StreamId id, StreamBlockCursor& cursor) const;

  StreamBlocks blocks_;
  Counters counters_;
  const CutState* cuts_;
};

// Walks the entries from `start` to `end`, both included, or from `end` to `start` if `backward`. Good until
// the log changes.
class StreamRange {
 public:
  StreamRange(const StreamLog& log, StreamId start, StreamId end, bool backward = false);

  // Goes to the next entry, the first one to begin with; false at the end.
  bool Next() { return backward_ ? NextBackward() : NextForward(); }

  StreamId id() const { return cursor_.id(); }
  size_t field_count() const { return cursor_.field_count(); }
  template <typename Visit>
  void ForEachField(Visit&& visit) {
    cursor_.ForEachField(visit);
  }

 private:
  bool NextForward();
  bool NextBackward();

  StreamId start_;
  StreamId end_;
  bool backward_;
  bool is_inside_ = false;  // the cursor stands on an entry
  StreamBlocks::Position block_;
  StreamBlockCursor cursor_;
};

}  // namespace hearth::ds
