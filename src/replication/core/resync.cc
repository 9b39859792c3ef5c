#include "replication/core/resync.h"

#include <fmt/format.h>

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

}  // namespace

ResyncChoice ChooseResync(const ResyncRequest& request, const History& history, const HeldLog& held) {
  HEARTH_ASSERT(!held.memory || held.memory->first <= held.memory->end);
  HEARTH_ASSERT(!held.disk || held.disk->first <= held.disk->end);
  if (request.id == "?") return {};
  if (request.wire_offset < 1) {
    return Refuse(fmt::format("the stream has no offset {}", request.wire_offset));
  }
  const auto offset = static_cast<uint64_t>(request.wire_offset) - 1;
  if (!history.Holds(ToLower(request.id), offset)) return Refuse(WhyUnknown(request, history));
  if (held.memory && held.memory->Reaches(offset)) {
    return {.way = ResyncChoice::Way::kFromMemory, .offset = offset};
  }
  if (held.memory && held.disk && held.disk->Reaches(offset)) {
    return {.way = ResyncChoice::Way::kFromDisk, .offset = offset};
  }
  return Refuse(fmt::format("lack of backlog (Replica request was: {})", request.wire_offset));
}

}  // namespace hearth::replication
