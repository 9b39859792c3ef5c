#include "replication/core/resync.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/text.h"

namespace hearth::replication {
namespace {

ResyncChoice Refuse(std::string reason) {
  return {.way = ResyncChoice::Way::kFull, .is_refusal = true, .reason = std::move(reason)};
}

std::string WhyUnknown(const ResyncRequest& request, const History& history) {
  if (!history.previous_id.empty() && ToLower(request.id) == history.previous_id) {
    return fmt::format("Requested offset for second ID was {}, but I can reply up to {}", request.wire_offset,
                       history.previous_end + 1);
  }
  return fmt::format("Replication ID mismatch (Replica asked for '{}', my replication IDs are '{}' and '{}')",
                     request.id, history.id,
                     history.previous_id.empty() ? std::string(kIdDigits, '0') : history.previous_id);
}

// The log up to now, one way or the other.
bool Holds(const HeldLog& held, uint64_t offset) {
  return held.memory && (held.memory->Reaches(offset) || (held.disk && held.disk->Reaches(offset)));
}

struct Parting {
  std::string id;
  uint64_t offset;
};

// The last place that both histories have, under the name that both know; `offset` is the end of what the
// replica has. A replica that is merely ahead of us in our own history has not parted from it: we may still
// get what it has.
std::optional<Parting> FindParting(const ResyncRequest& request, uint64_t offset, const History& history,
                                   uint64_t our_end) {
  const std::pair<std::string, uint64_t> theirs[] = {
      {ToLower(request.id), offset}, {ToLower(request.previous_id), std::min(request.previous_end, offset)}};
  for (const auto& [id, end] : theirs) {
    if (id.empty()) continue;
    if (id == history.id) {
      if (end <= our_end) return Parting{id, end};
      return std::nullopt;
    }
    if (id == history.previous_id) return Parting{id, std::min(end, history.previous_end)};
  }
  return std::nullopt;
}

}  // namespace

ResyncChoice ChooseResync(const ResyncRequest& request, const History& history, const HeldLog& held) {
  HEARTH_ASSERT(!held.memory || held.memory->first <= held.memory->end);
  HEARTH_ASSERT(!held.disk || held.disk->first <= held.disk->end);
  if (request.id == "?") return {};
  if (request.wire_offset < 1) {
    return Refuse(fmt::format("the stream has no offset {}", request.wire_offset));
  }
  const auto offset = static_cast<uint64_t>(request.wire_offset) - 1;
  if (!history.Holds(ToLower(request.id), offset)) {
    if (!request.knows_rejoin || !held.memory) return Refuse(WhyUnknown(request, history));
    const auto parting = FindParting(request, offset, history, held.memory->end);
    if (!parting || !Holds(held, parting->offset)) return Refuse(WhyUnknown(request, history));
    return {.way = ResyncChoice::Way::kRejoin, .offset = parting->offset, .id = parting->id};
  }
  if (held.memory && held.memory->Reaches(offset)) {
    return {.way = ResyncChoice::Way::kFromMemory, .offset = offset};
  }
  if (held.memory && held.disk && held.disk->Reaches(offset)) {
    return {.way = ResyncChoice::Way::kFromDisk, .offset = offset};
  }
  return Refuse(fmt::format("lack of backlog (Replica request was: {})", request.wire_offset));
}

}  // namespace hearth::replication
