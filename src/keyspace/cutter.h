// Makes cuts: point-in-time snapshots of the whole keyspace, up to seven at once (idea 3 of
// docs/architecture.md). Starting one costs nothing to speak of; then the engine gives it slices of time
// until everything has gone to the cut's sink.
//
// Owned by Keyspace. Engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "ds/cut_state.h"
#include "keyspace/cut.h"

namespace hearth::keyspace {

class Keyspace;

class Cutter final : public ds::CutObserver {
 public:
  static constexpr int kMaxCuts = 7;

  Cutter(Keyspace& keyspace, ds::CutState& state);
  ~Cutter();
  Cutter(const Cutter&) = delete;
  Cutter& operator=(const Cutter&) = delete;

  // Starts a cut of everything as it is now, or of what the filter wants. Null if all bits are taken, or
  // barred. The cut lives until its sink has been told OnCaptured, or it has been abandoned; sink and filter
  // must live as long.
  Cut* Begin(CutSink& sink, const CutFilter* filter = nullptr);
  // The sink gets nothing more and may go.
  static void Abandon(Cut& cut) { cut.Abandon(); }

  // While values are made on another thread for the keyspace, no cut may begin (rdb/load_pipeline.h).
  void set_is_barred(bool is_barred) { is_barred_ = is_barred; }
  bool is_barred() const { return is_barred_; }

  bool any() const { return state_.active != 0; }
  // Walks the running cuts until `is_over()`. True if there is more to do at once: false when no cut runs or
  // all wait for their sinks.
  bool Run(const std::function<bool()>& is_over);

  // ---- what the keyspace reports, while any()

  // Takes over an entry that has left the keyspace, if a cut still needs its value.
  bool TakeRemoved(Entry* entry);
  // Takes over the contents of a database that is being emptied.
  void TakeCleared(const EntryTable& table, EntryTable&& keys, EntryTable&& expires);
  void OnSwapped(const EntryTable& a, const EntryTable& b);
  // A text is going to be changed where it stands.
  void BeforeTextChange(const Entry& entry);
  // A list's last node was taken out of it and the list is about to be freed.
  void OnListGone(const ds::Quicklist& list);

  // ---- ds::CutObserver
  void CaptureBucket(const void* table, const ds::Bucket& head, uint8_t cuts) override;
  void CaptureNode(const ds::Quicklist& list, const ds::QuicklistNode& node, uint8_t cuts) override;
  void CaptureBlock(const ds::StreamLog& log, const ds::StreamBlock& block, uint8_t cuts) override;
  void CapturePending(const ds::StreamLog& log, const ds::StreamId& id, const void* entry,
                      uint8_t cuts) override;
  void OnNodeLeaves(const ds::Quicklist& list, const ds::QuicklistNode& node) override;
  void OnGroupLeaves(const ds::StreamLog& log, const void* group) override;

 private:
  template <typename Do>
  void ForEachCut(uint8_t cuts, Do&& what);
  void End(int bit);

  Keyspace& keyspace_;
  ds::CutState& state_;
  std::unique_ptr<Cut> cuts_[kMaxCuts];
  int first_ = 0;  // whose turn it is
  bool is_barred_ = false;
};

}  // namespace hearth::keyspace
