// The seeded hash of every table: XXH3 with a secret random seed, so that clients cannot aim for collisions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearth {

// Set once, before any table exists, from the system's random source. Tests leave it at its fixed default.
void SetHashSeed(uint64_t seed);

// 64-bit hash of `bytes` under the process's seed. Thread-safe after SetHashSeed.
uint64_t Hash(std::string_view bytes);

}  // namespace hearth
