// Moves the parts of one large value for defragmentation: the nodes of a list, the items of a hash, set or
// sorted set, the blocks of a stream. A step moves a few; between two the value may change as it likes, or
// another may take its place, which the relocation then goes on with.
//
// Owned by the Defragmenter; engine thread only. No cut may run meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ds/block_mover.h"
#include "ds/stream_id.h"
#include "keyspace/entry.h"

namespace hearth::keyspace {

class ValueRelocation {
 public:
  // Whether the value is more than one block.
  static bool HasParts(const Entry& entry);
  // The block that the parts hang on, where it may be moved by its bytes.
  static bool HasMovableHead(const Entry& entry);

  // From the start of a value.
  ValueRelocation() = default;
  // Moves some parts. False at the end.
  bool Step(const Entry& entry, ds::BlockMover& mover);

 private:
  bool StepInIndex(const Entry& entry, ds::BlockMover& mover);

  uint64_t cursor_ = 0;      // of a table
  size_t rank_ = 0;          // of a sorted set, whose tree comes before its table
  ds::StreamId next_block_;  // of a stream
};

}  // namespace hearth::keyspace
