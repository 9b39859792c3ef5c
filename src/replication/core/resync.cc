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
  if (const FormerName* const name = FindName(history.former, ToLower(request.id))) {
    return fmt::format("Requested offset for {} ID was {}, but I can reply up to {}",
                       name == history.previous() ? "second" : "former", request.wire_offset, name->end + 1);
  }
  return fmt::format("Replication ID mismatch (Replica asked for '{}', my replication IDs are '{}' and '{}')",
                     request.id, history.id,
                     history.former.empty() ? std::string(kIdDigits, '0') : history.previous()->id);
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
  const auto shared = [&](std::string_view theirs, uint64_t end) -> std::optional<Parting> {
    std::string id = ToLower(theirs);
    if (id == history.id) return Parting{std::move(id), end};
    if (const FormerName* const name = FindName(history.former, id)) {
      return Parting{std::move(id), std::min(end, name->end)};
    }
    return std::nullopt;
  };
  std::optional<Parting> parting = shared(request.id, offset);
  for (size_t i = 0; !parting && i < request.former.size(); ++i) {
    parting = shared(request.former[i].id, std::min(request.former[i].end, offset));
  }
  if (parting && parting->offset > our_end) return std::nullopt;
  return parting;
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
