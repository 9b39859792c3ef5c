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
#include "env/disk.h"
#include "env/random.h"
#include "keyspace/defragmenter.h"
#include "keyspace/expiry_cycle.h"
#include "net/event_loop.h"
#include "net/io_threads.h"
#include "script/scripts.h"
#include "sentinel/sentinel_commands.h"
#include "server/config_commands.h"
#include "server/debug_commands.h"
#include "server/info.h"
#include "server/info_metrics.h"
#include "server/memory_commands.h"
#include "server/persistence_commands.h"
#include "server/replication_commands.h"
#include "server/server_commands.h"
#include "server/user_files.h"
#include "settings/configuration.h"

namespace hearth::server {

class Commands {
 public:
  struct Parts {
    settings::Configuration& configuration;
    Logger& log;
    env::Clock& clock;
    env::Random& random;
    env::Disk& disk;
    net::EventLoop& loop;
    engine::Engine& engine;
    keyspace::ExpiryCycle& expiry;
    keyspace::Defragmenter& defragmenter;
    net::IoThreads& connections;
    engine::ClientLimits& limits;
    persistence::Persistence& persistence;
    replication::Replication& replication;
    Shutdown& shutdown;
    script::Scripts& scripts;
  };
  explicit Commands(const Parts& parts);

  // From now on those of a Sentinel, which outlives this object. Before the first client comes.
  void BecomeSentinel(sentinel::SentinelCommands& sentinel);

  // Reads the users that the configuration has, or its ACL file. The error has been logged.
  Status LoadUsers() { return users_.Load(); }

  // All of INFO, for the report of a crash.
  std::string Describe() const;

  // Takes the measurements that INFO shows as rates.
  void Sample() { metrics_.Sample(); }
  // Once a turn, after its requests.
  void OnTurn() { metrics_.OnTurn(); }

 private:
  engine::CommandTable& table_;
  const Identity identity_;
  Metrics metrics_;
  ConfigCommands config_;
  DebugCommands debug_;
  Info info_;
  MemoryCommands memory_;
  PersistenceCommands persistence_;
  ReplicationCommands replication_;
  ServerCommands server_;
  UserFiles users_;
};

}  // namespace hearth::server
