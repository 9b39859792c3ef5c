// Unions, intersections and differences of sorted sets and plain sets: replied, counted or stored.
#include <algorithm>
#include <cmath>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "commands/sorted_sets.h"
#include "keyspace/set_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using keyspace::Element;
using keyspace::SetReader;
using keyspace::SortedSetContents;
using keyspace::SortedSetReader;

enum class Operation : uint8_t { kUnion, kInter, kDiff };
enum class Aggregate : uint8_t { kSum, kMin, kMax };

// One input: a sorted set, a set, whose members all have the score 1, or nothing.
struct Source {
  const Entry* entry;
  double weight = 1;

  size_t Length() const {
    if (entry == nullptr) return 0;
    return entry->type() == Type::kSet ? SetReader(*entry).Length() : SortedSetReader(*entry).Length();
  }
  std::optional<double> Score(std::string_view member) const {
    if (entry == nullptr) return std::nullopt;
    if (entry->type() == Type::kSortedSet) return SortedSetReader(*entry).Score(member);
    return SetReader(*entry).Has(member) ? std::optional(1.0) : std::nullopt;
  }
  // `visit(member, score)` until it gives false.
  template <typename Visit>
  void ForEachWhile(Visit&& visit) const {
    if (entry == nullptr) return;
    if (entry->type() == Type::kSet) {
      SetReader(*entry).ForEachWhile([&](const Element& member) { return visit(member, 1.0); });
    } else {
      const SortedSetReader set(*entry);
      set.Walk({0, set.Length()}, false, visit);
    }
  }
};

// What a command asks for.
struct Query {
  Operation operation;
  bool is_stored = false;   // under argument 1
  bool is_counted = false;  // ZINTERCARD
  bool with_scores = false;
  Aggregate aggregate = Aggregate::kSum;
  uint64_t limit = 0;
  std::vector<Source> sources;
};

struct Scored {
  double score;
  std::string_view member;
};

// Members with scores, by name and then in order. Texts that are numbers in their set are kept here.
class Result {
 public:
  std::string_view Text(const Element& member) {
    return member.is_number ? member.View(digits_.emplace_back()) : member.text;
  }
  void Add(const Element& member, double score) { scored_.push_back({score, Text(member)}); }
  std::vector<Scored>& Sorted() {
    std::sort(scored_.begin(), scored_.end(), [](const Scored& a, const Scored& b) {
      return a.score < b.score || (a.score == b.score && a.member < b.member);
    });
    return scored_;
  }
  std::vector<Scored>& scored() { return scored_; }

 private:
  std::vector<Scored> scored_;
  std::deque<ds::NumberBuffer> digits_;
};

// Keys from argument `first` on; false if one has another type, which has been replied.
bool FindSources(Context& ctx, size_t first, size_t count, Query& query) {
  query.sources.reserve(count);
  for (size_t i = first; i < first + count; ++i) {
    const Entry* entry = ctx.FindForRead(ctx.key(i));
    if (entry != nullptr && entry->type() != Type::kSortedSet && entry->type() != Type::kSet) {
      ctx.WrongType();
      return false;
    }
    query.sources.push_back({entry});
  }
  return true;
}

bool ParseWeights(Context& ctx, size_t first, Query& query) {
  for (Source& source : query.sources) {
    const auto weight = ctx.Double(first++, "ERR weight value is not a float");
    if (!weight) return false;
    source.weight = *weight;
  }
  return true;
}

// One option at argument i, which moves to the next; false if an error has been replied.
bool ParseOption(Context& ctx, size_t& i, Query& query) {
  const size_t left = ctx.size() - i;
  const bool has_scores = query.operation != Operation::kDiff && !query.is_counted;
  if (has_scores && left > query.sources.size() && ctx.Is(i, "weights")) {
    if (!ParseWeights(ctx, i + 1, query)) return false;
    i += 1 + query.sources.size();
  } else if (has_scores && left >= 2 && ctx.Is(i, "aggregate") &&
             (ctx.Is(i + 1, "sum") || ctx.Is(i + 1, "min") || ctx.Is(i + 1, "max"))) {
    query.aggregate = ctx.Is(i + 1, "sum")   ? Aggregate::kSum
                      : ctx.Is(i + 1, "min") ? Aggregate::kMin
                                             : Aggregate::kMax;
    i += 2;
  } else if (!query.is_stored && !query.is_counted && ctx.Is(i, "withscores")) {
    query.with_scores = true;
    i += 1;
  } else if (query.is_counted && left >= 2 && ctx.Is(i, "limit")) {
    const auto limit = ctx.IntegerIn(i + 1, 0, INT64_MAX, "ERR LIMIT can't be negative");
    if (!limit) return false;
    query.limit = static_cast<uint64_t>(*limit);
    i += 2;
  } else {
    ctx.SyntaxError();
    return false;
  }
  return true;
}

// "numkeys key [key ...] options"; false if an error has been replied.
bool ParseQuery(Context& ctx, Query& query) {
  const size_t key_count_at = query.is_stored ? 2 : 1;
  const auto key_count = ctx.Integer(key_count_at);
  if (!key_count) return false;
  if (*key_count < 1) {
    ctx.Error("ERR at least 1 input key is needed for '" + std::string(ctx.command().full_name()) +
              "' command");
    return false;
  }
  const size_t first_key = key_count_at + 1;
  if (static_cast<uint64_t>(*key_count) > ctx.size() - first_key) {
    ctx.SyntaxError();
    return false;
  }
  if (!FindSources(ctx, first_key, static_cast<size_t>(*key_count), query)) return false;
  for (size_t i = first_key + query.sources.size(); i < ctx.size();) {
    if (!ParseOption(ctx, i, query)) return false;
  }
  if (query.operation != Operation::kDiff) {
    // The smallest first: an intersection goes through that one alone.
    std::stable_sort(query.sources.begin(), query.sources.end(),
                     [](const Source& a, const Source& b) { return a.Length() < b.Length(); });
  }
  return true;
}

// Infinity may meet its opposite, or a weight of zero: what is no number counts as zero.
double ZeroIfNan(double score) { return std::isnan(score) ? 0 : score; }

double Combine(double score, double other, Aggregate aggregate) {
  switch (aggregate) {
    case Aggregate::kSum:
      return ZeroIfNan(score + other);
    case Aggregate::kMin:
      return other < score ? other : score;
    case Aggregate::kMax:
      return other > score ? other : score;
  }
  return score;
}

// `visit(member, score)` for what is in every source, until it gives false.
template <typename Visit>
void Intersect(const Query& query, Visit&& visit) {
  const Source& smallest = query.sources.front();
  smallest.ForEachWhile([&](const Element& member, double own_score) {
    double score = ZeroIfNan(smallest.weight * own_score);
    ds::NumberBuffer digits;
    const std::string_view text = member.View(digits);
    for (size_t i = 1; i < query.sources.size(); ++i) {
      const Source& source = query.sources[i];
      const auto other = source.entry == smallest.entry ? own_score : source.Score(text);
      if (!other) return true;
      score = Combine(score, *other * source.weight, query.aggregate);
    }
    return visit(member, score);
  });
}

void Unite(const Query& query, Result& result) {
  std::unordered_map<std::string_view, size_t> places;
  for (const Source& source : query.sources) {
    source.ForEachWhile([&](const Element& member, double own_score) {
      const double score = ZeroIfNan(source.weight * own_score);
      const std::string_view text = result.Text(member);
      const auto [place, is_new] = places.try_emplace(text, result.scored().size());
      if (is_new) {
        result.scored().push_back({score, text});
      } else {
        double& sum = result.scored()[place->second].score;
        sum = Combine(sum, score, query.aggregate);
      }
      return true;
    });
  }
}

void Subtract(const Query& query, Result& result) {
  query.sources.front().ForEachWhile([&](const Element& member, double score) {
    ds::NumberBuffer digits;
    const std::string_view text = member.View(digits);
    for (size_t i = 1; i < query.sources.size(); ++i) {
      if (query.sources[i].Score(text)) return true;
    }
    result.Add(member, score);
    return true;
  });
}

void Store(Context& ctx, std::vector<Scored>& scored) {
  // The encoding is settled by the whole: a listpack does not tell zero from negative zero.
  size_t longest = 0;
  for (const Scored& one : scored) longest = std::max(longest, one.member.size());
  SortedSetContents contents(ctx.keyspace(), longest, scored.size());
  for (const Scored& one : scored) contents.Add(one.member, one.score);
  StoreSortedSet(ctx, ctx.key(1), std::move(contents), ctx.command().full_name());
}

void Run(Context& ctx, Query query) {
  if (!ParseQuery(ctx, query)) return;
  if (query.is_counted) {
    uint64_t count = 0;
    Intersect(query, [&](const Element&, double) { return ++count != query.limit; });
    return ctx.reply().Integer(static_cast<int64_t>(count));
  }
  Result result;
  switch (query.operation) {
    case Operation::kUnion:
      Unite(query, result);
      break;
    case Operation::kInter:
      Intersect(query, [&](const Element& member, double score) {
        result.Add(member, score);
        return true;
      });
      break;
    case Operation::kDiff:
      Subtract(query, result);
      break;
  }
  std::vector<Scored>& scored = result.Sorted();
  if (query.is_stored) return Store(ctx, scored);
  ScoredReply reply(ctx.reply(), query.with_scores, scored.size());
  for (const Scored& one : scored) reply.Add(Element{one.member}, one.score);
}

void ZUnion(Context& ctx) { Run(ctx, {.operation = Operation::kUnion}); }
void ZInter(Context& ctx) { Run(ctx, {.operation = Operation::kInter}); }
void ZDiff(Context& ctx) { Run(ctx, {.operation = Operation::kDiff}); }
void ZUnionStore(Context& ctx) { Run(ctx, {.operation = Operation::kUnion, .is_stored = true}); }
void ZInterStore(Context& ctx) { Run(ctx, {.operation = Operation::kInter, .is_stored = true}); }
void ZDiffStore(Context& ctx) { Run(ctx, {.operation = Operation::kDiff, .is_stored = true}); }
void ZInterCard(Context& ctx) { Run(ctx, {.operation = Operation::kInter, .is_counted = true}); }

}  // namespace

void RegisterSortedSetOperations(engine::CommandTable& table) {
  table.Bind("zunion", engine::MakeHandler<&ZUnion>());
  table.Bind("zinter", engine::MakeHandler<&ZInter>());
  table.Bind("zdiff", engine::MakeHandler<&ZDiff>());
  table.Bind("zunionstore", engine::MakeHandler<&ZUnionStore>());
  table.Bind("zinterstore", engine::MakeHandler<&ZInterStore>());
  table.Bind("zdiffstore", engine::MakeHandler<&ZDiffStore>());
  table.Bind("zintercard", engine::MakeHandler<&ZInterCard>());
}

}  // namespace hearth::commands
