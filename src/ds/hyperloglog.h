// HyperLogLog sketches in the bytes that Redis keeps in its strings: 16384 registers behind a header of 16
// bytes, dense (six bits each) or sparse (runs as opcodes). The layout is drawn in
// docs/formats/hyperloglog.md; the estimate is Ertl's ("New cardinality estimation algorithms for HyperLogLog
// sketches", 2017).
//
// Pure functions over the caller's bytes, which may come from anywhere: a sparse sketch whose opcodes do not
// cover exactly all registers is found out and never read or written beyond its end. Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::ds {

inline constexpr uint32_t kHllRegisters = 16384;
inline constexpr size_t kHllHeaderBytes = 16;
inline constexpr size_t kHllDenseBytes = kHllHeaderBytes + kHllRegisters * 6 / 8;

// What an element tells a sketch: the register and the value that it is at least to have.
struct HllObservation {
  uint32_t index;  // below kHllRegisters
  uint8_t rank;    // 1..51
};
HllObservation ObserveHll(std::string_view element);

// An empty sketch, sparse.
std::string_view EmptyHll();

// Whether the bytes have a sketch's header and, if dense, size. Nothing else may be asked about bytes that
// have not.
bool IsHll(std::string_view bytes);
bool IsDenseHll(std::string_view sketch);

// ---- the cached estimate in the header

std::optional<uint64_t> CachedHllCount(std::string_view sketch);
void StoreHllCount(char* sketch, uint64_t count);
void ForgetHllCount(char* sketch);

// ---- registers

using HllRegisters = std::array<uint8_t, kHllRegisters>;

// All registers; false if the sketch is corrupt, `registers` is then undefined.
[[nodiscard]] bool ReadHll(std::string_view sketch, HllRegisters& registers);
// Raises each register to the sketch's; false if the sketch is corrupt.
[[nodiscard]] bool MergeHll(std::string_view sketch, HllRegisters& registers);
// The whole text of a dense sketch with these registers and the header's count of `sketch`.
void WriteDenseHll(std::string_view sketch, const HllRegisters& registers, char* dense);

// How many different elements a sketch has seen; nullopt if it is corrupt.
std::optional<uint64_t> EstimateHll(std::string_view sketch);
uint64_t EstimateHll(const HllRegisters& registers);

// Raises a register of a dense sketch; false if it was as high already.
bool RaiseDenseHll(char* sketch, HllObservation observation);

// The change to a sparse sketch that raises a register: `removed` bytes at `offset` become the first `size`
// of `opcodes`.
struct SparseHllEdit {
  enum class Kind : uint8_t {
    kNone,     // the register is as high already
    kReplace,  // the rest of the fields says what
    kTooHigh,  // sparse opcodes cannot say the value, or the sketch would be larger than allowed: it must be
               // dense
    kCorrupt,
  };
  Kind kind = Kind::kNone;
  uint8_t removed = 0;
  uint8_t size = 0;
  std::array<char, 5> opcodes = {};
  size_t offset = 0;
  size_t previous = 0;  // where the opcode before stands, or the first one

  int growth() const { return int{size} - int{removed}; }
};
// `max_bytes`: hll-sparse-max-bytes; no sketch grows beyond.
SparseHllEdit PlanSparseHll(std::string_view sketch, HllObservation observation, size_t max_bytes);
// Carries out a kReplace. `size`: before the edit; there is room for its growth. Equal neighbours are joined
// where Redis joins them. Returns the new size.
size_t ApplySparseHll(char* sketch, size_t size, const SparseHllEdit& edit);

// The opcodes in words, for PFDEBUG DECODE: "Z:100 v:1,2 z:3". The sketch is sparse.
std::string DescribeSparseHll(std::string_view sketch);

}  // namespace hearth::ds
