// The id of a stream entry: Unix milliseconds and a sequence number within the millisecond. A plain value.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace hearth::ds {

struct StreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  auto operator<=>(const StreamId&) const = default;

  static constexpr StreamId Min() { return {0, 0}; }
  static constexpr StreamId Max() {
    return {std::numeric_limits<uint64_t>::max(), std::numeric_limits<uint64_t>::max()};
  }
  bool IsZero() const { return ms == 0 && seq == 0; }

  // The neighbours; not to be asked of the last (first) id there can be.
  StreamId Next() const {
    return seq == std::numeric_limits<uint64_t>::max() ? StreamId{ms + 1, 0} : StreamId{ms, seq + 1};
  }
  StreamId Previous() const {
    return seq == 0 ? StreamId{ms - 1, std::numeric_limits<uint64_t>::max()} : StreamId{ms, seq - 1};
  }
};

}  // namespace hearth::ds
