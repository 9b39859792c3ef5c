// The primary's choice when a replica asks for the stream: go on where the replica stopped, from memory or
// from disk, or begin with a full copy. Pure; any thread.
//
// On the wire `PSYNC <id> <n>` asks for the n-th byte of the stream, which stands at log offset n - 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "replication/core/history.h"

namespace hearth::replication {

struct ResyncRequest {
  std::string_view id;  // "?" asks for a full copy
  int64_t wire_offset = -1;
};

// What part of the history can still be had, in log offsets.
struct HeldLog {
  struct Range {
    uint64_t first = 0;
    uint64_t end = 0;
    bool Reaches(uint64_t offset) const { return offset >= first && offset <= end; }
  };
  std::optional<Range> memory;  // none while no backlog is kept
  std::optional<Range> disk;
};

struct ResyncChoice {
  enum class Way { kFromMemory, kFromDisk, kFull };
  Way way = Way::kFull;
  uint64_t offset = 0;  // where the stream goes on, unless it is a full copy
  // It was meant to go on, and could not: what INFO counts as sync_partial_err.
  bool is_refusal = false;
  std::string reason;  // of a refusal, for the log
};

ResyncChoice ChooseResync(const ResyncRequest& request, const History& history, const HeldLog& held);

}  // namespace hearth::replication
