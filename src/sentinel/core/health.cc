// Who is down, in our own eyes and in those of enough Sentinels, and which server does not follow whom it
// should.
#include <algorithm>

#include "base/assert.h"
#include "sentinel/core/hello.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

// A server that follows nobody although it should is told again no more often than this.
constexpr int64_t kCorrectAgainMs = 1'000;
// How long one that comes back is left alone after it was seen, so that a newer configuration can reach us.
constexpr int64_t kReturnedMs = 200;

}  // namespace

// When the instance counts as down, as far as can be told now.
int64_t Machine::DownAt(const Primary& primary, const Instance& instance) const {
  const Link& link = *instance.link;
  int64_t at_ms = kNever;
  if (link.ping_sent_ms >= 0) {
    at_ms = std::max(link.ping_sent_ms + instance.down_after_ms, BusyUntil(primary, instance));
  } else if (!link.commands_open) {
    // Up to its end the connection had nothing to answer for: a short restart is not long silence.
    at_ms = std::max(link.last_valid_pong_ms, link.ended_ms) + instance.down_after_ms;
  }
  if (instance.kind == Kind::kSentinel) return at_ms;
  const int64_t refused_ms = primary.settings.refused_down_after_ms;
  if (refused_ms >= 0 && link.is_refused) at_ms = std::min(at_ms, link.lost_ms + refused_ms);
  if (instance.kind != Kind::kPrimary) return at_ms;
  if (instance.reported_role == Kind::kReplica) {
    at_ms =
        std::min(at_ms, instance.reported_role_since_ms + instance.down_after_ms + 2 * timing_.info_period);
  }
  if (primary.is_rebooting)
    at_ms = std::min(at_ms, primary.rebooted_ms + primary.settings.reboot_down_after_ms);
  if (primary.is_emptied || primary.is_uncertain) at_ms = 0;
  return at_ms;
}

void Machine::JudgeInstance(Turn& turn, Primary& primary, Instance& instance) {
  const bool is_down = turn.Due(DownAt(primary, instance));
  const bool is_busy = !is_down && turn.ms < BusyUntil(primary, instance) &&
                       instance.link->ping_sent_ms >= 0 &&
                       turn.Due(instance.link->ping_sent_ms + instance.down_after_ms);
  if (is_busy != instance.is_busy) {
    instance.is_busy = is_busy;
    Tell(turn, primary, instance, Level::kNotice, is_busy ? "+busy" : "-busy",
         " #" + std::to_string(instance.link->probe.busy_ms) + " ms");
  }
  if (is_down == instance.is_subjectively_down) return;
  turn.is_changed = true;
  instance.is_subjectively_down = is_down;
  const bool is_primary = instance.kind == Kind::kPrimary;
  if (!is_down) {
    instance.is_script_kill_sent = false;
    Tell(turn, primary, instance, Level::kWarning, "-sdown");
    if (is_primary && !primary.is_failing_over() && !primary.is_objectively_down) DropStory(primary);
    return;
  }
  instance.subjectively_down_since_ms = turn.ms;
  if (is_primary) BeginStory(turn, primary);
  Tell(turn, primary, instance, Level::kWarning, "+sdown");
  if (!is_primary) return;
  // Now the others' opinion counts, and where the replicas stand.
  for (auto& [id, sentinel] : primary.sentinels) sentinel.asked_ms = -1;
  for (auto& [name, replica] : primary.replicas) replica.wants_info = true;
}

void Machine::JudgePrimary(Turn& turn, Primary& primary) {
  int agreeing = 1;
  for (auto& [id, sentinel] : primary.sentinels) {
    if (sentinel.says_primary_is_down && turn.Due(sentinel.answered_ms + 5 * timing_.ask_period)) {
      sentinel.says_primary_is_down = false;
      sentinel.voted_leader.clear();
    }
    if (sentinel.says_primary_is_down) ++agreeing;
  }
  const bool is_down = primary.instance.is_subjectively_down && agreeing >= primary.settings.quorum;
  if (is_down == primary.is_objectively_down) return;
  turn.is_changed = true;
  primary.is_objectively_down = is_down;
  if (!is_down) {
    Tell(turn, primary, primary.instance, Level::kWarning, "-odown");
    if (!primary.instance.is_subjectively_down && !primary.is_failing_over()) DropStory(primary);
    return;
  }
  primary.objectively_down_since_ms = turn.ms;
  primary.election_at_ms = turn.ms + ElectionDelay(primary);
  Tell(turn, primary, primary.instance, Level::kWarning, "+odown",
       " #quorum " + std::to_string(agreeing) + "/" + std::to_string(primary.settings.quorum));
}

// "*" asks for the opinion alone; our id asks for a vote, too.
void Machine::AskOpinions(Turn& turn, Primary& primary) {
  const bool wants_vote = primary.failover == FailoverState::kWaitStart;
  if (!primary.instance.is_subjectively_down && !wants_vote) return;
  for (auto& [id, sentinel] : primary.sentinels) {
    if (!sentinel.link->commands_open) continue;
    if (sentinel.asked_ms >= 0 && !turn.Due(sentinel.asked_ms + timing_.ask_period)) continue;
    sentinel.asked_ms = turn.ms;
    const Address& address = primary.instance.address;
    Send(turn, primary, sentinel,
         {"SENTINEL", "is-master-down-by-addr", AnnouncedHost(address.host), std::to_string(address.port),
          std::to_string(wants_vote ? primary.failover_epoch : current_epoch_), wants_vote ? my_id_ : "*"},
         Awaited::What::kOpinion);
    sentinel.link->awaited.back() = {Awaited::What::kOpinion, primary.instance.name, id,
                                     wants_vote ? primary.failover_epoch : 0};
  }
}

void Machine::TakeOpinion(Turn& turn, const Awaited& awaited, const Reply& reply) {
  Primary* primary = FindPrimary(awaited.primary);
  if (primary == nullptr) return;
  const auto found = primary->sentinels.find(awaited.instance);
  const auto vote = ParseVoteReply(reply);
  if (found == primary->sentinels.end() || !vote) return;
  Instance& sentinel = found->second;
  sentinel.answered_ms = turn.ms;
  sentinel.says_primary_is_down = vote->is_down;
  sentinel.answered_epoch = std::max(sentinel.answered_epoch, awaited.epoch);
  turn.is_changed = true;
  if (vote->leader.empty()) return;
  if (sentinel.voted_epoch != vote->epoch) {
    Log(turn, Level::kNotice,
        sentinel.name + " voted for " + vote->leader + " " + std::to_string(vote->epoch));
  }
  sentinel.voted_leader = vote->leader;
  sentinel.voted_epoch = vote->epoch;
}

bool Machine::LooksSane(Turn& turn, const Primary& primary) const {
  const Instance& instance = primary.instance;
  return instance.reported_role == Kind::kPrimary && !instance.is_subjectively_down &&
         !primary.is_objectively_down && instance.info_ms >= 0 &&
         !turn.Due(instance.info_ms + 2 * timing_.info_period);
}

// Whether our configuration is certainly the newest: we have made it ourselves, or most Sentinels, with us,
// have just said that it is theirs; and we know of no election since.
bool Machine::IsConfirmed(Turn& turn, const Primary& primary) const {
  if (primary.leader_epoch > primary.config_epoch && !turn.Due(primary.may_start_ms)) return false;
  const bool is_disputed = std::ranges::any_of(primary.sentinels, [&](const auto& named) {
    const Instance& sentinel = named.second;
    return sentinel.hello_ms >= 0 && sentinel.hello_config_epoch >= primary.config_epoch &&
           !SameAddress(sentinel.hello_primary, primary.instance.address) &&
           !turn.Due(sentinel.hello_ms + 2 * timing_.publish_period);
  });
  if (is_disputed) return false;
  if (primary.leads_config_epoch) return true;
  return Supporters(turn, primary, primary.instance.address) >= Majority(primary);
}

// A server that says it is a primary, or follows another one, although it should be a replica of ours. Time
// must have shown that it is not we who are behind. One that has just come back is another matter: a former
// primary takes writes that will be lost, and a replica that was away while the primary changed was told
// nothing. If our configuration is confirmed there is nothing to wait for.
void Machine::CorrectReplica(Turn& turn, Primary& primary, Instance& replica) {
  if (primary.is_failing_over() || replica.info_ms < 0 || !replica.link->commands_open) return;
  if (replica.is_subjectively_down || replica.is_reconfigured_unseen || replica.is_loading) return;
  const bool says_primary = replica.reported_role == Kind::kPrimary;
  const bool follows_other = !says_primary && !replica.reported_primary.host.empty() &&
                             !SameAddress(replica.reported_primary, primary.instance.address);
  if ((!says_primary && !follows_other) || !LooksSane(turn, primary)) return;
  if (replica.reconfigured_ms >= 0 && !turn.Due(replica.reconfigured_ms + kCorrectAgainMs)) return;
  const bool is_confirmed = IsConfirmed(turn, primary);
  int64_t wait_ms = 4 * timing_.publish_period;
  if (follows_other && !is_confirmed) wait_ms = primary.settings.failover_timeout_ms;
  const int64_t wrong_since_ms =
      says_primary ? replica.reported_role_since_ms : replica.reported_primary_since_ms;
  int64_t at_ms = wrong_since_ms + wait_ms;
  if (replica.subjectively_down_since_ms >= 0) {
    at_ms = std::max(at_ms, replica.subjectively_down_since_ms + wait_ms);
  }
  if (says_primary && is_confirmed && !replica.was_replica_on_link) {
    at_ms = std::min(at_ms, std::max(wrong_since_ms, replica.link->commands_since_ms) + kReturnedMs);
  }
  const bool was_away = replica.link->commands_since_ms >= replica.added_ms + replica.down_after_ms;
  if (follows_other && is_confirmed && was_away) {
    at_ms = std::min(at_ms, std::max(wrong_since_ms, replica.link->commands_since_ms) + kReturnedMs);
  }
  if (!turn.Due(at_ms)) return;
  SendFollow(turn, primary, replica, &primary.instance.address);
  Tell(turn, primary, replica, Level::kNotice, says_primary ? "+convert-to-slave" : "+fix-slave-config");
}

}  // namespace hearth::sentinel
