// Parts of a sorted set: random members, and ZSCAN.
#include <algorithm>
#include <unordered_set>
#include <vector>

#include "base/numbers.h"
#include "commands/element_scan.h"
#include "commands/sorted_sets.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Type;
using keyspace::Element;
using keyspace::SortedSetReader;

struct Pair {
  Element member;
  double score;
};

Pair PairAt(const SortedSetReader& set, size_t rank) {
  Pair pair{};
  set.Walk({rank, rank + 1}, false, [&](const Element& member, double score) {
    pair = {member, score};
    return false;
  });
  return pair;
}

Pair RandomPair(const SortedSetReader& set, Prng& random) { return PairAt(set, random.Below(set.Length())); }

// `count` pairs that may repeat.
void ReplyDraws(Context& ctx, const SortedSetReader& set, uint64_t count, bool with_scores) {
  ScoredReply reply(ctx.reply(), with_scores, count);
  // A client that has been closed for its output limit must not keep the engine filling its buffer.
  for (uint64_t i = 0; i < count && !ctx.client().is(engine::Client::kClosing); ++i) {
    const Pair pair = RandomPair(set, ctx.random());
    reply.Add(pair.member, pair.score);
  }
}

// `count` different pairs, fewer than there are.
void ReplyDistinct(Context& ctx, const SortedSetReader& set, size_t count, bool with_scores) {
  ScoredReply reply(ctx.reply(), with_scores, count);
  const size_t length = set.Length();
  if (count < length / 10) {
    std::unordered_set<size_t> seen;
    while (seen.size() < count) {
      const size_t rank = ctx.random().Below(length);
      if (!seen.insert(rank).second) continue;
      const Pair pair = PairAt(set, rank);
      reply.Add(pair.member, pair.score);
    }
    return;
  }
  // Selection sampling: each pair is taken with the chance that keeps all subsets alike (Knuth, volume
  // 2, 3.4.2).
  size_t left = length;
  set.Walk({0, length}, false, [&](const Element& member, double score) {
    if (ctx.random().Below(left--) < count) {
      reply.Add(member, score);
      --count;
    }
    return count > 0;
  });
}

void ZRandMember(Context& ctx) {
  resp::Writer& reply = ctx.reply();
  if (ctx.size() == 2) {
    const Entry* entry = ctx.FindForRead(ctx.key(1));
    if (entry == nullptr) return reply.Null();
    if (!ctx.CheckType(entry, Type::kSortedSet)) return;
    return ReplyElement(reply, RandomPair(SortedSetReader(*entry), ctx.random()).member);
  }
  const auto count = ctx.IntegerIn(2, -INT64_MAX, INT64_MAX);
  if (!count) return;
  const bool with_scores = ctx.size() == 4 && ctx.Is(3, "withscores");
  if (ctx.size() > 4 || (ctx.size() == 4 && !with_scores)) return ctx.SyntaxError();
  if (with_scores && (*count < -INT64_MAX / 2 || *count > INT64_MAX / 2)) {
    return ctx.Error("ERR value is out of range");
  }
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return reply.Array(0);
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  if (*count == 0) return reply.Array(0);
  const SortedSetReader set(*entry);
  if (*count < 0) return ReplyDraws(ctx, set, static_cast<uint64_t>(-*count), with_scores);
  const size_t wanted = static_cast<size_t>(*count);
  if (wanted < set.Length()) return ReplyDistinct(ctx, set, wanted, with_scores);
  ScoredReply all(reply, with_scores, set.Length());
  set.ForEach([&](const Element& member, double score) { all.Add(member, score); });
}

void ZScan(Context& ctx) {
  auto cursor = ParseScanCursor(ctx, 2);
  if (!cursor) return;
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return ReplyScanHead(ctx.reply(), 0, 0);
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  const auto options = ParseScanOptions(ctx, 3, ScanKind::kElements);
  if (!options) return;
  const auto found = CollectScan<Pair>(*cursor, *options, [&](uint64_t from, auto&& take) {
    return SortedSetReader(*entry).Scan(from, [&](const Element& member, double score) {
      ds::NumberBuffer digits;
      take(member.View(digits), {member, score});
    });
  });
  ReplyScanHead(ctx.reply(), *cursor, found.size() * 2);
  for (const Pair& pair : found) {
    ReplyElement(ctx.reply(), pair.member);
    ctx.reply().Bulk(FormatDouble(pair.score));
  }
}

}  // namespace

void RegisterSortedSetSampling(engine::CommandTable& table) {
  table.Bind("zrandmember", engine::MakeHandler<&ZRandMember>());
  table.Bind("zscan", engine::MakeHandler<&ZScan>());
}

}  // namespace hearth::commands
