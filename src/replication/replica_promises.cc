// Promised writes: who may acknowledge them, which is written into the stream, and up to where they are kept.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/numbers.h"
#include "replication/replicas.h"

namespace hearth::replication {

// "acks:<identity>:<epoch>", and ":<epoch>" once more. Whoever says it otherwise has said nothing.
void Replicas::SetIdentity(ReplicaAnnouncement& announced, std::string_view text) {
  text.remove_prefix(kAcksWord.size());
  if (text.find(':') != kIdDigits) return;
  const std::string_view identity = text.substr(0, kIdDigits);
  text.remove_prefix(kIdDigits + 1);
  const size_t colon = text.find(':');
  const auto epoch = ParseUint64(text.substr(0, colon));
  if (!epoch || *epoch > AcksSet::kMaxEpoch) return;
  if (colon != std::string_view::npos) {
    const auto known = ParseUint64(text.substr(colon + 1));
    if (!known || *known > AcksSet::kMaxEpoch) return;
    announced.known_epoch = *known;
  }
  announced.identity = identity;
  announced.epoch = *epoch;
}

// Who takes our dataset throws its own away, which may be all that is left of what was promised.
bool Replicas::IsRefusedByPromises(engine::Context& ctx) {
  if (has_upstream() || settings_.replication_acks == 0) return false;
  const auto announced = announced_.find(ctx.client().id);
  if (announced != announced_.end() && announced->second.known_epoch) {
    acks_.RaiseEpoch(announced->second.epoch);
    const bool was_uncertain = acks_.is_uncertain();
    acks_.HearOf(*announced->second.known_epoch);
    if (acks_.is_uncertain() && !was_uncertain) {
      NoteUncertainty(fmt::format("the replica {} knows of promises, in epoch {}, that this server does not",
                                  ctx.client().connection->peer_address(), *announced->second.known_epoch));
    }
  }
  if (!acks_.is_uncertain()) return false;
  ctx.Error("NOMASTERLINK Can't SYNC while this primary may lack writes that were promised");
  return true;
}

void Replicas::NoteUncertainty(std::string why) {
  uncertainty_ = std::move(why);
  parts_.log.Warning(
      "This primary may lack writes that were promised: {}. It takes no writes, and gives its data to no "
      "replica, until Sentinels have replaced it by one that has them, or REPLICAOF NO ONE has it go on "
      "with what it has.",
      uncertainty_);
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

// Once a turn. A change of the set goes into the stream before anything that is written under it, and is on
// disk before.
void Replicas::StepPromises() {
  if (has_upstream()) {
    is_note_due_ = false;
    synced_from_ = UINT64_MAX;
    promise_file_.set_synced(false);
    (void)promise_file_.Save();
    parts_.engine.SetPromises({.are_made = false});
    return;
  }
  if (settings_.replication_acks == 0) acks_.GoOn();
  const std::vector<AcksReplica> replicas = Acknowledging();
  auto count = static_cast<uint32_t>(replicas.size());
  if (settings_.replication_acks > 0 || acks_.record().required > 0) {
    StepSet(replicas);
    if (!are_promises_saved_ || !acks_.CanPromise(now_ms(), replicas)) count = 0;
  } else {
    are_promises_saved_ = promise_file_.Save();
  }
  parts_.engine.SetPromises({.are_made = true, .replicas = count});
  TellGate();
}

void Replicas::StepSet(const std::vector<AcksReplica>& replicas) {
  log::WriteLog& write_log = parts_.persistence.write_log();
  const AcksSet::Now now{.ms = now_ms(),
                         .wall_ms = parts_.clock.WallMicros() / 1000,
                         .history = parts_.persistence.history().id,
                         .end_offset = write_log.end_offset(),
                         .required = static_cast<uint32_t>(settings_.replication_acks),
                         .replicas = replicas};
  // While a failover waits for replicas to reach the log's end, the end stays where it is.
  if (refusal_.empty() && !is_note_due_) is_note_due_ = acks_.Step(now);
  promise_file_.set_synced(IsSynced());
  are_promises_saved_ = promise_file_.Save();
  if (!is_note_due_ || !are_promises_saved_ || !refusal_.empty()) return;
  is_note_due_ = false;
  const std::vector<AcksRecord> records = acks_.records();
  if (records.empty()) return;
  acks_.MoveNote(write_log.end_offset());
  write_log.AppendForReplicas(AcksNote(records));
  are_acks_wanted_ = true;
}

// Whether all that is promised is on our own disk before: from some place on, and up to there by now.
bool Replicas::IsSynced() {
  const persistence::AppendOnly& file = parts_.persistence.append_only();
  if (!file.delays_replies() || !file.has_base() || settings_.no_appendfsync_on_rewrite) {
    synced_from_ = UINT64_MAX;
    return false;
  }
  if (synced_from_ == UINT64_MAX) synced_from_ = parts_.persistence.write_log().end_offset();
  const uint64_t synced = file.synced_offset();
  return promise_file_.is_synced() || (synced > 0 && synced >= synced_from_);
}

void Replicas::TellGate() {
  const bool is_used = !has_upstream() && (settings_.replication_acks > 0 || acks_.record().required > 0);
  uint64_t promised = UINT64_MAX;
  if (is_used) promised = are_promises_saved_ ? acks_.PromisedOffset(now_ms(), Acknowledging()) : 0;
  parts_.persistence.gate().SetPromised(promised);
}

}  // namespace hearth::replication
