// ACL: users and their rights, and what was refused. Those about files stand in server/user_files.h.

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "commands/help.h"
#include "commands/register.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::AclUser;
using engine::Command;
using engine::Context;

void WhoAmI(Context& ctx) {
  const AclUser* user = ctx.client().user;
  user != nullptr ? ctx.reply().Bulk(user->name()) : ctx.reply().Null();
}

void Users(Context& ctx) {
  const auto& users = ctx.engine().acl().users().all();
  ctx.reply().Array(users.size());
  for (const auto& [name, user] : users) ctx.reply().Bulk(name);
}

void List(Context& ctx) {
  const std::vector<std::string> lines = ctx.engine().acl().users().Lines();
  ctx.reply().Array(lines.size());
  for (const std::string& line : lines) ctx.reply().Bulk(line);
}

void SetUser(Context& ctx) {
  const std::vector<std::string> rules(ctx.args().begin() + 3, ctx.args().end());
  const Status status = ctx.engine().acl().SetUser(ctx[2], rules, &ctx.client());
  if (!status) return ctx.Error("ERR " + status.error().message);
  ctx.reply().Ok();
}

void DeleteUsers(Context& ctx) {
  const engine::Arguments names = ctx.args().subspan(2);
  if (std::find(names.begin(), names.end(), engine::AclUsers::kDefault) != names.end()) {
    return ctx.Error("ERR The 'default' user cannot be removed");
  }
  int64_t count = 0;
  for (std::string_view name : names) count += ctx.engine().acl().DeleteUser(name, &ctx.client());
  ctx.reply().Integer(count);
}

void ReplyRights(Context& ctx, const engine::AclSelector& selector) {
  ctx.reply().Bulk("commands");
  ctx.reply().Bulk(selector.DescribeCommands());
  ctx.reply().Bulk("keys");
  ctx.reply().Bulk(selector.DescribeKeys());
  ctx.reply().Bulk("channels");
  ctx.reply().Bulk(selector.DescribeChannels());
}

void GetUser(Context& ctx) {
  const AclUser* user = ctx.engine().acl().users().Find(ctx[2]);
  resp::Writer& reply = ctx.reply();
  if (user == nullptr) return reply.Null();
  reply.Map(6);
  reply.Bulk("flags");
  const auto flags = user->Flags();
  reply.Set(flags.size());
  for (std::string_view flag : flags) reply.Bulk(flag);
  reply.Bulk("passwords");
  reply.Array(user->password_hashes().size());
  for (const std::string& hash : user->password_hashes()) reply.Bulk(hash);
  const auto& selectors = user->selectors();
  ReplyRights(ctx, selectors.front());
  reply.Bulk("selectors");
  reply.Array(selectors.size() - 1);
  for (size_t i = 1; i < selectors.size(); ++i) {
    reply.Map(3);
    ReplyRights(ctx, selectors[i]);
  }
}

void Categories(Context& ctx) {
  if (ctx.size() > 3) return SubcommandSyntaxError(ctx);
  if (ctx.size() == 2) {
    ctx.reply().Array(engine::kAclCategoryNames.size());
    for (std::string_view name : engine::kAclCategoryNames) ctx.reply().Bulk(name);
    return;
  }
  const auto category = engine::AclCommands::FindCategory(ctx[2]);
  if (!category) return ctx.Error("ERR Unknown category '" + std::string(ctx[2]) + "'");
  auto commands = engine::AclCommands(ctx.engine().commands()).ListCategory(*category);
  std::erase_if(commands,
                [](const Command* command) { return !command->handler && command->subcommands.empty(); });
  ctx.reply().Array(commands.size());
  for (const Command* command : commands) ctx.reply().Bulk(command->full_name());
}

void DryRun(Context& ctx) {
  const AclUser* user = ctx.engine().acl().users().Find(ctx[2]);
  if (user == nullptr) return ctx.Error("ERR User '" + std::string(ctx[2]) + "' not found");
  const engine::Arguments args = ctx.args().subspan(3);
  const engine::CommandTable& table = ctx.engine().commands();
  const Command* command = table.Find(args[0]);
  if (command != nullptr && !command->subcommands.empty() && args.size() > 1) {
    command = table.FindSubcommand(*command, args[1]);
  }
  if (command == nullptr) return ctx.Error("ERR Command '" + std::string(args[0]) + "' not found");
  if (!command->AcceptsArgumentCount(args.size())) {
    return ctx.Error("ERR wrong number of arguments for '" + std::string(command->full_name()) + "' command");
  }
  const engine::AclVerdict verdict = user->Check(*command, args);
  if (verdict.is_allowed()) return ctx.reply().Ok();
  ctx.reply().Bulk(engine::Acl::Explain(*user, *command, args, verdict, true));
}

void ReplyEntry(Context& ctx, const engine::AclLogEntry& entry) {
  resp::Writer& reply = ctx.reply();
  const auto text = [&](std::string_view name, std::string_view value) {
    reply.Bulk(name);
    reply.Bulk(value);
  };
  const auto number = [&](std::string_view name, uint64_t value) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(value));
  };
  reply.Map(10);
  number("count", entry.count);
  text("reason", engine::AclLog::Name(entry.reason));
  text("context", engine::AclLog::Name(entry.context));
  text("object", entry.object);
  text("username", entry.user);
  reply.Bulk("age-seconds");
  reply.Double(static_cast<double>(ctx.now_ms() - entry.updated_ms) / 1000);
  text("client-info", entry.client);
  number("entry-id", entry.id);
  number("timestamp-created", static_cast<uint64_t>(entry.created_ms));
  number("timestamp-last-updated", static_cast<uint64_t>(entry.updated_ms));
}

void Log(Context& ctx) {
  if (ctx.size() > 3) return SubcommandSyntaxError(ctx);
  engine::AclLog& log = ctx.engine().acl().log();
  size_t count = 10;
  if (ctx.size() == 3) {
    if (ctx.Is(2, "reset")) {
      log.Clear();
      return ctx.reply().Ok();
    }
    const auto wanted = ctx.Integer(2);
    if (!wanted) return;
    count = static_cast<size_t>(std::max<int64_t>(*wanted, 0));
  }
  count = std::min(count, log.entries().size());
  ctx.reply().Array(count);
  for (size_t i = 0; i < count; ++i) ReplyEntry(ctx, log.entries()[i]);
}

}  // namespace

void RegisterAcl(engine::CommandTable& table) {
  table.Bind("acl|whoami", engine::MakeHandler<&WhoAmI>());
  table.Bind("acl|users", engine::MakeHandler<&Users>());
  table.Bind("acl|list", engine::MakeHandler<&List>());
  table.Bind("acl|setuser", engine::MakeHandler<&SetUser>());
  table.Bind("acl|deluser", engine::MakeHandler<&DeleteUsers>());
  table.Bind("acl|getuser", engine::MakeHandler<&GetUser>());
  table.Bind("acl|cat", engine::MakeHandler<&Categories>());
  table.Bind("acl|dryrun", engine::MakeHandler<&DryRun>());
  table.Bind("acl|log", engine::MakeHandler<&Log>());
  table.Bind("acl|help", engine::MakeHandler<&Help>());
}

}  // namespace hearth::commands
