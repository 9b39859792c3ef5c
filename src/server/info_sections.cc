// What stands in INFO's sections about the process and the engine, but for memory (info_memory.cc) and what
// is counted (info_statistics.cc).

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
  // What the durations of commands are measured by.
  text.Add("monotonic_clock",
           fmt::format("CPU counter @ {:.0f} ticks/us", parts_.engine.ticks().ticks_per_micro()));
  text.Add("multiplexing_api", "epoll");
  text.Add("atomicvar_api", "c11-builtin");
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
  if (!settings.unixsocket.empty()) {
    text.Add(fmt::format("listener{}", listeners++), "name=unix,bind=" + settings.unixsocket);
  }
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
