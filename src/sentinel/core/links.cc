// The machine's connections: when they are opened, what is sent over them and when, and what their ends mean.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "sentinel/core/address.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

constexpr int kMaxPendingCommands = 100;
// A connection that stood for less counts as a failure more: what breaks at once is not tried without end.
constexpr int64_t kSteadyMs = 100;
constexpr int64_t kFirstRetryMs = 25;
constexpr int64_t kPingsInDownAfter = 5;
constexpr int64_t kLeastPingMs = 20;
// While we wait for a replica to become what it was told to be.
constexpr int64_t kUrgentInfoMs = 50;
constexpr int64_t kWatchfulInfoMs = 1'000;

int64_t After(int64_t since_ms, int64_t period_ms) {
  return since_ms < 0 ? std::numeric_limits<int64_t>::min() : since_ms + period_ms;
}

// What the servers of this primary call the command. Only they are renamed, not other Sentinels.
std::string ServerCommand(const Primary& primary, const Instance& instance, std::string_view command) {
  if (instance.kind == Kind::kSentinel) return std::string(command);
  const auto renamed = primary.settings.renamed_commands.find(ToLower(command));
  return renamed == primary.settings.renamed_commands.end() ? std::string(command) : renamed->second;
}

}  // namespace

void Machine::KeepLinked(Turn& turn, Primary& primary, Instance& instance) {
  DropSilentLinks(turn, primary, instance);
  if (instance.address.port == 0) return;
  const Link& link = *instance.link;
  if (link.commands == 0 && turn.Due(link.commands_retry.at_ms)) OpenLink(turn, primary, instance, false);
  if (instance.kind == Kind::kSentinel) return;
  if (link.subscription == 0 && turn.Due(link.subscription_retry.at_ms))
    OpenLink(turn, primary, instance, true);
  KeepProbed(turn, primary, instance);
}

void Machine::OpenLink(Turn& turn, Primary& primary, Instance& instance, bool is_subscription) {
  Link& link = *instance.link;
  const LinkId id = ++last_link_;
  (is_subscription ? link.subscription : link.commands) = id;
  (is_subscription ? link.subscription_since_ms : link.commands_since_ms) = turn.ms;
  link.last_reconnect_ms = turn.ms;
  wires_[id] = {instance.link, is_subscription, instance.kind, primary.instance.name, instance.name};
  turn.effects.push_back(effect::OpenLink{id, instance.address,
                                          LinkSetup(primary, instance, is_subscription ? "pubsub" : "cmd"),
                                          is_subscription});
}

std::vector<std::vector<std::string>> Machine::LinkSetup(const Primary& primary, const Instance& instance,
                                                         std::string_view purpose) const {
  const bool is_sentinel = instance.kind == Kind::kSentinel;
  const std::string& user = is_sentinel ? globals_.user : primary.settings.user;
  const std::string& password = !is_sentinel                ? primary.settings.password
                                : globals_.password.empty() ? globals_.own_password
                                                            : globals_.password;
  std::vector<std::vector<std::string>> setup;
  if (!password.empty() && !instance.link->skips_auth) {
    setup.push_back({ServerCommand(primary, instance, "AUTH")});
    if (!user.empty() && (!is_sentinel || !globals_.password.empty())) setup.back().push_back(user);
    setup.back().push_back(password);
  }
  if (!instance.link->skips_name) {
    setup.push_back({ServerCommand(primary, instance, "CLIENT"), "SETNAME",
                     "sentinel-" + my_id_.substr(0, 8) + "-" + std::string(purpose)});
  }
  if (purpose == "pubsub")
    setup.push_back({ServerCommand(primary, instance, "SUBSCRIBE"), std::string(kHelloChannel)});
  if (purpose == "probe") setup.push_back({ServerCommand(primary, instance, "CLIENT"), "PROBE"});
  return setup;
}

void Machine::CloseLink(Turn& turn, Link& link, bool is_subscription) {
  LinkId& id = is_subscription ? link.subscription : link.commands;
  if (id == 0) return;
  turn.effects.push_back(effect::CloseLink{id});
  wires_.erase(id);
  id = 0;
  if (is_subscription) {
    link.subscription_open = false;
    return;
  }
  link.commands_open = false;
  link.awaited.clear();
  link.pending_commands = 0;
}

// The instance is given up. A link that others share stays.
void Machine::DropLink(Turn& turn, Instance& instance) {
  HEARTH_ASSERT(instance.link != nullptr && instance.link->shared_by > 0);
  if (--instance.link->shared_by > 0) return;
  CloseLink(turn, *instance.link, false);
  CloseLink(turn, *instance.link, true);
  CloseProbe(turn, instance.link->probe);
}

// A connection over which nothing comes is dropped now and then, since it may be the connection that is ill.
// One that comes to nothing while it is being opened is, too. Of an instance that counts as down it is
// dropped at once: TCP tries again ever more seldom, so that after a partition a new connection is heard
// sooner.
void Machine::DropSilentLinks(Turn& turn, const Primary& primary, Instance& instance) {
  Link& link = *instance.link;
  const int64_t steady_ms = timing_.min_link_reconnect_period;
  if (link.commands != 0 && !link.commands_open && turn.Due(link.commands_since_ms + steady_ms)) {
    CloseLink(turn, link, false);
  } else if (link.commands_open && link.ping_sent_ms >= 0) {
    const int64_t half_ms = instance.down_after_ms / 2;
    const int64_t ill_ms = std::max(std::max(link.ping_sent_ms, link.last_pong_ms) + half_ms,
                                    link.commands_since_ms + steady_ms);
    const int64_t down_ms = std::max(link.ping_sent_ms, link.commands_since_ms) + instance.down_after_ms;
    if (turn.Due(std::max(std::min(ill_ms, down_ms), BusyUntil(primary, instance))))
      CloseLink(turn, link, false);
  }
  if (link.subscription == 0) return;
  const int64_t active_ms = std::max(link.subscription_activity_ms, link.subscription_since_ms);
  const int64_t silent_ms = link.subscription_open ? 3 * timing_.publish_period : 0;
  if (turn.Due(std::max(active_ms + silent_ms, link.subscription_since_ms + steady_ms)))
    CloseLink(turn, link, true);
}

void Machine::On(Turn& turn, const input::LinkOpened& input) {
  const auto found = wires_.find(input.link);
  if (found == wires_.end()) return;
  Link& link = *found->second.link;
  turn.is_changed = true;
  if (found->second.is_probe) {
    link.probe.is_open = true;
    link.probe.trouble.clear();
    return;
  }
  if (found->second.is_subscription) {
    link.subscription_open = true;
    link.subscription_since_ms = turn.ms;
    link.subscription_activity_ms = turn.ms;
    return;
  }
  link.commands_open = true;
  link.commands_since_ms = turn.ms;
  link.local_host = input.local.host;
  link.trouble.clear();
  link.lost_ms = -1;
  link.is_refused = false;
  // Whatever has changed behind it is to be known at once.
  link.last_ping_ms = -1;
  const auto begin = [](Instance& instance) {
    instance.wants_info = instance.kind != Kind::kSentinel;
    instance.published_ms = -1;
    instance.asked_ms = -1;
    instance.pending_infos = 0;
    instance.was_replica_on_link = false;
  };
  if (found->second.kind != Kind::kSentinel) {
    if (Instance* instance = FindInstance(found->second)) begin(*instance);
    return;
  }
  for (auto& [name, primary] : primaries_) {
    const auto sharing = primary.sentinels.find(found->second.instance);
    if (sharing != primary.sentinels.end() && sharing->second.link == found->second.link)
      begin(sharing->second);
  }
}

void Machine::On(Turn& turn, const input::LinkEnded& input) {
  const auto found = wires_.find(input.link);
  if (found == wires_.end()) return;
  const Wire wire = std::move(found->second);
  wires_.erase(found);
  turn.is_changed = true;
  if (wire.is_probe) {
    LoseProbe(turn, wire.link->probe, input);
    return;
  }
  LoseLink(turn, *wire.link, wire.is_subscription, input);
  Instance* instance = FindInstance(wire);
  Primary* primary = FindPrimary(wire.primary);
  if (instance == nullptr || primary == nullptr) return;
  Tell(turn, *primary, *instance, Level::kDebug,
       wire.is_subscription ? "-pubsub-link-reconnection" : "-cmd-link-reconnection", " #" + input.text);
  // The primary has trouble: the replicas' places are to be fresh when one must be chosen.
  if (instance->kind != Kind::kPrimary || wire.is_subscription) return;
  for (auto& [name, replica] : primary->replicas) replica.wants_info = true;
}

void Machine::LoseLink(Turn& turn, Link& link, bool is_subscription, const input::LinkEnded& input) {
  const bool was_open = is_subscription ? link.subscription_open : link.commands_open;
  const int64_t since_ms = is_subscription ? link.subscription_since_ms : link.commands_since_ms;
  Retry& retry = is_subscription ? link.subscription_retry : link.commands_retry;
  if (was_open && turn.ms - since_ms >= kSteadyMs) retry.failures = 0;
  const int doublings = std::min(retry.failures - 1, 10);
  const int64_t delay_ms = retry.failures == 0 ? 0 : kFirstRetryMs << doublings;
  // One that ran out of time has waited already.
  const int64_t most_ms = input.why == LinkEnd::kTimedOut ? kFirstRetryMs : timing_.ping_period;
  retry.at_ms = turn.ms + std::min(delay_ms, most_ms);
  ++retry.failures;
  if (is_subscription) {
    link.subscription = 0;
    link.subscription_open = false;
  } else {
    const bool ended_as_process_does = input.why == LinkEnd::kRefused || input.why == LinkEnd::kReset;
    if (was_open) link.ended_ms = turn.ms;
    if (was_open) link.lost_ms = ended_as_process_does ? turn.ms : -1;
    if (!ended_as_process_does) link.lost_ms = -1;
    link.is_refused = !was_open && link.lost_ms >= 0 && input.why == LinkEnd::kRefused;
    link.commands = 0;
    link.commands_open = false;
    link.awaited.clear();
    link.pending_commands = 0;
  }
  link.trouble = input.text;
  if (input.why != LinkEnd::kRejected) return;
  // A server without a password, or whose rules keep us from having a name, is watched all the same.
  if (input.text.find("without any password") != std::string::npos) {
    link.skips_auth = true;
  } else if (input.text.starts_with("NOPERM") || input.text.starts_with("ERR unknown command")) {
    link.skips_name = true;
  }
}

int64_t Machine::InfoPeriod(const Primary& primary, const Instance& instance) const {
  const bool is_in_motion = (instance.is_promoted && primary.failover == FailoverState::kWaitPromotion) ||
                            instance.is_reconfiguration_sent || instance.is_reconfiguring;
  if (is_in_motion) return std::min(kUrgentInfoMs, timing_.info_period);
  const bool is_watched = instance.kind == Kind::kReplica
                              ? primary.instance.is_subjectively_down || primary.is_failing_over() ||
                                    !instance.is_primary_link_up || instance.reported_role != Kind::kReplica
                              : instance.is_loading || primary.is_emptied || primary.is_uncertain ||
                                    instance.reported_role != Kind::kPrimary;
  return is_watched ? std::min(kWatchfulInfoMs, timing_.info_period) : timing_.info_period;
}

// Silence is measured from the first PING without an answer. So that it does not begin long after the primary
// has fallen silent, a primary that is to be missed soon is asked often.
int64_t Machine::PingPeriod(const Instance& instance) const {
  const int64_t least_ms = std::min(timing_.ping_period, instance.down_after_ms);
  if (instance.kind != Kind::kPrimary) return least_ms;
  return std::min(least_ms, std::max(instance.down_after_ms / kPingsInDownAfter, kLeastPingMs));
}

void Machine::KeepTalking(Turn& turn, Primary& primary, Instance& instance) {
  const Link& link = *instance.link;
  if (!link.commands_open || link.pending_commands >= kMaxPendingCommands * link.shared_by) return;
  if (instance.kind != Kind::kSentinel) {
    const bool is_due =
        instance.pending_infos == 0 && turn.Due(After(instance.info_asked_ms, InfoPeriod(primary, instance)));
    if (is_due || instance.wants_info) SendInfo(turn, primary, instance);
  }
  const int64_t period_ms = PingPeriod(instance);
  // The first one on a connection goes at once.
  const bool is_first = link.last_ping_ms < 0;
  if (is_first || turn.Due(std::max(link.last_pong_ms + period_ms, link.last_ping_ms + period_ms / 2))) {
    SendPing(turn, primary, instance);
  }
  if (turn.Due(After(instance.published_ms, timing_.publish_period))) SendHello(turn, primary, instance);
}

void Machine::Send(Turn& turn, const Primary& primary, Instance& instance, std::vector<std::string> command,
                   Awaited::What what) {
  Link& link = *instance.link;
  HEARTH_ASSERT(link.commands_open && !command.empty());
  command[0] = ServerCommand(primary, instance, command[0]);
  link.awaited.push_back({.what = what});
  link.pending_commands = static_cast<int>(link.awaited.size());
  turn.effects.push_back(effect::Send{link.commands, std::move(command)});
}

void Machine::SendPing(Turn& turn, const Primary& primary, Instance& instance) {
  instance.link->last_ping_ms = turn.ms;
  if (instance.link->ping_sent_ms < 0) instance.link->ping_sent_ms = turn.ms;
  Send(turn, primary, instance, {"PING"}, Awaited::What::kPing);
}

void Machine::SendInfo(Turn& turn, const Primary& primary, Instance& instance) {
  HEARTH_ASSERT(instance.kind != Kind::kSentinel);
  instance.info_asked_ms = turn.ms;
  instance.wants_info = false;
  ++instance.pending_infos;
  Send(turn, primary, instance, {"INFO"}, Awaited::What::kInfo);
}

void Machine::SendHello(Turn& turn, const Primary& primary, Instance& instance) {
  instance.published_ms = turn.ms;
  std::string host =
      globals_.announce_ip.empty() ? instance.link->local_host : AnnouncedHost(globals_.announce_ip);
  const Address current = *CurrentAddress(primary.instance.name);
  const HelloMessage hello{
      {std::move(host), globals_.announce_port != 0 ? globals_.announce_port : globals_.port},
      my_id_,
      current_epoch_,
      primary.instance.name,
      {AnnouncedHost(current.host), current.port},
      primary.config_epoch};
  Send(turn, primary, instance, {"PUBLISH", std::string(kHelloChannel), FormatHello(hello)},
       Awaited::What::kPublish);
}

// Tells the servers and Sentinels around a primary at once what has changed.
void Machine::SayHelloToAll(Turn& turn, Primary& primary) {
  turn.is_changed = true;
  primary.instance.published_ms = -1;
  for (auto& [name, replica] : primary.replicas) replica.published_ms = -1;
  for (auto& [id, sentinel] : primary.sentinels) sentinel.published_ms = -1;
}

// Without `whom` it is to be a primary. In one transaction with it, the change is written to the server's
// configuration file and its clients are sent away, to ask again who is the primary.
void Machine::SendFollow(Turn& turn, const Primary& primary, Instance& instance, const Address* whom) {
  using What = Awaited::What;
  Send(turn, primary, instance, {"MULTI"}, What::kNothing);
  Send(turn, primary, instance, FollowCommand(primary, instance, whom), What::kNothing);
  Send(turn, primary, instance, {"CONFIG", "REWRITE"}, What::kNothing);
  Send(turn, primary, instance, {"CLIENT", "KILL", "TYPE", "normal"}, What::kNothing);
  Send(turn, primary, instance, {"CLIENT", "KILL", "TYPE", "pubsub"}, What::kNothing);
  Send(turn, primary, instance, {"EXEC"}, What::kReconfiguration);
  instance.reconfigured_ms = turn.ms;
  instance.is_reconfigured_unseen = true;
  SendInfo(turn, primary, instance);
}

void Machine::On(Turn& turn, const input::Replied& input) {
  const auto found = wires_.find(input.link);
  if (found == wires_.end() || found->second.is_subscription) return;
  const Wire wire = found->second;
  Link& link = *wire.link;
  if (wire.is_probe) {
    TakeProbe(turn, link.probe, input.reply);
    return;
  }
  if (link.awaited.empty()) return;
  const Awaited awaited = std::move(link.awaited.front());
  link.awaited.pop_front();
  link.pending_commands = static_cast<int>(link.awaited.size());
  using What = Awaited::What;
  if (awaited.what == What::kPing) OnPong(turn, wire, input.reply);
  if (awaited.what == What::kOpinion) TakeOpinion(turn, awaited, input.reply);
  if (awaited.what != What::kInfo) return;
  Instance* instance = FindInstance(wire);
  Primary* primary = FindPrimary(wire.primary);
  if (instance == nullptr || primary == nullptr) return;
  if (instance->pending_infos > 0) --instance->pending_infos;
  if (input.reply.kind == Reply::Kind::kText) TakeInfo(turn, *primary, *instance, input.reply.text);
}

void Machine::OnPong(Turn& turn, const Wire& wire, const Reply& reply) {
  Link& link = *wire.link;
  Instance* instance = FindInstance(wire);
  Primary* primary = FindPrimary(wire.primary);
  link.last_pong_ms = turn.ms;
  const bool is_pong = reply.text.starts_with("PONG");
  const bool is_well = is_pong || reply.text.starts_with("LOADING") || reply.text.starts_with("MASTERDOWN");
  const bool is_text = reply.kind == Reply::Kind::kStatus || reply.kind == Reply::Kind::kError;
  turn.is_changed = true;
  if (is_text && is_well) {
    link.last_valid_pong_ms = turn.ms;
    link.ping_sent_ms = -1;
    link.trouble.clear();
    if (is_pong && instance != nullptr && instance->kind == Kind::kPrimary) primary->is_rebooting = false;
    return;
  }
  link.trouble = reply.text.substr(0, 200);
  if (instance == nullptr || instance->kind == Kind::kSentinel || !reply.text.starts_with("BUSY")) return;
  if (!instance->is_subjectively_down || instance->is_script_kill_sent || !link.commands_open) return;
  Send(turn, *primary, *instance, {"SCRIPT", "KILL"}, Awaited::What::kNothing);
  instance->is_script_kill_sent = true;
}

void Machine::On(Turn& turn, const input::Message& input) {
  const auto found = wires_.find(input.link);
  if (found == wires_.end() || !found->second.is_subscription) return;
  found->second.link->subscription_activity_ms = turn.ms;
  if (input.channel != kHelloChannel) return;
  if (const auto hello = ParseHello(input.text)) TakeHello(turn, *hello);
}

void Machine::On(Turn& turn, const input::Hello& input) {
  if (const auto hello = ParseHello(input.text)) TakeHello(turn, *hello);
}

}  // namespace hearth::sentinel
