// Up to seven Sentinels that watch one or two primaries with up to five replicas each, over a network that
// fails, with hosts that stop, die and come back, and clocks that go wrong. In the end everything heals, and
// all Sentinels and servers are to agree. In the world of promises the servers promise writes, too: it is
// played when it is asked for by its name.
#pragma once

#include "sim/sentinel/talker.h"
#include "sim/world.h"

namespace hearth::sim {

class SentinelWorld final : public World {
 public:
  explicit SentinelWorld(SentinelBug planted = SentinelBug::kNone, bool promises = false)
      : planted_(planted), promises_(promises) {}

  std::string_view name() const override { return promises_ ? "promises" : "sentinel"; }
  int share() const override { return promises_ ? 0 : 5; }
  std::vector<Fault> Plan(uint64_t seed) const override;
  Played Play(uint64_t seed, std::span<const Fault> faults, Trace& trace) const override;

 private:
  const SentinelBug planted_;
  const bool promises_;
};

}  // namespace hearth::sim
