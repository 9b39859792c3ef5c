// How long fields of hashes live: HEXPIRE and its kin, HTTL and its kin, HPERSIST.
#include <vector>

#include "commands/hash_fields.h"
#include "commands/hashes.h"
#include "keyspace/hash_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Type;
using engine::WriteHandle;
using keyspace::HashReader;
using keyspace::HashValue;
using keyspace::kNoFieldExpiry;

// What is replied for each field.
constexpr int64_t kNoSuchField = -2;
constexpr int64_t kHasNoExpiry = -1;
constexpr int64_t kConditionNotMet = 0;
constexpr int64_t kIsDone = 1;
constexpr int64_t kIsRemoved = 2;

constexpr std::string_view kCountIsNotPositive = "ERR Number of fields must be a positive integer";

enum class Condition { kAlways, kIfNone, kIfAny, kIfGreater, kIfLess };

Condition ParseCondition(Context& ctx, size_t i) {
  if (ctx.Is(i, "NX")) return Condition::kIfNone;
  if (ctx.Is(i, "XX")) return Condition::kIfAny;
  if (ctx.Is(i, "GT")) return Condition::kIfGreater;
  if (ctx.Is(i, "LT")) return Condition::kIfLess;
  return Condition::kAlways;
}

// A field without expiry lives for ever, which is later than any time.
bool IsMet(Condition condition, int64_t old_ms, int64_t new_ms) {
  switch (condition) {
    case Condition::kAlways:
      return true;
    case Condition::kIfNone:
      return old_ms == kNoFieldExpiry;
    case Condition::kIfAny:
      return old_ms != kNoFieldExpiry;
    case Condition::kIfGreater:
      return old_ms != kNoFieldExpiry && new_ms > old_ms;
    case Condition::kIfLess:
      return old_ms == kNoFieldExpiry || new_ms < old_ms;
  }
  return false;
}

void ReplyForAll(Context& ctx, size_t count, int64_t reply) {
  ctx.reply().Array(count);
  for (size_t i = 0; i < count; ++i) ctx.reply().Integer(reply);
}

void ExpireGeneric(Context& ctx, TimeUnit unit) {
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  if (handle && !ctx.CheckType(&*handle, Type::kHash)) return;
  const auto at_ms = FieldExpireTime(ctx, 2, unit);
  if (!at_ms) return;
  const Condition condition = ParseCondition(ctx, 3);
  const auto fields = ParseFields(ctx, condition == Condition::kAlways ? 3 : 4,
                                  "ERR Parameter `numFields` should be greater than 0");
  if (!fields) return;
  if (!handle) return ReplyForAll(ctx, fields->size(), kNoSuchField);

  const HashReader reader(*handle, ctx.keyspace());
  HashValue hash(handle);
  const bool is_over = IsOverAlready(ctx, *at_ms);
  std::vector<std::string_view> changed;
  ctx.reply().Array(fields->size());
  for (std::string_view field : *fields) {
    const auto old_ms = reader.ExpiryOf(field);
    if (!old_ms) {
      ctx.reply().Integer(kNoSuchField);
    } else if (!IsMet(condition, *old_ms, *at_ms)) {
      ctx.reply().Integer(kConditionNotMet);
    } else {
      is_over ? hash.Erase(field) : hash.SetExpiry(field, *at_ms);
      changed.push_back(field);
      ctx.reply().Integer(is_over ? kIsRemoved : kIsDone);
    }
  }
  if (changed.empty()) return;
  is_over ? PassOnRemoval(ctx, changed) : PassOnExpiry(ctx, changed, *at_ms);
  ctx.Notify(settings::kNotifyHash, is_over ? "hdel" : "hexpire", ctx[1]);
}

void HExpire(Context& ctx) { ExpireGeneric(ctx, kSecondsFromNow); }
void HPExpire(Context& ctx) { ExpireGeneric(ctx, kMillisFromNow); }
void HExpireAt(Context& ctx) { ExpireGeneric(ctx, kUnixSeconds); }
void HPExpireAt(Context& ctx) { ExpireGeneric(ctx, kUnixMillis); }

void TtlGeneric(Context& ctx, TimeUnit unit) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kHash)) return;
  const auto fields = ParseFields(ctx, 2, kCountIsNotPositive);
  if (!fields) return;
  if (entry == nullptr) return ReplyForAll(ctx, fields->size(), kNoSuchField);
  const HashReader reader(*entry, ctx.keyspace());
  const int64_t base_ms = unit.is_absolute ? 0 : ctx.now_ms();
  ctx.reply().Array(fields->size());
  for (std::string_view field : *fields) {
    const auto at_ms = reader.ExpiryOf(field);
    if (!at_ms) {
      ctx.reply().Integer(kNoSuchField);
    } else if (*at_ms == kNoFieldExpiry) {
      ctx.reply().Integer(kHasNoExpiry);
    } else {
      // Seconds are rounded up, other than those of keys: a field that is there never says zero.
      const int64_t left_ms = *at_ms - base_ms;
      ctx.reply().Integer(unit.is_seconds ? (left_ms + 999) / 1000 : left_ms);
    }
  }
}

void HTtl(Context& ctx) { TtlGeneric(ctx, kSecondsFromNow); }
void HPTtl(Context& ctx) { TtlGeneric(ctx, kMillisFromNow); }
void HExpireTime(Context& ctx) { TtlGeneric(ctx, kUnixSeconds); }
void HPExpireTime(Context& ctx) { TtlGeneric(ctx, kUnixMillis); }

void HPersist(Context& ctx) {
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  if (handle && !ctx.CheckType(&*handle, Type::kHash)) return;
  const auto fields = ParseFields(ctx, 2, kCountIsNotPositive);
  if (!fields) return;
  if (!handle) return ReplyForAll(ctx, fields->size(), kNoSuchField);
  const HashReader reader(*handle, ctx.keyspace());
  bool any_changed = false;
  ctx.reply().Array(fields->size());
  for (std::string_view field : *fields) {
    const auto at_ms = reader.ExpiryOf(field);
    if (!at_ms) {
      ctx.reply().Integer(kNoSuchField);
    } else if (*at_ms == kNoFieldExpiry) {
      ctx.reply().Integer(kHasNoExpiry);
    } else {
      HashValue(handle).SetExpiry(field, kNoFieldExpiry);
      any_changed = true;
      ctx.reply().Integer(kIsDone);
    }
  }
  if (any_changed) ctx.Notify(settings::kNotifyHash, "hpersist", ctx[1]);
}

}  // namespace

void RegisterHashExpiry(engine::CommandTable& table) {
  table.Bind("hexpire", engine::MakeHandler<&HExpire>());
  table.Bind("hpexpire", engine::MakeHandler<&HPExpire>());
  table.Bind("hexpireat", engine::MakeHandler<&HExpireAt>());
  table.Bind("hpexpireat", engine::MakeHandler<&HPExpireAt>());
  table.Bind("httl", engine::MakeHandler<&HTtl>());
  table.Bind("hpttl", engine::MakeHandler<&HPTtl>());
  table.Bind("hexpiretime", engine::MakeHandler<&HExpireTime>());
  table.Bind("hpexpiretime", engine::MakeHandler<&HPExpireTime>());
  table.Bind("hpersist", engine::MakeHandler<&HPersist>());
}

}  // namespace hearth::commands
