// Promised writes (`replication-acks` of Hearth servers) in a failover: docs/formats/sentinel.md, "Promised
// writes". K of the N members of a set have each promised write. So the leader has replicas stop
// acknowledging (a fence, in the epoch of the failover), and promotes the most advanced one when N - K + 1
// members have said since then where they are: one of those has every promised write, and nothing more can be
// promised.
//
// What the set is the members say themselves, so that nothing that a Sentinel forgets, or has not heard of,
// can break it.
#include "sentinel/core/promises.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "sentinel/core/address.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

// An answer is as good as the process that gave it, and a process may have ended since.
constexpr int64_t kFreshAnswerMs = 500;
// How long the most advanced replicas may take to answer when there are enough without them.
constexpr int64_t kStragglerMs = 200;
constexpr int64_t kFenceMs = 3'000;
constexpr int64_t kFenceAgainMs = 500;
constexpr int64_t kAskAgainMs = 200;
constexpr int64_t kTellReplacedMs = 1'000;

// Why the replica's word does not count for this member; empty if it does. Without a fence, whether it would.
std::string WhyNoMember(int64_t now_ms, const Instance& replica, const AcksReport::Member& member,
                        bool is_in_history, uint64_t fenced_epoch) {
  if (replica.is_subjectively_down) return "is down";
  if (!replica.link->commands_open) return "is not connected";
  if (replica.info_ms < 0) return "has not answered yet";
  if (replica.is_loading) return "is loading";
  if (replica.reported_role != Kind::kReplica) return "is no replica";
  if (replica.acks_identity != member.identity) return "has restarted since";
  if (!is_in_history) return "is in another history";
  if (fenced_epoch == 0) return {};
  if (replica.fenced_epoch != fenced_epoch) return "has not been fenced";
  return now_ms - replica.info_ms > kFreshAnswerMs ? "has not answered lately" : "";
}

// Without an epoch, whether it would.
bool AnswersFenced(int64_t now_ms, const Instance& replica, uint64_t fenced_epoch) {
  return replica.link->commands_open && !replica.is_subjectively_down && !replica.is_loading &&
         replica.reported_role == Kind::kReplica &&
         (fenced_epoch == 0 ||
          (replica.fenced_epoch == fenced_epoch && now_ms - replica.info_ms <= kFreshAnswerMs));
}

// Less is better. One that does not say its run id comes last.
bool IsBetter(const Instance& a, const Instance& b) {
  if (a.priority != b.priority) return a.priority < b.priority;
  if (a.offset != b.offset) return a.offset > b.offset;
  if (a.run_id.empty() != b.run_id.empty()) return b.run_id.empty();
  return ToLower(a.run_id) < ToLower(b.run_id);
}

}  // namespace

bool UsesPromises(const Primary& primary) {
  return primary.instance.acks.is_used() ||
         std::ranges::any_of(primary.replicas, [](const auto& named) { return named.second.acks.is_used(); });
}

Promises Machine::LookAtPromises(const Turn& turn, const Primary& primary, uint64_t fenced_epoch) const {
  Promises promises{.is_used = UsesPromises(primary) && !primary.ignores_promises,
                    .fenced_epoch = fenced_epoch};
  if (!promises.is_used) return promises;
  const auto answers = [&](const Instance& replica) { return AnswersFenced(turn.ms, replica, fenced_epoch); };
  for (const auto& [name, replica] : primary.replicas) {
    const bool is_newest =
        replica.acks.is_used() && (promises.set == nullptr || replica.acks.IsNewerThan(*promises.set));
    if (answers(replica) && is_newest) promises.set = &replica.acks;
  }
  if (promises.set == nullptr) return promises;
  const AcksReport& set = *promises.set;
  // A primary that was promoted, or has restarted, goes on under another name. What it was bound by then, it
  // has; and who is still in the former history, and was never told of the set, has acknowledged nothing
  // since.
  const auto is_in_history = [&](const Instance& replica) {
    if (replica.history == set.history) return true;
    if (replica.history.empty() || replica.acks.history == set.history) return false;
    return std::ranges::any_of(primary.replicas, [&](const auto& named) {
      const Instance& other = named.second;
      return answers(other) && other.history == set.history && other.former_history == replica.history;
    });
  };
  for (const AcksReport::Member& member : set.members) {
    const auto found = std::ranges::find_if(primary.replicas, [&](const auto& named) {
      return SameAddress(named.second.address, member.address);
    });
    const std::string why =
        found == primary.replicas.end()
            ? "is not known here"
            : WhyNoMember(turn.ms, found->second, member, is_in_history(found->second), fenced_epoch);
    why.empty() ? void(++promises.answering) : promises.missing.push_back(ToText(member.address) + " " + why);
  }
  for (const auto& [name, replica] : primary.replicas) {
    if (answers(replica) && replica.history == set.history) {
      promises.best_offset = std::max(promises.best_offset, replica.offset);
    }
  }
  return promises;
}

std::string WhyNotMet(const Promises& promises) {
  if (promises.set == nullptr)
    return "no replica answers that knows who may have acknowledged promised writes";
  std::string text = "of " + std::to_string(promises.set->members.size()) +
                     " replicas that may have acknowledged promised writes " +
                     std::to_string(promises.set->needed()) + " must answer, and " +
                     std::to_string(promises.answering) + " do";
  for (const std::string& missing : promises.missing) text += "; " + missing;
  return text;
}

// The best of those that have all that was promised.
const Instance* Machine::SelectHolder(const Turn& turn, const Primary& primary,
                                      const Promises& promises) const {
  const Instance* best = nullptr;
  for (const auto& [name, replica] : primary.replicas) {
    if (!WhyNotEligible(turn, primary, replica).empty()) continue;
    if (promises.is_used &&
        (replica.history != promises.set->history || replica.offset < promises.best_offset ||
         !AnswersFenced(turn.ms, replica, promises.fenced_epoch))) {
      continue;
    }
    if (best == nullptr || IsBetter(replica, *best)) best = &replica;
  }
  return best;
}

// As far as can be told without a fence.
bool Machine::CouldPromote(const Turn& turn, const Primary& primary) const {
  const Promises promises = LookAtPromises(turn, primary, 0);
  return promises.is_met() && SelectReplica(turn, primary) != nullptr;
}

// Whether answers are awaited.
bool Machine::FenceReplicas(Turn& turn, Primary& primary) {
  const uint64_t epoch = primary.failover_epoch;
  bool is_awaiting = false;
  const auto fence = [&](Instance& server) {
    if (!server.link->commands_open || !server.is_hearth || server.is_subjectively_down) return;
    if (server.fenced_epoch == epoch) {
      if (turn.Due(server.info_asked_ms + kAskAgainMs)) SendInfo(turn, primary, server);
      return;
    }
    const bool is_asked = server.fence_asked_epoch == epoch;
    if (server.kind == Kind::kReplica) is_awaiting = true;
    if (is_asked && !turn.Due(server.fence_asked_ms + kFenceAgainMs)) return;
    server.fence_asked_epoch = epoch;
    server.fence_asked_ms = turn.ms;
    primary.has_fenced = true;
    const bool is_replica = server.kind == Kind::kReplica;
    Send(turn, primary, server, {"REPLICATION", is_replica ? "FENCE" : "REPLACED", std::to_string(epoch)},
         Awaited::What::kNothing);
    if (is_replica) SendInfo(turn, primary, server);
  };
  // It may live and go on, where only we do not see it.
  if (primary.instance.reported_role == Kind::kPrimary) fence(primary.instance);
  for (auto& [name, replica] : primary.replicas) fence(replica);
  return is_awaiting;
}

void Machine::PromisedSelectPhase(Turn& turn, Primary& primary) {
  const auto fail = [&](std::string why) {
    Log(turn, Level::kWarning, "No replica of '" + primary.instance.name + "' is promoted: " + why);
    FailToChoose(turn, primary, std::move(why));
  };
  if (const Instance* promoted = PromotedByOthers(primary); promoted != nullptr) {
    primary.has_fenced = true;  // it hears of our epoch
    Choose(turn, primary, *promoted);
    return;
  }
  if (primary.undoes_fence) {
    FailToChoose(turn, primary, "a failover that somebody had begun is undone");
    return;
  }
  // Nobody is kept from going on when it cannot come to anything.
  if (!primary.has_fenced && !CouldPromote(turn, primary)) {
    const Promises promises = LookAtPromises(turn, primary, 0);
    fail(promises.is_met() ? "no replica could be promoted" : WhyNotMet(promises));
    return;
  }
  const bool is_awaiting = FenceReplicas(turn, primary);
  if (is_awaiting && !turn.Due(primary.failover_state_since_ms + kStragglerMs)) return;
  const Promises promises = LookAtPromises(turn, primary, primary.failover_epoch);
  const Instance* chosen = promises.is_met() ? SelectHolder(turn, primary, promises) : nullptr;
  if (chosen != nullptr) {
    Choose(turn, primary, *chosen);
    return;
  }
  if (!turn.Due(primary.failover_state_since_ms + kFenceMs)) return;
  fail(promises.is_met() ? "no replica that has all promised writes could be promoted" : WhyNotMet(promises));
}

void Machine::FailToChoose(Turn& turn, Primary& primary, std::string why) {
  const bool undoes_fence = primary.undoes_fence;
  // Those that were fenced wait for a configuration that is as new as that.
  const bool is_any_fenced =
      primary.has_fenced || std::ranges::any_of(primary.replicas, [&](const auto& named) {
        return std::max(named.second.fenced_epoch, named.second.epoch) > primary.config_epoch;
      });
  if (is_any_fenced) primary.unconfirmed_epoch = primary.failover_epoch;
  AbortFailover(turn, primary, undoes_fence ? "" : "-failover-abort-no-good-slave", std::move(why));
  ConfirmPrimary(turn, primary);
  primary.may_start_ms =
      undoes_fence ? turn.ms : primary.failover_started_ms + 2 * primary.settings.failover_timeout_ms;
  primary.awaits_candidate = !undoes_fence;
}

// Somebody has promoted it in an epoch that became no configuration: its leader has gone since. Writes may
// have been promised by it. One that did so late, when another one had been promoted in a newer epoch, counts
// for nothing.
const Instance* Machine::PromotedByOthers(const Primary& primary) const {
  const Instance* newest = nullptr;
  uint64_t newest_set = 0;
  for (const auto& [name, replica] : primary.replicas) {
    const bool is_promoted = replica.link->commands_open && replica.info_ms >= 0 &&
                             replica.reported_role == Kind::kPrimary && replica.epoch > primary.config_epoch;
    if (is_promoted && (newest == nullptr || replica.epoch > newest->epoch)) newest = &replica;
    if (replica.link->commands_open && replica.acks.is_used()) {
      newest_set = std::max(newest_set, replica.acks.epoch);
    }
  }
  return newest != nullptr && newest->epoch >= newest_set ? newest : nullptr;
}

// The primary stays what it is, in an epoch in which nobody was promoted, once it is seen to be well: of one
// that is not, nobody knows who has replaced it. Whoever has fenced in an older epoch is not obeyed any more.
void Machine::ConfirmPrimary(Turn& turn, Primary& primary) {
  const uint64_t epoch = primary.unconfirmed_epoch;
  if (epoch <= primary.config_epoch || epoch != current_epoch_ || primary.is_failing_over()) return;
  if (!LooksSane(turn, primary) || PromotedByOthers(primary) != nullptr) return;
  primary.config_epoch = epoch;
  primary.leads_config_epoch = true;
  Save(turn);
  if (primary.instance.link->commands_open && primary.instance.reported_role == Kind::kPrimary) {
    Send(turn, primary, primary.instance, {"REPLICATION", "PROMOTE", std::to_string(primary.config_epoch)},
         Awaited::What::kNothing);
  }
  SayHelloToAll(turn, primary);
}

// Replicas are fenced, or one was promoted, in an epoch that came to nothing, by a Sentinel that is not there
// to end it, and the primary is well.
bool Machine::IsFenceLeftBehind(Turn& turn, const Primary& primary) const {
  const bool is_any = std::ranges::any_of(primary.replicas, [&](const auto& named) {
    const Instance& replica = named.second;
    const int64_t after_ms = primary.settings.failover_timeout_ms;
    const bool is_fenced =
        replica.fenced_epoch > primary.config_epoch && turn.Due(replica.fenced_since_ms + after_ms);
    const bool is_promoted = replica.epoch > primary.config_epoch &&
                             replica.reported_role == Kind::kPrimary &&
                             turn.Due(replica.reported_role_since_ms + after_ms);
    return replica.link->commands_open && (is_fenced || is_promoted);
  });
  return is_any && LooksSane(turn, primary);
}

// It may follow the primary again: nobody can be promoted any more in the epoch in which it was fenced.
void Machine::Release(Turn& turn, Primary& primary, Instance& replica) {
  if (replica.fenced_epoch == 0 || replica.fenced_epoch > primary.config_epoch) return;
  if (primary.is_failing_over() || !replica.link->commands_open || replica.is_reconfigured_unseen) return;
  if (replica.is_subjectively_down || !LooksSane(turn, primary)) return;
  if (replica.reconfigured_ms >= 0 && !turn.Due(replica.reconfigured_ms + kFenceAgainMs)) return;
  SendFollow(turn, primary, replica, &primary.instance.address);
  Tell(turn, primary, replica, Level::kNotice, "+fix-slave-config");
}

std::vector<std::string> FollowCommand(const Primary& primary, const Instance& instance,
                                       const Address* whom) {
  const bool is_promised =
      instance.is_hearth && (UsesPromises(primary) || instance.fenced_epoch > 0 || instance.epoch > 0);
  if (whom == nullptr) {
    if (!is_promised || (!primary.has_fenced && !primary.ignores_promises)) return {"SLAVEOF", "NO", "ONE"};
    std::vector<std::string> words = {"REPLICATION", "PROMOTE", std::to_string(primary.failover_epoch)};
    if (primary.ignores_promises) words.emplace_back("FORCE");
    return words;
  }
  const std::string port = std::to_string(whom->port);
  if (!is_promised || (primary.config_epoch == 0 && instance.epoch == 0)) {
    return {"SLAVEOF", whom->host, port};
  }
  return {"REPLICATION", "FOLLOW", std::to_string(primary.config_epoch), whom->host, port};
}

void Machine::TakeHearthFields(Turn& turn, Primary& primary, Instance& instance, const InfoReport& report) {
  instance.is_hearth = report.is_hearth;
  instance.history = report.history;
  instance.former_history = report.former_history;
  instance.acks_identity = report.identity;
  instance.acks = report.acks;
  if (instance.fenced_epoch != report.fenced_epoch) instance.fenced_since_ms = turn.ms;
  instance.fenced_epoch = report.fenced_epoch;
  instance.epoch = report.epoch;
  if (instance.kind == Kind::kPrimary) {
    primary.is_uncertain = report.is_uncertain && report.is_primary.value_or(false);
  }
  // What servers have heard of was an epoch, even if we have lost our state: they obey none that is older.
  const uint64_t epoch = std::max({report.fenced_epoch, report.epoch, report.acks.epoch});
  if (epoch > current_epoch_ && epoch <= kMaxEpoch) RaiseEpoch(turn, primary, epoch);
}

// A former primary of our kind takes no writes any more from the moment on in which we see it, whenever it
// may be made a replica.
void Machine::TellReplaced(Turn& turn, Primary& primary, Instance& former) {
  if (!former.is_hearth || former.reported_role != Kind::kPrimary || !former.link->commands_open) return;
  // One that was a replica just now has been promoted, perhaps by somebody whom we have not heard yet.
  if (former.was_replica_on_link) return;
  if (primary.is_failing_over() || primary.config_epoch == 0 || former.is_reconfigured_unseen) return;
  if (!LooksSane(turn, primary) || !IsConfirmed(turn, primary)) return;
  if (former.fence_asked_ms >= 0 && !turn.Due(former.fence_asked_ms + kTellReplacedMs)) return;
  former.fence_asked_ms = turn.ms;
  former.fence_asked_epoch = primary.config_epoch;
  Send(turn, primary, former, {"REPLICATION", "REPLACED", std::to_string(primary.config_epoch)},
       Awaited::What::kNothing);
}

void Machine::ExplainPromises(const Turn& turn, const Primary& primary,
                              std::vector<std::string>& lines) const {
  const Promises promises = LookAtPromises(turn, primary, 0);
  if (!promises.is_used) return;
  if (!promises.is_met()) {
    lines.push_back("promised writes: " + WhyNotMet(promises) +
                    "; SENTINEL FORCE-FAILOVER promotes a replica all the same, and what it lacks is lost");
    return;
  }
  lines.push_back("promised writes: " + std::to_string(promises.answering) + " of " +
                  std::to_string(promises.set->members.size()) +
                  " replicas that may have acknowledged answer, " + std::to_string(promises.set->needed()) +
                  " needed");
}

}  // namespace hearth::sentinel
