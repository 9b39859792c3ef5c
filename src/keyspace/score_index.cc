#include "keyspace/score_index.h"

#include <memory>

#include "base/memory.h"

namespace hearth::keyspace {

ScoreIndex::~ScoreIndex() { members_.VisitAll(Member::Free); }

void ScoreIndex::Add(std::string_view text, uint64_t hash, double score) {
  Member* member = Member::New(text, score);
  members_.Insert(member, hash);
  tree_.Insert(member);
}

void ScoreIndex::Erase(const Member& member) {
  const uint64_t hash = Hash(member.member());
  const auto position = members_.Find(member.member(), hash);
  tree_.Erase(&member);
  Member::Free(members_.Erase(position, hash));
}

void ScoreIndex::EraseRange(size_t start, size_t count) {
  for (; count > 0; --count) Erase(tree_.At(start).member());
}

size_t ScoreIndex::Relocate(size_t rank, ds::BlockMover& mover) {
  return tree_.Relocate(rank, mover, [&](Member* member) {
    Member* const moved = mover.Moved(member);
    if (moved == member) return member;
    // The table still knows the old address, which is not to be looked into.
    const uint64_t hash = Hash(moved->member());
    members_.Readdress(hash, member, moved);
    return moved;
  });
}

size_t ScoreIndex::MemoryBytes(size_t samples) const {
  size_t sampled = 0;
  size_t sampled_bytes = 0;
  for (auto at = tree_.At(0); at.IsValid() && (samples == 0 || sampled < samples); at.Next()) {
    ++sampled;
    sampled_bytes += AllocationSize(&at.member());
  }
  const size_t structure_bytes = AllocationSize(this) + members_.MemoryBytes() + tree_.MemoryBytes();
  if (sampled == 0) return structure_bytes;
  const double mean = static_cast<double>(sampled_bytes) / static_cast<double>(sampled);
  return structure_bytes + static_cast<size_t>(mean * static_cast<double>(size()));
}

ScoreIndex* ScoreIndex::Clone() const {
  auto copy = std::make_unique<ScoreIndex>(cuts_);
  for (auto at = tree_.At(0); at.IsValid(); at.Next()) copy->Add(at.member().member(), at.member().score());
  return copy.release();
}

}  // namespace hearth::keyspace
