#include "keyspace/cutter.h"

#include <utility>

#include "ds/quicklist.h"
#include "keyspace/keyspace.h"

namespace hearth::keyspace {

Cutter::Cutter(Keyspace& keyspace, ds::CutState& state) : keyspace_(keyspace), state_(state) {
  state_.observer = this;
}

Cutter::~Cutter() { state_.observer = nullptr; }

template <typename Do>
void Cutter::ForEachCut(uint8_t cuts, Do&& what) {
  for (unsigned left = cuts & state_.active; left != 0; left &= left - 1) what(*cuts_[__builtin_ctz(left)]);
}

Cut* Cutter::Begin(CutSink& sink, const CutFilter* filter) {
  const unsigned free = ~state_.active & ds::CutState::kAllCuts;
  if (free == 0 || is_barred_) return nullptr;
  const int bit = __builtin_ctz(free);
  std::vector<EntryTable*> tables;
  for (int i = 0; i < keyspace_.database_count(); ++i) tables.push_back(&keyspace_.database(i).keys());
  cuts_[bit] = std::make_unique<Cut>(state_, bit, tables, sink, filter);
  state_.captured ^= static_cast<uint8_t>(1u << bit);
  state_.active |= static_cast<uint8_t>(1u << bit);
  return cuts_[bit].get();
}

void Cutter::End(int bit) {
  state_.active &= static_cast<uint8_t>(~(1u << bit));
  const std::unique_ptr<Cut> ended = std::move(cuts_[bit]);
  ended->Finish();
}

bool Cutter::Run(const std::function<bool()>& is_over) {
  bool has_more = false;
  for (int n = 0; n < kMaxCuts; ++n) {
    const int bit = (first_ + n) % kMaxCuts;
    if (cuts_[bit] == nullptr) continue;
    cuts_[bit]->Walk(is_over);
    if (cuts_[bit]->is_done()) {
      End(bit);
    } else if (!cuts_[bit]->is_waiting()) {
      has_more = true;
    }
    if (is_over()) {
      // The others come first next time.
      first_ = (bit + 1) % kMaxCuts;
      return any();
    }
  }
  return has_more;
}

// ---- what the keyspace reports

bool Cutter::TakeRemoved(Entry* entry) {
  const void* parts = PartsOf(*entry);
  if (parts == nullptr) return false;
  std::shared_ptr<Entry> kept;
  ForEachCut(ds::CutState::kAllCuts, [&](Cut& cut) {
    if (!cut.IsOpen(parts)) return;
    if (kept == nullptr) {
      kept = std::shared_ptr<Entry>(entry, [this](Entry* freed) { keyspace_.free_worker().Free(freed); });
    }
    cut.Keep(parts, kept);
  });
  return kept != nullptr;
}

void Cutter::TakeCleared(const EntryTable& table, EntryTable&& keys, EntryTable&& expires) {
  const auto cleared =
      std::make_shared<ClearedTables>(keyspace_.free_worker(), std::move(keys), std::move(expires));
  ForEachCut(ds::CutState::kAllCuts, [&](Cut& cut) { cut.OnCleared(table, cleared); });
}

void Cutter::OnSwapped(const EntryTable& a, const EntryTable& b) {
  ForEachCut(ds::CutState::kAllCuts, [&](Cut& cut) { cut.OnSwapped(a, b); });
}

void Cutter::BeforeTextChange(const Entry& entry) {
  ForEachCut(ds::CutState::kAllCuts, [&](Cut& cut) { cut.CaptureText(PartsOf(entry)); });
}

void Cutter::OnListGone(const ds::Quicklist& list) {
  ForEachCut(ds::CutState::kAllCuts, [&](Cut& cut) { cut.Close(&list); });
}

// ---- ds::CutObserver

void Cutter::CaptureBucket(const void* table, const ds::Bucket& head, uint8_t cuts) {
  ForEachCut(cuts, [&](Cut& cut) { cut.CaptureBucket(table, head); });
}

void Cutter::CaptureNode(const ds::Quicklist& list, const ds::QuicklistNode& node, uint8_t cuts) {
  ForEachCut(cuts, [&](Cut& cut) { cut.CaptureNode(list, node); });
}

void Cutter::CaptureBlock(const ds::StreamLog& log, const ds::StreamBlock& block, uint8_t cuts) {
  ForEachCut(cuts, [&](Cut& cut) { cut.CaptureBlock(log, block); });
}

void Cutter::CapturePending(const ds::StreamLog& log, const ds::StreamId& id, const void* entry,
                            uint8_t cuts) {
  ForEachCut(cuts, [&](Cut& cut) { cut.CapturePending(log, id, *static_cast<const PendingEntry*>(entry)); });
}

void Cutter::OnGroupLeaves(const ds::StreamLog& log, const void* group) {
  ForEachCut(ds::CutState::kAllCuts,
             [&](Cut& cut) { cut.OnGroupLeaves(log, *static_cast<const ConsumerGroup*>(group)); });
}

void Cutter::OnNodeLeaves(const ds::Quicklist& list, const ds::QuicklistNode& node) {
  ForEachCut(ds::CutState::kAllCuts, [&](Cut& cut) { cut.OnNodeLeaves(list, node); });
}

}  // namespace hearth::keyspace
