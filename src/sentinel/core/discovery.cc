// What the machine learns of the world: servers and Sentinels that it had not known, roles, restarts, and
// configurations that other Sentinels have made.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "sentinel/core/address.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

constexpr size_t kMaxReplicas = 1024;
constexpr size_t kMaxSentinels = 256;
constexpr size_t kMaxNames = 4096;
constexpr size_t kMaxInfoBytes = 1 << 20;
// Those who tell us of an old configuration are answered with ours, but not more often.
constexpr int64_t kAnswerHelloMs = 200;

}  // namespace

Instance Machine::MakeInstance(const Turn& turn, const Primary& primary, Kind kind, std::string name,
                               const Address& address) const {
  Instance instance{.kind = kind, .name = std::move(name), .address = address};
  instance.link = std::make_shared<Link>();
  // An instance that never answers is down when it had the time to.
  instance.link->ping_sent_ms = turn.ms;
  instance.link->last_pong_ms = turn.ms;
  instance.link->last_valid_pong_ms = turn.ms;
  instance.down_after_ms = primary.settings.down_after_ms;
  instance.added_ms = turn.ms;
  instance.reported_role = kind;
  instance.reported_role_since_ms = turn.ms;
  instance.reported_primary_since_ms = turn.ms;
  return instance;
}

// Null if it is known already, or is the primary itself, or if there are too many.
Instance* Machine::AddReplica(const Turn& turn, Primary& primary, const Address& address) {
  std::string name = ToText(address);
  if (primary.replicas.size() >= kMaxReplicas || primary.replicas.contains(name)) return nullptr;
  if (SameAddress(address, primary.instance.address)) return nullptr;
  for (const auto& [known, replica] : primary.replicas) {
    if (SameAddress(replica.address, address)) return nullptr;
  }
  Instance replica = MakeInstance(turn, primary, Kind::kReplica, name, address);
  return &primary.replicas.emplace(std::move(name), std::move(replica)).first->second;
}

Instance* Machine::AddSentinel(const Turn& turn, Primary& primary, const Address& address,
                               const std::string& run_id) {
  if (primary.sentinels.size() >= kMaxSentinels || primary.sentinels.contains(run_id)) return nullptr;
  Instance sentinel = MakeInstance(turn, primary, Kind::kSentinel, run_id, address);
  sentinel.run_id = run_id;
  for (auto& [name, other] : primaries_) {
    const auto known = other.sentinels.find(run_id);
    if (known == other.sentinels.end() || !SameAddress(known->second.address, address)) continue;
    sentinel.link = known->second.link;
    ++sentinel.link->shared_by;
    break;
  }
  return &primary.sentinels.emplace(run_id, std::move(sentinel)).first->second;
}

void Machine::RemoveSentinel(Turn& turn, Primary& primary, const std::string& run_id) {
  const auto found = primary.sentinels.find(run_id);
  if (found == primary.sentinels.end()) return;
  DropLink(turn, found->second);
  primary.sentinels.erase(found);
  turn.is_changed = true;
}

bool Machine::SameAddress(const Address& a, const Address& b) const {
  if (a.port != b.port) return false;
  if (EqualsIgnoreCase(a.host, b.host)) return true;
  if (numbers_of_names_.empty()) return false;
  const auto number = [this](const std::string& host) -> const std::string& {
    const auto found = numbers_of_names_.find(host);
    return found == numbers_of_names_.end() ? host : found->second;
  };
  return number(a.host) == number(b.host);
}

// What we tell others of a host.
std::string Machine::AnnouncedHost(const std::string& host) const {
  if (globals_.announces_names) return host;
  const auto found = numbers_of_names_.find(host);
  return found == numbers_of_names_.end() ? host : found->second;
}

void Machine::AskName(Turn& turn, const std::string& host) {
  if (!globals_.resolves_names || IsNumericHost(host) || numbers_of_names_.contains(host)) return;
  if (numbers_of_names_.size() >= kMaxNames) return;
  turn.effects.push_back(effect::Resolve{host});
}

void Machine::On(Turn& turn, const input::Resolved& input) {
  if (!IsNumericHost(input.number)) {
    Log(turn, Level::kWarning, "The host name '" + input.host + "' has no address");
    return;
  }
  numbers_of_names_[input.host] = input.number;
  turn.is_changed = true;
  if (globals_.announces_names) return;
  // Without announce-hostnames everything is known, shown and kept by its number.
  for (auto& [name, primary] : primaries_) {
    if (primary.instance.address.host != input.host) continue;
    primary.instance.address.host = input.number;
    Save(turn);
  }
}

void Machine::TakeInfo(Turn& turn, Primary& primary, Instance& instance, const std::string& text) {
  const InfoReport report = ParseInfo(text);
  turn.is_changed = true;
  instance.info = text.substr(0, kMaxInfoBytes);
  instance.info_ms = turn.ms;
  if (instance.pending_infos == 0) instance.is_reconfigured_unseen = false;
  instance.is_loading = report.is_loading;
  instance.answers_probes = report.answers_probes;
  if (!report.is_loading && report.has_keyspace) instance.has_keys = report.has_keys;
  TakeHearthFields(turn, primary, instance, report);
  TakeRunId(turn, primary, instance, report);
  if (instance.kind == Kind::kPrimary && report.is_primary.value_or(false)) {
    for (const Address& address : report.replicas) {
      Instance* replica = AddReplica(turn, primary, address);
      if (replica == nullptr) continue;
      AskName(turn, address.host);
      Save(turn);
      Tell(turn, primary, *replica, Level::kNotice, "+slave");
    }
  }
  TakeRole(turn, primary, instance, report);
  if (report.is_primary == false) TakeReplicaFields(turn, instance, report);
}

// A primary that comes back under a new id without its data, while replicas have theirs, is as good as down:
// they would throw theirs away for nothing. What clients have written to it since is not what it had.
void Machine::TakeRunId(Turn& turn, Primary& primary, Instance& instance, const InfoReport& report) {
  if (!report.run_id.empty() && report.run_id != instance.run_id) {
    if (!instance.run_id.empty()) {
      Tell(turn, primary, instance, Level::kNotice, "+reboot");
      if (instance.kind == Kind::kPrimary) {
        primary.is_restart_unjudged = true;
        if (primary.settings.reboot_down_after_ms > 0) {
          primary.is_rebooting = true;
          primary.rebooted_ms = turn.ms;
        }
      }
    }
    instance.run_id = report.run_id;
  }
  if (instance.kind != Kind::kPrimary || report.is_loading || !report.has_keyspace) return;
  const bool is_restart = std::exchange(primary.is_restart_unjudged, false);
  const bool replicas_have_more = std::ranges::any_of(primary.replicas, [&](const auto& named) {
    const Instance& replica = named.second;
    const bool has_keys = replica.has_keys && !replica.is_subjectively_down;
    return has_keys &&
           (!report.has_keys || (report.has_loaded_nothing() && AreOfTwoHistories(replica, instance)));
  });
  const bool has_lost_keys = report.is_primary.value_or(false) && replicas_have_more;
  primary.is_emptied =
      has_lost_keys && primary.settings.promotes_on_empty_primary && (is_restart || primary.is_emptied);
}

void Machine::TakeRole(Turn& turn, Primary& primary, Instance& instance, const InfoReport& report) {
  if (!report.is_primary) return;
  const Kind role = *report.is_primary ? Kind::kPrimary : Kind::kReplica;
  if (role == Kind::kReplica) instance.was_replica_on_link = true;
  if (role == instance.reported_role) return;
  instance.reported_role = role;
  instance.reported_role_since_ms = turn.ms;
  if (role == Kind::kReplica) instance.reported_primary_since_ms = turn.ms;
  const std::string_view more =
      role == Kind::kPrimary ? " new reported role is master" : " new reported role is slave";
  Tell(turn, primary, instance, Level::kVerbose, role == instance.kind ? "+role-change" : "-role-change",
       more);
}

void Machine::TakeReplicaFields(Turn& turn, Instance& instance, const InfoReport& report) {
  if (instance.reported_primary != report.primary) {
    instance.reported_primary = report.primary;
    instance.reported_primary_since_ms = turn.ms;
  }
  instance.is_primary_link_up = report.is_primary_link_up;
  instance.primary_link_down_ms = report.primary_link_down_seconds * 1000;
  if (report.priority) instance.priority = *report.priority;
  if (report.offset) instance.offset = *report.offset;
  if (report.is_announced) instance.is_announced = *report.is_announced;
}

void Machine::TakeHello(Turn& turn, const HelloMessage& hello) {
  Primary* primary = FindPrimary(hello.primary_name);
  if (primary == nullptr || hello.run_id == my_id_) return;
  if (!CheckAddress(hello.sender) || !CheckAddress(hello.primary)) return;
  MeetSentinel(turn, *primary, hello);
  const auto found = primary->sentinels.find(hello.run_id);
  if (found == primary->sentinels.end()) return;
  Instance& sentinel = found->second;
  turn.is_changed = true;
  if (hello.current_epoch > current_epoch_) RaiseEpoch(turn, *primary, hello.current_epoch);
  sentinel.hello_ms = turn.ms;
  sentinel.hello_primary = hello.primary;
  sentinel.hello_config_epoch = hello.config_epoch;
  if (hello.config_epoch > primary->config_epoch) {
    TakeConfiguration(turn, *primary, sentinel, hello);
  } else if (hello.config_epoch == primary->config_epoch) {
    SettleConflict(turn, *primary, sentinel, hello);
  } else if (turn.ms - sentinel.published_ms >= kAnswerHelloMs) {
    sentinel.published_ms = -1;
  }
}

// Makes the sender known under the address that it says.
void Machine::MeetSentinel(Turn& turn, Primary& primary, const HelloMessage& hello) {
  const auto known = primary.sentinels.find(hello.run_id);
  const bool is_known = known != primary.sentinels.end();
  if (is_known && SameAddress(known->second.address, hello.sender)) return;
  if (is_known) {
    RemoveSentinel(turn, primary, hello.run_id);
    Tell(turn, primary, primary.instance, Level::kNotice, "+sentinel-address-switch",
         " ip " + hello.sender.host + " port " + std::to_string(hello.sender.port) + " for " + hello.run_id);
  } else {
    // One that has restarted under another id leaves its old self behind.
    std::string replaced;
    for (const auto& [run_id, other] : primary.sentinels) {
      if (SameAddress(other.address, hello.sender)) replaced = run_id;
    }
    if (!replaced.empty()) {
      Tell(turn, primary, primary.sentinels.at(replaced), Level::kNotice, "+sentinel-invalid-addr");
      for (auto& [name, other] : primaries_) RemoveSentinel(turn, other, replaced);
    }
  }
  Instance* sentinel = AddSentinel(turn, primary, hello.sender, hello.run_id);
  if (sentinel == nullptr) return;
  AskName(turn, hello.sender.host);
  Save(turn);
  if (!is_known) {
    Tell(turn, primary, *sentinel, Level::kNotice, "+sentinel");
    return;
  }
  int updated = 0;
  for (auto& [name, other] : primaries_) {
    const auto same = other.sentinels.find(hello.run_id);
    if (&other == &primary || same == other.sentinels.end()) continue;
    DropLink(turn, same->second);
    same->second.address = hello.sender;
    same->second.link = sentinel->link;
    ++sentinel->link->shared_by;
    ++updated;
  }
  if (updated == 0) return;
  Tell(turn, primary, *sentinel, Level::kNotice, "+sentinel-address-update",
       " " + std::to_string(updated) + " additional matching instances");
}

// Another Sentinel knows a newer configuration.
void Machine::TakeConfiguration(Turn& turn, Primary& primary, Instance& sentinel, const HelloMessage& hello) {
  HEARTH_ASSERT(hello.config_epoch >= primary.config_epoch);
  primary.config_epoch = hello.config_epoch;
  primary.leads_config_epoch = false;
  Save(turn);
  const Address from = primary.instance.address;
  if (SameAddress(from, hello.primary)) {
    if (primary.is_failing_over() && primary.failover_epoch <= hello.config_epoch) {
      AbortFailover(turn, primary, "", "another Sentinel confirmed the primary in a newer epoch");
    }
    return;
  }
  BeginStory(turn, primary);
  Tell(turn, primary, sentinel, Level::kWarning, "+config-update-from");
  Tell(turn, primary, Level::kWarning, "+switch-master",
       primary.instance.name + " " + from.host + " " + std::to_string(from.port) + " " + hello.primary.host +
           " " + std::to_string(hello.primary.port));
  RunReconfigScript(turn, primary, "observer", from, hello.primary);
  HistoryEntry* story = Story(primary);
  HEARTH_ASSERT(story != nullptr);
  story->epoch = hello.config_epoch;
  EndStory(turn, primary, "succeeded", hello.primary);
  SwitchAddress(turn, primary, hello.primary);
}

// How many Sentinels have just said, with our configuration's epoch, that this is the primary.
int Machine::Supporters(Turn& turn, const Primary& primary, const Address& address) const {
  int count = SameAddress(primary.instance.address, address) ? 1 : 0;
  for (const auto& [id, sentinel] : primary.sentinels) {
    if (sentinel.hello_ms < 0 || sentinel.hello_config_epoch != primary.config_epoch) continue;
    if (!SameAddress(sentinel.hello_primary, address)) continue;
    if (!turn.Due(sentinel.hello_ms + 2 * timing_.publish_period)) ++count;
  }
  return count;
}

// Two configurations of one epoch: a failover that an operator forced on one side of a partition has met
// another one. Those whom the majority does not follow give way. Where no majority decides, or where
// Sentinels that know no such rule must be told, whoever made a configuration makes it anew in an epoch of
// its own; of two with equal rights only one does, by the order of the addresses, and not before all who can
// be heard have had the time to say whom they follow.
void Machine::SettleConflict(Turn& turn, Primary& primary, Instance& sentinel, const HelloMessage& hello) {
  const Address ours = primary.instance.address;
  if (hello.config_epoch == 0 || primary.is_failing_over() || SameAddress(hello.primary, ours)) return;
  const int majority = Majority(primary);
  if (Supporters(turn, primary, hello.primary) >= majority) {
    TakeConfiguration(turn, primary, sentinel, hello);
    return;
  }
  if (primary.conflict_epoch != primary.config_epoch) {
    primary.conflict_epoch = primary.config_epoch;
    primary.conflict_since_ms = turn.ms;
  }
  const bool is_old = turn.Due(primary.conflict_since_ms + 2 * timing_.publish_period);
  const bool has_right =
      Supporters(turn, primary, ours) >= majority || (is_old && ToText(ours) < ToText(hello.primary));
  if (!primary.leads_config_epoch || !has_right || current_epoch_ >= kMaxEpoch) return;
  RaiseEpoch(turn, primary, current_epoch_ + 1);
  primary.config_epoch = current_epoch_;
  // We count as having voted for it: nobody is to be elected in this epoch with our help.
  primary.leader = my_id_;
  primary.leader_epoch = current_epoch_;
  SayHelloToAll(turn, primary);
}

// The primary is another server from now on; the former one is a replica like the others.
void Machine::SwitchAddress(Turn& turn, Primary& primary, const Address& address) {
  std::vector<Address> replicas;
  for (const auto& [name, replica] : primary.replicas) {
    if (!SameAddress(replica.address, address)) replicas.push_back(replica.address);
  }
  if (!SameAddress(primary.instance.address, address)) replicas.push_back(primary.instance.address);
  primary.instance.address = address;
  ResetPrimary(turn, primary, false);
  AskName(turn, address.host);
  Save(turn);
  for (const Address& known : replicas) {
    const Instance* replica = AddReplica(turn, primary, known);
    if (replica != nullptr) Tell(turn, primary, *replica, Level::kNotice, "+slave");
  }
}

// As if we had just heard of the primary. What must outlive it does: settings, epochs, votes, and the past.
void Machine::ResetPrimary(Turn& turn, Primary& primary, bool forgets_sentinels) {
  turn.is_changed = true;
  for (auto& [name, replica] : primary.replicas) DropLink(turn, replica);
  primary.replicas.clear();
  DropLink(turn, primary.instance);
  primary.instance =
      MakeInstance(turn, primary, Kind::kPrimary, primary.instance.name, primary.instance.address);
  for (auto& [id, sentinel] : primary.sentinels) {
    if (forgets_sentinels) DropLink(turn, sentinel);
    sentinel.says_primary_is_down = false;
    sentinel.asked_ms = -1;
    sentinel.voted_leader.clear();
  }
  if (forgets_sentinels) primary.sentinels.clear();
  primary.is_objectively_down = false;
  primary.objectively_down_since_ms = -1;
  primary.is_rebooting = false;
  primary.is_restart_unjudged = false;
  primary.is_emptied = false;
  primary.is_uncertain = false;
  primary.leader.clear();
  primary.failover = FailoverState::kNone;
  primary.is_failover_forced = false;
  primary.has_fenced = false;
  primary.ignores_promises = false;
  primary.undoes_fence = false;
  primary.unconfirmed_epoch = 0;
  primary.failover_started_ms = -1;
  primary.failover_state_since_ms = -1;
  primary.promoted.clear();
  primary.may_start_ms = -1;
  primary.election_at_ms = -1;
  primary.awaits_candidate = false;
}

// Replicas and Sentinels that have been down for longer than the operator wants to hear of them. A Sentinel
// is only forgotten while most of them are there: those on the small side of a partition must not take
// themselves for the majority.
void Machine::ForgetDead(Turn& turn, Primary& primary) {
  const int64_t after_ms = primary.settings.forget_after_ms;
  if (after_ms <= 0 || primary.is_failing_over()) return;
  const auto is_dead = [&](const Instance& instance) {
    return instance.is_subjectively_down && turn.Due(instance.subjectively_down_since_ms + after_ms);
  };
  for (auto at = primary.replicas.begin(); at != primary.replicas.end();) {
    auto& replica = at->second;
    const bool is_forgotten = is_dead(replica) && !primary.instance.is_subjectively_down;
    if (!is_forgotten) {
      ++at;
      continue;
    }
    Tell(turn, primary, replica, Level::kNotice, "-slave");
    DropLink(turn, replica);
    at = primary.replicas.erase(at);
    Save(turn);
  }
  for (auto at = primary.sentinels.begin(); at != primary.sentinels.end();) {
    auto& sentinel = at->second;
    if (!is_dead(sentinel) || ReachableVoters(primary) < Majority(primary)) {
      ++at;
      continue;
    }
    Tell(turn, primary, sentinel, Level::kNotice, "-sentinel");
    DropLink(turn, sentinel);
    at = primary.sentinels.erase(at);
    Save(turn);
  }
}

}  // namespace hearth::sentinel
