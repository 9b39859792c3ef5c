// What a sorted set consists of, apart from any key: a listpack of members and scores in turn while they are
// few and short, else a ScoreIndex. Owns it; for SortedSetValue, and for results that become a key when they
// are whole. Engine thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "ds/listpack.h"
#include "keyspace/keyspace.h"
#include "keyspace/score_index.h"
#include "keyspace/types.h"

namespace hearth::keyspace {

// What became of a member that was to be set.
enum class ScoreChange : uint8_t { kNone, kAdded, kUpdated };

class SortedSetContents {
 public:
  // Empty, of the encoding that will suit a first member of so many bytes and as many members as `size_hint`.
  SortedSetContents(Keyspace& keyspace, size_t first_bytes, size_t size_hint);
  // Takes over what hangs on an entry.
  static SortedSetContents Adopt(Keyspace& keyspace, Encoding encoding, void* container) {
    return SortedSetContents(keyspace, encoding, container);
  }
  SortedSetContents(SortedSetContents&& other) noexcept
      : keyspace_(other.keyspace_),
        encoding_(other.encoding_),
        container_(std::exchange(other.container_, nullptr)) {}
  SortedSetContents& operator=(SortedSetContents&&) = delete;
  ~SortedSetContents();

  Encoding encoding() const { return encoding_; }
  const void* container() const { return container_; }
  size_t Length() const;
  // Gives the container away.
  void* Release() { return std::exchange(container_, nullptr); }

  // Before several are added: leaves the listpack now if so many would not fit there.
  void PrepareFor(size_t added);
  // Leaves the listpack whatever the limits say.
  void Expand() {
    if (is_pack()) ConvertToIndex();
  }
  // A member that is not there yet.
  void Add(std::string_view member, double score);
  // Gives a member the score that `decide(std::optional<double> old_score)` gives, if it gives one.
  template <typename Decide>
  ScoreChange Update(std::string_view member, Decide&& decide) {
    return is_pack() ? UpdateInPack(member, decide) : UpdateInIndex(member, decide);
  }
  // False if it was not there.
  bool Remove(std::string_view member);
  // Removes `count` members from rank `start` on; there must be as many.
  void RemoveRange(size_t start, size_t count);

 private:
  SortedSetContents(Keyspace& keyspace, Encoding encoding, void* container)
      : keyspace_(keyspace), encoding_(encoding), container_(container) {}

  class PackEdit;

  bool is_pack() const { return encoding_ == Encoding::kListpack; }
  ds::ListpackView pack() const { return ds::ListpackView(static_cast<const uint8_t*>(container_)); }
  ScoreIndex& index() { return *static_cast<ScoreIndex*>(container_); }
  double ScoreAt(ds::ListpackView::Position at) const;
  void MoveInPack(ds::ListpackView::Position at, std::string_view member, double score);
  template <typename Decide>
  ScoreChange UpdateInPack(std::string_view member, Decide&& decide);
  template <typename Decide>
  ScoreChange UpdateInIndex(std::string_view member, Decide&& decide);
  void FreeContainer();
  void ConvertToIndex();

  Keyspace& keyspace_;
  Encoding encoding_;
  void* container_;
};

template <typename Decide>
ScoreChange SortedSetContents::UpdateInPack(std::string_view member, Decide&& decide) {
  const auto at = pack().Find(member, pack().First(), 1);
  std::optional<double> old_score;
  if (at != ds::ListpackView::kNone) old_score = ScoreAt(at);
  const std::optional<double> score = decide(old_score);
  if (!score || score == old_score) return ScoreChange::kNone;
  if (!old_score) {
    Add(member, *score);
    return ScoreChange::kAdded;
  }
  MoveInPack(at, member, *score);
  return ScoreChange::kUpdated;
}

template <typename Decide>
ScoreChange SortedSetContents::UpdateInIndex(std::string_view member, Decide&& decide) {
  const uint64_t hash = Hash(member);
  const ScoreIndex::Member* found = index().Find(member, hash);
  std::optional<double> old_score;
  if (found != nullptr) old_score = found->score();
  const std::optional<double> score = decide(old_score);
  if (!score || score == old_score) return ScoreChange::kNone;
  if (found == nullptr) {
    index().Add(member, hash, *score);
    return ScoreChange::kAdded;
  }
  index().SetScore(*found, hash, *score);
  return ScoreChange::kUpdated;
}

}  // namespace hearth::keyspace
