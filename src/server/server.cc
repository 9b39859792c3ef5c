#include "server/server.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/memory.h"
#include "base/text.h"
#include "env/process.h"
#include "server/crash_report.h"

namespace hearth::server {
namespace {

// Descriptors for the log, persistence, listening sockets and the like, beside the clients'.
constexpr size_t kReservedDescriptors = 32;
// Of what is done ten times a second, whatever hz is.
constexpr int64_t kTickMicros = 100'000;

net::ConnectionLimits LimitsOf(const settings::Settings& settings) {
  return {static_cast<size_t>(settings.client_query_buffer_limit),
          static_cast<size_t>(settings.proto_max_bulk_len)};
}

bool IsLoopback(const net::Connection& connection) {
  return connection.is_unix_socket() || connection.peer_address().starts_with("127.") ||
         connection.peer_address().starts_with("[::1]");
}

}  // namespace

Server::Server(settings::Configuration& configuration, Logger& log, env::Clock& clock, env::Net& net,
               env::Poller& poller, env::Random& random, env::Disk& disk,
               std::optional<SentinelState> sentinel)
    : configuration_(configuration),
      settings_(configuration.settings()),
      log_(log),
      clock_(clock),
      ticks_(env::TickScale::Calibrate(clock)),
      loop_(poller, clock),
      engine_({settings_, clock, ticks_, log, random.Seed64()}),
      expiry_(engine_.keyspace(), [&clock] { return clock.MonotonicMicros(); }),
      defragmenter_(engine_.keyspace(), [&clock] { return clock.MonotonicMicros(); }),
      connections_(loop_, net, clock, env::MakeSystemPoller, engine_, engine_),
      listener_(loop_, net, connections_,
                [this](net::Connection& connection) { return AcceptsConnection(connection); }),
      tls_setup_({configuration, loop_, net, connections_, log, tls_,
                  [this](net::Connection& connection) { return AcceptsConnection(connection); }}),
      limits_(engine_),
      persistence_({configuration, engine_, loop_, disk, clock, log, [this] { return TakeTurn(); },
                    [this] { EndAtOnce(); }}),
      replication_({configuration, engine_, loop_, net, connections_, clock, disk, log, persistence_, tls_}),
      shutdown_({engine_, persistence_, replication_, log, [this] { End(); }}),
      scripts_({engine_, clock, log, [this] { return ServeDuringScript(); }}),
      commands_({configuration, log, clock, random, disk, loop_, engine_, expiry_, defragmenter_,
                 connections_, limits_, persistence_, replication_, shutdown_, scripts_}),
      process_(configuration, log, sentinel.has_value(), [this] { return replication_.is_replica(); }) {
  if (sentinel) BecomeSentinel(net, std::move(*sentinel));
  RenameCommands();
  engine_.hooks().after_batch = [this](engine::Client& client) { limits_.AfterBatch(client); };
  engine_.pubsub().set_after_delivery([this](engine::Client& client) { limits_.AfterDelivery(client); });
  engine_.tracking().set_after_delivery([this](engine::Client& client) { limits_.AfterDelivery(client); });
  engine_.monitors().set_after_delivery([this](engine::Client& client) { limits_.AfterDelivery(client); });
  engine_.hooks().on_open = [this](engine::Client& client) { OnOpen(client); };
  engine_.hooks().on_panic = [this] { EndAtOnce(); };
  ApplySettingsAtRunTime();
  loop_.AddBeforeWait(net::LoopPhase::kWork, [this] { BeforeWait(); });
}

Server::~Server() = default;

void Server::BecomeSentinel(env::Net& net, SentinelState state) {
  sentinel_ = std::make_unique<SentinelMode>(
      SentinelMode::Parts{configuration_, engine_, loop_, net, clock_, log_, tls_}, std::move(state));
  commands_.BecomeSentinel(sentinel_->commands());
  // There is nothing to save, whatever the configuration says of other servers.
  shutdown_.set_never_saves();
}

void Server::RenameCommands() {
  for (const settings::RenamedCommand& renamed : configuration_.renamed_commands()) {
    if (Status status = engine_.commands().Rename(renamed.name, renamed.new_name); !status) {
      log_.Warning("rename-command {} {}: {}", renamed.name, renamed.new_name, status.error().message);
    }
  }
}

void Server::ApplySettingsAtRunTime() {
  connections_.SetLimits(LimitsOf(settings_));
  configuration_.OnChange({"client-query-buffer-limit", "proto-max-bulk-len"},
                          [this](const auto& settings) -> Status {
                            connections_.SetLimits(LimitsOf(settings));
                            return {};
                          });
  configuration_.OnChange({"io-threads"}, [this](const auto& settings) {
    return connections_.SetThreadCount(static_cast<int>(settings.io_threads));
  });
  configuration_.OnChange({"maxmemory", "slowlog-log-slower-than", "slowlog-max-len", "maxmemory-policy",
                           "notify-keyspace-events", "latency-monitor-threshold", "latency-tracking"},
                          [this](const auto& settings) -> Status {
                            engine_.RefreshChecks();
                            engine_.slowlog().Trim(static_cast<size_t>(settings.slowlog_max_len));
                            return {};
                          });
  configuration_.OnChange({"bind", "port", "tcp-backlog", "unixsocket"}, [this](const auto&) -> Status {
    if (Status status = listener_.Listen(ListenOptionsNow()); !status) {
      log_.Warning("{}", status.error().message);
      return Fail("Unable to listen on this port. Check server logs.");
    }
    return {};
  });
  configuration_.OnChange({"tcp-keepalive"}, [this](const auto& settings) -> Status {
    listener_.set_keepalive_seconds(static_cast<int>(settings.tcp_keepalive));
    return {};
  });
  SetBackgroundPurge(settings_.jemalloc_bg_thread);
  configuration_.OnChange({"jemalloc-bg-thread"}, [](const auto& settings) -> Status {
    SetBackgroundPurge(settings.jemalloc_bg_thread);
    return {};
  });
  configuration_.OnChange({"crash-log-enabled"}, [](const auto& settings) -> Status {
    EnableCrashReport(settings.crash_log_enabled);
    return {};
  });
  configuration_.OnChange({"loglevel"}, [this](const auto& settings) -> Status {
    log_.SetLevel(static_cast<LogLevel>(settings.loglevel));
    return {};
  });
  configuration_.OnChange({"maxclients"}, [](const auto& settings) -> Status {
    const size_t wanted = static_cast<size_t>(settings.maxclients) + kReservedDescriptors;
    if (env::RaiseFileLimit(wanted) < wanted) {
      return Fail(fmt::format(
          "The operating system is not able to handle the specified number of clients, try with {}",
          env::RaiseFileLimit(wanted) - kReservedDescriptors));
    }
    return {};
  });
}

net::ListenOptions Server::ListenOptionsNow() const {
  net::ListenOptions options;
  // Port 0 turns TCP off.
  options.addresses = settings_.port != 0 ? settings_.bind_addresses : std::vector<std::string>();
  options.port = static_cast<int>(settings_.port);
  options.backlog = static_cast<int>(settings_.tcp_backlog);
  options.unix_path = settings_.unixsocket;
  options.unix_permissions = static_cast<uint32_t>(settings_.unixsocketperm);
  return options;
}

bool Server::AcceptsConnection(net::Connection& connection) {
  if (connections_.connection_count() >= static_cast<size_t>(settings_.maxclients)) {
    // A handshake for no more than this text is too much to ask for in a crowd.
    if (!connection.is_tls()) connection.output().Append("-ERR max number of clients reached\r\n");
    ++engine_.stats().connections_rejected;
    return false;
  }
  const bool is_open = engine_.acl().users().default_user().needs_no_password();
  if (settings_.protected_mode && is_open && !IsLoopback(connection)) {
    connection.output().Append(
        "-DENIED Protected mode is on and the default user has no password, so that only clients on this "
        "host may "
        "connect. To let others in: set a password with CONFIG SET requirepass (or requirepass in the "
        "configuration "
        "file), or, if every network that reaches this server is trusted, turn it off with CONFIG SET "
        "protected-mode "
        "no.\r\n");
    ++engine_.stats().connections_rejected;
    return false;
  }
  return true;
}

void Server::OnOpen(engine::Client&) { ++engine_.stats().connections_received; }

void Server::AdjustFileLimit() {
  const size_t wanted = static_cast<size_t>(settings_.maxclients) + kReservedDescriptors;
  const size_t limit = env::RaiseFileLimit(wanted);
  if (limit < wanted) {
    log_.Warning(
        "maxclients is {}, but the system lets this process open {} files only: at most {} clients will be "
        "served. Raise 'ulimit -n' to change this.",
        settings_.maxclients, limit, limit - kReservedDescriptors);
  }
}

Status Server::Start() {
  AdjustFileLimit();
  listener_.set_keepalive_seconds(static_cast<int>(settings_.tcp_keepalive));
  if (settings_.io_threads > 1) {
    HEARTH_TRY(connections_.SetThreadCount(static_cast<int>(settings_.io_threads)));
  }
  if (Status status = listener_.Listen(ListenOptionsNow()); !status) {
    log_.Warning("{}", status.error().message);
    log_.Warning("Failed listening on port {} (tcp), aborting.", settings_.port);
    return status;
  }
  HEARTH_TRY(tls_setup_.Start());
  if (settings_.port == 0 && settings_.tls_port == 0 && settings_.unixsocket.empty()) {
    log_.Warning("Configured to not listen anywhere, exiting.");
    return Fail("nothing to listen on");
  }
  log_.Notice("Server initialized");
  process_.Apply();
  HEARTH_TRY(commands_.LoadUsers());
  HEARTH_TRY(StartService());
  if (settings_.port != 0) log_.Notice("Ready to accept connections tcp");
  if (!settings_.unixsocket.empty()) log_.Notice("Ready to accept connections unix");
  if (settings_.tls_port != 0) log_.Notice("Ready to accept connections tls");
  if (sentinel_ == nullptr) HEARTH_TRY(replication_.Start());
  loop_.After(0, [this] { Cron(); });
  loop_.Every(kTickMicros, [this] { Tick(); });
  return {};
}

Status Server::StartService() { return sentinel_ != nullptr ? sentinel_->Start() : persistence_.Start(); }

int Server::Run() {
  if (!is_stopping_) loop_.Run();
  listener_.Close();
  tls_setup_.Close();
  return exit_code_;
}

void Server::End() {
  is_stopping_ = true;
  loop_.Stop();
}

void Server::EndAtOnce() {
  exit_code_ = 1;
  End();
}

bool Server::TakeTurn() {
  loop_.RunOnce(0);
  return !is_stopping_;
}

// Timers and what goes on in the background wait: nobody else may see the dataset in the middle of a script.
script::Serving Server::ServeDuringScript() {
  loop_.RunNested();
  if (is_stopping_) return script::Serving::kEndNow;
  if (stop_signal_ == 0) stop_signal_ = env::TakeStopSignal();
  return stop_signal_ != 0 ? script::Serving::kEndIfClean : script::Serving::kGoOn;
}

int Server::TakeStopSignal() {
  return stop_signal_ != 0 ? std::exchange(stop_signal_, 0) : env::TakeStopSignal();
}

// Runs `hz` times a second.
void Server::Cron() {
  const int64_t period_us = 1000000 / settings_.hz;
  engine_.RefreshTime();
  // A quarter of the time at most goes to keys that nobody asks for.
  if (!engine_.debug().is_cron_paused) expiry_.Begin(period_us / 4);
  loop_.After(period_us, [this] { Cron(); });
}

// Ten times a second, whatever `hz` is.
void Server::Tick() {
  process_.Tick();
  if (engine_.debug().is_cron_paused) return;
  engine_.RefreshTime();
  ReportLatencies();
  defragmenter_.Begin(kTickMicros);
  limits_.Tick();
  scripts_.Tick();
  if (sentinel_ == nullptr) {
    persistence_.Tick();
    replication_.Tick();
  }
  commands_.Sample();
}

void Server::Defragment() {
  if (defragmenter_.running_percent() == 0) return;
  const uint64_t start = env::Ticks();
  if (defragmenter_.RunSlice()) loop_.RequestImmediateTurn();
  engine_.ReportLatency("active-defrag-cycle", static_cast<int64_t>(ticks_.ToMicros(env::Ticks() - start)));
}

// What the keyspace has timed since the last time.
void Server::ReportLatencies() {
  const keyspace::RemovalTimes times = std::exchange(engine_.keyspace().removal_times(), {});
  engine_.ReportLatency("expire-del", static_cast<int64_t>(ticks_.ToMicros(times.expiry_ticks)));
  engine_.ReportLatency("eviction-del", static_cast<int64_t>(ticks_.ToMicros(times.eviction_ticks)));
}

// The loop wakes when clients have waited long enough, and not only at the next Cron. 0 is never.
void Server::WakeFor(int64_t at_ms) {
  constexpr int64_t kLongestMs = 1000;
  if (at_ms == 0) return;
  loop_.LimitNextWait(std::clamp<int64_t>(at_ms - clock_.WallMicros() / 1000, 0, kLongestMs) * 1000);
}

void Server::BeforeWait() {
  if (const int signal = TakeStopSignal(); signal != 0 && !is_stopping_) {
    shutdown_.BeginBySignal(signal);
  }
  engine_.BeforeWait();
  commands_.OnTurn();
  WakeFor(engine_.blocking().NextDeadlineMs());
  WakeFor(engine_.pause().until_ms());
  const uint64_t start = engine_.latency().is_on() ? env::Ticks() : 0;
  if (expiry_.RunSlice()) loop_.RequestImmediateTurn();
  if (start != 0) {
    engine_.ReportLatency("expire-cycle", static_cast<int64_t>(ticks_.ToMicros(env::Ticks() - start)));
  }
  Defragment();
  if (engine_.must_evict_more()) {
    engine_.MakeRoom();
    loop_.RequestImmediateTurn();
  }
  // Last of those that change keys.
  if (engine_.tracking().Step()) loop_.RequestImmediateTurn();
  if (engine_.effects().wanted()) engine_.effects().Flush();
  if (sentinel_ == nullptr) {
    replication_.BeforeWait();
    persistence_.BeforeWait();
  }
  shutdown_.Step();
}

}  // namespace hearth::server
