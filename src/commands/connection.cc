// AUTH, HELLO, PING, ECHO, QUIT, RESET: what a connection is and who speaks on it.

#include <optional>

#include "base/numbers.h"
#include "base/text.h"
#include "commands/client_names.h"
#include "commands/register.h"
#include "commands/subscriptions.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Client;
using engine::Context;

// The interface that clients find here, whatever this product's own version is.
constexpr std::string_view kInterfaceVersion = "7.2.4";

constexpr std::string_view kWrongPassword = "WRONGPASS invalid username-password pair or user is disabled.";

// Logs the caller in, or replies the error.
bool Authenticate(Context& ctx, std::string_view user, std::string_view password) {
  if (ctx.engine().acl().LogIn(ctx.client(), user, password, ctx[0], ctx.now_ms())) return true;
  ctx.Error(kWrongPassword);
  return false;
}

void Auth(Context& ctx) {
  if (ctx.size() > 3) return ctx.SyntaxError();
  if (ctx.size() == 2 && ctx.engine().acl().users().default_user().needs_no_password()) {
    return ctx.Error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
        "configuration is correct?");
  }
  const bool has_user = ctx.size() == 3;
  if (Authenticate(ctx, has_user ? ctx[1] : "default", ctx[has_user ? 2 : 1])) ctx.reply().Ok();
}

struct HelloOptions {
  int protocol = 0;               // 0: as it is
  std::optional<size_t> user_at;  // the password follows it
  std::optional<std::string_view> name;
};

// False if an error has been replied.
bool ParseHello(Context& ctx, HelloOptions& options) {
  if (ctx.size() < 2) return true;
  const auto protocol = ctx.Integer(1, "ERR Protocol version is not an integer or out of range");
  if (!protocol) return false;
  if (*protocol < 2 || *protocol > 3) {
    ctx.Error("NOPROTO unsupported protocol version");
    return false;
  }
  options.protocol = static_cast<int>(*protocol);
  for (size_t i = 2; i < ctx.size(); ++i) {
    const size_t left = ctx.size() - 1 - i;
    if (ctx.Is(i, "AUTH") && left >= 2) {
      options.user_at = i + 1;
      i += 2;
    } else if (ctx.Is(i, "SETNAME") && left >= 1) {
      options.name = ctx[++i];
      if (!IsValidClientName(*options.name)) {
        ctx.Error(kInvalidClientName);
        return false;
      }
    } else {
      ctx.Error("ERR Syntax error in HELLO option '" + std::string(ctx[i]) + "'");
      return false;
    }
  }
  return true;
}

void ReplyHello(Context& ctx) {
  resp::Writer& reply = ctx.reply();
  const auto& settings = ctx.settings();
  reply.Map(7);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(kInterfaceVersion);
  reply.Bulk("proto");
  reply.Integer(reply.protocol());
  reply.Bulk("id");
  reply.Integer(static_cast<int64_t>(ctx.client().id));
  reply.Bulk("mode");
  reply.Bulk(settings.cluster_enabled ? "cluster" : "standalone");
  reply.Bulk("role");
  reply.Bulk(settings.primary_address.host.empty() ? "master" : "replica");
  reply.Bulk("modules");
  reply.Array(0);
}

void Hello(Context& ctx) {
  HelloOptions options;
  if (!ParseHello(ctx, options)) return;
  Client& client = ctx.client();
  if (options.user_at && !Authenticate(ctx, ctx[*options.user_at], ctx[*options.user_at + 1])) return;
  if (ctx.engine().acl().MustLogIn(client)) {
    return ctx.Error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH "
        "<user> "
        "<pass> option can be used to authenticate the client and select the RESP protocol version at the "
        "same time");
  }
  if (options.name) client.name = *options.name;
  if (options.protocol != 0) ctx.reply().set_protocol(options.protocol);
  UpdateSubscribedState(client);
  ReplyHello(ctx);
}

void Ping(Context& ctx) {
  if (ctx.size() > 2) return ctx.WrongArgumentCount();
  if (ctx.client().is(Client::kSubscribedResp2)) {
    ctx.reply().Array(2);
    ctx.reply().Bulk("pong");
    ctx.reply().Bulk(ctx.size() == 2 ? ctx[1] : "");
  } else if (ctx.size() == 2) {
    ctx.reply().Bulk(ctx[1]);
  } else {
    ctx.reply().Simple("PONG");
  }
}

void Echo(Context& ctx) { ctx.reply().Bulk(ctx[1]); }

void Quit(Context& ctx) {
  ctx.reply().Ok();
  ctx.client().CloseAfterReply();
}

void Reset(Context& ctx) {
  ctx.engine().ResetSession(ctx.client());
  ctx.reply().Simple("RESET");
}

}  // namespace

void RegisterConnection(engine::CommandTable& table) {
  table.Bind("auth", engine::MakeHandler<&Auth>());
  table.Bind("hello", engine::MakeHandler<&Hello>());
  table.Bind("ping", engine::MakeHandler<&Ping>());
  table.Bind("echo", engine::MakeHandler<&Echo>());
  table.Bind("quit", engine::MakeHandler<&Quit>());
  table.Bind("reset", engine::MakeHandler<&Reset>());
}

}  // namespace hearth::commands
