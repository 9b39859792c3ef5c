// One running cut: what it has still to capture, and how it captures.
//
// A cut walks the tables of all databases bucket by bucket, and large values part by part in the order in
// which they were met; what changes before its turn is captured first (ds/cut_state.h tells when). The first
// few large values wait until all keys are walked: a file that has begun with one has no place for the keys
// that change meanwhile. Each key goes to the sink once, as it was when the cut began. Tables that are
// emptied and large values that are removed meanwhile stay alive, out of everybody's sight, until the cut has
// them.
//
// Owned by the Cutter. Engine thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "keyspace/capture.h"
#include "keyspace/database.h"
#include "keyspace/free_worker.h"

namespace hearth::keyspace {

// Gets what a cut captures, on the engine thread.
class CutSink {
 public:
  // Leaves the chunk without what was in it; there may be memory in its place for the next one.
  virtual void Take(CaptureChunk& chunk) = 0;
  // True while it has more than it wants to hold; the walker waits then. Changes of keys do not.
  virtual bool IsBehind() const = 0;
  // Everything has been taken.
  virtual void OnCaptured() = 0;

 protected:
  ~CutSink() = default;
};

// Says which keys a cut is to capture, where it is not all. Asked on the engine thread, perhaps long after
// the cut began: the answer must not change meanwhile.
class CutFilter {
 public:
  virtual bool Wants(int database, std::string_view key) const = 0;

 protected:
  ~CutFilter() = default;
};

// Both tables of a database that was emptied; the last owner gives them to the free worker.
struct ClearedTables {
  ClearedTables(FreeWorker& worker, EntryTable&& keys, EntryTable&& expires)
      : worker(worker), keys(std::move(keys)), expires(std::move(expires)) {}
  ~ClearedTables() { worker.Free(std::move(keys), std::move(expires)); }

  FreeWorker& worker;
  EntryTable keys;
  EntryTable expires;
};

// What names the value of an entry while it is captured in pieces: its container, or the table in it. Null if
// the value has no parts.
const void* PartsOf(const Entry& entry);

class Cut {
 public:
  // Begins with `bit`, which has just been made active. `tables` are those of the databases in order. Without
  // a filter everything is captured.
  Cut(const ds::CutState& state, int bit, const std::vector<EntryTable*>& tables, CutSink& sink,
      const CutFilter* filter);
  Cut(const Cut&) = delete;
  Cut& operator=(const Cut&) = delete;

  // Goes on walking until `is_over()`, which is asked after every few buckets, or the end.
  template <typename IsOver>
  void Walk(IsOver&& is_over);
  bool is_done() const { return walk_ == walks_.size() && open_.empty(); }
  bool is_waiting() const { return sink_ != nullptr && sink_->IsBehind(); }
  // Hands over the last chunk; the cut is done.
  void Finish();
  // The sink gets nothing more, and the filter is not asked any more. The cut has still to be walked, so that
  // its bit can be used again.
  void Abandon() {
    sink_ = nullptr;
    filter_ = nullptr;
  }

  // ---- a part is going to change or to go
  void CaptureBucket(const void* table, const ds::Bucket& head);
  void CaptureNode(const ds::Quicklist& list, const ds::QuicklistNode& node);
  void CaptureBlock(const ds::StreamLog& log, const ds::StreamBlock& block);
  void CapturePending(const ds::StreamLog& log, StreamId id, const PendingEntry& entry);
  void OnNodeLeaves(const ds::Quicklist& list, const ds::QuicklistNode& node);
  void OnGroupLeaves(const ds::StreamLog& log, const ConsumerGroup& group);
  // The rest of an open text is captured now.
  void CaptureText(const void* text);
  // Ends a value whose parts have all been captured.
  void Close(const void* parts);

  // ---- whole values and tables come and go
  bool IsOpen(const void* parts) const { return open_.contains(parts); }
  // Keeps an entry alive as long as its value is open.
  void Keep(const void* parts, const std::shared_ptr<Entry>& entry);
  // `table` was emptied into `cleared`.
  void OnCleared(const EntryTable& table, const std::shared_ptr<ClearedTables>& cleared);
  // Two tables exchanged their contents.
  void OnSwapped(const EntryTable& a, const EntryTable& b);

 private:
  // One table of the keyspace on its way. A cleared one stays where it stood.
  struct TableWalk {
    EntryTable* table;
    int database;  // the index that the keys had at the cut
    size_t next_bucket = 0;
  };
  // A large value of which the sink has got the beginning.
  struct OpenValue {
    enum class Kind : uint8_t { kTable, kList, kStream, kText };

    uint64_t id = 0;
    Type type = Type::kString;
    Kind kind = Kind::kTable;
    ds::WalkedTable table{};
    size_t next_bucket = 0;
    ds::Quicklist* list = nullptr;
    ds::QuicklistNode* last_node = nullptr;  // the walk has come so far; null for nowhere
    bool is_walking = false;                 // what is captured now comes next in the list or stream
    Stream* stream = nullptr;
    StreamId next_block;
    std::deque<ConsumerGroup*>
        groups;  // with entries to be captured behind the blocks; the first one is walked
    StreamId next_pending;
    ConsumerPlaces places;
    const Text* text = nullptr;
    size_t text_offset = 0;
    std::shared_ptr<Entry> entry;  // once it has left the keyspace
  };

  uint8_t mask() const { return static_cast<uint8_t>(1u << bit_); }
  // The large value whose turn it is; null while keys are to be walked.
  const void* ValueToWalk();
  int DatabaseOf(const void* table) const;
  void WalkKeys(TableWalk& walk);
  void CaptureEntry(int database, const Entry& entry);
  void OpenEntry(int database, const Entry& entry);
  void CaptureItems(const OpenValue& value, const ds::Bucket& head);
  void WalkValue(const void* parts);
  // Each walks a few parts; false at the end.
  bool WalkTable(OpenValue& value);
  bool WalkList(OpenValue& value);
  bool WalkStream(OpenValue& value);
  bool WalkBlocks(OpenValue& value);
  bool WalkPending(OpenValue& value);
  bool WalkText(OpenValue& value);

  const ds::CutState& state_;
  const int bit_;
  CutSink* sink_;
  const CutFilter* filter_;
  CaptureWriter writer_;
  std::vector<TableWalk> walks_;
  size_t walk_ = 0;                                  // the first one that is not done
  std::unordered_map<const void*, OpenValue> open_;  // by PartsOf
  std::deque<const void*> order_;                    // of their opening, closed ones included
  const void* turn_ = nullptr;                       // the open one that is being walked
  std::vector<std::shared_ptr<ClearedTables>> cleared_;
  uint64_t next_id_ = 1;
};

template <typename IsOver>
void Cut::Walk(IsOver&& is_over) {
  while (!is_done() && !is_waiting()) {
    if (const void* value = ValueToWalk(); value != nullptr) {
      WalkValue(value);
    } else {
      WalkKeys(walks_[walk_]);
    }
    if (is_over()) break;
  }
}

}  // namespace hearth::keyspace
