// TIME, LOLWUT, SHUTDOWN, CLIENT PROBE, and MODULE, of which there are none. Owned by the composition root.
// Engine thread only.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/engine.h"
#include "net/io_threads.h"
#include "server/shutdown.h"

namespace hearth::server {

class ServerCommands {
 public:
  ServerCommands(Shutdown& shutdown, engine::Engine& engine, net::IoThreads& connections)
      : shutdown_(shutdown), engine_(engine), connections_(connections) {}

  void Register(engine::CommandTable& table);

 private:
  void ShutDown(engine::Context& ctx);
  void AbortShutdown(engine::Context& ctx);
  void WaitForShutdown(engine::Context& ctx);
  void Probe(engine::Context& ctx);

  Shutdown& shutdown_;
  engine::Engine& engine_;
  net::IoThreads& connections_;
  std::vector<uint64_t> waiting_;  // clients whose SHUTDOWN waits for replicas
};

}  // namespace hearth::server
