#include "commands/sorted_set_limits.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/numbers.h"

namespace hearth::commands {
namespace {

using keyspace::LexLimit;

// A limit may be all that strtod takes, which is more than a score may be: nothing at all is zero, space in
// front is skipped, and numbers out of range become infinite.
std::optional<double> ParseLimit(std::string_view text) {
  if (const auto number = ParseDouble(text)) return number;
  const std::string terminated(text);
  char* end;
  // lint: allow parse because this is the one place that owes clients strtod's laxity
  const double number = std::strtod(terminated.c_str(), &end);
  if (*end != '\0' || std::isnan(number)) return std::nullopt;
  return number;
}

std::optional<double> ParseScoreLimit(std::string_view text, bool& is_exclusive) {
  is_exclusive = text.starts_with('(');
  return ParseLimit(is_exclusive ? text.substr(1) : text);
}

std::optional<LexLimit> ParseLexLimit(std::string_view text) {
  using Kind = LexLimit::Kind;
  if (text == "-") return LexLimit{Kind::kLowest};
  if (text == "+") return LexLimit{Kind::kHighest};
  if (text.empty() || (text[0] != '[' && text[0] != '(')) return std::nullopt;
  return LexLimit{Kind::kText, text[0] == '(', text.substr(1)};
}

}  // namespace

std::optional<keyspace::ScoreRange> ParseScoreRange(engine::Context& ctx, size_t min, size_t max) {
  keyspace::ScoreRange range{};
  const auto low = ParseScoreLimit(ctx[min], range.excludes_min);
  const auto high = ParseScoreLimit(ctx[max], range.excludes_max);
  if (!low || !high) {
    ctx.Error("ERR min or max is not a float");
    return std::nullopt;
  }
  range.min = *low;
  range.max = *high;
  return range;
}

std::optional<keyspace::LexRange> ParseLexRange(engine::Context& ctx, size_t min, size_t max) {
  const auto low = ParseLexLimit(ctx[min]);
  const auto high = ParseLexLimit(ctx[max]);
  if (!low || !high) {
    ctx.Error("ERR min or max not valid string range item");
    return std::nullopt;
  }
  return keyspace::LexRange{*low, *high};
}

std::optional<RankLimits> ParseRankLimits(engine::Context& ctx, size_t start, size_t stop) {
  const auto first = ctx.Integer(start);
  if (!first) return std::nullopt;
  const auto last = ctx.Integer(stop);
  if (!last) return std::nullopt;
  return RankLimits{*first, *last};
}

keyspace::RankRange RanksOf(const RankLimits& limits, size_t length) {
  const auto size = static_cast<int64_t>(length);
  const int64_t start = std::max<int64_t>(limits.start < 0 ? limits.start + size : limits.start, 0);
  const int64_t stop = std::min(limits.stop < 0 ? limits.stop + size : limits.stop, size - 1);
  if (start > stop) return {};
  return {static_cast<size_t>(start), static_cast<size_t>(stop) + 1};
}

}  // namespace hearth::commands
