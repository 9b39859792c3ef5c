// All commands: makes the objects behind them and binds every handler to its command.
//
// Owned by Server; engine thread only.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/log.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "env/disk.h"
#include "env/random.h"
#include "keyspace/expiry_cycle.h"
#include "net/event_loop.h"
#include "net/io_threads.h"
#include "net/listener.h"
#include "settings/configuration.h"

namespace hearth::server {

class Commands {
 public:
  struct Parts {
    settings::Configuration& configuration;
    Logger& log;
    env::Clock& clock;
    env::Disk& disk;
    env::Random& random;
    net::EventLoop& loop;
    engine::Engine& engine;
    keyspace::ExpiryCycle& expiry;
    net::IoThreads& connections;
    net::Listener& listener;
    // Ends the server in order; the text goes to the log.
    std::function<void(std::string_view why)> stop;
  };
  explicit Commands(const Parts& parts);
  ~Commands();

  // `hz` times a second.
  void Cron();

 private:
  struct Objects;
  std::unique_ptr<Objects> objects_;
};

}  // namespace hearth::server
