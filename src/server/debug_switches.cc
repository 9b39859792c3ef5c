#include "server/debug_switches.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"
#include "engine/client_limits.h"
#include "engine/engine.h"

namespace hearth::server {
namespace {

using engine::Context;

// As C's atoi reads it: what is no number is 0.
int64_t NumberOrZero(std::string_view text) { return ParseInt64(text).value_or(0); }

void SetSwitch(Context& ctx, bool& on) {
  on = NumberOrZero(ctx[2]) != 0;
  ctx.reply().Ok();
}

void UnknownOrMiscounted(Context& ctx) {
  ctx.Error(fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.",
                        ctx[1].substr(0, 128)));
}

}  // namespace

void AllowInScripts(Context& ctx) { SetSwitch(ctx, ctx.engine().debug().allows_in_scripts); }
void PauseCron(Context& ctx) { SetSwitch(ctx, ctx.engine().debug().is_cron_paused); }
void SkipChecksums(Context& ctx) { SetSwitch(ctx, ctx.engine().debug().skips_checksums); }

void SetAofWriteDelay(Context& ctx) {
  constexpr int64_t kLongestMicros = 60'000'000;
  ctx.engine().debug().aof_write_delay_us = std::clamp<int64_t>(NumberOrZero(ctx[2]), 0, kLongestMicros);
  ctx.reply().Ok();
}

void SetLargeElementBytes(Context& ctx) {
  const auto bytes = ParseMemory(ctx[2]);
  if (!bytes || *bytes < 0 || *bytes > UINT32_MAX) {
    return ctx.Error("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  }
  ctx.keyspace().set_large_element_bytes(*bytes == 0 ? keyspace::Keyspace::kLargeElementBytes
                                                     : static_cast<uint32_t>(*bytes));
  ctx.reply().Ok();
}

void TuneReplyBuffers(Context& ctx) {
  if (ctx.Is(2, "peak-reset-time")) {
    if (!ctx.Is(3, "never") && !ctx.Is(3, "reset") && !ctx.Integer(3)) return;
  } else if (!ctx.Is(2, "resizing")) {
    return UnknownOrMiscounted(ctx);
  }
  ctx.reply().Ok();
}

void KillClusterLink(Context& ctx) {
  ctx.Error("ERR Debug option only available for cluster mode enabled setup!");
}

void MatchPattern(Context& ctx) { ctx.reply().Integer(GlobMatch(ctx[2], ctx[3]) ? 1 : 0); }

void DescribeClientEviction(Context& ctx) {
  if (ctx.settings().maxmemory_clients == 0) return ctx.Error("ERR maxmemory-clients is disabled.");
  size_t clients = 0;
  size_t bytes = 0;
  ctx.engine().clients().ForEach([&](const engine::Client& client) {
    ++clients;
    bytes += engine::ClientMemoryBytes(client);
  });
  ctx.reply().Verbatim(fmt::format("{} clients hold {} bytes\n", clients, bytes));
}

void ControlAllocator(Context& ctx) {
  std::optional<int64_t> value;
  if (ctx.size() == 4) {
    value = ctx.Integer(3);
    if (!value) return;
  }
  const Result<int64_t> number = AllocatorNumber(std::string(ctx[2]), value);
  if (!number) return ctx.Error("ERR " + number.error().message);
  ctx.reply().Integer(*number);
}

void ControlAllocatorByText(Context& ctx) {
  std::optional<std::string> value;
  if (ctx.size() == 4) value = std::string(ctx[3]);
  const Result<std::string> text = AllocatorText(std::string(ctx[2]), value);
  if (!text) return ctx.Error("ERR " + text.error().message);
  ctx.reply().Bulk(*text);
}

}  // namespace hearth::server
