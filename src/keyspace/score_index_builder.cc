#include "keyspace/score_index_builder.h"

#include <algorithm>

namespace hearth::keyspace {

ScoreIndexBuilder::ScoreIndexBuilder(const ds::CutState* cuts, size_t expected)
    : index_(std::make_unique<ScoreIndex>(cuts)) {
  index_->members_.Reserve(expected);
  items_.reserve(expected);
}

bool ScoreIndexBuilder::Add(std::string_view text, double score) {
  const uint64_t hash = Hash(text);
  if (index_->members_.Find(text, hash)) return false;
  auto* member = ScoreIndex::Member::New(text, score);
  index_->members_.Insert(member, hash);
  if (!items_.empty()) {
    const bool is_behind = items_.back()->IsBefore(score, text);
    is_ascending_ = is_ascending_ && is_behind;
    is_descending_ = is_descending_ && !is_behind;
  }
  items_.push_back(member);
  return true;
}

std::unique_ptr<ScoreIndex> ScoreIndexBuilder::Build() {
  if (is_descending_) {
    std::reverse(items_.begin(), items_.end());
  } else if (!is_ascending_) {
    std::sort(items_.begin(), items_.end(), [](const ScoreIndex::Member* a, const ScoreIndex::Member* b) {
      return a->IsBefore(b->score(), b->member());
    });
  }
  index_->tree_.Fill(items_);
  items_.clear();
  return std::move(index_);
}

}  // namespace hearth::keyspace
