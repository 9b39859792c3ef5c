// Sorted sets: adding, removing, scores and ranks. Ranges, pops, unions and random members have files of
// their own.
#include "commands/sorted_sets.h"

#include <cmath>
#include <span>
#include <vector>

#include "commands/register.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::ScoreChange;
using keyspace::SortedSetReader;
using keyspace::SortedSetValue;

struct AddOptions {
  bool only_new = false;
  bool only_present = false;
  bool only_greater = false;
  bool only_less = false;
  bool counts_changed = false;
  bool increments = false;
  size_t first_score = 2;
};

AddOptions ParseAddOptions(Context& ctx) {
  AddOptions options;
  size_t& i = options.first_score;
  for (; i < ctx.size(); ++i) {
    if (ctx.Is(i, "nx")) {
      options.only_new = true;
    } else if (ctx.Is(i, "xx")) {
      options.only_present = true;
    } else if (ctx.Is(i, "gt")) {
      options.only_greater = true;
    } else if (ctx.Is(i, "lt")) {
      options.only_less = true;
    } else if (ctx.Is(i, "ch")) {
      options.counts_changed = true;
    } else if (ctx.Is(i, "incr")) {
      options.increments = true;
    } else {
      break;
    }
  }
  return options;
}

// False if an error has been replied.
bool CheckAddOptions(Context& ctx, const AddOptions& options) {
  const size_t left = ctx.size() - options.first_score;
  if (left == 0 || left % 2 != 0) {
    ctx.SyntaxError();
  } else if (options.only_new && options.only_present) {
    ctx.Error("ERR XX and NX options at the same time are not compatible");
  } else if ((options.only_greater && options.only_new) || (options.only_less && options.only_new) ||
             (options.only_greater && options.only_less)) {
    ctx.Error("ERR GT, LT, and/or NX options at the same time are not compatible");
  } else if (options.increments && left > 2) {
    ctx.Error("ERR INCR option supports a single increment-element pair");
  } else {
    return true;
  }
  return false;
}

struct AddResult {
  int64_t added = 0;
  int64_t updated = 0;
  bool is_nan = false;
  std::optional<double> score;  // of the last member that was not refused
};

// Sets one member as the options say.
void AddMember(WriteHandle& handle, const AddOptions& options, std::string_view member, double score,
               AddResult& result) {
  const ScoreChange change = SortedSetValue(handle).Update(member, [&](std::optional<double> old_score) {
    std::optional<double> wanted = score;
    if (!old_score) {
      if (options.only_present) wanted.reset();
    } else if (options.only_new) {
      wanted.reset();
    } else {
      if (options.increments) *wanted += *old_score;
      result.is_nan = std::isnan(*wanted);
      if (result.is_nan || (options.only_less && *wanted >= *old_score) ||
          (options.only_greater && *wanted <= *old_score)) {
        wanted.reset();
      }
    }
    result.score = wanted;
    return wanted;
  });
  result.added += change == ScoreChange::kAdded;
  result.updated += change == ScoreChange::kUpdated;
}

void ReplyAdded(Context& ctx, const AddOptions& options, const AddResult& result) {
  if (!options.increments) {
    return ctx.reply().Integer(options.counts_changed ? result.added + result.updated : result.added);
  }
  result.score ? ctx.reply().Double(*result.score) : ctx.reply().Null();
}

void Add(Context& ctx, AddOptions options) {
  if (!CheckAddOptions(ctx, options)) return;
  // Nothing may change if any of the scores is wrong.
  const size_t count = (ctx.size() - options.first_score) / 2;
  double single;
  std::vector<double> several;
  std::span<double> scores(&single, 1);
  if (count > 1) {
    several.resize(count);
    scores = several;
  }
  for (size_t i = 0; i < count; ++i) {
    const auto score = ctx.Double(options.first_score + i * 2);
    if (!score) return;
    scores[i] = *score;
  }

  const Key key = ctx.key(1);
  AddResult result;
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) {
    if (options.only_present) return ReplyAdded(ctx, options, result);
    handle = SortedSetValue::Create(ctx.db(), key, ctx[options.first_score + 1].size(), count);
  } else {
    if (!ctx.CheckType(&*handle, Type::kSortedSet)) return;
    if (count > 1) SortedSetValue(handle).PrepareFor(count);
  }
  for (size_t i = 0; i < count; ++i) {
    AddMember(handle, options, ctx[options.first_score + i * 2 + 1], scores[i], result);
  }
  if (result.is_nan) return ctx.Error("ERR resulting score is not a number (NaN)");
  ReplyAdded(ctx, options, result);
  if (result.added + result.updated > 0) {
    ctx.Notify(settings::kNotifySortedSet, options.increments ? "zincr" : "zadd", key.text);
  }
}

void ZAdd(Context& ctx) { Add(ctx, ParseAddOptions(ctx)); }

void ZIncrBy(Context& ctx) {
  AddOptions options = ParseAddOptions(ctx);
  options.increments = true;
  Add(ctx, options);
}

void ZRem(Context& ctx) {
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Integer(0);
  if (!ctx.CheckType(&*handle, Type::kSortedSet)) return;
  SortedSetValue set(handle);
  int64_t removed = 0;
  for (const std::string_view member : ctx.args().subspan(2)) {
    removed += set.Remove(member);
    if (removed > 0 && set.Length() == 0) break;
  }
  if (removed > 0) ctx.Notify(settings::kNotifySortedSet, "zrem", key.text);
  ctx.reply().Integer(removed);
}

void ZCard(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  ctx.reply().Integer(entry == nullptr ? 0 : static_cast<int64_t>(SortedSetReader(*entry).Length()));
}

void ReplyScore(Context& ctx, const Entry* entry, std::string_view member) {
  const auto score = entry == nullptr ? std::nullopt : SortedSetReader(*entry).Score(member);
  score ? ctx.reply().Double(*score) : ctx.reply().Null();
}

void ZScore(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  ReplyScore(ctx, entry, ctx[2]);
}

void ZMScore(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  ctx.reply().Array(ctx.size() - 2);
  for (const std::string_view member : ctx.args().subspan(2)) ReplyScore(ctx, entry, member);
}

void Rank(Context& ctx, bool backward) {
  if (ctx.size() > 4) return ctx.WrongArgumentCount();
  const bool with_score = ctx.size() == 4;
  if (with_score && !ctx.Is(3, "withscore")) return ctx.SyntaxError();
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSortedSet)) return;
  const auto place = entry == nullptr ? std::nullopt : SortedSetReader(*entry).Find(ctx[2]);
  if (!place) return with_score ? ctx.reply().NullArray() : ctx.reply().Null();
  const size_t rank = backward ? SortedSetReader(*entry).Length() - 1 - place->rank : place->rank;
  if (with_score) ctx.reply().Array(2);
  ctx.reply().Integer(static_cast<int64_t>(rank));
  if (with_score) ctx.reply().Double(place->score);
}

void ZRank(Context& ctx) { Rank(ctx, false); }
void ZRevRank(Context& ctx) { Rank(ctx, true); }

}  // namespace

void StoreSortedSet(Context& ctx, const Key& key, keyspace::SortedSetContents result,
                    std::string_view event) {
  const size_t length = result.Length();
  const bool was_there = ctx.db().Remove(key, ctx.settings().lazyfree_lazy_server_del);
  if (length > 0) {
    SortedSetValue::Store(ctx.db(), key, std::move(result));
    ctx.Notify(settings::kNotifySortedSet, event, key.text);
  } else if (was_there) {
    ctx.Notify(settings::kNotifyGeneric, "del", key.text);
  }
  ctx.reply().Integer(static_cast<int64_t>(length));
}

void RegisterSortedSets(engine::CommandTable& table) {
  table.Bind("zadd", engine::MakeHandler<&ZAdd>());
  table.Bind("zincrby", engine::MakeHandler<&ZIncrBy>());
  table.Bind("zrem", engine::MakeHandler<&ZRem>());
  table.Bind("zcard", engine::MakeHandler<&ZCard>());
  table.Bind("zscore", engine::MakeHandler<&ZScore>());
  table.Bind("zmscore", engine::MakeHandler<&ZMScore>());
  table.Bind("zrank", engine::MakeHandler<&ZRank>());
  table.Bind("zrevrank", engine::MakeHandler<&ZRevRank>());
  RegisterSortedSetRanges(table);
  RegisterSortedSetPops(table);
  RegisterSortedSetOperations(table);
  RegisterSortedSetSampling(table);
}

}  // namespace hearth::commands
