#include "sim/world.h"

#include <algorithm>

namespace hearth::sim {

std::vector<Fault> Shrink(const World& world, uint64_t seed, std::vector<Fault> faults, int most_plays) {
  const auto still_fails = [&](const std::vector<Fault>& some) {
    Trace trace(false);
    world.Play(seed, some, trace);
    return trace.has_failed();
  };
  // Ever smaller pieces are left out, as long as something fails without them.
  for (size_t piece = std::max<size_t>(faults.size() / 2, 1); !faults.empty(); piece /= 2) {
    for (size_t begin = 0; begin < faults.size() && most_plays > 0;) {
      std::vector<Fault> rest = faults;
      rest.erase(rest.begin() + begin, rest.begin() + std::min(begin + piece, rest.size()));
      --most_plays;
      if (still_fails(rest)) {
        faults = std::move(rest);
      } else {
        begin += piece;
      }
    }
    if (piece == 1) break;
  }
  return faults;
}

Found FindViolation(const World& world, uint64_t seed, uint64_t count) {
  Found found;
  for (; found.played < count; ++found.played) {
    Trace trace(false);
    found.seed = seed + found.played;
    const std::vector<Fault> faults = world.Plan(found.seed);
    world.Play(found.seed, faults, trace);
    if (!trace.has_failed()) continue;
    found.violation = trace.violation();
    break;
  }
  return found;
}

}  // namespace hearth::sim
