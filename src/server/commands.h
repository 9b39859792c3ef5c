// All commands: makes the objects behind them and binds every handler to its command.
//
// Owned by Server; engine thread only.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/log.h"
#include "engine/client_limits.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "env/random.h"
#include "keyspace/expiry_cycle.h"
#include "net/event_loop.h"
#include "net/io_threads.h"
#include "server/config_commands.h"
#include "server/debug_commands.h"
#include "server/info.h"
#include "server/info_metrics.h"
#include "server/memory_commands.h"
#include "server/persistence_commands.h"
#include "server/replication_commands.h"
#include "server/server_commands.h"
#include "settings/configuration.h"

namespace hearth::server {

class Commands {
 public:
  struct Parts {
    settings::Configuration& configuration;
    Logger& log;
    env::Clock& clock;
    env::Random& random;
    net::EventLoop& loop;
    engine::Engine& engine;
    keyspace::ExpiryCycle& expiry;
    net::IoThreads& connections;
    engine::ClientLimits& limits;
    persistence::Persistence& persistence;
    replication::Replication& replication;
    Shutdown& shutdown;
  };
  explicit Commands(const Parts& parts);

  // Takes the measurements that INFO shows as rates.
  void Sample() { metrics_.Sample(); }

 private:
  const Identity identity_;
  Metrics metrics_;
  ConfigCommands config_;
  DebugCommands debug_;
  Info info_;
  MemoryCommands memory_;
  PersistenceCommands persistence_;
  ReplicationCommands replication_;
  ServerCommands server_;
};

}  // namespace hearth::server
