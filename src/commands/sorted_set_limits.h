// The ends of ranges of sorted sets as commands have them: "5", "(5", "-inf"; "[a", "(a", "-", "+". Engine
// thread only.
#pragma once

#include <optional>

#include "engine/context.h"
#include "keyspace/sorted_set_value.h"

namespace hearth::commands {

// Arguments `min` and `max`; each replies the error if one of them is wrong. The texts stay those of the
// arguments.
std::optional<keyspace::ScoreRange> ParseScoreRange(engine::Context& ctx, size_t min, size_t max);
std::optional<keyspace::LexRange> ParseLexRange(engine::Context& ctx, size_t min, size_t max);

struct RankLimits {
  int64_t start;
  int64_t stop;  // included
};
std::optional<RankLimits> ParseRankLimits(engine::Context& ctx, size_t start, size_t stop);

// The ranks that exist, negative limits counting from the end.
keyspace::RankRange RanksOf(const RankLimits& limits, size_t length);

}  // namespace hearth::commands
