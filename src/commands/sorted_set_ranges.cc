// Ranges of sorted sets: replied, stored, counted and removed.
#include <algorithm>

#include "commands/sorted_set_limits.h"
#include "commands/sorted_sets.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::Element;
using keyspace::LexRange;
using keyspace::RankRange;
using keyspace::ScoreRange;
using keyspace::SortedSetContents;
using keyspace::SortedSetReader;
using keyspace::SortedSetValue;

enum class RangeKind : uint8_t { kRank, kScore, kLex };

// What a range command asks for; options that its name has settled already are not open to its arguments.
struct RangeQuery {
  size_t key_argument = 1;  // the two ends of the range follow it
  bool is_stored = false;
  bool has_open_form = false;  // BYSCORE, BYLEX and REV are options
  RangeKind kind = RangeKind::kRank;
  bool backward = false;
  bool with_scores = false;
  int64_t offset = 0;
  int64_t limit = -1;
  RankLimits ranks{};
  ScoreRange scores{};
  LexRange texts{};
};

bool ParseLimit(Context& ctx, size_t i, RangeQuery& query) {
  const auto offset = ctx.Integer(i);
  if (!offset) return false;
  const auto limit = ctx.Integer(i + 1);
  if (!limit) return false;
  query.offset = *offset;
  query.limit = *limit;
  return true;
}

// The options behind the range; false if an error has been replied.
bool ParseOptions(Context& ctx, RangeQuery& query) {
  bool has_kind = false;
  for (size_t i = query.key_argument + 3; i < ctx.size(); ++i) {
    if (!query.is_stored && ctx.Is(i, "withscores")) {
      query.with_scores = true;
    } else if (ctx.Is(i, "limit") && i + 2 < ctx.size()) {
      if (!ParseLimit(ctx, i + 1, query)) return false;
      i += 2;
    } else if (query.has_open_form && !query.backward && ctx.Is(i, "rev")) {
      query.backward = true;
    } else if (query.has_open_form && !has_kind && (ctx.Is(i, "bylex") || ctx.Is(i, "byscore"))) {
      query.kind = ctx.Is(i, "bylex") ? RangeKind::kLex : RangeKind::kScore;
      has_kind = true;
    } else {
      ctx.SyntaxError();
      return false;
    }
  }
  if (query.limit != -1 && query.kind == RangeKind::kRank) {
    ctx.Error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (query.with_scores && query.kind == RangeKind::kLex) {
    ctx.Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  return true;
}

// The two ends; false if an error has been replied. Backwards, scores and texts are written from high to low.
bool ParseEnds(Context& ctx, RangeQuery& query) {
  const size_t first = query.key_argument + 1;
  const size_t second = first + 1;
  if (query.kind == RangeKind::kRank) {
    const auto ranks = ParseRankLimits(ctx, first, second);
    if (ranks) query.ranks = *ranks;
    return ranks.has_value();
  }
  const size_t min = query.backward ? second : first;
  const size_t max = query.backward ? first : second;
  if (query.kind == RangeKind::kScore) {
    const auto scores = ParseScoreRange(ctx, min, max);
    if (scores) query.scores = *scores;
    return scores.has_value();
  }
  const auto texts = ParseLexRange(ctx, min, max);
  if (texts) query.texts = *texts;
  return texts.has_value();
}

// What OFFSET and COUNT leave of a range; a negative offset leaves nothing, a negative count all.
RankRange Limit(RankRange range, const RangeQuery& query) {
  if (query.offset < 0) return {};
  const size_t skipped = std::min(static_cast<size_t>(query.offset), range.size());
  size_t count = range.size() - skipped;
  if (query.limit >= 0) count = std::min(count, static_cast<size_t>(query.limit));
  if (query.backward) return {range.end - skipped - count, range.end - skipped};
  return {range.start + skipped, range.start + skipped + count};
}

RankRange Resolve(const SortedSetReader& set, const RangeQuery& query) {
  switch (query.kind) {
    case RangeKind::kRank: {
      const size_t length = set.Length();
      const RankRange range = RanksOf(query.ranks, length);
      return query.backward ? RankRange{length - range.end, length - range.start} : range;
    }
    case RangeKind::kScore:
      return Limit(set.RanksOf(query.scores), query);
    case RangeKind::kLex:
      return Limit(set.RanksOf(query.texts), query);
  }
  return {};
}

void StoreRange(Context& ctx, const SortedSetReader& set, RankRange range, bool backward) {
  SortedSetContents result(ctx.keyspace(), 0, range.size());
  set.Walk(range, backward, [&](const Element& member, double score) {
    ds::NumberBuffer digits;
    result.Add(member.View(digits), score);
    return true;
  });
  StoreSortedSet(ctx, ctx.key(1), std::move(result), "zrangestore");
}

void Range(Context& ctx, RangeQuery query) {
  if (!ParseOptions(ctx, query) || !ParseEnds(ctx, query)) return;
  const Entry* entry = ctx.FindForRead(ctx.key(query.key_argument));
  if (entry == nullptr) {
    if (!query.is_stored) return ctx.reply().Array(0);
    return StoreSortedSet(ctx, ctx.key(1), SortedSetContents(ctx.keyspace(), 0, 0), "zrangestore");
  }
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  const SortedSetReader set(*entry);
  const RankRange range = Resolve(set, query);
  if (query.is_stored) return StoreRange(ctx, set, range, query.backward);
  ScoredReply reply(ctx.reply(), query.with_scores, range.size());
  set.Walk(range, query.backward, [&](const Element& member, double score) {
    reply.Add(member, score);
    return true;
  });
}

void ZRange(Context& ctx) { Range(ctx, {.has_open_form = true}); }
void ZRangeStore(Context& ctx) { Range(ctx, {.key_argument = 2, .is_stored = true, .has_open_form = true}); }
void ZRevRange(Context& ctx) { Range(ctx, {.backward = true}); }
void ZRangeByScore(Context& ctx) { Range(ctx, {.kind = RangeKind::kScore}); }
void ZRevRangeByScore(Context& ctx) { Range(ctx, {.kind = RangeKind::kScore, .backward = true}); }
void ZRangeByLex(Context& ctx) { Range(ctx, {.kind = RangeKind::kLex}); }
void ZRevRangeByLex(Context& ctx) { Range(ctx, {.kind = RangeKind::kLex, .backward = true}); }

template <typename Ends>
void Count(Context& ctx, const Ends& ends) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  const size_t count = entry == nullptr ? 0 : SortedSetReader(*entry).RanksOf(ends).size();
  ctx.reply().Integer(static_cast<int64_t>(count));
}

void ZCount(Context& ctx) {
  if (const auto range = ParseScoreRange(ctx, 2, 3)) Count(ctx, *range);
}
void ZLexCount(Context& ctx) {
  if (const auto range = ParseLexRange(ctx, 2, 3)) Count(ctx, *range);
}

// Removes what `find(reader)` gives.
template <typename Find>
void RemoveRange(Context& ctx, std::string_view event, Find&& find) {
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Integer(0);
  if (!ctx.CheckType(&*handle, Type::kSortedSet)) return;
  const RankRange range = find(SortedSetReader(*handle));
  if (range.size() > 0) {
    SortedSetValue(handle).RemoveRange(range);
    ctx.Notify(settings::kNotifySortedSet, event, key.text);
  }
  ctx.reply().Integer(static_cast<int64_t>(range.size()));
}

void ZRemRangeByRank(Context& ctx) {
  const auto limits = ParseRankLimits(ctx, 2, 3);
  if (!limits) return;
  RemoveRange(ctx, "zremrangebyrank",
              [&](const SortedSetReader& set) { return RanksOf(*limits, set.Length()); });
}

void ZRemRangeByScore(Context& ctx) {
  const auto range = ParseScoreRange(ctx, 2, 3);
  if (!range) return;
  RemoveRange(ctx, "zremrangebyscore", [&](const SortedSetReader& set) { return set.RanksOf(*range); });
}

void ZRemRangeByLex(Context& ctx) {
  const auto range = ParseLexRange(ctx, 2, 3);
  if (!range) return;
  RemoveRange(ctx, "zremrangebylex", [&](const SortedSetReader& set) { return set.RanksOf(*range); });
}

}  // namespace

void RegisterSortedSetRanges(engine::CommandTable& table) {
  table.Bind("zrange", engine::MakeHandler<&ZRange>());
  table.Bind("zrangestore", engine::MakeHandler<&ZRangeStore>());
  table.Bind("zrevrange", engine::MakeHandler<&ZRevRange>());
  table.Bind("zrangebyscore", engine::MakeHandler<&ZRangeByScore>());
  table.Bind("zrevrangebyscore", engine::MakeHandler<&ZRevRangeByScore>());
  table.Bind("zrangebylex", engine::MakeHandler<&ZRangeByLex>());
  table.Bind("zrevrangebylex", engine::MakeHandler<&ZRevRangeByLex>());
  table.Bind("zcount", engine::MakeHandler<&ZCount>());
  table.Bind("zlexcount", engine::MakeHandler<&ZLexCount>());
  table.Bind("zremrangebyrank", engine::MakeHandler<&ZRemRangeByRank>());
  table.Bind("zremrangebyscore", engine::MakeHandler<&ZRemRangeByScore>());
  table.Bind("zremrangebylex", engine::MakeHandler<&ZRemRangeByLex>());
}

}  // namespace hearth::commands
