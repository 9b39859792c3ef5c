// The opcodes of sparse HyperLogLog sketches, for the sketch's own parts.
//
//   00nnnnnn            n + 1 registers of zero (1..64)
//   01nnnnnn nnnnnnnn   n + 1 registers of zero (1..16384), high bits first
//   1vvvvvnn            n + 1 registers (1..4) of value v + 1 (1..32)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ds/hyperloglog.h"

namespace hearth::ds::hll {

inline constexpr uint32_t kMaxValue = 32;
inline constexpr uint32_t kMaxValueRun = 4;
inline constexpr uint32_t kMaxShortRun = 64;

struct Opcode {
  uint8_t value;  // 0 for runs of zeros
  uint8_t size;   // bytes
  uint32_t run;

  bool is_value() const { return value != 0; }
};

// The opcode at `at`, which is before the end. One whose second byte is missing has run 0.
inline Opcode ReadOpcode(std::string_view sketch, size_t at) {
  const uint8_t first = static_cast<uint8_t>(sketch[at]);
  if (first & 0x80) return {static_cast<uint8_t>((first >> 2 & 0x1f) + 1), 1, (first & 3u) + 1};
  if (!(first & 0x40)) return {0, 1, (first & 0x3fu) + 1};
  if (at + 1 >= sketch.size()) return {0, 2, 0};
  return {0, 2, ((first & 0x3fu) << 8 | static_cast<uint8_t>(sketch[at + 1])) + 1};
}

inline char ValueOpcode(uint32_t value, uint32_t run) {
  return static_cast<char>(0x80 | (value - 1) << 2 | (run - 1));
}

// Writes a run of zeros in the shortest form; returns its size.
inline size_t PutZeros(char* to, uint32_t run) {
  if (run <= kMaxShortRun) {
    to[0] = static_cast<char>(run - 1);
    return 1;
  }
  to[0] = static_cast<char>(0x40 | (run - 1) >> 8);
  to[1] = static_cast<char>(run - 1);
  return 2;
}

// Calls `use(opcode, first_register)` for each opcode. False if they do not cover the registers exactly;
// `use` is never given a register that there is not.
template <typename Use>
bool ForEachOpcode(std::string_view sketch, Use&& use) {
  uint32_t index = 0;
  for (size_t at = kHllHeaderBytes; at < sketch.size();) {
    const Opcode opcode = ReadOpcode(sketch, at);
    if (opcode.run == 0 || opcode.run > kHllRegisters - index) return false;
    use(opcode, index);
    index += opcode.run;
    at += opcode.size;
  }
  return index == kHllRegisters;
}

}  // namespace hearth::ds::hll
