// What makes a server a Sentinel: the machine with its state, which is loaded before anything is opened, and
// then the parts around it. There is no dataset, no persistence and no replication.
//
// Owned by main and Server; main thread, which becomes the engine thread.
#pragma once

#include <memory>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "env/disk.h"
#include "env/net.h"
#include "env/random.h"
#include "net/event_loop.h"
#include "net/tls_context.h"
#include "sentinel/carrier.h"
#include "sentinel/sentinel_commands.h"
#include "sentinel/state_file.h"
#include "settings/configuration.h"

namespace hearth::server {

// The state of a Sentinel as it was found on disk.
struct SentinelState {
  std::unique_ptr<sentinel::StateFile> file;
  std::unique_ptr<sentinel::Machine> machine;
};
// The error is a text for Configuration::FatalText.
Result<SentinelState> LoadSentinelState(settings::Configuration& configuration, env::Disk& disk,
                                        env::Clock& clock, env::Random& random, Logger& log);

class SentinelMode {
 public:
  struct Parts {
    settings::Configuration& configuration;
    engine::Engine& engine;
    net::EventLoop& loop;
    env::Net& net;
    env::Clock& clock;
    Logger& log;
    const net::Tls& tls;
  };
  SentinelMode(const Parts& parts, SentinelState state);

  // Begins to watch. The error has been logged.
  Status Start() { return carrier_.Start(); }
  sentinel::SentinelCommands& commands() { return commands_; }

 private:
  const std::unique_ptr<sentinel::StateFile> file_;
  sentinel::Carrier carrier_;
  sentinel::SentinelCommands commands_;
};

}  // namespace hearth::server
