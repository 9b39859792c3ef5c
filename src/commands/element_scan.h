// What SSCAN and ZSCAN have in common: going on until enough has been seen, and the cursor in front of what
// matched.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "commands/scan_options.h"

namespace hearth::commands {

// Calls `step(cursor, take)` for the next cursor, as often as the options ask for; `step` gives every element
// it meets to `take(text, found)`, and what matches is collected.
template <typename Found, typename Step>
std::vector<Found> CollectScan(uint64_t& cursor, const ScanOptions& options, Step&& step) {
  // Sparse tables must not make one call long: ten steps for each element asked for are enough.
  int64_t steps = std::min(options.count, INT64_MAX / 10) * 10;
  int64_t seen = 0;
  std::vector<Found> found;
  const auto take = [&](std::string_view text, const Found& element) {
    ++seen;
    if (options.Matches(text)) found.push_back(element);
  };
  do {
    cursor = step(cursor, take);
  } while (cursor != 0 && --steps > 0 && seen < options.count);
  return found;
}

// The head of a scan's reply; `count` elements follow.
inline void ReplyScanHead(resp::Writer& reply, uint64_t cursor, size_t count) {
  reply.Array(2);
  reply.Bulk(std::to_string(cursor));
  reply.Array(count);
}

}  // namespace hearth::commands
