// RESTORE: a key from what DUMP gave.
#include <limits>
#include <vector>

#include "base/numbers.h"
#include "commands/expire_time.h"
#include "commands/register.h"
#include "engine/context.h"
#include "engine/engine.h"
#include "keyspace/access.h"
#include "rdb/payload.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Key;

struct RestoreOptions {
  bool replace = false;
  bool is_absolute = false;
  int64_t idle_seconds = -1;
  int frequency = -1;
};

std::optional<RestoreOptions> ParseOptions(Context& ctx) {
  RestoreOptions options;
  for (size_t i = 4; i < ctx.size(); ++i) {
    const bool has_value = i + 1 < ctx.size();
    if (ctx.Is(i, "REPLACE")) {
      options.replace = true;
    } else if (ctx.Is(i, "ABSTTL")) {
      options.is_absolute = true;
    } else if (ctx.Is(i, "IDLETIME") && has_value && options.frequency < 0) {
      const auto idle = ctx.Integer(++i);
      if (!idle) return std::nullopt;
      if (*idle < 0) {
        ctx.Error("ERR Invalid IDLETIME value, must be >= 0");
        return std::nullopt;
      }
      options.idle_seconds = *idle;
    } else if (ctx.Is(i, "FREQ") && has_value && options.idle_seconds < 0) {
      const auto frequency = ctx.Integer(++i);
      if (!frequency) return std::nullopt;
      if (*frequency < 0 || *frequency > UINT8_MAX) {
        ctx.Error("ERR Invalid FREQ value, must be >= 0 and <= 255");
        return std::nullopt;
      }
      options.frequency = static_cast<int>(*frequency);
    } else {
      ctx.SyntaxError();
      return std::nullopt;
    }
  }
  return options;
}

// Unix milliseconds, or -1 for none; the error has been replied if nothing.
std::optional<int64_t> ParseExpiry(Context& ctx, bool is_absolute) {
  const auto ttl = ctx.Integer(2);
  if (!ttl) return std::nullopt;
  if (*ttl < 0) {
    ctx.Error("ERR Invalid TTL value, must be >= 0");
    return std::nullopt;
  }
  if (*ttl == 0) return -1;
  if (is_absolute) return *ttl;
  return *ttl > std::numeric_limits<int64_t>::max() - ctx.now_ms() ? std::numeric_limits<int64_t>::max()
                                                                   : *ttl + ctx.now_ms();
}

// A time to live counts from now, so what is passed on names the end of it.
void PassOnAbsolute(Context& ctx, int64_t expiry_ms) {
  if (!ctx.effects().wanted()) return;
  std::vector<std::string_view> args(ctx.args().begin(), ctx.args().end());
  char digits[20];
  args[2] = std::string_view(digits, static_cast<size_t>(FormatInt64(expiry_ms, digits)));
  args.push_back("ABSTTL");
  ctx.effects().Replace(args);
}

// The time is over: all that happens is that the old key has gone.
void FinishWithoutKey(Context& ctx, const Key& key, bool is_lazy, bool had_key) {
  if (had_key) {
    ctx.effects().Replace({is_lazy ? "UNLINK" : "DEL", key.text});
    ctx.Notify(settings::kNotifyGeneric, "del", key.text);
  }
  ctx.reply().Ok();
}

void Restore(Context& ctx) {
  const auto options = ParseOptions(ctx);
  if (!options) return;
  const Key key = ctx.key(1);
  if (!options->replace && ctx.Peek(key) != nullptr) {
    return ctx.Error("BUSYKEY Target key name already exists.");
  }
  const auto expiry_ms = ParseExpiry(ctx, options->is_absolute);
  if (!expiry_ms) return;
  const auto body = rdb::PayloadBody(ctx[3], !ctx.engine().debug().skips_checksums);
  if (!body) return ctx.Error("ERR DUMP payload version or checksum are wrong");
  const rdb::DecodeContext decoding{ctx.settings(), &ctx.keyspace().cuts(), true};
  const uint32_t access =
      keyspace::RestoredAccess(ctx.settings(), ctx.now_ms(), options->idle_seconds, options->frequency);
  ++ctx.engine().stats().payloads_checked;
  auto entry = rdb::DecodePayload(*body, {key.text, *expiry_ms, access}, decoding);
  if (!entry) return ctx.Error("ERR Bad data format");

  const bool is_lazy = ctx.settings().lazyfree_lazy_server_del;
  const bool had_key = options->replace && ctx.db().Remove(key, is_lazy);
  if (*expiry_ms >= 0 && IsOverAlready(ctx, *expiry_ms)) return FinishWithoutKey(ctx, key, is_lazy, had_key);
  ctx.db().Adopt(std::move(*entry), key);
  if (*expiry_ms >= 0 && !options->is_absolute) PassOnAbsolute(ctx, *expiry_ms);
  ctx.Notify(settings::kNotifyGeneric, "restore", key.text);
  ctx.reply().Ok();
}

}  // namespace

void RegisterRestore(engine::CommandTable& table) { table.Bind("restore", engine::MakeHandler<&Restore>()); }

}  // namespace hearth::commands
