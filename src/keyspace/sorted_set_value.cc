#include "keyspace/sorted_set_value.h"

#include <algorithm>

#include "base/numbers.h"

namespace hearth::keyspace {

using ds::ListpackView;

double PackedScore(const Element& element) {
  if (element.is_number) return static_cast<double>(element.number);
  return ParseDouble(element.text).value_or(0);
}

std::optional<double> SortedSetReader::Score(std::string_view member) const {
  if (!is_pack()) {
    const ScoreIndex::Member* found = index().Find(member);
    return found == nullptr ? std::nullopt : std::optional(found->score());
  }
  const ListpackView view = pack();
  const auto at = view.Find(member, view.First(), 1);
  if (at == ListpackView::kNone) return std::nullopt;
  return PackedScore(view.Get(view.Next(at)));
}

std::optional<SortedSetReader::Place> SortedSetReader::Find(std::string_view member) const {
  if (!is_pack()) {
    const ScoreIndex::Member* found = index().Find(member);
    if (found == nullptr) return std::nullopt;
    return Place{index().tree().RankOf(*found), found->score()};
  }
  const ListpackView view = pack();
  size_t rank = 0;
  for (auto at = view.First(); at != ListpackView::kNone; at = view.Next(view.Next(at)), ++rank) {
    if (view.Equals(at, member)) return Place{rank, PackedScore(view.Get(view.Next(at)))};
  }
  return std::nullopt;
}

// How many members `before(score, text)` is true for, which are the first ones; `text()` gives the member's.
template <typename Before>
size_t SortedSetReader::CountBefore(Before&& before) const {
  if (!is_pack()) {
    return index().tree().CountBefore([&](double score, const ScoreIndex::Member* member) {
      return before(score, [member] { return member->member(); });
    });
  }
  const ListpackView view = pack();
  size_t count = 0;
  for (auto at = view.First(); at != ListpackView::kNone; ++count) {
    const auto score_at = view.Next(at);
    ds::NumberBuffer digits;
    const auto text = [&] { return view.Get(at).View(digits); };
    if (!before(PackedScore(view.Get(score_at)), text)) break;
    at = view.Next(score_at);
  }
  return count;
}

RankRange SortedSetReader::RanksOf(const ScoreRange& range) const {
  const size_t start = CountBefore(
      [&](double score, auto&&) { return range.excludes_min ? score <= range.min : score < range.min; });
  const size_t end = CountBefore(
      [&](double score, auto&&) { return range.excludes_max ? score < range.max : score <= range.max; });
  return {start, std::max(start, end)};
}

RankRange SortedSetReader::RanksOf(const LexRange& range) const {
  using Kind = LexLimit::Kind;
  // Whether a text is before a place directly in front of, or behind, the limit's own text.
  const auto count_before = [&](const LexLimit& limit, bool is_behind) -> size_t {
    if (limit.kind == Kind::kLowest) return 0;
    if (limit.kind == Kind::kHighest) return Length();
    return CountBefore(
        [&](double, auto&& text) { return is_behind ? text() <= limit.text : text() < limit.text; });
  };
  const size_t start = count_before(range.min, range.min.is_exclusive);
  const size_t end = count_before(range.max, !range.max.is_exclusive);
  return {start, std::max(start, end)};
}

WriteHandle SortedSetValue::Create(Database& database, const Key& key, size_t first_bytes, size_t size_hint) {
  SortedSetContents contents(database.keyspace(), first_bytes, size_hint);
  const Encoding encoding = contents.encoding();
  return database.Create(key, Type::kSortedSet, encoding, contents.Release());
}

WriteHandle SortedSetValue::Store(Database& database, const Key& key, SortedSetContents contents) {
  const Encoding encoding = contents.encoding();
  WriteHandle handle = database.Create(key, Type::kSortedSet, encoding, contents.Release());
  handle.MarkChanged();
  return handle;
}

void SortedSetValue::PrepareFor(size_t added) { Edit(handle_)->PrepareFor(added); }

void SortedSetValue::Expand() { Edit(handle_)->Expand(); }

void SortedSetValue::Add(std::string_view member, double score) {
  Edit(handle_)->Add(member, score);
  handle_.MarkChanged();
}

bool SortedSetValue::Remove(std::string_view member) {
  if (!Edit(handle_)->Remove(member)) return false;
  handle_.MarkChanged();
  return true;
}

void SortedSetValue::RemoveRange(RankRange range) {
  if (range.size() == 0) return;
  Edit(handle_)->RemoveRange(range.start, range.size());
  handle_.MarkChanged(range.size());
}

}  // namespace hearth::keyspace
