// The dataset of a simulated server and its write log, without bytes: an entry says how far the log reaches
// behind it and what the dataset is then. Two datasets are the same if and only if their tags are.
//
// Plain data; one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/assert.h"

namespace hearth::sim {

struct Dataset {
  uint64_t tag = 0;   // of all that was ever done to it
  uint64_t keys = 0;  // how many there are

  bool operator==(const Dataset&) const = default;
};

struct Entry {
  uint64_t begin = 0;
  uint64_t end = 0;
  Dataset after;
};

class ModelLog {
 public:
  // The oldest place of which the log knows what the dataset was there.
  uint64_t start() const { return start_; }
  uint64_t end() const { return entries_.empty() ? start_ : entries_.back().end; }
  const Dataset& now() const { return entries_.empty() ? at_start_ : entries_.back().after; }

  void Restart(uint64_t offset, Dataset now) {
    start_ = offset;
    at_start_ = now;
    entries_.clear();
  }
  void Append(const Entry& entry) {
    HEARTH_ASSERT(entry.begin == end() && entry.end > entry.begin);
    entries_.push_back(entry);
  }
  // nullopt where no entry ends, and outside.
  std::optional<Dataset> At(uint64_t offset) const {
    if (offset == start_) return at_start_;
    const size_t index = FirstAfter(offset);
    if (offset < start_ || index == 0 || entries_[index - 1].end != offset) return std::nullopt;
    return entries_[index - 1].after;
  }
  std::span<const Entry> After(uint64_t offset) const {
    return std::span(entries_).subspan(FirstAfter(offset));
  }
  // Whether the dataset was emptied behind `offset`.
  bool WasEmptiedAfter(uint64_t offset) const {
    const auto entries = After(offset);
    return std::any_of(entries.begin(), entries.end(),
                       [](const Entry& entry) { return entry.after.keys == 0; });
  }
  // The nearest end of an entry at or behind `offset`.
  uint64_t BoundaryAt(uint64_t offset) const {
    if (offset <= start_) return start_;
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), offset,
                                        [](const Entry& entry, uint64_t at) { return entry.end < at; });
    return found == entries_.end() ? end() : found->end;
  }
  void CutAt(uint64_t offset) {
    HEARTH_ASSERT(At(offset).has_value());
    entries_.resize(FirstAfter(offset));
  }

 private:
  // The index of the first entry that begins at or behind `offset`.
  size_t FirstAfter(uint64_t offset) const {
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), offset,
                                        [](const Entry& entry, uint64_t at) { return entry.begin < at; });
    return static_cast<size_t>(found - entries_.begin());
  }

  uint64_t start_ = 0;
  Dataset at_start_;
  std::vector<Entry> entries_;
};

// What has been claimed of each place of each history, by whichever server. It is never two things.
class Claims {
 public:
  // False if something else was claimed before.
  bool Add(const std::string& id, uint64_t offset, const Dataset& dataset) {
    const auto [place, is_new] = claims_.try_emplace(KeyOf(id, offset), dataset);
    return is_new || place->second == dataset;
  }

 private:
  static uint64_t KeyOf(const std::string& id, uint64_t offset) {
    return std::hash<std::string>()(id) ^ (offset * 0x9e3779b97f4a7c15u);
  }

  std::unordered_map<uint64_t, Dataset> claims_;
};

}  // namespace hearth::sim
