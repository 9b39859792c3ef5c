// SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF, WAIT and WAITAOF, the persistence section of INFO, and those of
// DEBUG's subcommands that load. Owned by the composition root. Engine thread only.
#pragma once

#include "engine/engine.h"
#include "persistence/persistence.h"
#include "replication/primary_link.h"
#include "server/info.h"
#include "server/wait_commands.h"

namespace hearth::server {

class PersistenceCommands {
 public:
  PersistenceCommands(persistence::Persistence& persistence, const replication::PrimaryLink& link,
                      engine::Engine& engine)
      : persistence_(persistence), link_(link), engine_(engine), wait_(persistence, engine) {}

  void Register(engine::CommandTable& table, Info& info);

  // DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]
  void DebugReload(engine::Context& ctx);
  // DEBUG LOADAOF
  void DebugLoadAof(engine::Context& ctx);
  // DEBUG CHANGE-REPL-ID
  void DebugChangeReplicationId(engine::Context& ctx);

 private:
  void Save(engine::Context& ctx);
  void BgSave(engine::Context& ctx);
  void LastSave(engine::Context& ctx);
  void BgRewriteAof(engine::Context& ctx);

  void WriteInfo(InfoText& text) const;
  void WriteLoading(const persistence::LoadStats& stats, InfoText& text) const;
  void WriteAppendOnly(InfoText& text) const;

  persistence::Persistence& persistence_;
  const replication::PrimaryLink& link_;
  engine::Engine& engine_;
  WaitCommands wait_;
};

}  // namespace hearth::server
