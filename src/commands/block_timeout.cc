#include "commands/block_timeout.h"

#include <cmath>

#include "base/numbers.h"

namespace hearth::commands {

std::optional<int64_t> ParseBlockDeadline(engine::Context& ctx, size_t i) {
  const auto seconds = ParseLongDouble(ctx[i]);
  if (!seconds) {
    ctx.Error("ERR timeout is not a float or out of range");
    return std::nullopt;
  }
  // Fractions of a millisecond count as a whole one: a tiny timeout must not become none at all.
  const long double timeout_ms = std::ceil(*seconds * 1000);
  if (timeout_ms < 0) {
    ctx.Error("ERR timeout is negative");
    return std::nullopt;
  }
  if (timeout_ms > static_cast<long double>(INT64_MAX - ctx.now_ms())) {
    ctx.Error("ERR timeout is out of range");
    return std::nullopt;
  }
  return timeout_ms == 0 ? 0 : ctx.now_ms() + static_cast<int64_t>(timeout_ms);
}

}  // namespace hearth::commands
