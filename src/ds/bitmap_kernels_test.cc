#include "ds/bitmap_kernels.h"

#include <cpuid.h>
#include <gtest/gtest.h>
#include <immintrin.h>

#include <string>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::ds {
namespace {

bool BitAt(const std::string& bytes, uint64_t bit) { return bytes[bit / 8] >> (7 - bit % 8) & 1; }

// Random bytes with long runs of zeros and ones, which searches have to skip.
std::string RandomBytes(Prng& random, size_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    const size_t run = 1 + random.Below(100);
    switch (random.Below(3)) {
      case 0:
        bytes.append(run, '\0');
        break;
      case 1:
        bytes.append(run, '\xff');
        break;
      default:
        for (size_t i = 0; i < run % 8; ++i) bytes.push_back(static_cast<char>(random.Next()));
    }
  }
  bytes.resize(size);
  return bytes;
}

TEST(BitmapKernelsTest, CountsAndFindsWhatALoopOverBitsDoes) {
  Prng random(TestSeed());
  for (int round = 0; round < 2000; ++round) {
    const std::string bytes = RandomBytes(random, 1 + random.Below(400));
    uint64_t first = random.Below(bytes.size() * 8);
    uint64_t last = random.Below(bytes.size() * 8);
    if (first > last) std::swap(first, last);
    uint64_t ones = 0;
    int64_t positions[2] = {-1, -1};
    for (uint64_t bit = first; bit <= last; ++bit) {
      const bool value = BitAt(bytes, bit);
      ones += value;
      if (positions[value] < 0) positions[value] = static_cast<int64_t>(bit);
    }
    ASSERT_EQ(CountOnesInBits(bytes, first, last), ones);
    ASSERT_EQ(FindBit(bytes, false, first, last), positions[0]) << first << " " << last;
    ASSERT_EQ(FindBit(bytes, true, first, last), positions[1]) << first << " " << last;
  }
}

TEST(BitmapKernelsTest, CountsWholeArraysOfAnyLength) {
  std::string bytes;
  for (size_t size = 0; size < 600; ++size) {
    EXPECT_EQ(CountOnes(bytes), 5 * size);
    bytes.push_back('\x3e');
  }
  EXPECT_EQ(CountOnes(std::string(100000, '\xff')), 800000u);
}

TEST(BitmapKernelsTest, CombinesByteByByte) {
  Prng random(TestSeed());
  for (int round = 0; round < 500; ++round) {
    const std::string a = RandomBytes(random, 200 + random.Below(100));
    const std::string b = RandomBytes(random, random.Below(200));
    std::string results[4] = {a, a, a, a};
    CombineBits(BitOperation::kAnd, results[0].data(), b);
    CombineBits(BitOperation::kOr, results[1].data(), b);
    CombineBits(BitOperation::kXor, results[2].data(), b);
    InvertBits(results[3].data(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      const bool in = i < b.size();
      ASSERT_EQ(results[0][i], in ? static_cast<char>(a[i] & b[i]) : a[i]);
      ASSERT_EQ(results[1][i], in ? static_cast<char>(a[i] | b[i]) : a[i]);
      ASSERT_EQ(results[2][i], in ? static_cast<char>(a[i] ^ b[i]) : a[i]);
      ASSERT_EQ(results[3][i], in ? static_cast<char>(~a[i]) : a[i]);
    }
  }
}

// Whether the processor can tell which parts of its state are in use, and that of AVX is one of them.
bool TellsStateInUse() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kExtendedState = 0xd;
  constexpr unsigned kReadsInUse = 1 << 2;
  return __builtin_cpu_supports("avx2") && __get_cpuid_count(kExtendedState, 1, &a, &b, &c, &d) != 0 &&
         (a & kReadsInUse) != 0;
}

__attribute__((target("xsave"))) bool UpperHalvesAreInUse() { return (_xgetbv(1) & 4) != 0; }

__attribute__((target("avx2"))) void ClearUpperHalves() { _mm256_zeroupper(); }

TEST(BitmapKernelsTest, LeavesNoVectorRegisterDirtyThatSlowsDownWhatComesAfter) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer uses vector registers of its own";
#endif
  if (!TellsStateInUse()) GTEST_SKIP() << "the processor does not tell";
  std::string bytes(4096, '\x3e');
  const std::string others = bytes;
  ClearUpperHalves();
  if (UpperHalvesAreInUse()) GTEST_SKIP() << "the processor does not tell";
  EXPECT_EQ(CountOnes(bytes), 5 * 4096u);
  EXPECT_FALSE(UpperHalvesAreInUse());
  EXPECT_EQ(FindBit(std::string(4096, '\0'), true, 0, 4096 * 8 - 1), -1);
  EXPECT_FALSE(UpperHalvesAreInUse());
  CombineBits(BitOperation::kXor, bytes.data(), others);
  EXPECT_FALSE(UpperHalvesAreInUse());
}

}  // namespace
}  // namespace hearth::ds
