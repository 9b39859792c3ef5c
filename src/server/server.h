// The composition root: makes every part, gives each what it needs, runs the loop, and ends in order.
//
// One Server a process, made and run on the main thread, which becomes the engine thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "engine/client_limits.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "env/disk.h"
#include "env/net.h"
#include "env/random.h"
#include "keyspace/defragmenter.h"
#include "keyspace/expiry_cycle.h"
#include "net/event_loop.h"
#include "net/io_threads.h"
#include "net/listener.h"
#include "net/tls_context.h"
#include "persistence/persistence.h"
#include "replication/replication.h"
#include "script/scripts.h"
#include "server/commands.h"
#include "server/process_settings.h"
#include "server/sentinel_mode.h"
#include "server/shutdown.h"
#include "server/tls_setup.h"
#include "settings/configuration.h"

namespace hearth::server {

class Server {
 public:
  // `configuration` is loaded and outlives the server, as do the environment's parts. With `sentinel` the
  // server is a Sentinel and has no data.
  Server(settings::Configuration& configuration, Logger& log, env::Clock& clock, env::Net& net,
         env::Poller& poller, env::Random& random, env::Disk& disk,
         std::optional<SentinelState> sentinel = std::nullopt);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Opens the listening sockets, loads the dataset, and says so in the log. The error has been logged when
  // this returns.
  Status Start();
  // Serves until a stop signal or SHUTDOWN. Returns the exit code.
  int Run();
  // Ends the wait of the loop. Async-signal-safe.
  void Wake() { loop_.Wake(); }
  // What INFO says, for the report of a crash.
  std::string Describe() const { return commands_.Describe(); }

 private:
  void BecomeSentinel(env::Net& net, SentinelState state);
  void RenameCommands();
  void ApplySettingsAtRunTime();
  net::ListenOptions ListenOptionsNow() const;
  bool AcceptsConnection(net::Connection& connection);
  void OnOpen(engine::Client& client);
  void Cron();
  void Tick();
  void BeforeWait();
  void WakeFor(int64_t at_ms);
  void AdjustFileLimit();
  void ReportLatencies();
  void Defragment();
  // Serves clients for a moment while data is loaded; false if the server is to end.
  bool TakeTurn();
  // The same in the middle of a script that takes long.
  script::Serving ServeDuringScript();
  int TakeStopSignal();
  // What keeps and replicates the dataset, or in its place the Sentinel.
  Status StartService();
  void EndAtOnce();
  void End();

  settings::Configuration& configuration_;
  const settings::Settings& settings_;
  Logger& log_;
  env::Clock& clock_;
  const env::TickScale ticks_;
  net::EventLoop loop_;
  engine::Engine engine_;
  keyspace::ExpiryCycle expiry_;
  keyspace::Defragmenter defragmenter_;
  net::IoThreads connections_;
  net::Listener listener_;
  net::Tls tls_;
  TlsSetup tls_setup_;
  engine::ClientLimits limits_;
  persistence::Persistence persistence_;
  replication::Replication replication_;
  Shutdown shutdown_;
  script::Scripts scripts_;
  Commands commands_;
  ProcessSettings process_;
  std::unique_ptr<SentinelMode> sentinel_;  // null for a server with data
  bool is_stopping_ = false;
  int stop_signal_ = 0;  // taken while a script ran, and not yet followed
  int exit_code_ = 0;
};

}  // namespace hearth::server
