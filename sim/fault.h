// What goes wrong in a history, and what operators do in it: a list that is made from the seed beforehand, so
// that a failing history can be played again with a part of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/prng.h"
#include "sim/host.h"

namespace hearth::sim {

struct Fault {
  enum class Kind : uint8_t {
    kPartition,  // the hosts of the set `value` and the others do not hear each other
    kIsolation,  // the hosts of the set `value` do not hear the others, or are not heard
    kOneWay,     // nothing comes from `a` to `b`
    kBreak,      // connections between `a` and `b` are reset
    kSlow,       // `a` to `b` takes `value` microseconds more
    kStop,       // the process of `a` is stopped for a while
    kKill,       // the process of `a` is killed, and started later
    kPowerOff,   // the machine of `a` vanishes, and comes back
    kWallJump,   // the wall clock of `a` jumps by `value` microseconds
    kOperator,   // what the world makes of `a`, `b` and `value`
  };
  static constexpr int kKinds = 10;

  Kind kind;
  int64_t at_us = 0;
  int64_t for_us = 0;
  HostId a = 0;
  HostId b = 0;
  int64_t value = 0;
};

// One line for the trace.
std::string Describe(const Fault& fault);

// How a list is drawn.
struct FaultMix {
  int host_count = 0;
  int most = 0;  // at most so many
  int64_t from_us = 0;
  int64_t until_us = 0;    // each has ended by then
  int64_t longest_us = 0;  // of one
  int weights[Fault::kKinds] = {};
  HostId favourite = -1;  // is met more often, if it is a host
};

std::vector<Fault> PlanFaults(Prng& random, const FaultMix& mix);

}  // namespace hearth::sim
