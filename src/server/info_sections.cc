// What stands in INFO's sections about the process and the engine, but for memory (info_memory.cc).

#include <algorithm>
#include <iterator>

#include "env/process.h"
#include "server/info.h"
#include "server/launch.h"

namespace hearth::server {

void Info::WriteServer(InfoText& text) const {
  const settings::Settings& settings = parts_.engine.settings();
  const int64_t now_us = parts_.engine.clock().WallMicros();
  const int64_t uptime_seconds = (now_us / 1000 - parts_.identity.started_ms) / 1000;
  text.Add("redis_version", "7.2.4");
  text.Add("redis_git_sha1", "00000000");
  text.Add("redis_git_dirty", 0);
  text.Add("redis_build_id", "0");
  text.Add("hearth_version", kVersion);
  text.Add("redis_mode", is_sentinel_ ? "sentinel" : settings.cluster_enabled ? "cluster" : "standalone");
  text.Add("os", parts_.identity.system_name);
  text.Add("arch_bits", 8 * sizeof(void*));
  text.Add("multiplexing_api", "epoll");
  text.Add("gcc_version", __VERSION__);
  text.Add("process_id", env::ProcessId());
  const std::string supervisor = env::Supervisor();
  text.Add("process_supervised", supervisor.empty() ? "no" : supervisor);
  text.Add("run_id", parts_.identity.run_id);
  text.Add("tcp_port", settings.port != 0 ? settings.port : settings.tls_port);
  text.Add("server_time_usec", now_us);
  text.Add("uptime_in_seconds", uptime_seconds);
  text.Add("uptime_in_days", uptime_seconds / 86400);
  text.Add("hz", settings.hz);
  text.Add("configured_hz", settings.hz);
  text.Add("lru_clock", (now_us / 1000000) & keyspace::Entry::kAccessMask);
  text.Add("executable", parts_.identity.executable);
  text.Add("config_file", parts_.configuration.file());
  if (const int64_t left_ms = parts_.shutdown.MillisecondsLeft(); left_ms >= 0) {
    text.Add("shutdown_in_milliseconds", left_ms);
  }
  text.Add("io_threads_active", static_cast<int>(parts_.connections.thread_count() > 1));
  if (!settings.availability_zone.empty()) text.Add("availability_zone", settings.availability_zone);
  int listeners = 0;
  const auto add_listener = [&](std::string_view name, int64_t port) {
    if (port == 0) return;
    std::string line = fmt::format("name={}", name);
    for (const std::string& address : settings.bind_addresses) line += ",bind=" + address;
    text.Add(fmt::format("listener{}", listeners++), line + ",port=" + std::to_string(port));
  };
  add_listener("tcp", settings.port);
  add_listener("tls", settings.tls_port);
}

void Info::WriteClients(InfoText& text) const {
  engine::Engine& engine = parts_.engine;
  size_t subscribers = 0;
  size_t connected = 0;
  engine.clients().ForEach([&](const engine::Client& client) {
    connected += client.connection != nullptr && !client.is(engine::Client::kReplica);
    subscribers += client.subscriptions != nullptr &&
                   client.subscriptions->count() + client.subscriptions->shard_channels.size() > 0;
  });
  text.Add("connected_clients", connected);
  text.Add("cluster_connections", 0);
  text.Add("maxclients", engine.settings().maxclients);
  text.Add("client_recent_max_input_buffer", parts_.limits.recent_max_input_bytes());
  text.Add("client_recent_max_output_buffer", parts_.limits.recent_max_output_bytes());
  text.Add("blocked_clients", engine.blocking().waiting_count());
  text.Add("tracking_clients", engine.tracking().client_count());
  text.Add("pubsub_clients", subscribers);
  text.Add("watching_clients", engine.watches().client_count());
  text.Add("probing_clients", parts_.connections.probed_count());
  text.Add("clients_in_timeout_table", engine.blocking().deadline_count());
  text.Add("total_watched_keys", engine.watches().key_count());
  text.Add("total_blocking_keys", engine.blocking().key_count());
  text.Add("total_blocking_keys_on_nokey", engine.blocking().key_count_for_removal());
}

void Info::WriteStats(InfoText& text) const {
  engine::Engine& engine = parts_.engine;
  const engine::EngineStats& stats = engine.stats();
  const keyspace::KeyspaceStats& keys = engine.keyspace().stats();
  const net::IoStats io = parts_.metrics.io();
  text.Add("total_connections_received", stats.connections_received);
  text.Add("total_commands_processed", stats.commands_processed);
  text.Add("instantaneous_ops_per_sec", static_cast<int64_t>(parts_.metrics.operations().per_second()));
  text.Add("total_net_input_bytes", io.bytes_read);
  text.Add("total_net_output_bytes", io.bytes_written);
  text.Add("total_net_repl_input_bytes", parts_.metrics.replication_bytes_read());
  text.Add("total_net_repl_output_bytes", parts_.metrics.replication_bytes_written());
  text.AddFixed("instantaneous_input_kbps", parts_.metrics.input().per_second() / 1024);
  text.AddFixed("instantaneous_output_kbps", parts_.metrics.output().per_second() / 1024);
  text.AddFixed("instantaneous_input_repl_kbps", parts_.metrics.replication_input().per_second() / 1024);
  text.AddFixed("instantaneous_output_repl_kbps", parts_.metrics.replication_output().per_second() / 1024);
  text.Add("rejected_connections", stats.connections_rejected);
  const replication::ReplicaStats& syncs = parts_.replication.replicas().stats();
  text.Add("sync_full", syncs.full_syncs);
  text.Add("sync_partial_ok", syncs.partial_accepted);
  text.Add("sync_partial_err", syncs.partial_refused);
  text.Add("sync_rejoin", syncs.rejoins);
  text.Add("expired_keys", keys.expired_keys);
  text.Add("expired_subkeys", keys.expired_subkeys);
  text.AddFixed("expired_stale_perc", keys.expired_stale_perc);
  text.Add("expired_time_cap_reached_count", keys.expired_time_cap_reached);
  text.Add("expire_cycle_cpu_milliseconds", keys.expire_cycle_cpu_us / 1000);
  text.Add("evicted_keys", keys.evicted_keys);
  text.Add("evicted_clients", stats.evicted_clients);
  text.Add("keyspace_hits", keys.hits);
  text.Add("keyspace_misses", keys.misses);
  text.Add("pubsub_channels", engine.pubsub().channel_count());
  text.Add("pubsub_patterns", engine.pubsub().pattern_count());
  text.Add("pubsubshard_channels", engine.pubsub().shard_channel_count());
  text.Add("latest_fork_usec", 0);
  text.Add("total_forks", 0);
  // What Hearth does not do, for tools that want the fields.
  text.Add("active_defrag_hits", 0);
  text.Add("active_defrag_misses", 0);
  text.Add("active_defrag_key_hits", 0);
  text.Add("active_defrag_key_misses", 0);
  text.Add("total_active_defrag_time", 0);
  text.Add("current_active_defrag_time", 0);
  text.Add("reply_buffer_shrinks", 0);
  text.Add("reply_buffer_expands", 0);
  text.Add("tracking_total_keys", engine.tracking().key_count());
  text.Add("tracking_total_items", engine.tracking().item_count());
  text.Add("tracking_total_prefixes", engine.tracking().prefix_count());
  const engine::Acl::Denials& denials = parts_.engine.acl().denials();
  text.Add("acl_access_denied_auth", denials.logins);
  text.Add("acl_access_denied_cmd", denials.commands);
  text.Add("acl_access_denied_key", denials.keys);
  text.Add("acl_access_denied_channel", denials.channels);
  text.Add("unexpected_error_replies", stats.unexpected_errors);
  text.Add("total_error_replies", stats.error_replies);
  text.Add("dump_payload_sanitizations", stats.payloads_checked);
  text.Add("total_reads_processed", io.reads);
  text.Add("total_writes_processed", io.writes);
  text.Add("client_query_buffer_limit_disconnections", io.query_buffer_overflows);
  text.Add("client_output_buffer_limit_disconnections", stats.output_limit_disconnections);
  text.Add("tls_handshakes_failed", io.handshakes_failed);
  text.Add("eventloop_cycles", parts_.metrics.loop_turns());
  text.Add("instantaneous_eventloop_cycles_per_sec",
           static_cast<int64_t>(parts_.metrics.turns().per_second()));
}

void Info::WriteCpu(InfoText& text) const {
  const env::CpuUsage process = env::ReadCpuUsage(env::CpuOf::kProcess);
  const env::CpuUsage children = env::ReadCpuUsage(env::CpuOf::kChildren);
  const env::CpuUsage main_thread = env::ReadCpuUsage(env::CpuOf::kMainThread);
  text.AddFixed("used_cpu_sys", process.system_seconds, 6);
  text.AddFixed("used_cpu_user", process.user_seconds, 6);
  text.AddFixed("used_cpu_sys_children", children.system_seconds, 6);
  text.AddFixed("used_cpu_user_children", children.user_seconds, 6);
  text.AddFixed("used_cpu_sys_main_thread", main_thread.system_seconds, 6);
  text.AddFixed("used_cpu_user_main_thread", main_thread.user_seconds, 6);
}

void Info::WriteCommandStats(InfoText& text) const {
  for (const auto& command : parts_.engine.commands().all()) {
    const engine::CommandCounters& counters = command->counters;
    if (counters.calls == 0 && counters.rejected == 0 && counters.failed == 0) continue;
    const uint64_t micros = parts_.engine.ticks().ToMicros(counters.ticks);
    const double per_call =
        counters.calls == 0 ? 0 : static_cast<double>(micros) / static_cast<double>(counters.calls);
    text.Add(fmt::format("cmdstat_{}", command->full_name()),
             fmt::format("calls={},usec={},usec_per_call={:.2f},rejected_calls={},failed_calls={}",
                         counters.calls, micros, per_call, counters.rejected, counters.failed));
  }
}

void Info::WriteErrorStats(InfoText& text) const {
  for (const auto& [code, count] : parts_.engine.stats().errors) {
    text.Add(fmt::format("errorstat_{}", code), fmt::format("count={}", count));
  }
}

void Info::WriteKeyspace(InfoText& text) const {
  constexpr int kSamples = 32;
  keyspace::Keyspace& keyspace = parts_.engine.keyspace();
  for (int i = 0; i < keyspace.database_count(); ++i) {
    keyspace::Database& database = keyspace.database(i);
    if (database.size() == 0) continue;
    // The average is an estimate from a few keys.
    const keyspace::Entry* entries[kSamples];
    const int sampled = database.expiring_count() == 0 ? 0 : database.Sample(entries, kSamples, true);
    int64_t sum_ms = 0;
    for (int k = 0; k < sampled; ++k) {
      sum_ms += std::max<int64_t>(0, entries[k]->expiry_ms() - keyspace.now_ms()) / sampled;
    }
    text.Add(fmt::format("db{}", i),
             fmt::format("keys={},expires={},avg_ttl={},subexpiry={}", database.size(),
                         database.expiring_count(), sum_ms, database.field_expiring_count()));
  }
}

}  // namespace hearth::server
