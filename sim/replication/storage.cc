#include "sim/replication/storage.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace hearth::sim {
namespace {

// The last bytes may not have come to the disk.
uint64_t SomeEnd(const ModelLog& log, uint64_t first, Prng& random) {
  HEARTH_ASSERT(first <= log.end());
  if (random.Below(2) == 0) return log.end();
  return log.BoundaryAt(first + random.Below(log.end() - first + 1));
}

// What recovery finds of the log, if it was written up to `end`.
std::optional<Storage::Segments> Found(const KeptLog& kept, const Keeping& keeping, uint64_t end,
                                       bool is_complete) {
  if (!keeping.has_disk_log || !kept.is_wanted) return std::nullopt;
  Storage::Segments segments{.found = {}, .log = kept.log};
  segments.found.start_offset = kept.disk_first;
  segments.found.end_offset = end;
  segments.found.is_complete = is_complete;
  uint64_t begin = kept.disk_first;
  for (const auto& name : kept.names) {
    if (name.end_offset < kept.disk_first && &name != &kept.names.back()) continue;
    const bool is_new_segment_lost = begin == end && !segments.found.names.empty() && !is_complete;
    if (begin > end || is_new_segment_lost) break;
    const bool is_last = &name == &kept.names.back();
    segments.found.names.push_back({name.id, is_last ? end : std::min(name.end_offset, end)});
    begin = name.end_offset;
  }
  segments.log.CutAt(end);
  return segments;
}

std::optional<persistence::Place> PlaceOf(const Storage& storage, const Keeping& keeping) {
  if (keeping.has_append_only && storage.append_only) {
    if (!storage.append_only->has_ended_in_order || !storage.segments) return std::nullopt;
    const log::Segments::Recovered& found = storage.segments->found;
    if (!found.is_complete) return std::nullopt;
    return persistence::Place{found.names.back().id, found.end_offset};
  }
  return storage.snapshot ? storage.snapshot->place : std::nullopt;
}

Dataset LoadedFrom(const Storage& storage, const Keeping& keeping) {
  if (keeping.has_append_only && storage.append_only) return storage.append_only->dataset;
  return storage.snapshot ? storage.snapshot->dataset : Dataset{};
}

}  // namespace

// ---- while it runs

void KeptLog::Begin(const std::string& id, uint64_t offset, const Dataset& now) {
  log.Restart(offset, now);
  memory_first = disk_first = disk_end = offset;
  names = {{id, offset}};
}

// A name under which nothing was logged leaves no segment.
void KeptLog::Rename(const std::string& id) {
  const uint64_t begin = names.size() > 1 ? names[names.size() - 2].end_offset : disk_first;
  if (begin == log.end()) names.pop_back();
  if (!names.empty()) names.back().end_offset = log.end();
  names.push_back({id, log.end()});
}

void KeptLog::Trim(const Keeping& keeping) {
  disk_end = log.end();
  names.back().end_offset = log.end();
  if (log.end() - memory_first > keeping.memory_bytes)
    memory_first = log.BoundaryAt(log.end() - keeping.memory_bytes);
  if (log.end() - disk_first > keeping.disk_bytes)
    disk_first = log.BoundaryAt(log.end() - keeping.disk_bytes);
}

// ---- when it ends

void LeaveBehind(Storage& storage, const Keeping& keeping, const KeptLog& kept, Prng& random) {
  const uint64_t end = SomeEnd(kept.log, std::clamp(kept.disk_end, kept.log.start(), kept.log.end()), random);
  storage.segments = Found(kept, keeping, end, false);
  if (!keeping.has_append_only) return;
  const uint64_t written = SomeEnd(kept.log, kept.log.start(), random);
  storage.append_only = Storage::AppendOnly{*kept.log.At(written), false};
}

void LeaveInOrder(Storage& storage, const Keeping& keeping, const KeptLog& kept) {
  storage.segments = Found(kept, keeping, kept.log.end(), true);
  if (keeping.has_append_only) storage.append_only = Storage::AppendOnly{kept.log.now(), true};
}

// ---- when it comes back

Restarted Restart(const Storage& storage, const Keeping& keeping, std::string fresh_id, bool keeps_id) {
  const std::optional<persistence::Place> known = PlaceOf(storage, keeping);
  const Dataset dataset = LoadedFrom(storage, keeping);
  const bool is_replica = storage.primary.has_value() || keeps_id;
  const auto found = storage.segments ? std::optional(storage.segments->found) : std::nullopt;
  const persistence::Restored restored = persistence::Restore(known, found, is_replica, std::move(fresh_id));
  Restarted restarted{.history = restored.history, .kept = {}};
  KeptLog& kept = restarted.kept;
  kept.Begin(restored.history.id, restored.offset, dataset);
  kept.is_wanted = restored.is_continued;
  if (!restored.keeps_log) return restarted;
  // A log that goes on under another name than it ended with begins a segment there.
  kept.log = storage.segments->log;
  kept.log.CutAt(restored.offset);
  restarted.fits = kept.log.now() == dataset;
  kept.disk_first = found->start_offset;
  kept.names.clear();
  uint64_t begin = found->start_offset;
  for (const auto& name : found->names) {
    if (begin >= restored.offset && !kept.names.empty()) break;
    kept.names.push_back({name.id, std::min(name.end_offset, restored.offset)});
    begin = name.end_offset;
  }
  if (kept.names.back().id != restored.history.id) kept.Rename(restored.history.id);
  return restarted;
}

}  // namespace hearth::sim
