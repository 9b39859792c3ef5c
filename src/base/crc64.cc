#include "base/crc64.h"

#include <array>

#include "base/bytes.h"

#if defined(__x86_64__)
#include <wmmintrin.h>
#endif

namespace hearth {
namespace {

constexpr uint64_t kReflectedPolynomial = 0x95ac9329ac4bc9b5u;  // 0xad93d23594c935a9, lowest bit first

// The remainder of `crc` * x.
constexpr uint64_t TimesX(uint64_t crc) { return (crc >> 1) ^ (crc & 1 ? kReflectedPolynomial : 0); }

using Tables = std::array<std::array<uint64_t, 256>, 8>;

// kTables[k][b] is the effect of byte b with k zero bytes behind it, so that eight bytes are folded in at
// once: eight independent lookups instead of a chain of eight.
constexpr Tables MakeTables() {
  Tables tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = TimesX(crc);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const uint64_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

#if defined(__x86_64__)

// Folding by carry-less multiplication, after Gopal et al., "Fast CRC Computation for Generic Polynomials
// Using PCLMULQDQ" (Intel, 2009). A register of 16 bytes r stands for all the message before it: as
// polynomials, r * x^d has the remainder of (low half) * (x^(d+64) mod P) + (high half) * (x^d mod P), which
// fits 16 bytes again and is added to the bytes that stand d bits further on. The low half holds the earlier
// bytes and thus the higher powers. Of two reflected factors the product comes out times x, so the factors
// are taken for d - 1. Four registers side by side keep the multiplier busy.

constexpr size_t kLane = 16;
constexpr size_t kStride = 4 * kLane;
// Below this the setting up costs more than it gains.
constexpr size_t kMinBytesToFold = 2 * kStride;

// The remainder of x^power, lowest bit first.
constexpr int64_t PowerOfX(int power) {
  uint64_t remainder = uint64_t{1} << 63;
  for (int i = 0; i < power; ++i) remainder = TimesX(remainder);
  return static_cast<int64_t>(remainder);
}

template <size_t kBytes>
__attribute__((target("pclmul"))) inline __m128i FoldOver(__m128i lane) {
  constexpr int kBits = static_cast<int>(kBytes) * 8;
  constexpr int64_t kForLow = PowerOfX(kBits + 64 - 1);
  constexpr int64_t kForHigh = PowerOfX(kBits - 1);
  const __m128i factors = _mm_set_epi64x(kForHigh, kForLow);
  return _mm_xor_si128(_mm_clmulepi64_si128(lane, factors, 0x00), _mm_clmulepi64_si128(lane, factors, 0x11));
}

inline __m128i LoadLane(const char* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }

// Folds all whole strides of `bytes` and returns the checksum up to there.
__attribute__((target("pclmul"))) uint64_t FoldStrides(uint64_t crc, std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size() / kStride * kStride;
  __m128i lanes[4];
  for (size_t i = 0; i < 4; ++i) lanes[i] = LoadLane(at + i * kLane);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi64_si128(static_cast<int64_t>(crc)));
  for (at += kStride; at != end; at += kStride) {
    for (size_t i = 0; i < 4; ++i) {
      lanes[i] = _mm_xor_si128(FoldOver<kStride>(lanes[i]), LoadLane(at + i * kLane));
    }
  }
  __m128i last = lanes[0];
  for (size_t i = 1; i < 4; ++i) last = _mm_xor_si128(FoldOver<kLane>(last), lanes[i]);
  // What is left is a message of 16 bytes with the same remainder.
  char message[kLane];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(message), last);
  return Crc64Portable(0, {message, kLane});
}

bool CanFold() {
  static const bool can = __builtin_cpu_supports("pclmul");
  return can;
}

#endif

}  // namespace

uint64_t Crc64Portable(uint64_t crc, std::string_view bytes) {
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    crc ^= LoadLittle<uint64_t>(at);
    crc = kTables[7][crc & 0xff] ^ kTables[6][(crc >> 8) & 0xff] ^ kTables[5][(crc >> 16) & 0xff] ^
          kTables[4][(crc >> 24) & 0xff] ^ kTables[3][(crc >> 32) & 0xff] ^ kTables[2][(crc >> 40) & 0xff] ^
          kTables[1][(crc >> 48) & 0xff] ^ kTables[0][crc >> 56];
  }
  for (; left > 0; --left, ++at)
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
  return crc;
}

uint64_t Crc64(uint64_t crc, std::string_view bytes) {
#if defined(__x86_64__)
  if (bytes.size() >= kMinBytesToFold && CanFold()) {
    crc = FoldStrides(crc, bytes);
    bytes.remove_prefix(bytes.size() / kStride * kStride);
  }
#endif
  return Crc64Portable(crc, bytes);
}

}  // namespace hearth
