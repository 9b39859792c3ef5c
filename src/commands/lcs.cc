// LCS.
#include <fmt/format.h>

#include "commands/common_subsequence.h"
#include "commands/strings.h"
#include "engine/context.h"
#include "keyspace/string_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Type;
using keyspace::IntDigits;

struct LcsOptions {
  bool length_only = false;  // LEN
  bool runs = false;         // IDX
  bool run_lengths = false;  // WITHMATCHLEN
  int64_t min_run = 0;       // MINMATCHLEN
};

std::optional<LcsOptions> ParseOptions(Context& ctx) {
  LcsOptions options;
  for (size_t i = 3; i < ctx.size(); ++i) {
    if (ctx.Is(i, "IDX")) {
      options.runs = true;
    } else if (ctx.Is(i, "LEN")) {
      options.length_only = true;
    } else if (ctx.Is(i, "WITHMATCHLEN")) {
      options.run_lengths = true;
    } else if (ctx.Is(i, "MINMATCHLEN") && i + 1 < ctx.size()) {
      const auto min_run = ctx.Integer(++i);
      if (!min_run) return std::nullopt;
      options.min_run = *min_run;
    } else {
      ctx.SyntaxError();
      return std::nullopt;
    }
  }
  if (!options.runs || !options.length_only) return options;
  ctx.Error("ERR If you want both the length and indexes, please just use IDX.");
  return std::nullopt;
}

// The work grows with the product of the sizes; the limit is what a table of 32-bit lengths would take.
bool IsAffordable(Context& ctx, std::string_view first, std::string_view second) {
  constexpr size_t kLongest = UINT32_MAX - 1;
  if (first.size() >= kLongest || second.size() >= kLongest) {
    ctx.Error("ERR String too long for LCS");
    return false;
  }
  const size_t cells = (first.size() + 1) * (second.size() + 1);
  if (cells <= static_cast<size_t>(ctx.settings().proto_max_bulk_len) / sizeof(uint32_t)) return true;
  ctx.Error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  return false;
}

void ReplyRange(resp::Writer& reply, size_t start, size_t size) {
  reply.Array(2);
  reply.Integer(static_cast<int64_t>(start));
  reply.Integer(static_cast<int64_t>(start + size - 1));
}

void ReplyRuns(Context& ctx, const std::vector<CommonRun>& runs, const LcsOptions& options) {
  resp::Writer& reply = ctx.reply();
  reply.Map(2);
  reply.Bulk("matches");
  const auto length = reply.DeferArray();
  size_t shown = 0;
  int64_t total = 0;
  for (const CommonRun& run : runs) {
    const int64_t size = static_cast<int64_t>(run.size);
    total += size;
    if (size < options.min_run) continue;
    ++shown;
    reply.Array(options.run_lengths ? 3 : 2);
    ReplyRange(reply, run.first_start, run.size);
    ReplyRange(reply, run.second_start, run.size);
    if (options.run_lengths) reply.Integer(size);
  }
  reply.Finish(length, shown);
  reply.Bulk("len");
  reply.Integer(total);
}

void Lcs(Context& ctx) {
  const Entry* entries[2] = {ctx.FindForRead(ctx.key(1)), nullptr};
  entries[1] = ctx.FindForRead(ctx.key(2));
  IntDigits digits[2];
  std::string_view texts[2];
  for (int i = 0; i < 2; ++i) {
    if (entries[i] == nullptr) continue;
    if (entries[i]->type() != Type::kString) {
      return ctx.Error("ERR The specified keys must contain string values");
    }
    texts[i] = keyspace::StringText(*entries[i], digits[i]);
  }
  const auto options = ParseOptions(ctx);
  if (!options || !IsAffordable(ctx, texts[0], texts[1])) return;
  if (options->length_only) {
    return ctx.reply().Integer(static_cast<int64_t>(CommonSubsequenceLength(texts[0], texts[1])));
  }
  const std::vector<CommonRun> runs = CommonSubsequence(texts[0], texts[1]);
  if (options->runs) return ReplyRuns(ctx, runs, *options);
  std::string common;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run)
    common += texts[0].substr(run->first_start, run->size);
  ctx.reply().Bulk(common);
}

}  // namespace

void RegisterLcs(engine::CommandTable& table) { table.Bind("lcs", engine::MakeHandler<&Lcs>()); }

}  // namespace hearth::commands
