#include "sentinel/instance_replies.h"

#include <algorithm>
#include <string_view>

#include "base/numbers.h"

namespace hearth::sentinel {
namespace {

// A map whose values are all texts.
class Fields {
 public:
  explicit Fields(resp::Writer& reply) : reply_(reply), length_(reply.DeferMap()) {}
  ~Fields() { reply_.Finish(length_, count_); }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  void Add(std::string_view name, std::string_view value) {
    reply_.Bulk(name);
    reply_.Bulk(value);
    ++count_;
  }
  void AddNumber(std::string_view name, int64_t value) { Add(name, ToString(value)); }

 private:
  resp::Writer& reply_;
  const resp::Writer::DeferredLength length_;
  size_t count_ = 0;
};

std::string_view NameOf(FailoverState state) {
  switch (state) {
    case FailoverState::kNone:
      return "none";
    case FailoverState::kWaitStart:
      return "wait_start";
    case FailoverState::kSelectReplica:
      return "select_slave";
    case FailoverState::kSendReplicaOfNoOne:
      return "send_slaveof_noone";
    case FailoverState::kWaitPromotion:
      return "wait_promotion";
    case FailoverState::kReconfigureReplicas:
      return "reconf_slaves";
    case FailoverState::kUpdateConfiguration:
      break;
  }
  return "update_config";
}

bool IsDisconnected(const Instance& instance) {
  if (instance.link == nullptr || !instance.link->commands_open) return true;
  return instance.kind != Kind::kSentinel && !instance.link->subscription_open;
}

std::string OrUnknown(const std::string& text) { return text.empty() ? "?" : text; }

// Since a moment; one that never was counts from when the instance became known.
int64_t Since(int64_t moment_ms, const Instance& instance, int64_t now_ms) {
  return now_ms - (moment_ms < 0 ? instance.added_ms : moment_ms);
}

void AddLink(Fields& fields, const Instance& instance, const Primary* primary, int64_t now_ms) {
  const Link unlinked;
  const Link& link = instance.link == nullptr ? unlinked : *instance.link;
  fields.Add("name", instance.name);
  fields.Add("ip", instance.address.host);
  fields.AddNumber("port", instance.address.port);
  fields.Add("runid", instance.run_id);
  fields.Add("flags", FlagsOf(instance, primary));
  fields.AddNumber("link-pending-commands", link.pending_commands);
  fields.AddNumber("link-refcount", link.shared_by);
  if (primary != nullptr && primary->is_failing_over())
    fields.Add("failover-state", NameOf(primary->failover));
  fields.AddNumber("last-ping-sent", link.ping_sent_ms < 0 ? 0 : now_ms - link.ping_sent_ms);
  fields.AddNumber("last-ok-ping-reply", Since(link.last_valid_pong_ms, instance, now_ms));
  fields.AddNumber("last-ping-reply", Since(link.last_pong_ms, instance, now_ms));
  if (instance.is_subjectively_down) {
    fields.AddNumber("s-down-time", now_ms - instance.subjectively_down_since_ms);
  }
  if (primary != nullptr && primary->is_objectively_down) {
    fields.AddNumber("o-down-time", now_ms - primary->objectively_down_since_ms);
  }
  fields.AddNumber("down-after-milliseconds", instance.down_after_ms);
}

void AddReport(Fields& fields, const Instance& instance, int64_t now_ms) {
  fields.AddNumber("info-refresh", instance.info_ms < 0 ? 0 : now_ms - instance.info_ms);
  fields.Add("role-reported", instance.reported_role == Kind::kPrimary ? "master" : "slave");
  fields.AddNumber("role-reported-time", Since(instance.reported_role_since_ms, instance, now_ms));
}

// Nothing where no writes are promised.
void AddPromises(Fields& fields, const Instance& instance) {
  if (instance.fenced_epoch != 0) fields.Add("fenced-epoch", std::to_string(instance.fenced_epoch));
  if (!instance.acks.is_used()) return;
  fields.Add("acks-required", std::to_string(instance.acks.required));
  fields.Add("acks-set-size", std::to_string(instance.acks.members.size()));
  fields.Add("acks-set-epoch", std::to_string(instance.acks.epoch));
  fields.Add("acks-set-version", std::to_string(instance.acks.version));
}

void WriteReplica(resp::Writer& reply, const Instance& replica, int64_t now_ms) {
  Fields fields(reply);
  AddLink(fields, replica, nullptr, now_ms);
  AddReport(fields, replica, now_ms);
  fields.AddNumber("master-link-down-time", replica.primary_link_down_ms);
  fields.Add("master-link-status", replica.is_primary_link_up ? "ok" : "err");
  fields.Add("master-host", OrUnknown(replica.reported_primary.host));
  fields.AddNumber("master-port", replica.reported_primary.port);
  fields.AddNumber("slave-priority", replica.priority);
  fields.Add("slave-repl-offset", std::to_string(replica.offset));
  fields.AddNumber("replica-announced", replica.is_announced ? 1 : 0);
  AddPromises(fields, replica);
}

void WriteSentinel(resp::Writer& reply, const Instance& sentinel, int64_t now_ms) {
  Fields fields(reply);
  AddLink(fields, sentinel, nullptr, now_ms);
  fields.AddNumber("last-hello-message", Since(sentinel.hello_ms, sentinel, now_ms));
  fields.Add("voted-leader", OrUnknown(sentinel.voted_leader));
  fields.Add("voted-leader-epoch", std::to_string(sentinel.voted_epoch));
}

void WriteReport(resp::Writer& reply, const Instance& instance, int64_t now_ms) {
  reply.Array(2);
  reply.Integer(instance.info_ms < 0 ? 0 : now_ms - instance.info_ms);
  instance.info_ms < 0 ? reply.Null() : reply.Bulk(instance.info);
}

std::string TextOf(const Address& address) {
  return address.host.empty() ? "" : address.host + ":" + std::to_string(address.port);
}

}  // namespace

std::string FlagsOf(const Instance& instance, const Primary* primary) {
  std::string flags;
  const auto add = [&flags](bool is_set, std::string_view name) {
    if (!is_set) return;
    if (!flags.empty()) flags += ',';
    flags += name;
  };
  add(instance.is_subjectively_down, "s_down");
  add(primary != nullptr && primary->is_objectively_down, "o_down");
  add(instance.kind == Kind::kPrimary, "master");
  add(instance.kind == Kind::kReplica, "slave");
  add(instance.kind == Kind::kSentinel, "sentinel");
  add(IsDisconnected(instance), "disconnected");
  add(instance.says_primary_is_down, "master_down");
  add(primary != nullptr && primary->is_failing_over(), "failover_in_progress");
  add(instance.is_promoted, "promoted");
  add(instance.is_reconfiguration_sent, "reconf_sent");
  add(instance.is_reconfiguring, "reconf_inprog");
  add(instance.is_reconfigured, "reconf_done");
  add(primary != nullptr && primary->is_failover_forced, "force_failover");
  add(instance.is_script_kill_sent, "script_kill_sent");
  add(primary != nullptr && primary->is_rebooting, "master_reboot");
  return flags;
}

void WritePrimary(resp::Writer& reply, const Primary& primary, int64_t now_ms) {
  const PrimarySettings& settings = primary.settings;
  Fields fields(reply);
  AddLink(fields, primary.instance, &primary, now_ms);
  AddReport(fields, primary.instance, now_ms);
  fields.Add("config-epoch", std::to_string(primary.config_epoch));
  fields.AddNumber("num-slaves", static_cast<int64_t>(primary.replicas.size()));
  fields.AddNumber("num-other-sentinels", static_cast<int64_t>(primary.sentinels.size()));
  fields.AddNumber("quorum", settings.quorum);
  fields.AddNumber("failover-timeout", settings.failover_timeout_ms);
  fields.AddNumber("parallel-syncs", settings.parallel_syncs);
  if (!settings.notification_script.empty()) fields.Add("notification-script", settings.notification_script);
  if (!settings.client_reconfig_script.empty()) {
    fields.Add("client-reconfig-script", settings.client_reconfig_script);
  }
  AddPromises(fields, primary.instance);
  if (settings.busy_is_alive_max_ms > 0) {
    fields.AddNumber("busy-is-alive-max-ms", settings.busy_is_alive_max_ms);
    if (primary.instance.is_busy) fields.AddNumber("busy-ms", primary.instance.link->probe.busy_ms);
  }
}

void WriteReplicas(resp::Writer& reply, const Primary& primary, int64_t now_ms) {
  const auto& replicas = primary.replicas;
  reply.Array(static_cast<size_t>(std::count_if(replicas.begin(), replicas.end(),
                                                [](const auto& one) { return one.second.is_announced; })));
  for (const auto& [name, replica] : replicas) {
    if (replica.is_announced) WriteReplica(reply, replica, now_ms);
  }
}

void WriteSentinels(resp::Writer& reply, const Primary& primary, int64_t now_ms) {
  reply.Array(primary.sentinels.size());
  for (const auto& [id, sentinel] : primary.sentinels) WriteSentinel(reply, sentinel, now_ms);
}

void WriteInfoCache(resp::Writer& reply, const Primary& primary, int64_t now_ms) {
  reply.Array(1 + primary.replicas.size());
  WriteReport(reply, primary.instance, now_ms);
  for (const auto& [name, replica] : primary.replicas) WriteReport(reply, replica, now_ms);
}

void WritePendingScripts(resp::Writer& reply, const Machine& machine, const ScriptProcesses& scripts,
                         int64_t now_ms) {
  const std::vector<Machine::PendingScript> pending = machine.PendingScripts();
  reply.Array(pending.size());
  for (const Machine::PendingScript& script : pending) {
    reply.Map(5);
    reply.Bulk("argv");
    reply.Array(script.words.size());
    for (const std::string& word : script.words) reply.Bulk(word);
    reply.Bulk("flags");
    reply.Bulk(script.is_running ? "running" : "scheduled");
    reply.Bulk("pid");
    reply.BulkInteger(script.is_running ? scripts.PidOf(script.script) : 0);
    reply.Bulk(script.is_running ? "run-time" : "run-delay");
    reply.BulkInteger(script.is_running ? now_ms - script.since_or_at_ms
                                        : std::max<int64_t>(script.since_or_at_ms - now_ms, 0));
    reply.Bulk("retry-num");
    reply.BulkInteger(script.tries);
  }
}

void WriteHistory(resp::Writer& reply, const Primary& primary) {
  reply.Array(primary.history.size());
  for (const HistoryEntry& entry : primary.history) {
    reply.Map(5);
    reply.Bulk("epoch");
    reply.Integer(static_cast<int64_t>(entry.epoch));
    reply.Bulk("from");
    reply.Bulk(TextOf(entry.from));
    reply.Bulk("to");
    reply.Bulk(TextOf(entry.to));
    reply.Bulk("outcome");
    reply.Bulk(entry.outcome.empty() ? "in progress" : entry.outcome);
    reply.Bulk("events");
    reply.Array(entry.events.size());
    for (const HistoryEntry::Event& event : entry.events) {
      reply.Map(4);
      reply.Bulk("time-ms");
      reply.Integer(event.wall_ms);
      reply.Bulk("after-ms");
      reply.Integer(event.after_ms);
      reply.Bulk("event");
      reply.Bulk(event.name);
      reply.Bulk("details");
      reply.Bulk(event.text);
    }
  }
}

}  // namespace hearth::sentinel
