// TIME, LOLWUT and SHUTDOWN. Owned by the composition root. Engine thread only.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/engine.h"
#include "server/shutdown.h"

namespace hearth::server {

class ServerCommands {
 public:
  ServerCommands(Shutdown& shutdown, engine::Engine& engine) : shutdown_(shutdown), engine_(engine) {}

  void Register(engine::CommandTable& table);

 private:
  void ShutDown(engine::Context& ctx);
  void AbortShutdown(engine::Context& ctx);
  void WaitForShutdown(engine::Context& ctx);

  Shutdown& shutdown_;
  engine::Engine& engine_;
  std::vector<uint64_t> waiting_;  // clients whose SHUTDOWN waits for replicas
};

}  // namespace hearth::server
