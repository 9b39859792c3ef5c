// WAIT and WAITAOF: the reply waits at the gate (log/gate.h) until the caller's last write is on enough
// replicas, or on disk here and there. Others go on meanwhile.
//
// Owned by PersistenceCommands. Engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "engine/engine.h"
#include "log/gate.h"
#include "persistence/persistence.h"

namespace hearth::server {

class WaitCommands {
 public:
  WaitCommands(persistence::Persistence& persistence, engine::Engine& engine)
      : persistence_(persistence), engine_(engine) {}

  void Register(engine::CommandTable& table);

 private:
  // Writes how far things are at an offset.
  using Answer = std::function<void(resp::Writer&)>;

  void Wait(engine::Context& ctx);
  void WaitAof(engine::Context& ctx);
  // Milliseconds from argument `i`; the error has been replied if there is none.
  std::optional<int64_t> Deadline(engine::Context& ctx, size_t i);
  void WaitAtGate(engine::Context& ctx, uint64_t offset, const log::GateRequirement& requirement,
                  int64_t deadline_ms, Answer answer);

  bool IsSyncedHere(uint64_t offset) const;

  persistence::Persistence& persistence_;
  engine::Engine& engine_;
};

}  // namespace hearth::server
