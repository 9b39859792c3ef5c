// What stands in INFO's sections about what is counted: Stats, Commandstats, Errorstats, Latencystats, Debug.

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "base/numbers.h"
#include "server/info.h"

namespace hearth::server {
namespace {

// Clients may make up the codes of errors: what would break a line of INFO, or its syntax, is replaced.
std::string AsFieldName(std::string_view text) {
  std::string name(text);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '#' || c == ':' || c == '\n' || c == '\r'; }, '_');
  return name;
}

// Spent in handlers. What runs other commands counts what they have taken as its own, too.
uint64_t CommandMicros(engine::Engine& engine) {
  uint64_t ticks = 0;
  for (const auto& command : engine.commands().all()) {
    const std::string_view name = command->full_name();
    if (name == "exec" || name.starts_with("eval") || name.starts_with("fcall")) continue;
    ticks += command->counters.ticks;
  }
  return engine.ticks().ToMicros(ticks);
}

}  // namespace

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
  text.Add("evicted_scripts", parts_.scripts.figures().evicted_scripts);
  const auto exceeded_us = static_cast<uint64_t>(engine.MemoryExceededMicros());
  text.Add("total_eviction_exceeded_time", (stats.memory_exceeded_us + exceeded_us) / 1000);
  text.Add("current_eviction_exceeded_time", exceeded_us / 1000);
  text.Add("keyspace_hits", keys.hits);
  text.Add("keyspace_misses", keys.misses);
  text.Add("pubsub_channels", engine.pubsub().channel_count());
  text.Add("pubsub_patterns", engine.pubsub().pattern_count());
  text.Add("pubsubshard_channels", engine.pubsub().shard_channel_count());
  WriteWork(text);
}

// What the server has done beside and for commands.
void Info::WriteWork(InfoText& text) const {
  engine::Engine& engine = parts_.engine;
  const engine::EngineStats& stats = engine.stats();
  const keyspace::KeyspaceStats& keys = engine.keyspace().stats();
  const net::IoStats io = parts_.metrics.io();
  text.Add("latest_fork_usec", 0);
  text.Add("total_forks", 0);
  text.Add("migrate_cached_sockets", 0);
  // The primary alone removes what expires; what a replica is asked for is looked at when it is read.
  text.Add("slave_expires_tracked_keys", 0);
  text.Add("active_defrag_hits", keys.defrag_hits);
  text.Add("active_defrag_misses", keys.defrag_misses);
  text.Add("active_defrag_key_hits", keys.defrag_key_hits);
  text.Add("active_defrag_key_misses", keys.defrag_key_misses);
  text.Add("total_active_defrag_time", parts_.defragmenter.total_us() / 1000);
  text.Add("current_active_defrag_time", parts_.defragmenter.current_us() / 1000);
  text.Add("tracking_total_keys", engine.tracking().key_count());
  text.Add("tracking_total_items", engine.tracking().item_count());
  text.Add("tracking_total_prefixes", engine.tracking().prefix_count());
  text.Add("unexpected_error_replies", stats.unexpected_errors);
  text.Add("total_error_replies", stats.error_replies);
  text.Add("dump_payload_sanitizations", stats.payloads_checked);
  text.Add("total_reads_processed", io.reads);
  text.Add("total_writes_processed", io.writes);
  text.Add("io_threaded_reads_processed", io.threaded_reads);
  text.Add("io_threaded_writes_processed", io.threaded_writes);
  // Output buffers are chunks that come and go with the replies: none is ever resized.
  text.Add("reply_buffer_shrinks", 0);
  text.Add("reply_buffer_expands", 0);
  text.Add("client_query_buffer_limit_disconnections", io.query_buffer_overflows);
  text.Add("client_output_buffer_limit_disconnections", stats.output_limit_disconnections);
  text.Add("tls_handshakes_failed", io.handshakes_failed);
  const double turns_per_second = parts_.metrics.turns().per_second();
  text.Add("eventloop_cycles", parts_.metrics.loop_turns());
  text.Add("eventloop_duration_sum", parts_.metrics.busy_us());
  text.Add("eventloop_duration_cmd_sum", CommandMicros(engine));
  text.Add("instantaneous_eventloop_cycles_per_sec", static_cast<int64_t>(turns_per_second));
  text.Add(
      "instantaneous_eventloop_duration_usec",
      turns_per_second < 1 ? 0 : static_cast<int64_t>(parts_.metrics.busy().per_second() / turns_per_second));
  const engine::Acl::Denials& denials = parts_.engine.acl().denials();
  text.Add("acl_access_denied_auth", denials.logins);
  text.Add("acl_access_denied_cmd", denials.commands);
  text.Add("acl_access_denied_key", denials.keys);
  text.Add("acl_access_denied_channel", denials.channels);
}

void Info::WriteDebug(InfoText& text) const {
  text.Add("eventloop_duration_aof_sum", parts_.metrics.append_only_us());
  text.Add("eventloop_duration_cron_sum", parts_.metrics.timers_us());
  text.Add("eventloop_duration_max", parts_.metrics.longest_turn_us());
  text.Add("eventloop_cmd_per_cycle_max", parts_.metrics.most_commands_a_turn());
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
    text.Add(fmt::format("errorstat_{}", AsFieldName(code)), fmt::format("count={}", count));
  }
}

void Info::WriteLatencyStats(InfoText& text) const {
  for (const auto& command : parts_.engine.commands().all()) {
    const engine::LatencyHistogram* latency = command->counters.latency.get();
    if (latency == nullptr) continue;
    std::string percentiles;
    for (const double percent : parts_.engine.settings().latency_tracking_info_percentiles) {
      fmt::format_to(std::back_inserter(percentiles), "{}p{}={:.3f}", percentiles.empty() ? "" : ",",
                     FormatDouble(percent), static_cast<double>(latency->PercentileNanos(percent)) / 1000);
    }
    text.Add(fmt::format("latency_percentiles_usec_{}", command->full_name()), percentiles);
  }
}

}  // namespace hearth::server
