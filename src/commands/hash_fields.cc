#include "commands/hash_fields.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/numbers.h"

namespace hearth::commands {
namespace {

constexpr int64_t kLatestMs = (int64_t{1} << 46) - 1;

}  // namespace

std::optional<engine::Arguments> ParseFields(engine::Context& ctx, size_t at, std::string_view bad_count) {
  if (!ctx.Is(at, "FIELDS")) {
    ctx.Error("ERR Mandatory argument FIELDS is missing or not at the right position");
    return std::nullopt;
  }
  const auto count = ctx.IntegerIn(at + 1, 1, INT64_MAX, bad_count);
  if (!count) return std::nullopt;
  const engine::Arguments fields = ctx.args().subspan(at + 2);
  if (fields.size() == static_cast<uint64_t>(*count)) return fields;
  ctx.Error("ERR The `numfields` parameter must match the number of arguments");
  return std::nullopt;
}

std::optional<int64_t> FieldExpireTime(engine::Context& ctx, size_t i, TimeUnit unit) {
  const auto given = ctx.Integer(i);
  if (!given) return std::nullopt;
  if (*given < 0) {
    ctx.Error("ERR invalid expire time, must be >= 0");
    return std::nullopt;
  }
  const int64_t base_ms = unit.is_absolute ? 0 : ctx.now_ms();
  const int64_t scale = unit.is_seconds ? 1000 : 1;
  if (*given > kLatestMs / scale || *given * scale > kLatestMs - base_ms) {
    ctx.Error(fmt::format("ERR invalid expire time in '{}' command", ctx.command().full_name()));
    return std::nullopt;
  }
  // Zero says "none" where small hashes keep it; one is as long ago.
  return std::max<int64_t>(*given * scale + base_ms, 1);
}

void PassOnRemoval(engine::Context& ctx, std::span<const std::string_view> fields) {
  std::vector<std::string_view> effect = {"HDEL", ctx[1]};
  effect.insert(effect.end(), fields.begin(), fields.end());
  ctx.effects().Replace(effect);
}

void PassOnExpiry(engine::Context& ctx, std::span<const std::string_view> fields, int64_t at_ms) {
  const std::string time = ToString(at_ms);
  const std::string count = ToString(static_cast<int64_t>(fields.size()));
  std::vector<std::string_view> effect = {"HPEXPIREAT", ctx[1], time, "FIELDS", count};
  effect.insert(effect.end(), fields.begin(), fields.end());
  ctx.effects().Replace(effect);
}

}  // namespace hearth::commands
