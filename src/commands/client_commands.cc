// CLIENT: what a connection says about itself, and the list of all.

#include <string>

#include "base/numbers.h"
#include "base/text.h"
#include "commands/client_info.h"
#include "commands/client_names.h"
#include "commands/help.h"
#include "commands/register.h"
#include "engine/client_filters.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Client;
using engine::Context;

void Id(Context& ctx) { ctx.reply().Integer(static_cast<int64_t>(ctx.client().id)); }

void AppendLine(Context& ctx, const Client& client, std::string& text) {
  if (client.connection == nullptr) return;
  text += DescribeClient(client, ctx.now_ms());
  text += '\n';
}

// The caller is described as it is while this command runs.
void MarkAsLast(Context& ctx) { ctx.client().last_command = &ctx.command(); }

void Info(Context& ctx) {
  MarkAsLast(ctx);
  std::string text;
  AppendLine(ctx, ctx.client(), text);
  ctx.reply().Verbatim(text);
}

void ListByIds(Context& ctx) {
  std::string text;
  for (size_t i = 3; i < ctx.size(); ++i) {
    const auto id = ctx.Integer(i, "ERR Invalid client ID");
    if (!id) return;
    const Client* client = ctx.engine().clients().Find(static_cast<uint64_t>(*id));
    if (client != nullptr) AppendLine(ctx, *client, text);
  }
  ctx.reply().Verbatim(text);
}

void List(Context& ctx) {
  MarkAsLast(ctx);
  if (ctx.size() > 3 && ctx.Is(2, "ID")) return ListByIds(ctx);
  std::optional<engine::ClientType> type;
  if (ctx.size() == 4 && ctx.Is(2, "TYPE")) {
    type = engine::ParseClientType(ctx[3]);
    if (!type) return ctx.Error("ERR Unknown client type '" + std::string(ctx[3]) + "'");
  } else if (ctx.size() != 2) {
    return ctx.SyntaxError();
  }
  std::string text;
  ctx.engine().clients().ForEach([&](const Client& client) {
    if (!type || engine::TypeOf(client) == *type) AppendLine(ctx, client, text);
  });
  ctx.reply().Verbatim(text);
}

void GetName(Context& ctx) {
  const std::string& name = ctx.client().name;
  name.empty() ? ctx.reply().Null() : ctx.reply().Bulk(name);
}

void SetName(Context& ctx) {
  if (!IsValidClientName(ctx[2])) return ctx.Error(kInvalidClientName);
  ctx.client().name = ctx[2];
  ctx.reply().Ok();
}

void SetInfo(Context& ctx) {
  Client& client = ctx.client();
  const bool is_name = ctx.Is(2, "lib-name");
  if (!is_name && !ctx.Is(2, "lib-ver")) {
    return ctx.Error("ERR Unrecognized option '" + std::string(ctx[2]) + "'");
  }
  if (!IsValidClientName(ctx[3])) {
    return ctx.Error("ERR " + std::string(ctx[2]) +
                     " cannot contain spaces, newlines or special characters.");
  }
  (is_name ? client.library_name : client.library_version) = ctx[3];
  ctx.reply().Ok();
}

// Argument 2 as a switch; replies the error if it is none.
std::optional<bool> OnOff(Context& ctx) {
  if (ctx.Is(2, "on")) return true;
  if (ctx.Is(2, "off")) return false;
  ctx.SyntaxError();
  return std::nullopt;
}

void NoEvict(Context& ctx) {
  const auto on = OnOff(ctx);
  if (!on) return;
  ctx.client().is_exempt_from_eviction = *on;
  ctx.reply().Ok();
}

void NoTouch(Context& ctx) {
  const auto on = OnOff(ctx);
  if (!on) return;
  ctx.client().touches_keys = !*on;
  ctx.reply().Ok();
}

}  // namespace

void RegisterClientCommands(engine::CommandTable& table) {
  table.Bind("client|id", engine::MakeHandler<&Id>());
  table.Bind("client|info", engine::MakeHandler<&Info>());
  table.Bind("client|list", engine::MakeHandler<&List>());
  table.Bind("client|getname", engine::MakeHandler<&GetName>());
  table.Bind("client|setname", engine::MakeHandler<&SetName>());
  table.Bind("client|setinfo", engine::MakeHandler<&SetInfo>());
  table.Bind("client|no-evict", engine::MakeHandler<&NoEvict>());
  table.Bind("client|no-touch", engine::MakeHandler<&NoTouch>());
  table.Bind("client|help", engine::MakeHandler<&Help>());
}

}  // namespace hearth::commands
