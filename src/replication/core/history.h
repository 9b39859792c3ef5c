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
  // Selected in the stream at previous_end; -1 if that is not known.
  int previous_database = -1;

  // Whether the history called `other` is this one up to `offset`.
  bool Holds(std::string_view other, uint64_t offset) const {
    return other == id || (!previous_id.empty() && other == previous_id && offset <= previous_end);
  }
  // From `offset` on, where `database` is selected, the history goes on under another name.
  void Rename(std::string new_id, uint64_t offset, int database = -1) {
    previous_id = std::move(id);
    previous_end = offset;
    previous_database = database;
    id = std::move(new_id);
  }
  // What is known beside the names makes no other history.
  bool operator==(const History& other) const {
    return id == other.id && previous_id == other.previous_id && previous_end == other.previous_end;
  }
};

}  // namespace hearth::replication
