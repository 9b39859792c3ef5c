// SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF, the persistence section of INFO, and those of DEBUG's subcommands
// that load. Owned by the composition root. Engine thread only.
#pragma once

#include "engine/engine.h"
#include "persistence/persistence.h"
#include "server/info.h"

namespace hearth::server {

class PersistenceCommands {
 public:
  PersistenceCommands(persistence::Persistence& persistence, engine::Engine& engine)
      : persistence_(persistence), engine_(engine) {}

  void Register(engine::CommandTable& table, Info& info);

  // DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]
  void DebugReload(engine::Context& ctx);
  // DEBUG LOADAOF
  void DebugLoadAof(engine::Context& ctx);

 private:
  void Save(engine::Context& ctx);
  void BgSave(engine::Context& ctx);
  void LastSave(engine::Context& ctx);
  void BgRewriteAof(engine::Context& ctx);

  void WriteInfo(InfoText& text) const;
  void WriteLoading(InfoText& text) const;
  void WriteAppendOnly(InfoText& text) const;

  persistence::Persistence& persistence_;
  engine::Engine& engine_;
};

}  // namespace hearth::server
