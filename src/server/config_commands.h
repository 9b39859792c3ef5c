// CONFIG: reads and changes the configuration at run time, and resets statistics.
//
// Owned by the composition root. Engine thread only.
#pragma once

#include "base/log.h"
#include "engine/engine.h"
#include "keyspace/defragmenter.h"
#include "replication/replicas.h"
#include "server/info_metrics.h"
#include "settings/configuration.h"

namespace hearth::server {

class ConfigCommands {
 public:
  ConfigCommands(settings::Configuration& configuration, engine::Engine& engine, Metrics& metrics,
                 replication::Replicas& replicas, keyspace::Defragmenter& defragmenter, Logger& log)
      : configuration_(configuration),
        engine_(engine),
        metrics_(metrics),
        replicas_(replicas),
        defragmenter_(defragmenter),
        log_(log) {}

  void Register(engine::CommandTable& table);

 private:
  void Get(engine::Context& ctx);
  void Set(engine::Context& ctx);
  void Rewrite(engine::Context& ctx);
  void ResetStatistics(engine::Context& ctx);

  settings::Configuration& configuration_;
  engine::Engine& engine_;
  Metrics& metrics_;
  replication::Replicas& replicas_;
  keyspace::Defragmenter& defragmenter_;
  Logger& log_;
};

}  // namespace hearth::server
