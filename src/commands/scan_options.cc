#include "commands/scan_options.h"

#include "base/numbers.h"
#include "base/text.h"

namespace hearth::commands {
namespace {

// A cursor as clients have always been able to write it: nothing at all is the start, and a sign is taken as
// strtoul takes it. Cursors that this server gives out are plain numbers.
std::optional<uint64_t> CursorFrom(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (text.empty()) return 0;
  const bool is_negative = text.front() == '-';
  if (is_negative || text.front() == '+') {
    text.remove_prefix(1);
    if (text.empty()) return std::nullopt;
  }
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(value, 10u, &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value)) {
      return std::nullopt;
    }
  }
  return is_negative ? -value : value;
}

}  // namespace

bool ScanOptions::Matches(std::string_view text) const { return !pattern || GlobMatch(*pattern, text); }

std::optional<uint64_t> ParseScanCursor(engine::Context& ctx, size_t i) {
  const auto cursor = CursorFrom(ctx[i]);
  if (!cursor) ctx.Error("ERR invalid cursor");
  return cursor;
}

std::optional<ScanOptions> ParseScanOptions(engine::Context& ctx, size_t first, ScanKind kind) {
  ScanOptions options;
  for (size_t i = first; i < ctx.size(); ++i) {
    const bool has_value = i + 1 < ctx.size();
    if (ctx.Is(i, "count") && has_value) {
      const auto count = ctx.Integer(++i);
      if (!count) return std::nullopt;
      if (*count < 1) {
        ctx.SyntaxError();
        return std::nullopt;
      }
      options.count = *count;
    } else if (ctx.Is(i, "match") && has_value) {
      options.pattern = ctx[++i];
      if (*options.pattern == "*") options.pattern.reset();
    } else if (ctx.Is(i, "type") && has_value && kind == ScanKind::kKeys) {
      options.type = ctx[++i];
    } else if (ctx.Is(i, "novalues")) {
      if (kind != ScanKind::kFields) {
        ctx.Error("ERR NOVALUES option can only be used in HSCAN");
        return std::nullopt;
      }
      options.without_values = true;
    } else {
      ctx.SyntaxError();
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace hearth::commands
