// What of promised writes outlives the process: which epoch it had heard of, whether it was fenced in one,
// and the sets of those who may have acknowledged (acks_set.h). It is on disk before it takes effect, so that
// a server that comes back is bound by what it had said. docs/formats/replication.md ("What is kept on
// disk").
//
// Plain data and pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replication/core/acks_set.h"
#include "replication/core/history.h"

namespace hearth::replication {

struct PromiseMemory {
  // A place in a history.
  struct End {
    std::string history;
    uint64_t offset = 0;
    bool operator==(const End&) const = default;
  };

  uint64_t epoch = 0;
  uint64_t fenced_epoch = 0;  // 0: it is not
  // A primary whose own disk has all that it promises, before it does.
  bool is_synced = false;
  // Where a primary ended in order. Whoever comes back with that lacks nothing that it promised.
  std::optional<End> end{};
  std::vector<AcksRecord> records{};  // the newest last

  bool operator==(const PromiseMemory&) const = default;
  // Somebody could go by it.
  bool is_needed() const { return fenced_epoch > 0 || (!records.empty() && records.back().required > 0); }
  // Whether a dataset is known to have all that was promised: it goes on from the end in another history, or
  // was read from the append-only file (`is_from_file`) in which all was before.
  bool IsWhole(const History& history, bool is_from_file) const {
    return (is_synced && is_from_file) ||
           (end && end->history != history.id && history.Holds(end->history, end->offset));
  }
};

std::string FormatPromiseMemory(const PromiseMemory& memory);
// nullopt if that is not what Format has made.
std::optional<PromiseMemory> ParsePromiseMemory(std::string_view text);

}  // namespace hearth::replication
