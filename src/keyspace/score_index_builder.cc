#include "keyspace/score_index_builder.h"

#include <algorithm>

namespace hearth::keyspace {

ScoreIndexBuilder::ScoreIndexBuilder(const ds::CutState* cuts, size_t expected)
    : index_(std::make_unique<ScoreIndex>(cuts)), filler_(index_->members_, ScoreIndex::Member::Free) {
  index_->members_.Reserve(expected);
  items_.reserve(expected);
}

bool ScoreIndexBuilder::Add(std::string_view text, double score) {
  const Item item{score, ScoreIndex::Member::New(text, score)};
  if (!items_.empty()) {
    const bool is_behind = items_.back() < item;
    is_ascending_ = is_ascending_ && is_behind;
    is_descending_ = is_descending_ && !is_behind;
  }
  items_.push_back(item);
  is_sound_ = filler_.Add(item.member, Hash(text));
  return is_sound_;
}

std::unique_ptr<ScoreIndex> ScoreIndexBuilder::Build() {
  is_sound_ = filler_.Finish() && is_sound_;
  if (!is_sound_) return nullptr;
  if (is_descending_) {
    std::reverse(items_.begin(), items_.end());
  } else if (!is_ascending_) {
    std::sort(items_.begin(), items_.end());
  }
  std::vector<ScoreIndex::Member*> members;
  members.reserve(items_.size());
  for (const Item& item : items_) members.push_back(item.member);
  index_->tree_.Fill(members);
  items_.clear();
  return std::move(index_);
}

}  // namespace hearth::keyspace
