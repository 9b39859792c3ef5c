#include "commands/expire_time.h"

#include <fmt/format.h>

namespace hearth::commands {

std::optional<int64_t> ExpireTime(engine::Context& ctx, size_t i, TimeUnit unit, bool must_be_positive) {
  const auto given = ctx.Integer(i);
  if (!given) return std::nullopt;
  int64_t at_ms = *given;
  bool is_good = !must_be_positive || at_ms > 0;
  if (unit.is_seconds) is_good = is_good && !__builtin_mul_overflow(at_ms, int64_t{1000}, &at_ms);
  if (!unit.is_absolute) is_good = is_good && !__builtin_add_overflow(at_ms, ctx.now_ms(), &at_ms);
  if (is_good) return at_ms;
  ctx.Error(fmt::format("ERR invalid expire time in '{}' command", ctx.command().full_name()));
  return std::nullopt;
}

bool IsOverAlready(engine::Context& ctx, int64_t at_ms) {
  return at_ms <= ctx.now_ms() && ctx.keyspace().expired_keys() == keyspace::ExpiredKeys::kRemove;
}

void RemoveAsExpired(engine::Context& ctx, const engine::Key& key) {
  const bool is_lazy = ctx.settings().lazyfree_lazy_expire;
  ctx.db().Remove(key, is_lazy);
  ctx.effects().Replace({is_lazy ? "UNLINK" : "DEL", key.text});
  ctx.Notify(settings::kNotifyGeneric, "del", key.text);
}

}  // namespace hearth::commands
