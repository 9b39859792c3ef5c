// Sorted sets: SortedSetReader reads any of them; SortedSetValue changes one through a WriteHandle. Both are
// made where they are needed, on the engine thread, and own nothing.
//
// Every range, whether of scores, of texts or of ranks, is a range of ranks first: RanksOf finds its two ends
// with a descent each, and Walk goes through it in either direction.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ds/listpack.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"
#include "keyspace/score_index.h"
#include "keyspace/set_contents.h"
#include "keyspace/sorted_set_contents.h"

namespace hearth::keyspace {

struct ScoreRange {
  double min;
  double max;
  bool excludes_min = false;
  bool excludes_max = false;
};

// One end of a range of texts.
struct LexLimit {
  enum class Kind : uint8_t { kLowest, kText, kHighest } kind = Kind::kText;
  bool is_exclusive = false;
  std::string_view text;
};

// Means something only where all scores are equal.
struct LexRange {
  LexLimit min;
  LexLimit max;
};

// From `start` to before `end`.
struct RankRange {
  size_t start = 0;
  size_t end = 0;
  size_t size() const { return end - start; }
};

// The score of a listpack's element.
double PackedScore(const Element& element);

class SortedSetReader {
 public:
  // `entry` is a sorted set; the reader is good until it changes.
  explicit SortedSetReader(const Entry& entry) : SortedSetReader(entry.encoding(), entry.container()) {}
  SortedSetReader(Encoding encoding, const void* container) : encoding_(encoding), container_(container) {}

  size_t Length() const { return is_pack() ? pack().Length() / 2 : index().size(); }
  std::optional<double> Score(std::string_view member) const;

  struct Place {
    size_t rank;
    double score;
  };
  std::optional<Place> Find(std::string_view member) const;

  RankRange RanksOf(const ScoreRange& range) const;
  RankRange RanksOf(const LexRange& range) const;

  // `visit(const Element& member, double score)` for the ranks of the range, which exist, from either end,
  // until it gives false.
  template <typename Visit>
  void Walk(RankRange range, bool backward, Visit&& visit) const;
  // For all, in order.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    Walk({0, Length()}, false, [&](const Element& member, double score) {
      visit(member, score);
      return true;
    });
  }

  // One step of ZSCAN; a listpack is visited whole. Gives the next cursor.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const {
    if (is_pack()) {
      ForEach(visit);
      return 0;
    }
    return index().Scan(
        cursor, [&](const ScoreIndex::Member& member) { visit(Element{member.member()}, member.score()); });
  }

 private:
  bool is_pack() const { return encoding_ == Encoding::kListpack; }
  ds::ListpackView pack() const { return ds::ListpackView(static_cast<const uint8_t*>(container_)); }
  const ScoreIndex& index() const { return *static_cast<const ScoreIndex*>(container_); }

  template <typename Before>
  size_t CountBefore(Before&& before) const;
  template <typename Visit>
  void WalkPack(RankRange range, bool backward, Visit&& visit) const;

  Encoding encoding_;
  const void* container_;
};

class SortedSetValue {
 public:
  // A new, empty sorted set, of the encoding that will suit a first member of so many bytes and as many
  // members as `size_hint`, which the caller is going to add.
  static WriteHandle Create(Database& database, const Key& key, size_t first_bytes, size_t size_hint);
  // A key that is not there gets contents that are not empty. Counts one change.
  static WriteHandle Store(Database& database, const Key& key, SortedSetContents contents);

  explicit SortedSetValue(WriteHandle& handle) : handle_(handle) {}

  size_t Length() const { return SortedSetReader(*handle_).Length(); }

  // To be called before several members are added to a sorted set.
  void PrepareFor(size_t added);
  // Leaves the listpack whatever the limits say. Not a change of the value.
  void Expand();
  // A member that is not there yet.
  void Add(std::string_view member, double score);
  // Gives a member the score that `decide(std::optional<double> old_score)` gives, if it gives one.
  template <typename Decide>
  ScoreChange Update(std::string_view member, Decide&& decide);
  // False if it was not there.
  bool Remove(std::string_view member);
  // Removes the members with these ranks, which exist.
  void RemoveRange(RankRange range);

 private:
  class Edit;

  WriteHandle& handle_;
};

// Holds the contents open for change and hangs them back on the entry.
class SortedSetValue::Edit {
 public:
  explicit Edit(WriteHandle& handle)
      : handle_(handle),
        contents_(
            SortedSetContents::Adopt(handle.database().keyspace(), handle->encoding(), handle.container())) {}
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;
  ~Edit() {
    const Encoding encoding = contents_.encoding();
    handle_.SetContainer(encoding, contents_.Release());
  }
  SortedSetContents* operator->() { return &contents_; }

 private:
  WriteHandle& handle_;
  SortedSetContents contents_;
};

template <typename Decide>
ScoreChange SortedSetValue::Update(std::string_view member, Decide&& decide) {
  const ScoreChange change = Edit(handle_)->Update(member, decide);
  if (change != ScoreChange::kNone) handle_.MarkChanged();
  return change;
}

template <typename Visit>
void SortedSetReader::Walk(RankRange range, bool backward, Visit&& visit) const {
  if (range.size() == 0) return;
  if (is_pack()) return WalkPack(range, backward, visit);
  auto at = index().tree().At(backward ? range.end - 1 : range.start);
  for (size_t left = range.size(); left > 0; --left) {
    const ScoreIndex::Member& member = at.member();
    if (!visit(Element{member.member()}, member.score())) return;
    backward ? at.Previous() : at.Next();
  }
}

template <typename Visit>
void SortedSetReader::WalkPack(RankRange range, bool backward, Visit&& visit) const {
  const ds::ListpackView view = pack();
  auto at = view.Seek(static_cast<int64_t>((backward ? range.end - 1 : range.start) * 2));
  for (size_t left = range.size(); left > 0; --left) {
    const auto score_at = view.Next(at);
    if (!visit(view.Get(at), PackedScore(view.Get(score_at)))) return;
    if (left == 1) return;
    at = backward ? view.Previous(view.Previous(at)) : view.Next(score_at);
  }
}

}  // namespace hearth::keyspace
