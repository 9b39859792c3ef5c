// CLIENT KILL, PAUSE, UNPAUSE, UNBLOCK, REPLY, ACKS: what one client does to others, and to its own replies.

#include <limits>
#include <optional>
#include <string>

#include "base/text.h"
#include "commands/help.h"
#include "commands/register.h"
#include "engine/client_filters.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Client;
using engine::ClientFilter;
using engine::Context;

// One option and its value at `i`; false if an error has been replied.
bool ParseFilterOption(Context& ctx, size_t i, ClientFilter& filter) {
  const std::string_view value = ctx[i + 1];
  if (ctx.Is(i, "id")) {
    const auto id = ctx.IntegerIn(i + 1, 1, INT64_MAX, "ERR client-id should be greater than 0");
    if (id) filter.id = static_cast<uint64_t>(*id);
    return id.has_value();
  }
  if (ctx.Is(i, "maxage")) {
    const auto age = ctx.Integer(i + 1, "ERR maxage is not an integer or out of range");
    if (!age) return false;
    if (*age <= 0) return ctx.Error("ERR maxage should be greater than 0"), false;
    filter.minimum_age_seconds = *age;
  } else if (ctx.Is(i, "type")) {
    filter.type = engine::ParseClientType(value);
    if (!filter.type) return ctx.Error("ERR Unknown client type '" + std::string(value) + "'"), false;
  } else if (ctx.Is(i, "addr")) {
    filter.address = value;
  } else if (ctx.Is(i, "laddr")) {
    filter.local_address = value;
  } else if (ctx.Is(i, "user")) {
    if (ctx.engine().acl().users().Find(value) == nullptr)
      return ctx.Error("ERR No such user '" + std::string(value) + "'"), false;
    filter.user = value;
  } else if (ctx.Is(i, "skipme") && (EqualsIgnoreCase(value, "yes") || EqualsIgnoreCase(value, "no"))) {
    filter.skips_caller = EqualsIgnoreCase(value, "yes");
  } else {
    return ctx.SyntaxError(), false;
  }
  return true;
}

// The number of clients that were closed. The caller gets its reply before it goes.
size_t CloseMatching(Context& ctx, const ClientFilter& filter) {
  size_t count = 0;
  ctx.engine().clients().ForEach([&](Client& client) {
    if (!filter.Matches(client, ctx.client(), ctx.now_ms())) return;
    ++count;
    &client == &ctx.client() ? client.CloseAfterReply() : client.CloseNow();
  });
  return count;
}

void Kill(Context& ctx) {
  ClientFilter filter;
  if (ctx.size() == 3) {
    filter.address = ctx[2];
    filter.skips_caller = false;
    if (CloseMatching(ctx, filter) == 0) return ctx.Error("ERR No such client");
    return ctx.reply().Ok();
  }
  for (size_t i = 2; i < ctx.size(); i += 2) {
    if (i + 1 == ctx.size()) return ctx.SyntaxError();
    if (!ParseFilterOption(ctx, i, filter)) return;
  }
  ctx.reply().Integer(static_cast<int64_t>(CloseMatching(ctx, filter)));
}

void PauseClients(Context& ctx) {
  if (ctx.size() > 4) return SubcommandSyntaxError(ctx);
  auto scope = engine::Pause::Scope::kAll;
  if (ctx.size() == 4) {
    if (ctx.Is(3, "write")) {
      scope = engine::Pause::Scope::kWrites;
    } else if (!ctx.Is(3, "all")) {
      return ctx.Error("ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
  }
  const auto timeout_ms = ctx.Integer(2, "ERR timeout is not an integer or out of range");
  if (!timeout_ms) return;
  if (*timeout_ms < 0) return ctx.Error("ERR timeout is negative");
  const bool fits = *timeout_ms <= std::numeric_limits<int64_t>::max() - ctx.now_ms();
  ctx.engine().pause().Start(scope, fits ? ctx.now_ms() + *timeout_ms : std::numeric_limits<int64_t>::max());
  ctx.engine().RefreshChecks();
  ctx.reply().Ok();
}

void Unpause(Context& ctx) {
  ctx.engine().EndPause();
  ctx.reply().Ok();
}

void Unblock(Context& ctx) {
  if (ctx.size() > 4) return SubcommandSyntaxError(ctx);
  bool with_error = false;
  if (ctx.size() == 4) {
    with_error = ctx.Is(3, "error");
    if (!with_error && !ctx.Is(3, "timeout")) {
      return ctx.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    }
  }
  const auto id = ctx.Integer(2);
  if (!id) return;
  Client* client = ctx.engine().clients().Find(static_cast<uint64_t>(*id));
  const bool was_blocked =
      client != nullptr &&
      ctx.engine().Unblock(*client, with_error ? "UNBLOCKED client unblocked via CLIENT UNBLOCK" : "");
  ctx.reply().Integer(was_blocked);
}

void Reply(Context& ctx) {
  Client& client = ctx.client();
  if (ctx.Is(2, "on")) {
    client.reply_mode = engine::ReplyMode::kOn;
    ctx.reply().Ok();
  } else if (ctx.Is(2, "off")) {
    client.reply_mode = engine::ReplyMode::kOff;
  } else if (ctx.Is(2, "skip")) {
    // A client whose replies are off gets no others switched on by this.
    if (client.reply_mode != engine::ReplyMode::kOff) client.reply_mode = engine::ReplyMode::kSkipNext;
  } else {
    return ctx.SyntaxError();
  }
  client.set(Client::kReplyLimited, client.reply_mode != engine::ReplyMode::kOn);
}

void Acks(Context& ctx) {
  if (ctx.Is(2, "default")) {
    ctx.engine().SetAcks(ctx.client(), -1);
    return ctx.reply().Ok();
  }
  const auto acks = ctx.IntegerIn(2, 0, std::numeric_limits<int32_t>::max(),
                                  "ERR acks must be a number of replicas, or DEFAULT");
  if (!acks) return;
  ctx.engine().SetAcks(ctx.client(), *acks);
  ctx.reply().Ok();
}

}  // namespace

void RegisterClientControl(engine::CommandTable& table) {
  table.Bind("client|kill", engine::MakeHandler<&Kill>());
  table.Bind("client|pause", engine::MakeHandler<&PauseClients>());
  table.Bind("client|unpause", engine::MakeHandler<&Unpause>());
  table.Bind("client|unblock", engine::MakeHandler<&Unblock>());
  table.Bind("client|reply", engine::MakeHandler<&Reply>());
  table.Bind("client|acks", engine::MakeHandler<&Acks>());
}

}  // namespace hearth::commands
