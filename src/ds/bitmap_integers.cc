#include "ds/bitmap_integers.h"

#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"

namespace hearth::ds {
namespace {

uint64_t LowMask(int bits) { return bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

// The value of the type that has the same lowest bits.
int64_t Fit(uint64_t value, IntegerType type) {
  if (!type.is_signed) return static_cast<int64_t>(value & LowMask(type.bits));
  const int unused = 64 - type.bits;
  return static_cast<int64_t>(value << unused) >> unused;
}

Sum AddUnsigned(uint64_t value, int64_t increment, IntegerType type, Overflow overflow) {
  const uint64_t max = LowMask(type.bits);
  const uint64_t sum = value + static_cast<uint64_t>(increment);
  const bool is_above = value > max || (increment > 0 && static_cast<uint64_t>(increment) > max - value);
  // Values have 63 bits at most, so the sum is below zero if it reads so.
  const bool is_below = !is_above && increment < 0 && static_cast<int64_t>(sum) < 0;
  if (!is_above && !is_below) return {static_cast<int64_t>(sum), false};
  if (overflow == Overflow::kSaturate) return {static_cast<int64_t>(is_above ? max : 0), true};
  return {Fit(sum, type), true};
}

Sum AddSigned(int64_t value, int64_t increment, IntegerType type, Overflow overflow) {
  const int64_t max = static_cast<int64_t>(LowMask(type.bits - 1));
  const int64_t min = -max - 1;
  const uint64_t sum = static_cast<uint64_t>(value) + static_cast<uint64_t>(increment);
  // How far it is to either end; this may wrap for a value out of range.
  const int64_t to_max = static_cast<int64_t>(static_cast<uint64_t>(max) - static_cast<uint64_t>(value));
  const int64_t to_min = static_cast<int64_t>(static_cast<uint64_t>(min) - static_cast<uint64_t>(value));
  const bool is_narrow = type.bits < 64;
  const bool is_above =
      value > max || (is_narrow && increment > to_max) || (value >= 0 && increment > 0 && increment > to_max);
  const bool is_below = !is_above && (value < min || (is_narrow && increment < to_min) ||
                                      (value < 0 && increment < 0 && increment < to_min));
  if (!is_above && !is_below) return {static_cast<int64_t>(sum), false};
  if (overflow == Overflow::kSaturate) return {is_above ? max : min, true};
  return {Fit(sum, type), true};
}

}  // namespace

int64_t ReadInteger(std::string_view bytes, uint64_t at, IntegerType type) {
  // The integer lies within nine bytes: eight, and one more if it does not begin with a byte.
  const uint64_t first = at / 8;
  const int shift = static_cast<int>(at % 8);
  char window[9] = {};
  if (first < bytes.size()) {
    const size_t rest = bytes.size() - first;
    std::memcpy(window, bytes.data() + first, rest < 9 ? rest : 9);
  }
  uint64_t top = LoadBig64(window) << shift;
  if (shift > 0) top |= static_cast<uint8_t>(window[8]) >> (8 - shift);
  return Fit(top >> (64 - type.bits), type);
}

void WriteInteger(char* bytes, uint64_t at, IntegerType type, int64_t value) {
  // From the last byte to the first, as many bits at a time as fall into one byte.
  uint64_t rest = static_cast<uint64_t>(value) & LowMask(type.bits);
  uint64_t end = at + type.bits;
  int left = type.bits;
  while (left > 0) {
    const int unused = static_cast<int>((8 - end % 8) % 8);  // bits of the byte after the integer's
    const int taken = left < 8 - unused ? left : 8 - unused;
    const uint64_t mask = LowMask(taken) << unused;
    char& byte = bytes[(end - 1) / 8];
    byte = static_cast<char>((static_cast<uint8_t>(byte) & ~mask) | (rest << unused & mask));
    rest = taken == 64 ? 0 : rest >> taken;
    end -= static_cast<uint64_t>(taken);
    left -= taken;
  }
}

Sum AddInteger(int64_t value, int64_t increment, IntegerType type, Overflow overflow) {
  HEARTH_ASSERT(type.bits >= 1 && type.bits <= (type.is_signed ? 64 : 63));
  return type.is_signed ? AddSigned(value, increment, type, overflow)
                        : AddUnsigned(static_cast<uint64_t>(value), increment, type, overflow);
}

}  // namespace hearth::ds
