#include "ds/bitmap_integers.h"

#include <gtest/gtest.h>

#include <string>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::ds {
namespace {

TEST(BitmapIntegersTest, ReadsBackWhatWasWrittenAndLeavesTheRestAlone) {
  Prng random(TestSeed());
  for (int round = 0; round < 5000; ++round) {
    std::string bytes(24, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.Next());
    const std::string before = bytes;
    const bool is_signed = random.Below(2) == 0;
    const IntegerType type{is_signed, static_cast<uint8_t>(1 + random.Below(is_signed ? 64 : 63))};
    const uint64_t at = random.Below(24 * 8 - type.bits + 1);
    const int64_t value = static_cast<int64_t>(random.Next());
    WriteInteger(bytes.data(), at, type, value);
    const int64_t fitted = AddInteger(value, 0, type, Overflow::kWrap).value;
    ASSERT_EQ(ReadInteger(bytes, at, type), fitted) << at << " " << int{type.bits};
    for (uint64_t bit = 0; bit < 24 * 8; ++bit) {
      const IntegerType one{false, 1};
      const int64_t expected =
          bit < at || bit >= at + type.bits
              ? ReadInteger(before, bit, one)
              : static_cast<int64_t>(static_cast<uint64_t>(value) >> (at + type.bits - 1 - bit) & 1);
      ASSERT_EQ(ReadInteger(bytes, bit, one), expected);
    }
  }
}

TEST(BitmapIntegersTest, BitsBeyondTheEndAreZeros) {
  EXPECT_EQ(ReadInteger("\xff", 4, {false, 8}), 0xf0);
  EXPECT_EQ(ReadInteger("\xff", 8, {false, 8}), 0);
  EXPECT_EQ(ReadInteger("", uint64_t{1} << 60, {true, 64}), 0);
}

TEST(BitmapIntegersTest, SumsAgreeWithWideArithmetic) {
  Prng random(TestSeed());
  for (int round = 0; round < 20000; ++round) {
    const bool is_signed = random.Below(2) == 0;
    const IntegerType type{is_signed, static_cast<uint8_t>(1 + random.Below(is_signed ? 64 : 63))};
    const __int128 max = (static_cast<__int128>(1) << (type.bits - is_signed)) - 1;
    const __int128 min = is_signed ? -max - 1 : 0;
    const int64_t value = AddInteger(static_cast<int64_t>(random.Next()), 0, type, Overflow::kWrap).value;
    const int64_t increment = static_cast<int64_t>(random.Next()) >> random.Below(64);
    const __int128 sum = static_cast<__int128>(value) + increment;
    for (Overflow overflow : {Overflow::kWrap, Overflow::kSaturate}) {
      const Sum got = AddInteger(value, increment, type, overflow);
      ASSERT_EQ(got.overflows, sum < min || sum > max) << value << " " << increment << " " << int{type.bits};
      __int128 expected = sum;
      if (overflow == Overflow::kSaturate) {
        expected = sum > max ? max : sum < min ? min : sum;
      } else if (got.overflows) {
        const __int128 modulus = static_cast<__int128>(1) << type.bits;
        expected = ((sum - min) % modulus + modulus) % modulus + min;
      }
      ASSERT_EQ(got.value, static_cast<int64_t>(expected))
          << value << " " << increment << " " << int{type.bits};
    }
  }
}

}  // namespace
}  // namespace hearth::ds
