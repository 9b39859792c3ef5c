#include "commands/set_options.h"

namespace hearth::commands {
namespace {

struct TimeWord {
  std::string_view word;
  TimeUnit unit;
};
constexpr TimeWord kTimeWords[] = {
    {"EX", kSecondsFromNow}, {"PX", kMillisFromNow}, {"EXAT", kUnixSeconds}, {"PXAT", kUnixMillis}};

bool IsSame(TimeUnit a, TimeUnit b) { return a.is_seconds == b.is_seconds && a.is_absolute == b.is_absolute; }

// One word of the options; advances `i` over a value. A time may be given twice in the same unit, and the
// last one counts.
bool ParseWord(engine::Context& ctx, size_t& i, SetForm form, SetOptions& options) {
  const bool has_time = options.time_argument != 0;
  if (form == SetForm::kSet) {
    if (ctx.Is(i, "NX")) return options.if_absent = !options.if_present;
    if (ctx.Is(i, "XX")) return options.if_present = !options.if_absent;
    if (ctx.Is(i, "GET")) return options.get = true;
    if (ctx.Is(i, "KEEPTTL")) return options.keep_expiry = !has_time;
  } else if (ctx.Is(i, "PERSIST")) {
    return options.persist = !has_time;
  }
  for (const TimeWord& time : kTimeWords) {
    if (!ctx.Is(i, time.word)) continue;
    if (options.keep_expiry || options.persist || i + 1 == ctx.size()) return false;
    if (has_time && !IsSame(options.unit, time.unit)) return false;
    options.unit = time.unit;
    options.time_argument = ++i;
    return true;
  }
  return false;
}

}  // namespace

std::optional<SetOptions> ParseSetOptions(engine::Context& ctx, size_t first, SetForm form) {
  SetOptions options;
  for (size_t i = first; i < ctx.size(); ++i) {
    if (!ParseWord(ctx, i, form, options)) {
      ctx.SyntaxError();
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace hearth::commands
