#include "ds/hyperloglog.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "ds/hyperloglog_sparse.h"

namespace hearth::ds {
namespace {

constexpr char kMagic[] = {'H', 'Y', 'L', 'L'};
constexpr size_t kEncodingByte = 4;
constexpr char kDense = 0;
constexpr char kSparse = 1;
constexpr size_t kCountBytes = 8;  // where the cached count stands
constexpr uint64_t kStale = uint64_t{1} << 63;

// An element's hash gives 14 bits for the register's index and 50 for its value.
constexpr int kIndexBits = 14;
constexpr int kRankBits = 64 - kIndexBits;
constexpr uint64_t kHashSeed = 0xadc83b19;

// MurmurHash64A (Appleby 2008), which the bytes of a sketch depend on.
uint64_t MurmurHash(std::string_view bytes) {
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  uint64_t hash = kHashSeed ^ (bytes.size() * kMultiplier);
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word = LoadLittle<uint64_t>(bytes.data() + at) * kMultiplier;
    word ^= word >> kShift;
    hash = (hash ^ word * kMultiplier) * kMultiplier;
  }
  if (at < bytes.size()) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, bytes.size() - at);
    hash = (hash ^ word) * kMultiplier;
  }
  hash ^= hash >> kShift;
  hash *= kMultiplier;
  return hash ^ hash >> kShift;
}

// Eight registers of six bits, lowest bits first, take six bytes.
constexpr uint32_t kGroupRegisters = 8;
constexpr size_t kGroupBytes = 6;

uint64_t LoadGroup(const char* dense, uint32_t group) {
  const char* from = dense + kHllHeaderBytes + group * kGroupBytes;
  return LoadLittle<uint32_t>(from) | uint64_t{LoadLittle<uint16_t>(from + 4)} << 32;
}

void ReadDense(std::string_view sketch, HllRegisters& registers) {
  for (uint32_t group = 0; group < kHllRegisters / kGroupRegisters; ++group) {
    uint64_t bits = LoadGroup(sketch.data(), group);
    for (uint32_t n = 0; n < kGroupRegisters; ++n, bits >>= 6)
      registers[group * kGroupRegisters + n] = bits & 0x3f;
  }
}

// How many registers have each value. Foreign dense sketches may hold any six bits.
using Histogram = std::array<uint32_t, 64>;

void CountDense(std::string_view sketch, Histogram& histogram) {
  // Neighbours often have the same value: two histograms let their increments go side by side.
  Histogram other = {};
  for (uint32_t group = 0; group < kHllRegisters / kGroupRegisters; ++group) {
    uint64_t bits = LoadGroup(sketch.data(), group);
    for (uint32_t n = 0; n < kGroupRegisters; n += 2, bits >>= 12) {
      ++histogram[bits & 0x3f];
      ++other[bits >> 6 & 0x3f];
    }
  }
  for (size_t value = 0; value < histogram.size(); ++value) histogram[value] += other[value];
}

// Ertl's sigma and tau: the shares of registers that are still zero, and of those that could not go higher.
double Sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double Tau(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

uint64_t Estimate(const Histogram& histogram) {
  constexpr double kAlphaInfinity = 0.721347520444481703680;  // 1 / (2 ln 2)
  constexpr double kCount = kHllRegisters;
  double z = kCount * Tau((kCount - histogram[kRankBits + 1]) / kCount);
  for (int value = kRankBits; value >= 1; --value) z = (z + histogram[static_cast<size_t>(value)]) * 0.5;
  z += kCount * Sigma(histogram[0] / kCount);
  return static_cast<uint64_t>(std::llround(kAlphaInfinity * kCount * kCount / z));
}

}  // namespace

HllObservation ObserveHll(std::string_view element) {
  const uint64_t hash = MurmurHash(element);
  // One bit above the rest bounds the rank.
  const uint64_t rest = hash >> kIndexBits | uint64_t{1} << kRankBits;
  return {static_cast<uint32_t>(hash & (kHllRegisters - 1)),
          static_cast<uint8_t>(std::countr_zero(rest) + 1)};
}

std::string_view EmptyHll() {
  static constexpr char kEmpty[] = {'H', 'Y', 'L', 'L', kSparse, 0, 0, 0,    0,
                                    0,   0,   0,   0,   0,       0, 0, 0x7f, '\xff'};
  return {kEmpty, sizeof(kEmpty)};
}

bool IsHll(std::string_view bytes) {
  if (bytes.size() < kHllHeaderBytes || std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0) return false;
  if (bytes[kEncodingByte] == kDense) return bytes.size() == kHllDenseBytes;
  return bytes[kEncodingByte] == kSparse;
}

bool IsDenseHll(std::string_view sketch) { return sketch[kEncodingByte] == kDense; }

std::optional<uint64_t> CachedHllCount(std::string_view sketch) {
  const uint64_t count = LoadLittle<uint64_t>(sketch.data() + kCountBytes);
  if (count & kStale) return std::nullopt;
  return count;
}

void StoreHllCount(char* sketch, uint64_t count) { StoreLittle(sketch + kCountBytes, count); }

void ForgetHllCount(char* sketch) {
  StoreLittle(sketch + kCountBytes, LoadLittle<uint64_t>(sketch + kCountBytes) | kStale);
}

bool ReadHll(std::string_view sketch, HllRegisters& registers) {
  if (IsDenseHll(sketch)) {
    ReadDense(sketch, registers);
    return true;
  }
  return hll::ForEachOpcode(sketch, [&](hll::Opcode opcode, uint32_t first) {
    std::memset(&registers[first], opcode.value, opcode.run);
  });
}

bool MergeHll(std::string_view sketch, HllRegisters& registers) {
  if (IsDenseHll(sketch)) {
    HllRegisters other;
    ReadDense(sketch, other);
    for (uint32_t i = 0; i < kHllRegisters; ++i)
      registers[i] = other[i] > registers[i] ? other[i] : registers[i];
    return true;
  }
  return hll::ForEachOpcode(sketch, [&](hll::Opcode opcode, uint32_t first) {
    for (uint32_t i = 0; opcode.is_value() && i < opcode.run; ++i) {
      if (registers[first + i] < opcode.value) registers[first + i] = opcode.value;
    }
  });
}

void WriteDenseHll(std::string_view sketch, const HllRegisters& registers, char* dense) {
  std::memmove(dense, sketch.data(), kHllHeaderBytes);
  dense[kEncodingByte] = kDense;
  for (uint32_t group = 0; group < kHllRegisters / kGroupRegisters; ++group) {
    uint64_t bits = 0;
    for (uint32_t n = 0; n < kGroupRegisters; ++n) {
      bits |= uint64_t{registers[group * kGroupRegisters + n]} << (6 * n);
    }
    std::memcpy(dense + kHllHeaderBytes + group * kGroupBytes, &bits, kGroupBytes);
  }
}

std::optional<uint64_t> EstimateHll(std::string_view sketch) {
  Histogram histogram = {};
  if (IsDenseHll(sketch)) {
    CountDense(sketch, histogram);
  } else if (!hll::ForEachOpcode(
                 sketch, [&](hll::Opcode opcode, uint32_t) { histogram[opcode.value] += opcode.run; })) {
    return std::nullopt;
  }
  return Estimate(histogram);
}

uint64_t EstimateHll(const HllRegisters& registers) {
  // Registers of zero come in crowds: eight at a time. The rest goes to two histograms by turns, as in
  // CountDense.
  Histogram histogram = {};
  Histogram other = {};
  for (uint32_t i = 0; i < kHllRegisters; i += 8) {
    if (LoadLittle<uint64_t>(&registers[i]) == 0) {
      histogram[0] += 8;
      continue;
    }
    for (uint32_t n = 0; n < 8; n += 2) {
      ++histogram[registers[i + n] & 0x3f];
      ++other[registers[i + n + 1] & 0x3f];
    }
  }
  for (size_t value = 0; value < histogram.size(); ++value) histogram[value] += other[value];
  return Estimate(histogram);
}

bool RaiseDenseHll(char* sketch, HllObservation observation) {
  // The six bits lie within two bytes; the last register's end with the sketch, so the bytes are taken one by
  // one.
  const uint32_t bit = observation.index * 6;
  char* at = sketch + kHllHeaderBytes + bit / 8;
  const int shift = static_cast<int>(bit % 8);
  const bool is_split = shift > 2;
  uint32_t bits = static_cast<uint8_t>(at[0]);
  if (is_split) bits |= static_cast<uint32_t>(static_cast<uint8_t>(at[1])) << 8;
  if ((bits >> shift & 0x3f) >= observation.rank) return false;
  bits = (bits & ~(0x3fu << shift)) | static_cast<uint32_t>(observation.rank) << shift;
  at[0] = static_cast<char>(bits);
  if (is_split) at[1] = static_cast<char>(bits >> 8);
  return true;
}

}  // namespace hearth::ds
