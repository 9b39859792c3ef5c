// Which dataset this is: the history of writes that the log tells, by its replication id. A server whose
// history is the same up to an offset can go on from there without a full copy.
//
// Offsets are the write log's: the number of bytes ever logged before a place. Plain data; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace hearth::replication {

inline constexpr size_t kIdDigits = 40;  // hexadecimal

struct History {
  std::string id;
  // What the history was called up to an offset, before a replica became a primary; empty if it had no other
  // name.
  std::string previous_id;
  uint64_t previous_end = 0;

  // Whether the history called `other` is this one up to `offset`.
  bool Holds(std::string_view other, uint64_t offset) const {
    return other == id || (!previous_id.empty() && other == previous_id && offset <= previous_end);
  }
  // From `offset` on the history goes on under another name.
  void Rename(std::string new_id, uint64_t offset) {
    previous_id = std::move(id);
    previous_end = offset;
    id = std::move(new_id);
  }
  bool operator==(const History&) const = default;
};

}  // namespace hearth::replication
