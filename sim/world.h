// A world is what the simulator knows how to play: from a seed it draws who is there and what goes wrong,
// plays that history, and says whether a promise was broken. Playing the same seed with the same faults gives
// the same history.
//
// Immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/fault.h"
#include "sim/trace.h"

namespace hearth::sim {

struct Played {
  uint64_t events = 0;
  int64_t virtual_us = 0;
};

class World {
 public:
  virtual ~World() = default;
  virtual std::string_view name() const = 0;
  // How much of the time it is to get, beside the others; 0 if it is played by its name alone.
  virtual int share() const = 0;
  virtual std::vector<Fault> Plan(uint64_t seed) const = 0;
  // What was broken is in the trace.
  virtual Played Play(uint64_t seed, std::span<const Fault> faults, Trace& trace) const = 0;
};

// A part of the faults with which the history still breaks a promise, smaller if one is found with at most
// `most_plays` plays.
std::vector<Fault> Shrink(const World& world, uint64_t seed, std::vector<Fault> faults, int most_plays);

// Plays one history after the other from `seed` on, at most `count`; the seed of the first that breaks a
// promise.
struct Found {
  uint64_t seed = 0;
  std::string violation;  // empty if none did
  uint64_t played = 0;
};
Found FindViolation(const World& world, uint64_t seed, uint64_t count);

}  // namespace hearth::sim
