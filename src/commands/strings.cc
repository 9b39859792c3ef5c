// Whole strings: GET, SET and their many forms, MGET and MSET.
#include "commands/strings.h"

#include "commands/expire_time.h"
#include "commands/key_batch.h"
#include "commands/register.h"
#include "commands/set_options.h"
#include "engine/context.h"
#include "keyspace/string_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using keyspace::Database;
using keyspace::IntDigits;

void ReplyString(Context& ctx, const Entry& entry) {
  if (entry.is_int()) {
    ctx.reply().BulkInteger(entry.int_value());
  } else {
    ctx.reply().Bulk(entry.text());
  }
}

// Replies what the key holds; false if that was an error.
bool ReplyKey(Context& ctx, const Key& key) {
  const Entry* entry = ctx.FindForRead(key);
  if (entry == nullptr) {
    ctx.reply().Null();
    return true;
  }
  if (!ctx.CheckType(entry, Type::kString)) return false;
  ReplyString(ctx, *entry);
  return true;
}

void Get(Context& ctx) { ReplyKey(ctx, ctx.key(1)); }

void NotifySet(Context& ctx, std::string_view key) { ctx.Notify(settings::kNotifyString, "set", key); }

// Sets the key with an expiry, with its events and its effect.
void SetUntil(Context& ctx, const Key& key, std::string_view value, int64_t at_ms) {
  ctx.db().SetString(key, value, at_ms);
  NotifySet(ctx, key.text);
  ctx.Notify(settings::kNotifyGeneric, "expire", key.text);
  if (!ctx.effects().wanted()) return;
  IntDigits digits;
  ctx.effects().Replace({"SET", key.text, value, "PXAT", digits.Format(at_ms)});
}

void SetWithOptions(Context& ctx) {
  const auto options = ParseSetOptions(ctx, 3, SetForm::kSet);
  if (!options) return;
  std::optional<int64_t> at_ms;
  if (options->time_argument != 0) {
    at_ms = ExpireTime(ctx, options->time_argument, options->unit, true);
    if (!at_ms) return;
  }
  const Key key = ctx.key(1);
  if (options->get && !ReplyKey(ctx, key)) return;
  if (options->if_absent || options->if_present) {
    const bool is_there = ctx.db().Find(key) != nullptr;
    if (is_there ? options->if_absent : options->if_present) {
      if (!options->get) ctx.reply().Null();
      return;
    }
  }
  if (at_ms) {
    SetUntil(ctx, key, ctx[2], *at_ms);
  } else {
    ctx.db().SetString(key, ctx[2], options->keep_expiry ? Database::kKeepExpiry : Database::kNoExpiry);
    NotifySet(ctx, key.text);
    // What GET would read elsewhere is nobody's matter.
    if (options->get) {
      options->keep_expiry ? ctx.effects().Replace({"SET", key.text, ctx[2], "KEEPTTL"})
                           : ctx.effects().Replace({"SET", key.text, ctx[2]});
    }
  }
  if (!options->get) ctx.reply().Ok();
}

void Set(Context& ctx) {
  if (ctx.size() != 3) return SetWithOptions(ctx);
  ctx.db().SetString(ctx.key(1), ctx[2]);
  NotifySet(ctx, ctx[1]);
  ctx.reply().Ok();
}

void SetNx(Context& ctx) {
  const Key key = ctx.key(1);
  if (ctx.db().Find(key) != nullptr) {
    ctx.reply().Integer(0);
    return;
  }
  ctx.db().SetString(key, ctx[2]);
  NotifySet(ctx, key.text);
  ctx.reply().Integer(1);
}

void SetExGeneric(Context& ctx, TimeUnit unit) {
  const auto at_ms = ExpireTime(ctx, 2, unit, true);
  if (!at_ms) return;
  SetUntil(ctx, ctx.key(1), ctx[3], *at_ms);
  ctx.reply().Ok();
}

void SetEx(Context& ctx) { SetExGeneric(ctx, kSecondsFromNow); }
void PSetEx(Context& ctx) { SetExGeneric(ctx, kMillisFromNow); }

void GetSet(Context& ctx) {
  const Key key = ctx.key(1);
  if (!ReplyKey(ctx, key)) return;
  ctx.db().SetString(key, ctx[2]);
  NotifySet(ctx, key.text);
  ctx.effects().Replace({"SET", key.text, ctx[2]});
}

void GetDel(Context& ctx) {
  const Key key = ctx.key(1);
  if (!ReplyKey(ctx, key)) return;
  const bool is_lazy = ctx.settings().lazyfree_lazy_user_del;
  if (!ctx.db().Remove(key, is_lazy)) return;
  ctx.effects().Replace({is_lazy ? "UNLINK" : "DEL", key.text});
  ctx.Notify(settings::kNotifyGeneric, "del", key.text);
}

// GETEX with a time: the key gets a new expiry, or goes if that is over already.
void ExpireRead(Context& ctx, const Key& key, TimeUnit unit, int64_t at_ms) {
  if (unit.is_absolute && IsOverAlready(ctx, at_ms)) return RemoveAsExpired(ctx, key);
  ctx.db().SetExpiry(key, at_ms);
  ctx.Notify(settings::kNotifyGeneric, "expire", key.text);
  if (!ctx.effects().wanted()) return;
  IntDigits digits;
  ctx.effects().Replace({"PEXPIREAT", key.text, digits.Format(at_ms)});
}

void GetEx(Context& ctx) {
  const auto options = ParseSetOptions(ctx, 2, SetForm::kGetEx);
  if (!options) return;
  const Key key = ctx.key(1);
  const Entry* entry = ctx.FindForRead(key);
  if (entry == nullptr) return ctx.reply().Null();
  if (!ctx.CheckType(entry, Type::kString)) return;
  std::optional<int64_t> at_ms;
  if (options->time_argument != 0) {
    at_ms = ExpireTime(ctx, options->time_argument, options->unit, true);
    if (!at_ms) return;
  }
  ReplyString(ctx, *entry);
  if (at_ms) {
    ExpireRead(ctx, key, options->unit, *at_ms);
  } else if (options->persist && entry->has_expiry()) {
    ctx.db().SetExpiry(key, Database::kNoExpiry);
    ctx.Notify(settings::kNotifyGeneric, "persist", key.text);
    ctx.effects().Replace({"PERSIST", key.text});
  }
}

void MGet(Context& ctx) {
  ctx.reply().Array(ctx.size() - 1);
  ForEachKey(ctx, 1, 1, [&](const Key& key, size_t) {
    const Entry* entry = ctx.FindForRead(key);
    if (entry == nullptr || entry->type() != Type::kString) {
      ctx.reply().Null();
    } else {
      ReplyString(ctx, *entry);
    }
  });
}

void SetPairs(Context& ctx) {
  ForEachKey(ctx, 1, 2, [&](const Key& key, size_t i) {
    ctx.db().SetString(key, ctx[i + 1]);
    NotifySet(ctx, key.text);
  });
}

void MSet(Context& ctx) {
  if (ctx.size() % 2 == 0) return ctx.WrongArgumentCount();
  SetPairs(ctx);
  ctx.reply().Ok();
}

void MSetNx(Context& ctx) {
  if (ctx.size() % 2 == 0) return ctx.WrongArgumentCount();
  bool is_any_there = false;
  ForEachKey(ctx, 1, 2,
             [&](const Key& key, size_t) { is_any_there = is_any_there || ctx.db().Find(key) != nullptr; });
  if (!is_any_there) SetPairs(ctx);
  ctx.reply().Integer(is_any_there ? 0 : 1);
}

}  // namespace

void RegisterStrings(engine::CommandTable& table) {
  table.Bind("get", engine::MakeHandler<&Get>());
  table.Bind("set", engine::MakeHandler<&Set>());
  table.Bind("setnx", engine::MakeHandler<&SetNx>());
  table.Bind("setex", engine::MakeHandler<&SetEx>());
  table.Bind("psetex", engine::MakeHandler<&PSetEx>());
  table.Bind("getset", engine::MakeHandler<&GetSet>());
  table.Bind("getdel", engine::MakeHandler<&GetDel>());
  table.Bind("getex", engine::MakeHandler<&GetEx>());
  table.Bind("mget", engine::MakeHandler<&MGet>());
  table.Bind("mset", engine::MakeHandler<&MSet>());
  table.Bind("msetnx", engine::MakeHandler<&MSetNx>());
  RegisterStringNumbers(table);
  RegisterStringRanges(table);
  RegisterLcs(table);
}

}  // namespace hearth::commands
