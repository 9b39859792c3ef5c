// Makes a whole ScoreIndex at once, for loading: members come in any order, are sorted once if they must be,
// and the tree is built from its leaves up. Any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "keyspace/score_index.h"

namespace hearth::keyspace {

class ScoreIndexBuilder {
 public:
  // `expected` members will come, about.
  ScoreIndexBuilder(const ds::CutState* cuts, size_t expected);

  // False if the member is there already.
  bool Add(std::string_view text, double score);
  // The index; the builder is spent then.
  std::unique_ptr<ScoreIndex> Build();

 private:
  std::unique_ptr<ScoreIndex> index_;
  std::vector<ScoreIndex::Member*> items_;
  bool is_ascending_ = true;
  bool is_descending_ = true;
};

}  // namespace hearth::keyspace
