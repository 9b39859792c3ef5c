// Hashes: setting, reading, counting. Random fields and HSCAN are in hash_sampling.cc.
#include "commands/hashes.h"

#include <cmath>

#include "base/numbers.h"
#include "commands/element_reply.h"
#include "commands/hash_fields.h"
#include "commands/register.h"
#include "engine/context.h"
#include "keyspace/hash_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::Element;
using keyspace::HashReader;
using keyspace::HashValue;
using keyspace::kKeepFieldExpiry;
using keyspace::kNoFieldExpiry;

// Sets all pairs from argument 2 on; the number of new fields, or nothing if an error has been replied.
std::optional<int64_t> SetPairs(Context& ctx) {
  if (ctx.size() % 2 != 0) {
    ctx.WrongArgumentCount();
    return std::nullopt;
  }
  const Key key = ctx.key(1);
  const auto pairs = ctx.args().subspan(2);
  WriteHandle handle = ctx.FindForWrite(key);
  if (handle) {
    if (!ctx.CheckType(&*handle, Type::kHash)) return std::nullopt;
    HashValue(handle).PrepareFor(pairs);
  } else {
    handle = HashValue::Create(ctx.db(), key, pairs);
  }
  HashValue hash(handle);
  int64_t added = 0;
  for (size_t i = 0; i < pairs.size(); i += 2) added += hash.Set(pairs[i], pairs[i + 1]);
  ctx.Notify(settings::kNotifyHash, "hset", key.text);
  return added;
}

void HSet(Context& ctx) {
  if (const auto added = SetPairs(ctx)) ctx.reply().Integer(*added);
}

void HMSet(Context& ctx) {
  if (SetPairs(ctx)) ctx.reply().Ok();
}

// Sets one field of the hash behind `handle`, which may be empty: then the hash is made. `expiry_ms` is none,
// or that of before.
void SetField(Context& ctx, WriteHandle& handle, std::string_view field, std::string_view value,
              int64_t expiry_ms, std::string_view event) {
  const Key key = ctx.key(1);
  if (!handle) {
    const std::string_view pair[] = {field, value};
    handle = HashValue::Create(ctx.db(), key, pair);
  }
  HashValue(handle).Set(field, value, expiry_ms);
  ctx.Notify(settings::kNotifyHash, event, key.text);
}

void HSetNx(Context& ctx) {
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  if (handle) {
    if (!ctx.CheckType(&*handle, Type::kHash)) return;
    if (HashReader(*handle, ctx.keyspace()).Has(ctx[2])) return ctx.reply().Integer(0);
  }
  SetField(ctx, handle, ctx[2], ctx[3], kNoFieldExpiry, "hset");
  ctx.reply().Integer(1);
}

void HIncrBy(Context& ctx) {
  const auto increment = ctx.Integer(3);
  if (!increment) return;
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  int64_t value = 0;
  if (handle) {
    if (!ctx.CheckType(&*handle, Type::kHash)) return;
    if (const auto element = HashReader(*handle, ctx.keyspace()).Get(ctx[2])) {
      const auto number = element->is_number ? element->number : ParseInt64(element->text);
      if (!number) return ctx.Error("ERR hash value is not an integer");
      value = *number;
    }
  }
  if (__builtin_add_overflow(value, *increment, &value)) {
    return ctx.Error("ERR increment or decrement would overflow");
  }
  char digits[20];
  const std::string_view text(digits, static_cast<size_t>(FormatInt64(value, digits)));
  SetField(ctx, handle, ctx[2], text, kKeepFieldExpiry, "hincrby");
  ctx.reply().Integer(value);
}

void HIncrByFloat(Context& ctx) {
  const auto increment = ParseLongDouble(ctx[3]);
  if (!increment) return ctx.Error("ERR value is not a valid float");
  if (!std::isfinite(*increment)) return ctx.Error("ERR value is NaN or Infinity");
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  long double value = 0;
  if (handle) {
    if (!ctx.CheckType(&*handle, Type::kHash)) return;
    if (const auto element = HashReader(*handle, ctx.keyspace()).Get(ctx[2])) {
      const auto number =
          element->is_number ? static_cast<long double>(element->number) : ParseLongDouble(element->text);
      if (!number) return ctx.Error("ERR hash value is not a float");
      value = *number;
    }
  }
  value += *increment;
  if (!std::isfinite(value)) return ctx.Error("ERR increment would produce NaN or Infinity");
  const std::string text = FormatLongDouble(value);
  SetField(ctx, handle, ctx[2], text, kKeepFieldExpiry, "hincrbyfloat");
  // The sum as text: a replica of another make might round otherwise. HSET takes an expiry away.
  ctx.effects().Replace({"HSET", ctx[1], ctx[2], text});
  const int64_t expiry_ms = *HashReader(*handle, ctx.keyspace()).ExpiryOf(ctx[2]);
  if (expiry_ms != kNoFieldExpiry) PassOnExpiry(ctx, ctx.args().subspan(2, 1), expiry_ms);
  ctx.reply().Bulk(text);
}

void HDel(Context& ctx) {
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Integer(0);
  if (!ctx.CheckType(&*handle, Type::kHash)) return;
  HashValue hash(handle);
  int64_t removed = 0;
  for (size_t i = 2; i < ctx.size(); ++i) removed += hash.Erase(ctx[i]);
  if (removed > 0) ctx.Notify(settings::kNotifyHash, "hdel", key.text);
  ctx.reply().Integer(removed);
}

void HGet(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kHash)) return;
  const auto value = entry == nullptr ? std::nullopt : HashReader(*entry, ctx.keyspace()).Get(ctx[2]);
  if (value) {
    ReplyElement(ctx.reply(), *value);
  } else {
    ctx.reply().Null();
  }
}

void HMGet(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kHash)) return;
  ctx.reply().Array(ctx.size() - 2);
  for (size_t i = 2; i < ctx.size(); ++i) {
    const auto value = entry == nullptr ? std::nullopt : HashReader(*entry, ctx.keyspace()).Get(ctx[i]);
    if (value) {
      ReplyElement(ctx.reply(), *value);
    } else {
      ctx.reply().Null();
    }
  }
}

void HGetAll(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kHash)) return;
  resp::Writer& reply = ctx.reply();
  if (entry == nullptr) return reply.Map(0);
  const HashReader hash(*entry, ctx.keyspace());
  reply.Map(hash.Length());
  hash.ForEach([&](const Element& field, const Element& value) {
    ReplyElement(reply, field);
    ReplyElement(reply, value);
  });
}

void ReplyColumn(Context& ctx, bool of_values) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kHash)) return;
  resp::Writer& reply = ctx.reply();
  if (entry == nullptr) return reply.Array(0);
  const HashReader hash(*entry, ctx.keyspace());
  reply.Array(hash.Length());
  hash.ForEach(
      [&](const Element& field, const Element& value) { ReplyElement(reply, of_values ? value : field); });
}

void HKeys(Context& ctx) { ReplyColumn(ctx, false); }
void HVals(Context& ctx) { ReplyColumn(ctx, true); }

void HLen(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kHash)) return;
  ctx.reply().Integer(entry == nullptr ? 0
                                       : static_cast<int64_t>(HashReader(*entry, ctx.keyspace()).Length()));
}

void HStrLen(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kHash)) return;
  const auto value = entry == nullptr ? std::nullopt : HashReader(*entry, ctx.keyspace()).Get(ctx[2]);
  ds::NumberBuffer buffer;
  ctx.reply().Integer(value ? static_cast<int64_t>(value->View(buffer).size()) : 0);
}

void HExists(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kHash)) return;
  ctx.reply().Integer(entry != nullptr && HashReader(*entry, ctx.keyspace()).Has(ctx[2]));
}

}  // namespace

void RegisterHashes(engine::CommandTable& table) {
  table.Bind("hset", engine::MakeHandler<&HSet>());
  table.Bind("hmset", engine::MakeHandler<&HMSet>());
  table.Bind("hsetnx", engine::MakeHandler<&HSetNx>());
  table.Bind("hincrby", engine::MakeHandler<&HIncrBy>());
  table.Bind("hincrbyfloat", engine::MakeHandler<&HIncrByFloat>());
  table.Bind("hdel", engine::MakeHandler<&HDel>());
  table.Bind("hget", engine::MakeHandler<&HGet>());
  table.Bind("hmget", engine::MakeHandler<&HMGet>());
  table.Bind("hgetall", engine::MakeHandler<&HGetAll>());
  table.Bind("hkeys", engine::MakeHandler<&HKeys>());
  table.Bind("hvals", engine::MakeHandler<&HVals>());
  table.Bind("hlen", engine::MakeHandler<&HLen>());
  table.Bind("hstrlen", engine::MakeHandler<&HStrLen>());
  table.Bind("hexists", engine::MakeHandler<&HExists>());
  RegisterHashSampling(table);
  RegisterHashExpiry(table);
  RegisterHashExpiringValues(table);
}

}  // namespace hearth::commands
