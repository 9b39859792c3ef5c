// Epochs, votes and elections. A Sentinel votes once in an epoch for each primary, and its vote is on disk
// before anybody hears of it; so two candidates can never both have a majority in one epoch.
//
// Who finds the primary down last has the others' consent first, so that elections begin nearly at once, and
// often by one Sentinel alone. To keep two from splitting the votes, each waits a few milliseconds for its
// rank in the order of the run ids, which all know. If votes are split all the same, the next try comes after
// a random time. Sentinels of Redis that take part see a candidate like their own: they vote for who comes
// first in an epoch.
#include <algorithm>

#include "base/assert.h"
#include "sentinel/core/address.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

// Ranks are this far apart, for up to five Sentinels; with more, all have their turn within kMaxRankDelayMs.
constexpr int64_t kRankDelayMs = 20;
constexpr int64_t kMaxRankDelayMs = 80;
constexpr uint64_t kRankJitterMs = 5;
// An operator's failover goes on without the consent of those who do not answer.
constexpr int64_t kForcedElectionMs = 1'000;

}  // namespace

void Machine::RaiseEpoch(Turn& turn, Primary& primary, uint64_t epoch) {
  HEARTH_ASSERT(epoch > current_epoch_ && epoch <= kMaxEpoch);
  current_epoch_ = epoch;
  Save(turn);
  Tell(turn, primary, Level::kWarning, "+new-epoch", std::to_string(epoch));
}

void Machine::VoteFor(Turn& turn, Primary& primary, const std::string& candidate, uint64_t epoch) {
  HEARTH_ASSERT(epoch > primary.leader_epoch && epoch == current_epoch_);
  primary.leader = candidate;
  primary.leader_epoch = epoch;
  Save(turn);
  turn.is_changed = true;
  if (candidate != my_id_) {
    // The leader is given the time to do its work.
    primary.may_start_ms = turn.ms + 2 * primary.settings.failover_timeout_ms +
                           static_cast<int64_t>(random_.Below(static_cast<uint64_t>(timing_.max_desync) + 1));
  }
  Tell(turn, primary, Level::kWarning, "+vote-for-leader", candidate + " " + std::to_string(epoch));
}

Vote Machine::AnswerVote(Now now, const Address& address, uint64_t epoch, std::string_view candidate,
                         Effects& effects) {
  Turn turn = Begin(now, effects);
  Vote vote;
  const auto found = std::ranges::find_if(
      primaries_, [&](const auto& named) { return SameAddress(named.second.instance.address, address); });
  if (found != primaries_.end()) {
    Primary& primary = found->second;
    vote.is_down = !is_in_tilt_ && primary.instance.is_subjectively_down;
    if (IsPlausibleId(candidate) && candidate != my_id_ && epoch <= kMaxEpoch) {
      if (epoch > current_epoch_) RaiseEpoch(turn, primary, epoch);
      // Who leads a failover does not help another one into its way.
      const bool is_leading = primary.is_failing_over() && primary.failover != FailoverState::kWaitStart;
      if (primary.leader_epoch < epoch && current_epoch_ <= epoch && !is_leading) {
        VoteFor(turn, primary, std::string(candidate), epoch);
      }
      if (!primary.leader.empty()) vote.leader = primary.leader;
      vote.leader_epoch = primary.leader_epoch;
    }
  }
  End(turn);
  return vote;
}

int Machine::Majority(const Primary& primary) const {
  return static_cast<int>(primary.sentinels.size() + 1) / 2 + 1;
}

int Machine::NeededVotes(const Primary& primary) const {
  return std::max(Majority(primary), primary.settings.quorum);
}

int Machine::ReachableVoters(const Primary& primary) const {
  return 1 + static_cast<int>(std::ranges::count_if(primary.sentinels, [](const auto& named) {
           return named.second.link->commands_open && !named.second.is_subjectively_down;
         }));
}

int64_t Machine::ElectionDelay(const Primary& primary) {
  int64_t rank = 0;
  int64_t others = 0;
  for (const auto& [id, sentinel] : primary.sentinels) {
    if (!sentinel.link->commands_open || sentinel.is_subjectively_down) continue;
    ++others;
    if (id < my_id_) ++rank;
  }
  if (others == 0) return 0;
  const int64_t step_ms = std::min(kRankDelayMs, kMaxRankDelayMs / others);
  return rank * step_ms + static_cast<int64_t>(random_.Below(kRankJitterMs));
}

void Machine::StartFailoverIfDue(Turn& turn, Primary& primary) {
  if (primary.is_failing_over() || current_epoch_ >= kMaxEpoch) return;
  const bool undoes_fence = !primary.is_objectively_down && IsFenceLeftBehind(turn, primary);
  if (!primary.is_objectively_down && !undoes_fence) return;
  // An election that cannot be won would only use up an epoch. It is held when enough voters are back.
  if (ReachableVoters(primary) < NeededVotes(primary)) return;
  int64_t at_ms = std::max(primary.may_start_ms, primary.election_at_ms);
  if (primary.awaits_candidate && CouldPromote(turn, primary)) at_ms = primary.election_at_ms;
  const auto leader = primary.sentinels.find(primary.leader);
  if (leader != primary.sentinels.end() && leader->second.is_subjectively_down) {
    // Whom we gave the time to lead has gone itself.
    const int64_t rank_ms = primary.election_at_ms - primary.objectively_down_since_ms;
    at_ms = std::max(primary.election_at_ms, leader->second.subjectively_down_since_ms + rank_ms);
  }
  if (!turn.Due(at_ms)) return;
  StartFailover(turn, primary);
  primary.undoes_fence = undoes_fence;
}

void Machine::StartFailover(Turn& turn, Primary& primary) {
  HEARTH_ASSERT(!primary.is_failing_over());
  EnterPhase(turn, primary, FailoverState::kWaitStart);
  primary.failover_started_ms = turn.ms;
  primary.failover_epoch = ++current_epoch_;
  primary.promoted.clear();
  primary.awaits_candidate = false;
  Save(turn);
  BeginStory(turn, primary);
  Story(primary)->epoch = primary.failover_epoch;
  Tell(turn, primary, Level::kWarning, "+new-epoch", std::to_string(primary.failover_epoch));
  Tell(turn, primary, primary.instance, Level::kWarning, "+try-failover");
  VoteFor(turn, primary, my_id_, primary.failover_epoch);
  for (auto& [id, sentinel] : primary.sentinels) sentinel.asked_ms = -1;
}

Machine::Tally Machine::CountVotes(const Primary& primary) const {
  Tally tally;
  std::map<std::string_view, int> others;
  if (primary.leader == my_id_ && primary.leader_epoch == primary.failover_epoch) tally.ours = 1;
  for (const auto& [id, sentinel] : primary.sentinels) {
    if (sentinel.voted_epoch == primary.failover_epoch && !sentinel.voted_leader.empty()) {
      const int votes = sentinel.voted_leader == my_id_ ? ++tally.ours : ++others[sentinel.voted_leader];
      if (sentinel.voted_leader != my_id_) tally.best_of_others = std::max(tally.best_of_others, votes);
    } else if (sentinel.answered_epoch < primary.failover_epoch && sentinel.link->commands_open &&
               !sentinel.is_subjectively_down) {
      ++tally.open;
    }
  }
  return tally;
}

void Machine::RunElection(Turn& turn, Primary& primary) {
  const Tally tally = CountVotes(primary);
  const int needed = NeededVotes(primary);
  const bool other_is_elected = tally.best_of_others >= needed;
  const int64_t timeout_ms = std::min(timing_.election_timeout, primary.settings.failover_timeout_ms);
  bool is_elected = tally.ours >= needed;
  // Where writes are promised nobody leads without the consent of a majority: fences are put up by epochs.
  const bool needs_no_consent = primary.is_failover_forced && !LookAtPromises(turn, primary, 0).is_used;
  if (!is_elected && needs_no_consent && !other_is_elected) {
    is_elected = tally.open == 0 || turn.Due(primary.failover_started_ms + kForcedElectionMs);
    if (!is_elected) return;
  }
  if (!is_elected) {
    // All who can be reached have answered, would have been enough, and have voted otherwise: it is decided.
    const bool is_split = tally.open == 0 && ReachableVoters(primary) >= needed;
    if (!is_split && !other_is_elected && !turn.Due(primary.failover_started_ms + timeout_ms)) return;
    LoseElection(turn, primary, tally, is_split);
    return;
  }
  Tell(turn, primary, primary.instance, Level::kWarning, "+elected-leader");
  if (crashes_after_election_) turn.effects.push_back(effect::Crash{});
  EnterPhase(turn, primary, FailoverState::kSelectReplica);
  Tell(turn, primary, primary.instance, Level::kWarning, "+failover-state-select-slave");
}

void Machine::LoseElection(Turn& turn, Primary& primary, const Tally& tally, bool is_split) {
  AbortFailover(turn, primary, "-failover-abort-not-elected", "not elected as leader");
  const auto desync_ms = static_cast<int64_t>(random_.Below(static_cast<uint64_t>(timing_.max_desync) + 1));
  const int64_t patience_ms = 2 * primary.settings.failover_timeout_ms;
  if (tally.best_of_others >= NeededVotes(primary)) {
    primary.may_start_ms = turn.ms + patience_ms + desync_ms;
  } else if (is_split) {
    primary.may_start_ms = turn.ms + desync_ms;
  } else {
    primary.may_start_ms = turn.ms + std::min(patience_ms, timing_.election_timeout) + desync_ms;
  }
}

}  // namespace hearth::sentinel
