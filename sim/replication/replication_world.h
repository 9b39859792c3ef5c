// Servers that follow each other in chains and stars, over a network that fails, with restarts, role changes
// and planned failovers in the middle; in the end everything heals, and all are to be equal.
#pragma once

#include "sim/replication/server.h"
#include "sim/world.h"

namespace hearth::sim {

class ReplicationWorld final : public World {
 public:
  explicit ReplicationWorld(PlantedBug planted = PlantedBug::kNone) : planted_(planted) {}

  std::string_view name() const override { return "replication"; }
  int share() const override { return 1; }
  std::vector<Fault> Plan(uint64_t seed) const override;
  Played Play(uint64_t seed, std::span<const Fault> faults, Trace& trace) const override;

 private:
  const PlantedBug planted_;
};

}  // namespace hearth::sim
