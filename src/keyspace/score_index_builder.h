// Makes a whole ScoreIndex at once, for loading: members come in any order, are sorted once if they must be,
// and the tree is built from its leaves up. Any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "ds/table_filler.h"
#include "keyspace/score_index.h"

namespace hearth::keyspace {

class ScoreIndexBuilder {
 public:
  // `expected` members will come, about.
  ScoreIndexBuilder(const ds::CutState* cuts, size_t expected);

  // False if the member, or one of the few before it, was there already; nothing may be added then.
  bool Add(std::string_view text, double score);
  // The index; null if a member was there already. The builder is spent then.
  std::unique_ptr<ScoreIndex> Build();

 private:
  // The score stands here too: who sorts members of different scores looks at none of them.
  struct Item {
    double score;
    ScoreIndex::Member* member;

    bool operator<(const Item& other) const {
      return score != other.score ? score < other.score : member->member() < other.member->member();
    }
  };

  std::unique_ptr<ScoreIndex> index_;
  ds::TableFiller<ScoreIndex::Traits> filler_;
  std::vector<Item> items_;
  bool is_sound_ = true;
  bool is_ascending_ = true;
  bool is_descending_ = true;
};

}  // namespace hearth::keyspace
