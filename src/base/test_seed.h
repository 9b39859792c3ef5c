// The seed of a randomised test: HEARTH_SEED if that is set, else one from the system. It is printed, so that
// a failure can be run again.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace hearth {

inline uint64_t TestSeed() {
  const char* given = std::getenv("HEARTH_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::printf("HEARTH_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace hearth
