// The system's random source: for seeds, ids and secrets. Thread-safe. For everything else use base/prng.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace hearth::env {

class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(std::span<std::byte> bytes) = 0;

  uint64_t Seed64() {
    uint64_t seed;
    Fill(std::as_writable_bytes(std::span(&seed, 1)));
    return seed;
  }
};

// 40 hexadecimal digits, as run ids and replication ids are.
std::string MakeId(Random& random);

std::unique_ptr<Random> MakeSystemRandom();

}  // namespace hearth::env
