#include "ds/hyperloglog_sparse.h"

#include <cstring>
#include <string>

#include "base/numbers.h"

namespace hearth::ds {
namespace {

using hll::Opcode;

// Finding a register's opcode is what adding to a sparse sketch costs, so the walk takes spans from a table.
// A long run of zeros has 0 here, as its span needs the second byte.
constexpr auto kSpans = [] {
  std::array<uint8_t, 256> spans = {};
  for (unsigned first = 0; first < 256; ++first) {
    if (first & 0x80) {
      spans[first] = static_cast<uint8_t>((first & 3) + 1);
    } else if (!(first & 0x40)) {
      spans[first] = static_cast<uint8_t>((first & 0x3f) + 1);
    }
  }
  return spans;
}();

struct Place {
  size_t at = 0;  // 0: there is none, the sketch is corrupt
  size_t previous = kHllHeaderBytes;
  uint32_t first = 0;  // the first register of the opcode
};

Place FindOpcode(std::string_view sketch, uint32_t index) {
  Place place;
  size_t at = kHllHeaderBytes;
  uint32_t first = 0;
  while (at < sketch.size()) {
    uint32_t span = kSpans[static_cast<uint8_t>(sketch[at])];
    size_t size = 1;
    if (span == 0) {
      span = hll::ReadOpcode(sketch, at).run;
      size = 2;
      if (span == 0) return place;
    }
    if (index < first + span) {
      place.at = at;
      place.first = first;
      return place;
    }
    place.previous = at;
    first += span;
    at += size;
  }
  return place;
}

// The opcodes for a run of which one register is raised: what stood before it, the register, what stood after
// it.
void Split(SparseHllEdit& edit, const Opcode& opcode, uint32_t before, uint8_t rank, uint32_t after) {
  char* to = edit.opcodes.data();
  const auto put_rest = [&](uint32_t run) {
    if (run == 0) return;
    if (opcode.is_value()) {
      *to++ = hll::ValueOpcode(opcode.value, run);
    } else {
      to += hll::PutZeros(to, run);
    }
  };
  put_rest(before);
  *to++ = hll::ValueOpcode(rank, 1);
  put_rest(after);
  edit.size = static_cast<uint8_t>(to - edit.opcodes.data());
}

// Joins neighbours of equal value within the five opcodes from `at` on: the edit touched no more. Returns the
// new size.
size_t JoinEqual(char* sketch, size_t size, size_t at) {
  for (int opcodes = 0; opcodes < 5 && at < size; ++opcodes) {
    const std::string_view text(sketch, size);
    const Opcode opcode = hll::ReadOpcode(text, at);
    if (opcode.is_value() && at + 1 < size) {
      const Opcode next = hll::ReadOpcode(text, at + 1);
      if (next.value == opcode.value && opcode.run + next.run <= hll::kMaxValueRun) {
        sketch[at + 1] = hll::ValueOpcode(opcode.value, opcode.run + next.run);
        std::memmove(sketch + at, sketch + at + 1, size - at - 1);
        --size;
        continue;
      }
    }
    at += opcode.size;
  }
  return size;
}

}  // namespace

SparseHllEdit PlanSparseHll(std::string_view sketch, HllObservation observation, size_t max_bytes) {
  using Kind = SparseHllEdit::Kind;
  SparseHllEdit edit;
  if (observation.rank > hll::kMaxValue) {
    edit.kind = Kind::kTooHigh;
    return edit;
  }
  const Place place = FindOpcode(sketch, observation.index);
  if (place.at == 0) {
    edit.kind = Kind::kCorrupt;
    return edit;
  }
  const Opcode opcode = hll::ReadOpcode(sketch, place.at);
  if (opcode.value >= observation.rank) return edit;
  const uint32_t before = observation.index - place.first;
  Split(edit, opcode, before, observation.rank, opcode.run - before - 1);
  edit.kind = Kind::kReplace;
  edit.offset = place.at;
  edit.previous = place.previous;
  edit.removed = opcode.size;
  if (edit.growth() > 0 && sketch.size() + static_cast<size_t>(edit.growth()) > max_bytes)
    edit.kind = Kind::kTooHigh;
  return edit;
}

size_t ApplySparseHll(char* sketch, size_t size, const SparseHllEdit& edit) {
  char* const at = sketch + edit.offset;
  std::memmove(at + edit.size, at + edit.removed, size - edit.offset - edit.removed);
  std::memcpy(at, edit.opcodes.data(), edit.size);
  size = static_cast<size_t>(static_cast<int64_t>(size) + edit.growth());
  return JoinEqual(sketch, size, edit.previous);
}

std::string DescribeSparseHll(std::string_view sketch) {
  std::string words;
  for (size_t at = kHllHeaderBytes; at < sketch.size();) {
    const Opcode opcode = hll::ReadOpcode(sketch, at);
    if (!words.empty()) words.push_back(' ');
    if (opcode.is_value()) {
      words.append("v:").append(ToString(opcode.value)).append(",").append(ToString(opcode.run));
    } else {
      words.append(opcode.size == 1 ? "z:" : "Z:").append(ToString(opcode.run));
    }
    at += opcode.size;
  }
  return words;
}

}  // namespace hearth::ds
