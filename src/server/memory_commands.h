// MEMORY: what keys and the server hold. Owned by the composition root. Engine thread only.
#pragma once

#include "engine/engine.h"
#include "server/info_metrics.h"

namespace hearth::server {

class MemoryCommands {
 public:
  MemoryCommands(engine::Engine& engine, const Metrics& metrics, const Identity& identity)
      : engine_(engine), metrics_(metrics), identity_(identity) {}

  void Register(engine::CommandTable& table);

 private:
  void Stats(engine::Context& ctx);
  void Doctor(engine::Context& ctx);

  engine::Engine& engine_;
  const Metrics& metrics_;
  const Identity& identity_;
};

}  // namespace hearth::server
