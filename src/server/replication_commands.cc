#include "server/replication_commands.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/numbers.h"
#include "commands/help.h"

namespace hearth::server {

using engine::Context;
using replication::PrimaryLinkStatus;
using replication::ReplicaInfo;
using replication::SyncRecord;

namespace {

std::optional<uint64_t> EpochOf(Context& ctx) {
  const auto epoch = ctx.IntegerIn(2, 1, INT64_MAX, "ERR the epoch must be a positive number");
  if (!epoch) return std::nullopt;
  return static_cast<uint64_t>(*epoch);
}

void ReplyStatus(Context& ctx, const Status& status) {
  status ? ctx.reply().Ok() : ctx.Error(status.error().message);
}

}  // namespace

// ---- REPLICAOF

void ReplicationCommands::ReplicaOf(Context& ctx) {
  if (replication_.failover().state() != replication::Failover::State::kNone) {
    return ctx.Error("ERR REPLICAOF not allowed while failing over.");
  }
  if (ctx.Is(1, "no") && ctx.Is(2, "one")) {
    const bool was_replica = replication_.is_replica();
    replication_.BecomePrimary();
    if (was_replica) {
      engine_.log().Notice("MASTER MODE enabled (user request from 'id={} addr={}')", ctx.client().id,
                           ctx.client().connection->peer_address());
    }
    return ctx.reply().Ok();
  }
  if (ctx.client().is(engine::Client::kReplica)) {
    return ctx.Error("ERR Command is not valid when client is a replica.");
  }
  const std::optional<int64_t> port = ParseInt64(ctx[2]);
  if (!port || *port < 0 || *port > 65535) return ctx.Error("ERR Invalid master port");
  const std::string host(ctx[1]);
  if (!replication_.Follow(host, static_cast<int>(*port))) {
    return ctx.reply().Simple("OK Already connected to specified master");
  }
  engine_.log().Notice("REPLICAOF {}:{} enabled (user request from 'id={} addr={}')", host, *port,
                       ctx.client().id, ctx.client().connection->peer_address());
  ctx.reply().Ok();
}

// ---- ROLE

void ReplicationCommands::Role(Context& ctx) {
  resp::Writer& reply = ctx.reply();
  const auto offset = static_cast<int64_t>(replication_.persistence().write_log().end_offset());
  if (replication_.is_replica()) {
    const PrimaryLinkStatus link = replication_.link().status();
    reply.Array(5);
    reply.Bulk("slave");
    reply.Bulk(replication_.primary().host);
    reply.Integer(replication_.primary().port);
    reply.Bulk(link.state_name);
    reply.Integer(link.is_up ? static_cast<int64_t>(link.applied_offset) : -1);
    return;
  }
  std::vector<ReplicaInfo> online = replication_.replicas().list();
  std::erase_if(online, [](const ReplicaInfo& replica) { return !replica.is_online; });
  reply.Array(3);
  reply.Bulk("master");
  reply.Integer(offset);
  reply.Array(online.size());
  for (const ReplicaInfo& replica : online) {
    reply.Array(3);
    reply.Bulk(replica.address);
    reply.Bulk(std::to_string(replica.port));
    reply.Bulk(std::to_string(replica.acked_offset));
  }
}

// ---- FAILOVER

void ReplicationCommands::Failover(Context& ctx) {
  if (engine_.settings().cluster_enabled) {
    return ctx.Error("ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.");
  }
  replication::Failover::Target target;
  bool is_forced = false;
  bool is_abort = false;
  int64_t timeout_ms = 0;
  for (size_t i = 1; i < ctx.size(); ++i) {
    if (ctx.Is(i, "timeout") && i + 1 < ctx.size() && timeout_ms == 0) {
      const std::optional<int64_t> value = ctx.Integer(++i);
      if (!value) return;
      if (*value <= 0) return ctx.Error("ERR FAILOVER timeout must be greater than 0");
      timeout_ms = *value;
    } else if (ctx.Is(i, "abort") && ctx.size() == 2) {
      is_abort = true;
    } else if (ctx.Is(i, "to") && i + 2 < ctx.size() && target.host.empty()) {
      target.host = ctx[i + 1];
      const std::optional<int64_t> port = ctx.Integer(i + 2);
      if (!port) return;
      target.port = static_cast<int>(*port);
      i += 2;
    } else if (ctx.Is(i, "force") && !is_forced) {
      is_forced = true;
    } else {
      return ctx.SyntaxError();
    }
  }
  const bool is_running = replication_.failover().state() != replication::Failover::State::kNone;
  if (is_abort) {
    if (!is_running) return ctx.Error("ERR No failover in progress.");
    replication_.AbortFailover("Failover manually aborted");
    return ctx.reply().Ok();
  }
  if (is_running) return ctx.Error("ERR FAILOVER already in progress.");
  if (replication_.is_replica()) return ctx.Error("ERR FAILOVER is not valid when server is a replica.");
  if (replication_.replicas().list().empty()) return ctx.Error("ERR FAILOVER requires connected replicas.");
  if (is_forced && (timeout_ms == 0 || target.host.empty())) {
    return ctx.Error("ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
  }
  if (Status begun = replication_.BeginFailover(std::move(target), is_forced, timeout_ms); !begun) {
    return ctx.Error(begun.error().message);
  }
  ctx.reply().Ok();
}

// ---- REPLICATION

void ReplicationCommands::History(Context& ctx) {
  std::deque<SyncRecord> records = replication_.sync_history().list();
  size_t count = records.size();
  if (ctx.size() > 2) {
    if (ctx.size() != 4 || !ctx.Is(2, "count")) return ctx.SyntaxError();
    const std::optional<int64_t> most = ctx.IntegerIn(3, 0, INT64_MAX, "ERR COUNT must not be negative");
    if (!most) return;
    count = std::min(count, static_cast<size_t>(*most));
  }
  resp::Writer& reply = ctx.reply();
  reply.Array(count);
  for (size_t i = 0; i < count; ++i) {
    const SyncRecord& record = records[records.size() - 1 - i];
    reply.Map(11);
    const auto text = [&reply](std::string_view name, std::string_view value) {
      reply.Bulk(name);
      reply.Bulk(value);
    };
    const auto number = [&reply](std::string_view name, auto value) {
      reply.Bulk(name);
      reply.Integer(static_cast<int64_t>(value));
    };
    number("id", record.number);
    number("time-ms", record.began_ms);
    text("role", replication::NameOf(record.role));
    text("peer", record.peer);
    text("kind", replication::NameOf(record.kind));
    text("cause", record.cause);
    text("state", replication::NameOf(record.state));
    text("error", record.error);
    number("bytes", record.bytes);
    number("duration-ms", record.duration_ms);
    number("bytes-per-second", record.bytes_per_second());
  }
}

void ReplicationCommands::Fence(Context& ctx) {
  const std::optional<uint64_t> epoch = EpochOf(ctx);
  if (!epoch) return;
  ReplyStatus(ctx, replication_.Fence(*epoch));
}

void ReplicationCommands::Replaced(Context& ctx) {
  const std::optional<uint64_t> epoch = EpochOf(ctx);
  if (!epoch) return;
  ReplyStatus(ctx, replication_.Replace(*epoch));
}

void ReplicationCommands::Promote(Context& ctx) {
  const std::optional<uint64_t> epoch = EpochOf(ctx);
  if (!epoch) return;
  if (ctx.size() > 4 || (ctx.size() == 4 && !ctx.Is(3, "force"))) return ctx.SyntaxError();
  const bool was_replica = replication_.is_replica();
  const Status done = replication_.Promote(*epoch, ctx.size() == 4);
  if (done && was_replica) engine_.log().Notice("MASTER MODE enabled (by a Sentinel in epoch {})", *epoch);
  ReplyStatus(ctx, done);
}

void ReplicationCommands::Follow(Context& ctx) {
  const std::optional<uint64_t> epoch = EpochOf(ctx);
  if (!epoch) return;
  const std::optional<int64_t> port = ctx.IntegerIn(4, 0, 65535, "ERR Invalid master port");
  if (!port) return;
  const std::string host(ctx[3]);
  engine_.log().Notice("REPLICAOF {}:{} asked for by a Sentinel in epoch {}", host, *port, *epoch);
  ReplyStatus(ctx, replication_.FollowIn(*epoch, host, static_cast<int>(*port)));
}

// ---- what replicas ask

void ReplicationCommands::Replconf(Context& ctx) { replication_.replicas().Replconf(ctx); }

void ReplicationCommands::Psync(Context& ctx) { replication_.replicas().Psync(ctx); }

void ReplicationCommands::Sync(Context& ctx) { replication_.replicas().Sync(ctx); }

// ---- INFO

void ReplicationCommands::WriteInfo(InfoText& text) const {
  text.Add("role", replication_.is_replica() ? "slave" : "master");
  if (replication_.is_replica()) WriteLink(text);
  WriteRejoins(text);
  WriteReplicas(text);
  WritePromises(text);
  WriteAcksSet(text);
  WriteLog(text);
}

// Nothing while there was nothing of the kind.
void ReplicationCommands::WriteRejoins(InfoText& text) const {
  const replication::RejoinStats& stats = replication_.link().rejoin_stats();
  if (stats.rejoins != 0) text.Add("rejoins", stats.rejoins);
  if (stats.lost_commands == 0) return;
  text.Add("lost_writes_commands", stats.lost_commands);
  text.Add("lost_writes_file", stats.lost_writes_file);
}

void ReplicationCommands::WriteLink(InfoText& text) const {
  const PrimaryLinkStatus link = replication_.link().status();
  const settings::Settings& settings = engine_.settings();
  text.Add("master_host", replication_.primary().host);
  text.Add("master_port", replication_.primary().port);
  text.Add("master_link_status", link.is_up ? "up" : "down");
  text.Add("master_last_io_seconds_ago", link.last_io_seconds);
  text.Add("master_sync_in_progress", static_cast<int>(link.is_syncing));
  text.Add("slave_read_repl_offset", link.read_offset);
  text.Add("slave_repl_offset", link.applied_offset);
  if (link.is_syncing) {
    text.Add("master_sync_total_bytes", link.sync_total_bytes);
    text.Add("master_sync_read_bytes", link.sync_read_bytes);
    // Of a stream whose size nobody knows, what has come is all there is to tell.
    text.Add("master_sync_left_bytes",
             static_cast<int64_t>(link.sync_total_bytes) - static_cast<int64_t>(link.sync_read_bytes));
    text.AddFixed("master_sync_perc", link.sync_total_bytes == 0
                                          ? 0.0
                                          : 100.0 * static_cast<double>(link.sync_read_bytes) /
                                                static_cast<double>(link.sync_total_bytes));
    text.Add("master_sync_last_io_seconds_ago", link.sync_last_io_seconds);
  }
  if (!link.is_up) text.Add("master_link_down_since_seconds", link.down_since_seconds);
  if (!link.refused_reason.empty()) text.Add("master_link_refused_reason", link.refused_reason);
  text.Add("slave_priority", settings.replica_priority);
  text.Add("slave_read_only", static_cast<int>(settings.replica_read_only));
  text.Add("replica_announced", static_cast<int>(settings.replica_announced));
}

void ReplicationCommands::WriteReplicas(InfoText& text) const {
  const settings::Settings& settings = engine_.settings();
  const std::vector<ReplicaInfo> list = replication_.replicas().list();
  text.Add("connected_slaves", list.size());
  if (settings.min_replicas_to_write != 0 && settings.min_replicas_max_lag != 0) {
    text.Add("min_slaves_good_slaves", replication_.replicas().good_count());
  }
  size_t number = 0;
  for (const ReplicaInfo& replica : list) {
    text.Add(fmt::format("slave{}", number++),
             fmt::format("ip={},port={},state={},offset={},lag={}", replica.address, replica.port,
                         replica.state, replica.acked_offset, replica.lag_seconds));
  }
}

// Only where promises are made, as with the good replicas above.
void ReplicationCommands::WritePromises(InfoText& text) const {
  persistence::HeldReplies& held = replication_.persistence().held_replies();
  const persistence::PromiseStats& stats = held.stats();
  const size_t waiting = held.promised_client_count();
  if (engine_.settings().replication_acks == 0 && waiting == 0 && stats.kept + stats.broken == 0) return;
  text.Add("acks_waiting_clients", waiting);
  text.Add("acks_promises_kept", stats.kept);
  text.Add("acks_promises_broken", stats.broken);
  text.Add("acks_promised_offset", stats.acknowledged_end);
}

// Of both roles: a replica knows the set of its primary.
void ReplicationCommands::WriteAcksSet(InfoText& text) const {
  const replication::AcksSet& acks = replication_.replicas().acks();
  if (replication_.fenced_epoch() != 0) text.Add("fenced_epoch", replication_.fenced_epoch());
  if (replication_.is_replaced()) text.Add("replaced", 1);
  if (acks.epoch() != 0) text.Add("acks_epoch", acks.epoch());
  if (const std::string_view why = replication_.replicas().uncertainty(); !why.empty()) {
    text.Add("acks_uncertain", why);
  }
  if (!replication_.is_replica() && engine_.settings().replication_acks > 0) {
    text.Add("acks_required", engine_.settings().replication_acks);
    text.Add("acks_older_sets", acks.older_count());
  }
  if (acks.record().required == 0) return;
  text.Add("acks_identity", acks.identity());
  text.Add("acks_set", replication::FormatAcksRecord(acks.record()));
}

void ReplicationCommands::WriteLog(InfoText& text) const {
  const replication::History& history = replication_.history();
  const log::WriteLog& log = replication_.persistence().write_log();
  const bool has_backlog = replication_.persistence().is_log_wanted();
  text.Add("master_failover_state", replication_.failover().state_name());
  text.Add("master_replid", history.id);
  const replication::FormerName* const second = history.previous();
  text.Add("master_replid2", second == nullptr ? std::string(replication::kIdDigits, '0') : second->id);
  text.Add("master_repl_offset", log.end_offset());
  // The wire counts from one.
  text.Add("second_repl_offset", second == nullptr ? int64_t{-1} : static_cast<int64_t>(second->end) + 1);
  text.Add("repl_backlog_active", static_cast<int>(has_backlog));
  text.Add("repl_backlog_size", engine_.settings().repl_backlog_size);
  text.Add("repl_backlog_first_byte_offset", has_backlog ? log.first_offset() + 1 : 0);
  text.Add("repl_backlog_histlen", has_backlog ? log.history_bytes() : 0);
  if (const std::string last = replication_.sync_history().Summary(); !last.empty()) {
    text.Add("last_sync", last);
  }
}

void ReplicationCommands::Register(engine::CommandTable& table, Info& info) {
  table.Bind("replicaof", engine::MakeHandler<&ReplicationCommands::ReplicaOf>(*this));
  table.Bind("slaveof", engine::MakeHandler<&ReplicationCommands::ReplicaOf>(*this));
  table.Bind("role", engine::MakeHandler<&ReplicationCommands::Role>(*this));
  table.Bind("failover", engine::MakeHandler<&ReplicationCommands::Failover>(*this));
  table.Bind("replication|history", engine::MakeHandler<&ReplicationCommands::History>(*this));
  table.Bind("replication|fence", engine::MakeHandler<&ReplicationCommands::Fence>(*this));
  table.Bind("replication|replaced", engine::MakeHandler<&ReplicationCommands::Replaced>(*this));
  table.Bind("replication|promote", engine::MakeHandler<&ReplicationCommands::Promote>(*this));
  table.Bind("replication|follow", engine::MakeHandler<&ReplicationCommands::Follow>(*this));
  table.Bind("replication|help", engine::MakeHandler<&commands::Help>());
  table.Bind("replconf", engine::MakeHandler<&ReplicationCommands::Replconf>(*this));
  table.Bind("psync", engine::MakeHandler<&ReplicationCommands::Psync>(*this));
  table.Bind("sync", engine::MakeHandler<&ReplicationCommands::Sync>(*this));
  info.SetSection("Replication", Info::Shown::kByDefault, [this](InfoText& text) { WriteInfo(text); });
}

}  // namespace hearth::server
