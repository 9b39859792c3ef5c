// The primary's choice when a replica asks for the stream: go on where the replica stopped, from memory or
// from disk; have it go back to where its history parted from ours, if it can; or begin with a full copy.
// Pure; any thread.
//
// On the wire `PSYNC <id> <n>` asks for the n-th byte of the stream, which stands at log offset n - 1.
//
// Histories part when a replica becomes a primary while its own primary has more than it, or both go on
// writing. Each side knows the present name of its history and some former ones, and up to which offset it
// had them. Where both know one name, they are the same up to the smaller of the two offsets.
// Limitation: a parting that lies further back than all names that both know is not found.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "replication/core/history.h"

namespace hearth::replication {

struct ResyncRequest {
  std::string_view id;  // "?" asks for a full copy
  int64_t wire_offset = -1;
  // It can give up what only it has, back to where histories parted (docs/formats/replication.md).
  bool knows_rejoin = false;
  // What its history was called before, as in History.
  std::span<const FormerName> former{};
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
  enum class Way { kFromMemory, kFromDisk, kRejoin, kFull };
  Way way = Way::kFull;
  uint64_t offset = 0;  // where the stream goes on or histories parted, unless it is a full copy
  std::string id{};     // kRejoin: what both call the history there
  // It was meant to go on, and could not: what INFO counts as sync_partial_err.
  bool is_refusal = false;
  std::string reason;  // of a refusal, for the log
};

ResyncChoice ChooseResync(const ResyncRequest& request, const History& history, const HeldLog& held);

}  // namespace hearth::replication
