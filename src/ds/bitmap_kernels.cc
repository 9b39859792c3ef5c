#include "ds/bitmap_kernels.h"

#include <immintrin.h>

#include <bit>

#include "base/assert.h"
#include "base/bytes.h"

namespace hearth::ds {
namespace {

// Below this many bytes the plain loops are as fast.
constexpr size_t kVectorBytes = 64;

bool HasAvx2() { return __builtin_cpu_supports("avx2"); }

// The bits of byte `bit / 8` from `bit` on, and those up to and including it.
uint8_t MaskFrom(uint64_t bit) { return static_cast<uint8_t>(0xff >> (bit & 7)); }
uint8_t MaskUpTo(uint64_t bit) { return static_cast<uint8_t>(0xff00 >> ((bit & 7) + 1)); }

uint64_t CountOnesPlain(const char* bytes, size_t size) {
  // Four sums, so that one count need not wait for the other.
  uint64_t sums[4] = {};
  size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    for (size_t n = 0; n < 4; ++n) {
      sums[n] += static_cast<uint64_t>(std::popcount(LoadLittle<uint64_t>(bytes + i + 8 * n)));
    }
  }
  for (; i < size; ++i) sums[0] += static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(bytes[i])));
  return sums[0] + sums[1] + sums[2] + sums[3];
}

// Counts 32 bytes at a time by looking up both halves of each byte in a table of 16 (Mula 2016). The sums of
// the bytes would overflow after 31 rounds, so they are added up into 64-bit lanes every 8.
__attribute__((target("avx2"))) uint64_t CountOnesAvx2(const char* bytes, size_t size) {
  const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i low_half = _mm256_set1_epi8(0x0f);
  const __m256i zero = _mm256_setzero_si256();
  __m256i total = zero;
  size_t i = 0;
  while (i + 32 <= size) {
    __m256i sums = zero;
    for (int round = 0; round < 8 && i + 32 <= size; ++round, i += 32) {
      const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + i));
      const __m256i low = _mm256_and_si256(block, low_half);
      const __m256i high = _mm256_and_si256(_mm256_srli_epi16(block, 4), low_half);
      sums = _mm256_add_epi8(
          sums, _mm256_add_epi8(_mm256_shuffle_epi8(counts, low), _mm256_shuffle_epi8(counts, high)));
    }
    total = _mm256_add_epi64(total, _mm256_sad_epu8(sums, zero));
  }
  uint64_t lanes[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), total);
  // GCC 12 forgets this before a call whose registers it knows. Left dirty, the upper halves of the vector
  // registers would slow all floating-point arithmetic of the thread down, sixfold, until something clears
  // them.
  _mm256_zeroupper();
  return lanes[0] + lanes[1] + lanes[2] + lanes[3] + CountOnesPlain(bytes + i, size - i);
}

// How many bytes at the front of `bytes` are all `skipped`.
size_t RunPlain(const char* bytes, size_t size, uint8_t skipped) {
  const uint64_t word = skipped * uint64_t{0x0101010101010101};
  size_t i = 0;
  while (i + 8 <= size && LoadLittle<uint64_t>(bytes + i) == word) i += 8;
  while (i < size && static_cast<uint8_t>(bytes[i]) == skipped) ++i;
  return i;
}

__attribute__((target("avx2"))) size_t RunAvx2(const char* bytes, size_t size, uint8_t skipped) {
  const __m256i pattern = _mm256_set1_epi8(static_cast<char>(skipped));
  size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + i));
    const uint32_t same = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, pattern)));
    if (same != 0xffffffff) return i + static_cast<size_t>(std::countr_one(same));
  }
  return i + RunPlain(bytes + i, size - i, skipped);
}

size_t Run(const char* bytes, size_t size, uint8_t skipped) {
  return size >= kVectorBytes && HasAvx2() ? RunAvx2(bytes, size, skipped) : RunPlain(bytes, size, skipped);
}

template <BitOperation kOperation, typename Word>
Word Combined(Word a, Word b) {
  if constexpr (kOperation == BitOperation::kAnd) return a & b;
  if constexpr (kOperation == BitOperation::kOr) return a | b;
  return a ^ b;
}

template <BitOperation kOperation>
void CombinePlain(char* target, const char* source, size_t size) {
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    StoreLittle(target + i,
                Combined<kOperation>(LoadLittle<uint64_t>(target + i), LoadLittle<uint64_t>(source + i)));
  }
  for (; i < size; ++i) target[i] = static_cast<char>(Combined<kOperation>(int{target[i]}, int{source[i]}));
}

template <BitOperation kOperation>
__attribute__((target("avx2"))) void CombineAvx2(char* target, const char* source, size_t size) {
  size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    __m256i* to = reinterpret_cast<__m256i*>(target + i);
    const __m256i a = _mm256_loadu_si256(to);
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(source + i));
    if constexpr (kOperation == BitOperation::kAnd) _mm256_storeu_si256(to, _mm256_and_si256(a, b));
    if constexpr (kOperation == BitOperation::kOr) _mm256_storeu_si256(to, _mm256_or_si256(a, b));
    if constexpr (kOperation == BitOperation::kXor) _mm256_storeu_si256(to, _mm256_xor_si256(a, b));
  }
  CombinePlain<kOperation>(target + i, source + i, size - i);
}

template <BitOperation kOperation>
void Combine(char* target, std::string_view source) {
  if (source.size() >= kVectorBytes && HasAvx2()) {
    CombineAvx2<kOperation>(target, source.data(), source.size());
  } else {
    CombinePlain<kOperation>(target, source.data(), source.size());
  }
}

}  // namespace

uint64_t CountOnes(std::string_view bytes) {
  return bytes.size() >= kVectorBytes && HasAvx2() ? CountOnesAvx2(bytes.data(), bytes.size())
                                                   : CountOnesPlain(bytes.data(), bytes.size());
}

uint64_t CountOnesInBits(std::string_view bytes, uint64_t first, uint64_t last) {
  HEARTH_ASSERT(first <= last && last / 8 < bytes.size());
  const std::string_view touched = bytes.substr(first / 8, last / 8 - first / 8 + 1);
  const uint8_t before = static_cast<uint8_t>(touched.front() & ~MaskFrom(first));
  const uint8_t after = static_cast<uint8_t>(touched.back() & ~MaskUpTo(last));
  return CountOnes(touched) - static_cast<uint64_t>(std::popcount(before) + std::popcount(after));
}

int64_t FindBit(std::string_view bytes, bool value, uint64_t first, uint64_t last) {
  HEARTH_ASSERT(first <= last && last / 8 < bytes.size());
  // Each byte is turned so that ones are sought; the bits outside of the range are taken away.
  const uint8_t skipped = value ? 0x00 : 0xff;
  const auto sought = [&](uint64_t at) { return static_cast<uint8_t>(bytes[at] ^ skipped); };
  uint64_t at = first / 8;
  const uint64_t end = last / 8;
  uint8_t found = sought(at) & MaskFrom(first);
  if (found == 0 && at < end) {
    ++at;
    at += Run(bytes.data() + at, end - at, skipped);
    found = sought(at);
  }
  if (at == end) found &= MaskUpTo(last);
  return found == 0 ? -1 : static_cast<int64_t>(at * 8) + std::countl_zero(found);
}

void CombineBits(BitOperation operation, char* target, std::string_view source) {
  switch (operation) {
    case BitOperation::kAnd:
      return Combine<BitOperation::kAnd>(target, source);
    case BitOperation::kOr:
      return Combine<BitOperation::kOr>(target, source);
    case BitOperation::kXor:
      return Combine<BitOperation::kXor>(target, source);
  }
}

void InvertBits(char* bytes, size_t size) {
  size_t i = 0;
  for (; i + 8 <= size; i += 8) StoreLittle(bytes + i, ~LoadLittle<uint64_t>(bytes + i));
  for (; i < size; ++i) bytes[i] = static_cast<char>(~bytes[i]);
}

}  // namespace hearth::ds
