// A failover after the election: choose a replica, make it a primary, let the others follow it. Each phase
// begins in the step in which the one before it ends.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "sentinel/core/machine.h"
#include "sentinel/core/promises.h"

namespace hearth::sentinel {
namespace {

// How long the choice waits for the replicas' answers to say where they stand.
constexpr int64_t kFreshInfoMs = 200;
constexpr int64_t kSendAgainMs = 1'000;

bool IsBusyFollowing(const Instance& replica) {
  return replica.is_reconfiguration_sent || replica.is_reconfiguring;
}

}  // namespace

void Machine::EnterPhase(Turn& turn, Primary& primary, FailoverState state) {
  primary.failover = state;
  primary.failover_state_since_ms = turn.ms;
  turn.is_changed = true;
}

Instance* Machine::Promoted(Primary& primary) {
  const auto found = primary.replicas.find(primary.promoted);
  return found == primary.replicas.end() ? nullptr : &found->second;
}

void Machine::RunFailover(Turn& turn, Primary& primary) {
  switch (primary.failover) {
    case FailoverState::kNone:
    case FailoverState::kUpdateConfiguration:
      break;
    case FailoverState::kWaitStart:
      RunElection(turn, primary);
      break;
    case FailoverState::kSelectReplica:
      SelectPhase(turn, primary);
      break;
    case FailoverState::kSendReplicaOfNoOne:
      PromotePhase(turn, primary);
      break;
    case FailoverState::kWaitPromotion:
      AwaitPromotionPhase(turn, primary);
      break;
    case FailoverState::kReconfigureReplicas:
      ReconfigurePhase(turn, primary);
      break;
  }
}

// Empty if the replica could be promoted, else the reason in words.
std::string Machine::WhyNotEligible(const Turn& turn, const Primary& primary, const Instance& replica) const {
  const bool is_down = primary.instance.is_subjectively_down;
  if (replica.is_subjectively_down) return "it is down";
  if (!replica.link->commands_open) {
    return replica.link->trouble.empty() ? "no connection to it"
                                         : "no connection to it: " + replica.link->trouble;
  }
  if (turn.ms - replica.link->last_valid_pong_ms > 5 * timing_.ping_period) {
    return replica.link->trouble.empty() ? "it does not answer PING"
                                         : "it answers PING with: " + replica.link->trouble;
  }
  if (replica.priority == 0) return "its priority is 0";
  const int64_t info_age_ms = is_down ? 5 * timing_.ping_period : 3 * timing_.info_period;
  if (replica.info_ms < 0 || turn.ms - replica.info_ms > info_age_ms) return "its last INFO is too old";
  int64_t down_ms = is_down ? turn.ms - primary.instance.subjectively_down_since_ms : 0;
  if (primary.instance.reported_role == Kind::kReplica) {
    // A primary that has turned into a replica left its own replicas nothing to follow since, which we saw up
    // to an INFO later.
    const int64_t since_ms = primary.instance.reported_role_since_ms - 2 * timing_.info_period;
    down_ms = std::max(down_ms, turn.ms - since_ms);
  }
  // Where writes are promised it counts what it has, however long ago it got it: a primary that may lack some
  // refuses its replicas for as long as nobody has taken its place.
  const bool counts_offsets = UsesPromises(primary) && !primary.ignores_promises;
  if (!counts_offsets && replica.primary_link_down_ms > down_ms + 10 * primary.settings.down_after_ms) {
    return "its link to the primary has been down for too long";
  }
  if (primary.is_emptied && !replica.has_keys) return "it is as empty as the primary";
  if (primary.is_emptied && primary.instance.has_keys && !AreOfTwoHistories(replica, primary.instance)) {
    return "it has copied what the primary has had since it came back empty";
  }
  return {};
}

const Instance* Machine::SelectReplica(const Turn& turn, const Primary& primary) const {
  return SelectHolder(turn, primary, Promises());
}

void Machine::SelectPhase(Turn& turn, Primary& primary) {
  const bool is_down = primary.instance.is_subjectively_down;
  const int64_t fresh_ms =
      is_down ? primary.instance.subjectively_down_since_ms : primary.failover_started_ms;
  const bool is_answer_coming = std::ranges::any_of(primary.replicas, [&](const auto& named) {
    const Instance& replica = named.second;
    return replica.link->commands_open && !replica.is_subjectively_down && replica.info_ms < fresh_ms &&
           (replica.pending_infos > 0 || replica.wants_info);
  });
  if (is_answer_coming && !turn.Due(primary.failover_state_since_ms + kFreshInfoMs)) return;
  if (primary.undoes_fence || LookAtPromises(turn, primary, 0).is_used) {
    PromisedSelectPhase(turn, primary);
  } else if (const Instance* chosen = SelectReplica(turn, primary); chosen != nullptr) {
    Choose(turn, primary, *chosen);
  } else {
    FailToChoose(turn, primary, "no replica could be promoted");
  }
}

void Machine::Choose(Turn& turn, Primary& primary, const Instance& chosen) {
  primary.promoted = chosen.name;
  Instance& promoted = *Promoted(primary);
  Tell(turn, primary, promoted, Level::kWarning, "+selected-slave");
  promoted.is_promoted = true;
  EnterPhase(turn, primary, FailoverState::kSendReplicaOfNoOne);
  Tell(turn, primary, promoted, Level::kNotice, "+failover-state-send-slaveof-noone");
}

void Machine::PromotePhase(Turn& turn, Primary& primary) {
  Instance* promoted = Promoted(primary);
  HEARTH_ASSERT(promoted != nullptr);
  if (promoted->link->commands_open) {
    SendFollow(turn, primary, *promoted, nullptr);
    Tell(turn, primary, *promoted, Level::kNotice, "+failover-state-wait-promotion");
    EnterPhase(turn, primary, FailoverState::kWaitPromotion);
    return;
  }
  AwaitPromotionPhase(turn, primary);
}

void Machine::AwaitPromotionPhase(Turn& turn, Primary& primary) {
  Instance* promoted = Promoted(primary);
  HEARTH_ASSERT(promoted != nullptr);
  const bool has_answered =
      primary.failover == FailoverState::kWaitPromotion && !promoted->is_reconfigured_unseen;
  if (has_answered && promoted->reported_role == Kind::kPrimary) {
    FinishPromotion(turn, primary, *promoted);
    return;
  }
  const bool is_gone = promoted->is_subjectively_down;
  if (is_gone || turn.Due(primary.failover_state_since_ms + primary.settings.failover_timeout_ms)) {
    AbortFailover(turn, primary, "-failover-abort-slave-timeout", "the replica was not promoted in time");
    // If it is gone, another one is to be tried at once, in another epoch.
    primary.may_start_ms =
        is_gone ? turn.ms : primary.failover_started_ms + 2 * primary.settings.failover_timeout_ms;
    return;
  }
  // It has answered that it still is a replica: the command was lost with its connection.
  if (has_answered && promoted->link->commands_open && turn.Due(promoted->reconfigured_ms + kSendAgainMs)) {
    SendFollow(turn, primary, *promoted, nullptr);
  }
}

void Machine::FinishPromotion(Turn& turn, Primary& primary, Instance& promoted) {
  HEARTH_ASSERT(primary.failover_epoch > primary.config_epoch);
  primary.config_epoch = primary.failover_epoch;
  primary.leads_config_epoch = true;
  Save(turn);
  EnterPhase(turn, primary, FailoverState::kReconfigureReplicas);
  Tell(turn, primary, promoted, Level::kWarning, "+promoted-slave");
  if (crashes_after_promotion_) turn.effects.push_back(effect::Crash{});
  Tell(turn, primary, primary.instance, Level::kWarning, "+failover-state-reconf-slaves");
  RunReconfigScript(turn, primary, "leader", primary.instance.address, promoted.address);
  SayHelloToAll(turn, primary);
}

// What the replica's INFO says of its way to the new primary.
void Machine::FollowReconfiguration(Turn& turn, Primary& primary, Instance& replica) {
  if (replica.is_reconfigured_unseen || replica.reported_role != Kind::kReplica) return;
  const Instance& promoted = *Promoted(primary);
  if (replica.is_reconfiguration_sent && SameAddress(replica.reported_primary, promoted.address)) {
    replica.is_reconfiguration_sent = false;
    replica.is_reconfiguring = true;
    turn.is_changed = true;
    Tell(turn, primary, replica, Level::kNotice, "+slave-reconf-inprog");
  }
  if (replica.is_reconfiguring && replica.is_primary_link_up) {
    replica.is_reconfiguring = false;
    replica.is_reconfigured = true;
    turn.is_changed = true;
    Tell(turn, primary, replica, Level::kNotice, "+slave-reconf-done");
  }
}

void Machine::ReconfigurePhase(Turn& turn, Primary& primary) {
  const Instance& promoted = *Promoted(primary);
  int busy = 0;
  for (auto& [name, replica] : primary.replicas) {
    if (replica.is_promoted) continue;
    FollowReconfiguration(turn, primary, replica);
    if (replica.is_reconfiguration_sent &&
        turn.Due(replica.reconfiguration_sent_ms + timing_.replica_reconf_timeout)) {
      Tell(turn, primary, replica, Level::kNotice, "-slave-reconf-sent-timeout");
      replica.is_reconfiguration_sent = false;
      replica.is_reconfigured = true;
      turn.is_changed = true;
    }
    if (IsBusyFollowing(replica)) ++busy;
  }
  bool is_done = true;
  for (auto& [name, replica] : primary.replicas) {
    if (replica.is_promoted || replica.is_reconfigured) continue;
    if (!replica.is_subjectively_down) is_done = false;
    if (IsBusyFollowing(replica) || !replica.link->commands_open || busy >= primary.settings.parallel_syncs)
      continue;
    SendFollow(turn, primary, replica, &promoted.address);
    replica.is_reconfiguration_sent = true;
    replica.reconfiguration_sent_ms = turn.ms;
    turn.is_changed = true;
    Tell(turn, primary, replica, Level::kNotice, "+slave-reconf-sent");
    ++busy;
  }
  // A new primary that is gone again must not hold us here: the next failover is waiting.
  const bool is_timeout = promoted.is_subjectively_down ||
                          turn.Due(primary.failover_state_since_ms + primary.settings.failover_timeout_ms);
  if (is_done || is_timeout) EndReconfiguration(turn, primary, !is_done);
}

void Machine::EndReconfiguration(Turn& turn, Primary& primary, bool is_timeout) {
  const Address from = primary.instance.address;
  const Address to = Promoted(primary)->address;
  if (is_timeout) Tell(turn, primary, primary.instance, Level::kWarning, "+failover-end-for-timeout");
  Tell(turn, primary, primary.instance, Level::kWarning, "+failover-end");
  EnterPhase(turn, primary, FailoverState::kUpdateConfiguration);
  for (auto& [name, replica] : primary.replicas) {
    const bool is_told = replica.is_promoted || replica.is_reconfigured || IsBusyFollowing(replica);
    if (!is_timeout || is_told || !replica.link->commands_open) continue;
    SendFollow(turn, primary, replica, &to);
    Tell(turn, primary, replica, Level::kNotice, "+slave-reconf-sent-be");
  }
  Tell(turn, primary, Level::kWarning, "+switch-master",
       primary.instance.name + " " + from.host + " " + std::to_string(from.port) + " " + to.host + " " +
           std::to_string(to.port));
  EndStory(turn, primary, "succeeded", to);
  SwitchAddress(turn, primary, to);
}

// Without `event` nothing is published. When the next failover may start is the caller's to say.
void Machine::AbortFailover(Turn& turn, Primary& primary, std::string event, std::string why) {
  HEARTH_ASSERT(primary.is_failing_over());
  if (!event.empty()) Tell(turn, primary, primary.instance, Level::kWarning, std::move(event));
  EndStory(turn, primary, std::move(why));
  for (auto& [name, replica] : primary.replicas) {
    replica.is_promoted = false;
    replica.is_reconfiguration_sent = false;
    replica.is_reconfiguring = false;
    replica.is_reconfigured = false;
  }
  primary.promoted.clear();
  primary.is_failover_forced = false;
  primary.has_fenced = false;
  primary.ignores_promises = false;
  primary.undoes_fence = false;
  EnterPhase(turn, primary, FailoverState::kNone);
}

}  // namespace hearth::sentinel
