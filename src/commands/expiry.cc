// How long keys live: EXPIRE and its kin, TTL and its kin, PERSIST.
#include <algorithm>

#include <fmt/format.h>

#include "commands/expire_time.h"
#include "commands/register.h"
#include "engine/context.h"
#include "keyspace/string_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using keyspace::Database;

// When EXPIRE applies.
struct Conditions {
  bool if_none = false;     // NX
  bool if_any = false;      // XX
  bool if_greater = false;  // GT
  bool if_less = false;     // LT

  // A key without expiry lives for ever, which is later than any time.
  bool Allow(const Entry& entry, int64_t at_ms) const {
    const bool has_expiry = entry.has_expiry();
    if (if_none && has_expiry) return false;
    if (if_any && !has_expiry) return false;
    if (if_greater && (!has_expiry || at_ms <= entry.expiry_ms())) return false;
    return !if_less || !has_expiry || at_ms < entry.expiry_ms();
  }
};

std::optional<Conditions> ParseConditions(Context& ctx) {
  Conditions conditions;
  for (size_t i = 3; i < ctx.size(); ++i) {
    if (ctx.Is(i, "NX")) {
      conditions.if_none = true;
    } else if (ctx.Is(i, "XX")) {
      conditions.if_any = true;
    } else if (ctx.Is(i, "GT")) {
      conditions.if_greater = true;
    } else if (ctx.Is(i, "LT")) {
      conditions.if_less = true;
    } else {
      ctx.Error(fmt::format("ERR Unsupported option {}", ctx[i].substr(0, ctx[i].find('\0'))));
      return std::nullopt;
    }
  }
  if (conditions.if_none && (conditions.if_any || conditions.if_greater || conditions.if_less)) {
    ctx.Error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return std::nullopt;
  }
  if (conditions.if_greater && conditions.if_less) {
    ctx.Error("ERR GT and LT options at the same time are not compatible");
    return std::nullopt;
  }
  return conditions;
}

void ExpireGeneric(Context& ctx, TimeUnit unit) {
  const auto conditions = ParseConditions(ctx);
  if (!conditions) return;
  const auto at_ms = ExpireTime(ctx, 2, unit, false);
  if (!at_ms) return;
  const Key key = ctx.key(1);
  const Entry* entry = ctx.db().Find(key);
  if (entry == nullptr || !conditions->Allow(*entry, *at_ms)) return ctx.reply().Integer(0);
  if (IsOverAlready(ctx, *at_ms)) {
    RemoveAsExpired(ctx, key);
  } else {
    // Where keys do not go by themselves a time before the epoch may stay; any past time says the same.
    ctx.db().SetExpiry(key, std::max<int64_t>(*at_ms, 0));
    ctx.Notify(settings::kNotifyGeneric, "expire", key.text);
    if (ctx.effects().wanted()) {
      keyspace::IntDigits digits;
      ctx.effects().Replace({"PEXPIREAT", key.text, digits.Format(*at_ms)});
    }
  }
  ctx.reply().Integer(1);
}

void Expire(Context& ctx) { ExpireGeneric(ctx, kSecondsFromNow); }
void PExpire(Context& ctx) { ExpireGeneric(ctx, kMillisFromNow); }
void ExpireAt(Context& ctx) { ExpireGeneric(ctx, kUnixSeconds); }
void PExpireAt(Context& ctx) { ExpireGeneric(ctx, kUnixMillis); }

void TtlGeneric(Context& ctx, TimeUnit unit) {
  constexpr int64_t kNoSuchKey = -2;
  constexpr int64_t kLivesForEver = -1;
  const Entry* entry = ctx.Inspect(ctx.key(1));
  if (entry == nullptr) return ctx.reply().Integer(kNoSuchKey);
  if (!entry->has_expiry()) return ctx.reply().Integer(kLivesForEver);
  const int64_t ms =
      unit.is_absolute ? entry->expiry_ms() : std::max<int64_t>(entry->expiry_ms() - ctx.now_ms(), 0);
  ctx.reply().Integer(unit.is_seconds ? ms / 1000 + (ms % 1000 >= 500 ? 1 : 0) : ms);
}

void Ttl(Context& ctx) { TtlGeneric(ctx, kSecondsFromNow); }
void PTtl(Context& ctx) { TtlGeneric(ctx, kMillisFromNow); }
void ExpireTimeOf(Context& ctx) { TtlGeneric(ctx, kUnixSeconds); }
void PExpireTimeOf(Context& ctx) { TtlGeneric(ctx, kUnixMillis); }

void Persist(Context& ctx) {
  const Key key = ctx.key(1);
  const Entry* entry = ctx.db().Find(key);
  if (entry == nullptr || !entry->has_expiry()) return ctx.reply().Integer(0);
  ctx.db().SetExpiry(key, Database::kNoExpiry);
  ctx.Notify(settings::kNotifyGeneric, "persist", key.text);
  ctx.reply().Integer(1);
}

}  // namespace

void RegisterExpiry(engine::CommandTable& table) {
  table.Bind("expire", engine::MakeHandler<&Expire>());
  table.Bind("pexpire", engine::MakeHandler<&PExpire>());
  table.Bind("expireat", engine::MakeHandler<&ExpireAt>());
  table.Bind("pexpireat", engine::MakeHandler<&PExpireAt>());
  table.Bind("ttl", engine::MakeHandler<&Ttl>());
  table.Bind("pttl", engine::MakeHandler<&PTtl>());
  table.Bind("expiretime", engine::MakeHandler<&ExpireTimeOf>());
  table.Bind("pexpiretime", engine::MakeHandler<&PExpireTimeOf>());
  table.Bind("persist", engine::MakeHandler<&Persist>());
}

}  // namespace hearth::commands
