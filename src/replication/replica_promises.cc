// Promised writes: who may acknowledge them, which is written into the stream, and up to where they are kept.

#include <algorithm>
#include <utility>

#include "base/numbers.h"
#include "replication/replicas.h"

namespace hearth::replication {

// "acks:<identity>:<epoch>". Whoever says it otherwise has said nothing.
void Replicas::SetIdentity(ReplicaAnnouncement& announced, std::string_view text) {
  text.remove_prefix(kAcksWord.size());
  const size_t colon = text.find(':');
  if (colon != kIdDigits) return;
  const auto epoch = ParseUint64(text.substr(colon + 1));
  if (!epoch || *epoch > AcksSet::kMaxEpoch) return;
  announced.identity = text.substr(0, colon);
  announced.epoch = *epoch;
}

// Those that came by SYNC say nothing of how far they are.
std::vector<AcksReplica> Replicas::Acknowledging() const {
  std::vector<AcksReplica> found;
  for (const auto& replica : replicas_) {
    if (replica->state != State::kOnline || replica->uses_sync || replica->is_dropped) continue;
    found.push_back({.address = NameOf(*replica),
                     .identity = replica->announced.identity,
                     .acknowledged = replica->acked_offset,
                     .stream_start = replica->stream_start,
                     .epoch = replica->announced.epoch});
  }
  return found;
}

// Once a turn. A change of the set goes into the stream before anything that is written under it.
void Replicas::StepPromises() {
  if (has_upstream()) {
    parts_.engine.SetPromises({.are_made = false});
    return;
  }
  const bool is_used = settings_.replication_acks > 0 || acks_.record().required > 0;
  const std::vector<AcksReplica> replicas = Acknowledging();
  auto count = static_cast<uint32_t>(replicas.size());
  if (is_used) {
    const AcksSet::Now now{.ms = now_ms(),
                           .wall_ms = parts_.clock.WallMicros() / 1000,
                           .history = parts_.persistence.history().id,
                           .end_offset = parts_.persistence.write_log().end_offset(),
                           .required = static_cast<uint32_t>(settings_.replication_acks),
                           .replicas = replicas};
    // While a failover waits for replicas to reach the log's end, the end stays where it is.
    if (refusal_.empty() && acks_.Step(now)) {
      parts_.persistence.write_log().AppendForReplicas(AcksNote(acks_.record()));
      are_acks_wanted_ = true;
    }
    if (!acks_.CanPromise(now.ms, replicas)) count = 0;
  }
  parts_.engine.SetPromises({.are_made = true, .replicas = count});
  TellGate();
}

void Replicas::TellGate() {
  const bool is_used = !has_upstream() && (settings_.replication_acks > 0 || acks_.record().required > 0);
  parts_.persistence.gate().SetPromised(is_used ? acks_.PromisedOffset(now_ms(), Acknowledging())
                                                : UINT64_MAX);
}

}  // namespace hearth::replication
