// DEBUG: what tests and client libraries need to look inside or to provoke. Owned by the composition root.
// Engine thread only.
#pragma once

#include <functional>

#include "engine/engine.h"

namespace hearth::server {

class DebugCommands {
 public:
  struct Actions {
    // DEBUG SET-ACTIVE-EXPIRE.
    std::function<void(bool on)> set_active_expiry;
    std::function<void(engine::Context&)> reload;
    std::function<void(engine::Context&)> load_aof;
    std::function<void(engine::Context&)> change_replication_id;
    // CONFIG REWRITE with a line for every directive.
    std::function<Status()> rewrite_all_settings;
    // DEBUG RESTART and CRASH-AND-RECOVER: the process begins anew after a while, saved before or not.
    // Returns only if it cannot.
    std::function<Status(bool saves, int64_t delay_us)> restart;
    // A switch that the append-only file's writer follows has changed.
    std::function<void()> configure_aof;
  };
  explicit DebugCommands(Actions actions) : actions_(std::move(actions)) {}

  void Register(engine::CommandTable& table);

 private:
  void Run(engine::Context& ctx);
  void Restart(engine::Context& ctx);

  const Actions actions_;
};

}  // namespace hearth::server
