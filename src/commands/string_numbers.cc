// Counters: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.
#include <cmath>

#include "base/numbers.h"
#include "commands/strings.h"
#include "engine/context.h"
#include "keyspace/string_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::Database;
using keyspace::IntDigits;
using keyspace::StringValue;

void Add(Context& ctx, int64_t increment) {
  const Key key = ctx.key(1);
  int64_t value = 0;
  WriteHandle handle = ctx.FindForWrite(key);
  if (handle) {
    if (!ctx.CheckType(&*handle, Type::kString)) return;
    const auto old_value = keyspace::StringInteger(*handle);
    if (!old_value) return ctx.Error("ERR value is not an integer or out of range");
    value = *old_value;
  }
  if (__builtin_add_overflow(value, increment, &value)) {
    return ctx.Error("ERR increment or decrement would overflow");
  }
  if (handle && handle->is_int()) {
    StringValue(handle).SetInteger(value);
    handle.Release();
  } else {
    handle.Release();
    IntDigits digits;
    ctx.db().SetString(key, digits.Format(value), Database::kKeepExpiry);
  }
  ctx.Notify(settings::kNotifyString, "incrby", key.text);
  ctx.reply().Integer(value);
}

void Incr(Context& ctx) { Add(ctx, 1); }
void Decr(Context& ctx) { Add(ctx, -1); }

void IncrBy(Context& ctx) {
  if (const auto increment = ctx.Integer(2)) Add(ctx, *increment);
}

void DecrBy(Context& ctx) {
  const auto decrement = ctx.Integer(2);
  if (!decrement) return;
  if (*decrement == INT64_MIN) return ctx.Error("ERR decrement would overflow");
  Add(ctx, -*decrement);
}

// Puts a sum under the key, keeping its expiry. One that reads like an integer stays text: clients see
// "embstr".
void StoreSum(Context& ctx, const Key& key, std::string_view text) {
  if (!ParseInt64(text)) return ctx.db().SetString(key, text, Database::kKeepExpiry);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) handle = StringValue::Create(ctx.db(), key, text.size());
  StringValue(handle).SetText(text);
}

void IncrByFloat(Context& ctx) {
  const Key key = ctx.key(1);
  const Entry* entry = ctx.db().Find(key);
  if (!ctx.CheckType(entry, Type::kString)) return;
  long double value = 0;
  if (entry != nullptr) {
    IntDigits digits;
    const auto old_value = ParseLongDouble(keyspace::StringText(*entry, digits));
    if (!old_value) return ctx.Error("ERR value is not a valid float");
    value = *old_value;
  }
  const auto increment = ParseLongDouble(ctx[2]);
  if (!increment) return ctx.Error("ERR value is not a valid float");
  value += *increment;
  if (!std::isfinite(value)) return ctx.Error("ERR increment would produce NaN or Infinity");
  const std::string text = FormatLongDouble(value);
  StoreSum(ctx, key, text);
  ctx.Notify(settings::kNotifyString, "incrbyfloat", key.text);
  ctx.reply().Bulk(text);
  // Elsewhere the sum might round differently.
  ctx.effects().Replace({"SET", key.text, text, "KEEPTTL"});
}

}  // namespace

void RegisterStringNumbers(engine::CommandTable& table) {
  table.Bind("incr", engine::MakeHandler<&Incr>());
  table.Bind("decr", engine::MakeHandler<&Decr>());
  table.Bind("incrby", engine::MakeHandler<&IncrBy>());
  table.Bind("decrby", engine::MakeHandler<&DecrBy>());
  table.Bind("incrbyfloat", engine::MakeHandler<&IncrByFloat>());
}

}  // namespace hearth::commands
