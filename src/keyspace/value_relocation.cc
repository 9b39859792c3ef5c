#include "keyspace/value_relocation.h"

#include "ds/quicklist.h"
#include "keyspace/field_table.h"
#include "keyspace/member_table.h"
#include "keyspace/score_index.h"
#include "keyspace/stream.h"

namespace hearth::keyspace {
namespace {

// What a step does at most of lists and streams, whose parts are of some kilobytes.
constexpr size_t kNodesAStep = 8;
constexpr size_t kBlocksAStep = 8;

template <typename Container>
Container& In(const Entry& entry) {
  return *static_cast<Container*>(const_cast<void*>(entry.container()));
}

}  // namespace

bool ValueRelocation::HasParts(const Entry& entry) {
  switch (entry.encoding()) {
    case Encoding::kQuicklist:
    case Encoding::kHashTable:
    case Encoding::kSkiplist:
    case Encoding::kStream:
      return true;
    default:
      return false;
  }
}

// A stream's groups refer to it.
bool ValueRelocation::HasMovableHead(const Entry& entry) {
  return HasParts(entry) && entry.encoding() != Encoding::kStream;
}

bool ValueRelocation::Step(const Entry& entry, ds::BlockMover& mover) {
  switch (entry.encoding()) {
    case Encoding::kQuicklist:
      return In<ds::Quicklist>(entry).Relocate(mover, kNodesAStep);
    case Encoding::kHashTable:
      cursor_ = entry.type() == Type::kSet ? In<MemberTable>(entry).Relocate(cursor_, mover)
                                           : In<FieldTable>(entry).Relocate(cursor_, mover);
      return cursor_ != 0;
    case Encoding::kSkiplist:
      return StepInIndex(entry, mover);
    case Encoding::kStream: {
      const auto next = In<Stream>(entry).log.Relocate(next_block_, mover, kBlocksAStep);
      if (next) next_block_ = *next;
      return next.has_value();
    }
    default:
      return false;
  }
}

bool ValueRelocation::StepInIndex(const Entry& entry, ds::BlockMover& mover) {
  auto& index = In<ScoreIndex>(entry);
  if (rank_ < index.size()) {
    rank_ = index.Relocate(rank_, mover);
    return true;
  }
  cursor_ = index.RelocateTable(cursor_, mover);
  return cursor_ != 0;
}

}  // namespace hearth::keyspace
