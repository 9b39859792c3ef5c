// Integers of 1 to 64 bits at any bit of a bitmap, highest bit first, and sums of them that may overflow:
// what BITFIELD is made of.
//
// Pure functions over the caller's memory; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearth::ds {

struct IntegerType {
  bool is_signed;
  uint8_t bits;  // 1..64; 63 at most if not signed
};

// The integer at bit `at`. Bits beyond the end of `bytes` are zeros.
int64_t ReadInteger(std::string_view bytes, uint64_t at, IntegerType type);

// Writes the lowest bits of `value` at bit `at`; the bytes must be there.
void WriteInteger(char* bytes, uint64_t at, IntegerType type, int64_t value);

enum class Overflow : uint8_t { kWrap, kSaturate, kFail };

struct Sum {
  int64_t value;
  bool overflows;  // `value` has been wrapped or saturated then, and means nothing under kFail
};

// `value` + `increment` as the type can hold it. `value` itself may be out of the type's range: with an
// increment of 0 that is how a value to be set is fitted. One below the range by more than 2^63 counts as
// above it, as it does in Redis.
Sum AddInteger(int64_t value, int64_t increment, IntegerType type, Overflow overflow);

}  // namespace hearth::ds
