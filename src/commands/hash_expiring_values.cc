// Values of fields together with their expiry: HGETEX, HSETEX, HGETDEL.
#include <climits>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "commands/element_reply.h"
#include "commands/hash_fields.h"
#include "commands/hashes.h"
#include "keyspace/hash_value.h"

namespace hearth::commands {
namespace {

using engine::Arguments;
using engine::Context;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::HashReader;
using keyspace::HashValue;
using keyspace::kKeepFieldExpiry;
using keyspace::kNoFieldExpiry;

// The arguments of HGETEX and HSETEX.
struct Options {
  std::optional<int64_t> at_ms;   // EX, PX, EXAT, PXAT
  bool keeps_or_clears = false;   // KEEPTTL of HSETEX, PERSIST of HGETEX
  bool if_none_is_there = false;  // FNX
  bool if_all_are_there = false;  // FXX
  Arguments words;                // the fields; for HSETEX each with its value
};

std::optional<TimeUnit> UnitOf(Context& ctx, size_t i) {
  if (ctx.Is(i, "EX")) return kSecondsFromNow;
  if (ctx.Is(i, "PX")) return kMillisFromNow;
  if (ctx.Is(i, "EXAT")) return kUnixSeconds;
  if (ctx.Is(i, "PXAT")) return kUnixMillis;
  return std::nullopt;
}

// Takes the option at argument `i`, and moves `i` to its last argument. False if an error has been replied.
bool TakeOption(Context& ctx, size_t& i, bool sets, Options& options) {
  const std::string_view flag = sets ? "KEEPTTL" : "PERSIST";
  const auto unit = UnitOf(ctx, i);
  if (unit || ctx.Is(i, flag)) {
    if (options.at_ms || options.keeps_or_clears) {
      ctx.Error(fmt::format("ERR Only one of EX, PX, EXAT, PXAT or {} arguments can be specified", flag));
      return false;
    }
    options.keeps_or_clears = !unit;
    if (!unit) return true;
    if (++i == ctx.size()) {
      ctx.Error("ERR missing expire time");
      return false;
    }
    options.at_ms = FieldExpireTime(ctx, i, *unit);
    return options.at_ms.has_value();
  }
  if (sets && (ctx.Is(i, "FNX") || ctx.Is(i, "FXX"))) {
    if (options.if_none_is_there || options.if_all_are_there) {
      ctx.Error("ERR Only one of FXX or FNX arguments can be specified");
      return false;
    }
    (ctx.Is(i, "FNX") ? options.if_none_is_there : options.if_all_are_there) = true;
    return true;
  }
  ctx.Error(fmt::format("ERR unknown argument: {}", ctx[i].substr(0, ctx[i].find('\0'))));
  return false;
}

std::optional<Options> ParseOptions(Context& ctx, bool sets) {
  Options options;
  for (size_t i = 2; i < ctx.size(); ++i) {
    if (!ctx.Is(i, "FIELDS")) {
      if (!TakeOption(ctx, i, sets, options)) return std::nullopt;
      continue;
    }
    const uint64_t width = sets ? 2 : 1;
    if (i + 1 + width >= ctx.size()) {
      ctx.WrongArgumentCount();
      return std::nullopt;
    }
    const auto count = ctx.IntegerIn(i + 1, 1, INT_MAX, "ERR invalid number of fields");
    if (!count) return std::nullopt;
    options.words = ctx.args().subspan(i + 2);
    if (options.words.size() == static_cast<uint64_t>(*count) * width) return options;
    ctx.Error("ERR wrong number of arguments");
    return std::nullopt;
  }
  ctx.Error("ERR missing FIELDS argument");
  return std::nullopt;
}

void ReplyNulls(Context& ctx, size_t count) {
  ctx.reply().Array(count);
  for (size_t i = 0; i < count; ++i) ctx.reply().Null();
}

void PassOnPersisting(Context& ctx, std::span<const std::string_view> fields) {
  const std::string count = std::to_string(fields.size());
  std::vector<std::string_view> effect = {"HPERSIST", ctx[1], "FIELDS", count};
  effect.insert(effect.end(), fields.begin(), fields.end());
  ctx.effects().Replace(effect);
}

void HGetEx(Context& ctx) {
  const auto options = ParseOptions(ctx, false);
  if (!options) return;
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  if (!handle) return ReplyNulls(ctx, options->words.size());
  if (!ctx.CheckType(&*handle, Type::kHash)) return;
  const HashReader reader(*handle, ctx.keyspace());
  HashValue hash(handle);
  const bool is_over = options->at_ms && IsOverAlready(ctx, *options->at_ms);
  std::vector<std::string_view> changed;
  ctx.reply().Array(options->words.size());
  for (std::string_view field : options->words) {
    const auto value = reader.Get(field);
    if (!value) {
      ctx.reply().Null();
      continue;
    }
    ReplyElement(ctx.reply(), *value);
    if (is_over) {
      hash.Erase(field);
    } else if (options->at_ms) {
      hash.SetExpiry(field, *options->at_ms);
    } else if (options->keeps_or_clears && reader.ExpiryOf(field) != kNoFieldExpiry) {
      hash.SetExpiry(field, kNoFieldExpiry);
    } else {
      continue;
    }
    changed.push_back(field);
  }
  if (changed.empty()) return;
  if (is_over) {
    PassOnRemoval(ctx, changed);
  } else if (options->at_ms) {
    PassOnExpiry(ctx, changed, *options->at_ms);
  } else {
    PassOnPersisting(ctx, changed);
  }
  ctx.Notify(settings::kNotifyHash, is_over ? "hdel" : options->at_ms ? "hexpire" : "hpersist", ctx[1]);
}

void HGetDel(Context& ctx) {
  const auto fields = ParseFields(ctx, 2, "ERR Number of fields must be a positive integer");
  if (!fields) return;
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  if (!handle) return ReplyNulls(ctx, fields->size());
  if (!ctx.CheckType(&*handle, Type::kHash)) return;
  const HashReader reader(*handle, ctx.keyspace());
  std::vector<std::string_view> removed;
  ctx.reply().Array(fields->size());
  for (std::string_view field : *fields) {
    const auto value = reader.Get(field);
    if (!value) {
      ctx.reply().Null();
      continue;
    }
    ReplyElement(ctx.reply(), *value);
    HashValue(handle).Erase(field);
    removed.push_back(field);
  }
  if (removed.empty()) return;
  PassOnRemoval(ctx, removed);
  ctx.Notify(settings::kNotifyHash, "hdel", ctx[1]);
}

// FNX or FXX, if given, holds for all fields.
bool AllowsSetting(Context& ctx, const Options& options, const WriteHandle& handle) {
  if (!options.if_none_is_there && !options.if_all_are_there) return true;
  for (size_t i = 0; i < options.words.size(); i += 2) {
    const bool is_there = handle && HashReader(*handle, ctx.keyspace()).Has(options.words[i]);
    if (is_there == options.if_none_is_there) return false;
  }
  return true;
}

// Fields set to a time that is over are gone as soon as they are there.
void RemoveInstead(Context& ctx, const Options& options, WriteHandle& handle) {
  if (!handle) return;
  std::vector<std::string_view> removed;
  for (size_t i = 0; i < options.words.size(); i += 2) {
    if (HashValue(handle).Erase(options.words[i])) removed.push_back(options.words[i]);
  }
  if (removed.empty()) return;
  PassOnRemoval(ctx, removed);
  ctx.Notify(settings::kNotifyHash, "hdel", ctx[1]);
}

// As HSET and HPEXPIREAT, with the times that the fields have now: what an older replica understands too.
void PassOnSetting(Context& ctx, const Options& options, const WriteHandle& handle) {
  if (!ctx.effects().wanted()) return;
  std::vector<std::string_view> effect = {"HSET", ctx[1]};
  effect.insert(effect.end(), options.words.begin(), options.words.end());
  ctx.effects().Replace(effect);
  const HashReader reader(*handle, ctx.keyspace());
  std::map<int64_t, std::vector<std::string_view>> fields_by_time;
  for (size_t i = 0; i < options.words.size(); i += 2) {
    const int64_t at_ms = *reader.ExpiryOf(options.words[i]);
    if (at_ms != kNoFieldExpiry) fields_by_time[at_ms].push_back(options.words[i]);
  }
  for (const auto& [at_ms, fields] : fields_by_time) PassOnExpiry(ctx, fields, at_ms);
}

void HSetEx(Context& ctx) {
  const auto options = ParseOptions(ctx, true);
  if (!options) return;
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (handle && !ctx.CheckType(&*handle, Type::kHash)) return;
  if (!AllowsSetting(ctx, *options, handle)) return ctx.reply().Integer(0);
  ctx.reply().Integer(1);
  if (options->at_ms && IsOverAlready(ctx, *options->at_ms)) return RemoveInstead(ctx, *options, handle);

  if (handle) {
    HashValue(handle).PrepareFor(options->words);
  } else {
    handle = HashValue::Create(ctx.db(), key, options->words);
  }
  HashValue hash(handle);
  const int64_t expiry_ms =
      options->keeps_or_clears ? kKeepFieldExpiry : options->at_ms.value_or(kNoFieldExpiry);
  for (size_t i = 0; i < options->words.size(); i += 2) {
    hash.Set(options->words[i], options->words[i + 1], expiry_ms);
  }
  PassOnSetting(ctx, *options, handle);
  ctx.Notify(settings::kNotifyHash, "hset", key.text);
  if (options->at_ms) ctx.Notify(settings::kNotifyHash, "hexpire", key.text);
}

}  // namespace

void RegisterHashExpiringValues(engine::CommandTable& table) {
  table.Bind("hgetex", engine::MakeHandler<&HGetEx>());
  table.Bind("hsetex", engine::MakeHandler<&HSetEx>());
  table.Bind("hgetdel", engine::MakeHandler<&HGetDel>());
}

}  // namespace hearth::commands
