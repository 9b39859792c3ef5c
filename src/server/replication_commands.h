// REPLICAOF, ROLE, FAILOVER, REPLICATION, REPLCONF, PSYNC and SYNC, and the replication section of INFO.
// Owned by the composition root. Engine thread only.
#pragma once

#include "engine/engine.h"
#include "replication/replication.h"
#include "server/info.h"

namespace hearth::server {

class ReplicationCommands {
 public:
  ReplicationCommands(replication::Replication& replication, engine::Engine& engine)
      : replication_(replication), engine_(engine) {}

  void Register(engine::CommandTable& table, Info& info);

 private:
  void ReplicaOf(engine::Context& ctx);
  void Role(engine::Context& ctx);
  void Failover(engine::Context& ctx);
  void History(engine::Context& ctx);
  void Fence(engine::Context& ctx);
  void Replaced(engine::Context& ctx);
  void Promote(engine::Context& ctx);
  void Follow(engine::Context& ctx);
  void Replconf(engine::Context& ctx);
  void Psync(engine::Context& ctx);
  void Sync(engine::Context& ctx);

  void WriteInfo(InfoText& text) const;
  void WriteRejoins(InfoText& text) const;
  void WriteLink(InfoText& text) const;
  void WriteReplicas(InfoText& text) const;
  void WritePromises(InfoText& text) const;
  void WriteAcksSet(InfoText& text) const;
  void WriteLog(InfoText& text) const;

  replication::Replication& replication_;
  engine::Engine& engine_;
};

}  // namespace hearth::server
