// What the files of the sorted set commands share.
#pragma once

#include "commands/element_reply.h"
#include "engine/context.h"
#include "keyspace/sorted_set_value.h"

namespace hearth::commands {

// ZRANGE and all the forms of it, ZCOUNT, ZLEXCOUNT, and the removal of ranges.
void RegisterSortedSetRanges(engine::CommandTable& table);
// ZPOPMIN, ZPOPMAX, ZMPOP and the forms that wait.
void RegisterSortedSetPops(engine::CommandTable& table);
// ZUNION, ZINTER, ZDIFF and their kin.
void RegisterSortedSetOperations(engine::CommandTable& table);
// ZRANDMEMBER and ZSCAN.
void RegisterSortedSetSampling(engine::CommandTable& table);

// Members with or without their scores: RESP3 has an array for each pair, RESP2 one flat array.
class ScoredReply {
 public:
  ScoredReply(resp::Writer& reply, bool with_scores, size_t count)
      : reply_(reply), with_scores_(with_scores) {
    reply.Array(with_scores && reply.protocol() == 2 ? count * 2 : count);
  }
  void Add(const keyspace::Element& member, double score) {
    if (with_scores_ && reply_.protocol() != 2) reply_.Array(2);
    ReplyElement(reply_, member);
    if (with_scores_) reply_.Double(score);
  }

 private:
  resp::Writer& reply_;
  const bool with_scores_;
};

// Gives `key`, whatever it was, a result that may be empty: then the key goes. Replies with the size.
void StoreSortedSet(engine::Context& ctx, const engine::Key& key, keyspace::SortedSetContents result,
                    std::string_view event);

}  // namespace hearth::commands
