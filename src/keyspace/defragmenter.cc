#include "keyspace/defragmenter.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/memory.h"
#include "keyspace/field_expiry.h"

namespace hearth::keyspace {
namespace {

// The block in a better place; the old one has been freed.
void* MovedBlock(void* block) {
  const size_t size = AllocationSize(block);
  void* moved = AllocateDensely(size);
  std::memcpy(moved, block, size);
  FreeToPages(block);
  return moved;
}

bool IsOneBlock(const Entry& entry) {
  switch (entry.encoding()) {
    case Encoding::kListpack:
    case Encoding::kListpackEx:
    case Encoding::kIntset:
      return true;
    case Encoding::kRaw:
    case Encoding::kEmbstr:
      return !entry.is_inline();
    default:
      return false;
  }
}

}  // namespace

Defragmenter::Defragmenter(Keyspace& keyspace, std::function<int64_t()> now_us)
    : keyspace_(keyspace), now_us_(std::move(now_us)) {}

int64_t Defragmenter::WantedPercent() const {
  const settings::Settings& settings = keyspace_.settings();
  const FragmentationFigures figures = ReadFragmentation();
  if (figures.used_bytes == 0 ||
      figures.gap_bytes < static_cast<size_t>(settings.active_defrag_ignore_bytes)) {
    return 0;
  }
  const double gaps =
      100.0 * static_cast<double>(figures.gap_bytes) / static_cast<double>(figures.used_bytes);
  const auto lower = static_cast<double>(settings.active_defrag_threshold_lower);
  const auto upper = static_cast<double>(settings.active_defrag_threshold_upper);
  if (gaps < lower) return 0;
  const double share = upper > lower ? std::min((gaps - lower) / (upper - lower), 1.0) : 1.0;
  const auto least = static_cast<double>(settings.active_defrag_cycle_min);
  const auto most =
      static_cast<double>(std::max(settings.active_defrag_cycle_max, settings.active_defrag_cycle_min));
  return static_cast<int64_t>(least + share * (most - least));
}

void Defragmenter::StartPass(int64_t percent) {
  percent_ = percent;
  started_us_ = now_us_();
  database_ = 0;
  cursor_ = 0;
  large_.clear();
  relocation_ = {};
}

void Defragmenter::EndPass() {
  total_us_ += current_us();
  started_us_ = 0;
  percent_ = 0;
  budget_us_ = 0;
  large_.clear();
}

void Defragmenter::ResetTimes() {
  total_us_ = 0;
  if (started_us_ != 0) started_us_ = now_us_();
}

void Defragmenter::Begin(int64_t period_us) {
  if (!keyspace_.settings().activedefrag) {
    if (percent_ != 0) EndPass();
    return;
  }
  const int64_t now = now_us_();
  if (now >= next_look_us_) {
    next_look_us_ = now + kLookAgainMicros;
    const int64_t wanted = WantedPercent();
    // A pass that has begun is finished, in a hurry or not as the gaps say.
    if (percent_ == 0 && wanted != 0) StartPass(wanted);
    if (percent_ != 0 && wanted != 0) percent_ = wanted;
  }
  budget_us_ = period_us * percent_ / 100;
}

bool Defragmenter::RunSlice() {
  if (percent_ == 0 || budget_us_ <= 0) return false;
  // Snapshots and loading refer to entries by their addresses.
  if (keyspace_.cutter().any() || keyspace_.cutter().is_barred()) return false;
  const int64_t start = now_us_();
  const int64_t end = start + std::min(kSliceMicros, budget_us_);
  int64_t now = start;
  for (; now < end; now = now_us_()) {
    if (!Step()) {
      EndPass();
      return false;
    }
  }
  budget_us_ -= now - start;
  return budget_us_ > 0;
}

void Defragmenter::RunPass() {
  StartPass(1);
  while (Step()) {
  }
  EndPass();
}

bool Defragmenter::Step() {
  if (!large_.empty()) {
    StepInValue();
    return true;
  }
  if (database_ >= keyspace_.database_count()) return false;
  Database& database = keyspace_.database(database_);
  entries_.clear();
  cursor_ = database.keys_.Scan(cursor_, [this](Entry* entry) { entries_.push_back(entry); });
  for (Entry* entry : entries_) Move(database, entry);
  database_of_large_ = database_;
  if (cursor_ == 0) ++database_;
  return true;
}

// Time may have passed since the last step: the key is looked for again, and may be gone.
void Defragmenter::StepInValue() {
  const Key key(large_.back());
  const auto position = keyspace_.database(database_of_large_).keys_.Find(key.text, key.hash);
  if (position && relocation_.Step(*position.item(), *this)) return;
  large_.pop_back();
  relocation_ = {};
}

void* Defragmenter::MoveBlock(void* block) {
  KeyspaceStats& stats = keyspace_.stats();
  if (!IsSparselyPlaced(block)) {
    ++stats.defrag_misses;
    return block;
  }
  ++stats.defrag_hits;
  return MovedBlock(block);
}

bool Defragmenter::MoveValue(Entry& entry) {
  if (ValueRelocation::HasParts(entry)) large_.emplace_back(entry.key());
  if (!IsOneBlock(entry) && !ValueRelocation::HasMovableHead(entry)) return false;
  void* const before = const_cast<void*>(entry.container());
  void* const moved = MoveBlock(before);
  if (moved == before) return false;
  entry.set_container(moved);
  return true;
}

void Defragmenter::Move(Database& database, Entry* entry) {
  KeyspaceStats& stats = keyspace_.stats();
  bool has_moved = MoveValue(*entry);
  if (IsSparselyPlaced(entry)) {
    has_moved = true;
    ++stats.defrag_hits;
    const Key key(entry->key());
    const auto position = database.keys_.Find(key.text, key.hash);
    const bool has_expiry = entry->has_expiry();
    const auto expiring = has_expiry ? database.expires_.Find(key.text, key.hash) : EntryTable::Position();
    const bool has_fields = entry->has_field_expiry();
    if (has_fields) database.UnindexFields(entry, NextFieldExpiry(*entry));
    // Nothing looks at the old entry from here on, not even through the key.
    Entry* moved = static_cast<Entry*>(MovedBlock(entry));
    database.keys_.Replace(position, moved, key.hash);
    if (has_expiry) database.expires_.Replace(expiring, moved, key.hash);
    if (has_fields) database.IndexFields(moved);
  } else {
    ++stats.defrag_misses;
  }
  ++(has_moved ? stats.defrag_key_hits : stats.defrag_key_misses);
}

}  // namespace hearth::keyspace
