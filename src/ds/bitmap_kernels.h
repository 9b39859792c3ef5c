// Whole-array work on bitmaps: counting, searching and combining bits. A bitmap is a run of bytes; bit 0 is
// the highest bit of the first byte, as clients number them.
//
// Pure functions over the caller's memory; any thread. Machines with AVX2 take a path of their own, chosen at
// run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearth::ds {

// One bits in the whole of `bytes`.
uint64_t CountOnes(std::string_view bytes);
// One bits among the bits [first, last] of `bytes`, which has them all.
uint64_t CountOnesInBits(std::string_view bytes, uint64_t first, uint64_t last);

// The first bit in [first, last] of `bytes`, which has them all, that equals `value`; -1 if there is none.
int64_t FindBit(std::string_view bytes, bool value, uint64_t first, uint64_t last);

enum class BitOperation : uint8_t { kAnd, kOr, kXor };

// Combines `source` into the first source.size() bytes of `target`.
void CombineBits(BitOperation operation, char* target, std::string_view source);
// Turns every bit of `bytes` over.
void InvertBits(char* bytes, size_t size);

}  // namespace hearth::ds
