// What a Sentinel makes of promised writes (`replication-acks` of Hearth servers): whether those who answer
// are enough to have every one of them. docs/formats/sentinel.md, "Promised writes". Plain data and pure
// functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sentinel/core/info_report.h"
#include "sentinel/core/instance.h"

namespace hearth::sentinel {

// The state of things at one moment; `set` points into the instances that were looked at.
struct Promises {
  bool is_used = false;
  uint64_t fenced_epoch = 0;         // only those count who are fenced in it, and have just said so; 0: all
  const AcksReport* set = nullptr;   // the newest that those who answer know
  uint64_t answering = 0;            // of its members
  uint64_t best_offset = 0;          // of all that are in its history
  std::vector<std::string> missing;  // members that do not answer, and why

  bool is_met() const { return !is_used || (set != nullptr && answering >= set->needed()); }
};

// Who is missing, in words. For promises that are not met.
std::string WhyNotMet(const Promises& promises);
// Whether the primary or a replica has told of promised writes.
bool UsesPromises(const Primary& primary);
// What makes the instance a primary, or with `whom` has it follow that one. Where writes are promised,
// whoever is behind is not to be obeyed.
std::vector<std::string> FollowCommand(const Primary& primary, const Instance& instance, const Address* whom);

}  // namespace hearth::sentinel
