// Popping the members with the lowest or highest scores: from one sorted set, from the first of several, and
// waiting for one.
#include <algorithm>

#include "base/numbers.h"
#include "commands/block_timeout.h"
#include "commands/key_pops.h"
#include "commands/sorted_sets.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::Element;
using keyspace::RankRange;
using keyspace::SortedSetReader;
using keyspace::SortedSetValue;

enum class End : uint8_t { kMin, kMax };

std::string_view PopName(End end) { return end == End::kMin ? "ZPOPMIN" : "ZPOPMAX"; }

// Removes `count` members, as many as there are at least, and writes each with its score.
void PopMembers(Context& ctx, WriteHandle& handle, End end, size_t count, bool in_pairs) {
  const size_t length = SortedSetReader(*handle).Length();
  const RankRange range = end == End::kMin ? RankRange{0, count} : RankRange{length - count, length};
  SortedSetReader(*handle).Walk(range, end == End::kMax, [&](const Element& member, double score) {
    if (in_pairs) ctx.reply().Array(2);
    ReplyElement(ctx.reply(), member);
    ctx.reply().Double(score);
    return true;
  });
  SortedSetValue(handle).RemoveRange(range);
  ctx.Notify(settings::kNotifySortedSet, end == End::kMin ? "zpopmin" : "zpopmax", handle.key().text);
}

void Pop(Context& ctx, End end) {
  if (ctx.size() > 3) return ctx.SyntaxError();
  const bool has_count = ctx.size() == 3;
  uint64_t count = 1;
  if (has_count) {
    const auto given = ctx.IntegerIn(2, 0, INT64_MAX, "ERR value is out of range, must be positive");
    if (!given) return;
    count = static_cast<uint64_t>(*given);
  }
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  if (!handle) return ctx.reply().Array(0);
  if (!ctx.CheckType(&*handle, Type::kSortedSet)) return;
  if (count == 0) return ctx.reply().Array(0);
  count = std::min(count, SortedSetReader(*handle).Length());
  const bool in_pairs = has_count && ctx.reply().protocol() != 2;
  ctx.reply().Array(in_pairs ? count : count * 2);
  PopMembers(ctx, handle, end, count, in_pairs);
}

void ZPopMin(Context& ctx) { Pop(ctx, End::kMin); }
void ZPopMax(Context& ctx) { Pop(ctx, End::kMax); }

// "numkeys key [key ...] MIN|MAX [COUNT count]"
struct MultiPop {
  size_t first_key;
  size_t key_count;
  End end;
  uint64_t count = 1;
};

std::optional<MultiPop> ParseMultiPop(Context& ctx, size_t key_count_at) {
  const auto key_count = ctx.IntegerIn(key_count_at, 1, INT64_MAX, "ERR numkeys should be greater than 0");
  if (!key_count) return std::nullopt;
  const size_t first_key = key_count_at + 1;
  const size_t left = ctx.size() - first_key;
  const size_t end_at = first_key + std::min(static_cast<size_t>(*key_count), left);
  if (end_at == ctx.size() || (!ctx.Is(end_at, "min") && !ctx.Is(end_at, "max"))) {
    ctx.SyntaxError();
    return std::nullopt;
  }
  MultiPop pop{first_key, static_cast<size_t>(*key_count), ctx.Is(end_at, "min") ? End::kMin : End::kMax};
  if (end_at + 1 == ctx.size()) return pop;
  if (!ctx.Is(end_at + 1, "count") || end_at + 2 == ctx.size()) {
    ctx.SyntaxError();
    return std::nullopt;
  }
  const auto count = ctx.IntegerIn(end_at + 2, 1, INT64_MAX, "ERR count should be greater than 0");
  if (!count) return std::nullopt;
  if (end_at + 3 != ctx.size()) {
    ctx.SyntaxError();
    return std::nullopt;
  }
  pop.count = static_cast<uint64_t>(*count);
  return pop;
}

// True if something was replied.
bool TryMultiPop(Context& ctx, const MultiPop& pop) {
  bool is_done = false;
  WriteHandle handle = FindFirstOf(ctx, pop.first_key, pop.key_count, Type::kSortedSet, is_done);
  if (!handle) return is_done;
  const size_t count = std::min(pop.count, SortedSetReader(*handle).Length());
  ctx.reply().Array(2);
  ctx.reply().Bulk(handle.key().text);
  ctx.reply().Array(count);
  ctx.effects().Replace({PopName(pop.end), handle.key().text, ToString(static_cast<int64_t>(count))});
  PopMembers(ctx, handle, pop.end, count, true);
  return true;
}

bool TryPop(Context& ctx, End end) {
  bool is_done = false;
  WriteHandle handle = FindFirstOf(ctx, 1, ctx.size() - 2, Type::kSortedSet, is_done);
  if (!handle) return is_done;
  ctx.reply().Array(3);
  ctx.reply().Bulk(handle.key().text);
  ctx.effects().Replace({PopName(end), handle.key().text});
  PopMembers(ctx, handle, end, 1, false);
  return true;
}

void BlockForKeys(Context& ctx, size_t first_key, size_t key_count, int64_t deadline_ms) {
  if (!ctx.may_block()) return ctx.reply().NullArray();
  const auto keys = ctx.args().subspan(first_key, key_count);
  ctx.Block({.keys = {keys.begin(), keys.end()}, .type = Type::kSortedSet, .deadline_ms = deadline_ms});
}

void ZMPop(Context& ctx) {
  const auto pop = ParseMultiPop(ctx, 1);
  if (pop && !TryMultiPop(ctx, *pop)) ctx.reply().NullArray();
}

void BZMPop(Context& ctx) {
  const auto pop = ParseMultiPop(ctx, 2);
  if (!pop) return;
  const auto deadline_ms = ParseBlockDeadline(ctx, 1);
  if (!deadline_ms) return;
  if (!TryMultiPop(ctx, *pop)) BlockForKeys(ctx, pop->first_key, pop->key_count, *deadline_ms);
}

void BlockingPop(Context& ctx, End end) {
  const auto deadline_ms = ParseBlockDeadline(ctx, ctx.size() - 1);
  if (!deadline_ms || TryPop(ctx, end)) return;
  BlockForKeys(ctx, 1, ctx.size() - 2, *deadline_ms);
}

void BZPopMin(Context& ctx) { BlockingPop(ctx, End::kMin); }
void BZPopMax(Context& ctx) { BlockingPop(ctx, End::kMax); }

}  // namespace

void RegisterSortedSetPops(engine::CommandTable& table) {
  table.Bind("zpopmin", engine::MakeHandler<&ZPopMin>());
  table.Bind("zpopmax", engine::MakeHandler<&ZPopMax>());
  table.Bind("zmpop", engine::MakeHandler<&ZMPop>());
  table.Bind("bzpopmin", engine::MakeHandler<&BZPopMin>());
  table.Bind("bzpopmax", engine::MakeHandler<&BZPopMax>());
  table.Bind("bzmpop", engine::MakeHandler<&BZMPop>());
}

}  // namespace hearth::commands
