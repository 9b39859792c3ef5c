// COMMAND DOCS: the commands' documentation, as redis-cli and other tools use it for their hints.

#include <vector>

#include "commands/command_docs.h"
#include "commands/register.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::ArgumentType;
using engine::Command;
using engine::CommandArgument;
using engine::CommandFacts;
using engine::Context;

void ReplyText(resp::Writer& reply, size_t& count, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  reply.Bulk(name);
  reply.Bulk(text);
  ++count;
}

void ReplyArguments(resp::Writer& reply, std::span<const CommandArgument> arguments);

void ReplyArgument(resp::Writer& reply, const CommandArgument& argument) {
  const auto map = reply.DeferMap();
  size_t count = 0;
  ReplyText(reply, count, "name", argument.name);
  ReplyText(reply, count, "type", engine::kArgumentTypeNames[static_cast<size_t>(argument.type)]);
  if (argument.type != ArgumentType::kOneOf && argument.type != ArgumentType::kBlock) {
    ReplyText(reply, count, "display_text",
              argument.display_text.empty() ? argument.name : argument.display_text);
  }
  if (argument.key_spec_index >= 0) {
    reply.Bulk("key_spec_index");
    reply.Integer(argument.key_spec_index);
    ++count;
  }
  ReplyText(reply, count, "token", argument.token);
  ReplyText(reply, count, "since", argument.since);
  ReplyText(reply, count, "deprecated_since", argument.deprecated_since);
  const size_t flags = argument.is_optional + argument.is_multiple + argument.repeats_token;
  if (flags != 0) {
    reply.Bulk("flags");
    reply.Set(flags);
    if (argument.is_optional) reply.Simple("optional");
    if (argument.is_multiple) reply.Simple("multiple");
    if (argument.repeats_token) reply.Simple("multiple_token");
    ++count;
  }
  if (!argument.arguments.empty()) {
    reply.Bulk("arguments");
    ReplyArguments(reply, argument.arguments);
    ++count;
  }
  reply.Finish(map, count);
}

void ReplyArguments(resp::Writer& reply, std::span<const CommandArgument> arguments) {
  reply.Array(arguments.size());
  for (const CommandArgument& argument : arguments) ReplyArgument(reply, argument);
}

void ReplyDocFlags(resp::Writer& reply, size_t& count, const CommandFacts& facts) {
  const bool is_deprecated = !facts.deprecated_since.empty();
  if (!is_deprecated && !facts.is_system_command) return;
  reply.Bulk("doc_flags");
  reply.Set(static_cast<size_t>(is_deprecated) + facts.is_system_command);
  if (is_deprecated) reply.Simple("deprecated");
  if (facts.is_system_command) reply.Simple("syscmd");
  ++count;
}

void ReplyDocs(resp::Writer& reply, const Command& command) {
  const CommandFacts& facts = *command.facts;
  const auto map = reply.DeferMap();
  size_t count = 0;
  ReplyText(reply, count, "summary", facts.summary);
  ReplyText(reply, count, "since", facts.since);
  ReplyText(reply, count, "group", facts.group);
  ReplyText(reply, count, "complexity", facts.complexity);
  ReplyDocFlags(reply, count, facts);
  ReplyText(reply, count, "deprecated_since", facts.deprecated_since);
  ReplyText(reply, count, "replaced_by", facts.replaced_by);
  if (!facts.history.empty()) {
    reply.Bulk("history");
    reply.Set(facts.history.size());
    for (const engine::CommandChange& change : facts.history) {
      reply.Array(2);
      reply.Bulk(change.version);
      reply.Bulk(change.description);
    }
    ++count;
  }
  if (!facts.arguments.empty()) {
    reply.Bulk("arguments");
    ReplyArguments(reply, facts.arguments);
    ++count;
  }
  if (!command.subcommands.empty()) {
    reply.Bulk("subcommands");
    const auto subcommands = reply.DeferMap();
    size_t shown = 0;
    for (const Command* subcommand : command.subcommands) {
      if (!IsShown(*subcommand)) continue;
      reply.Bulk(subcommand->full_name());
      ReplyDocs(reply, *subcommand);
      ++shown;
    }
    reply.Finish(subcommands, shown);
    ++count;
  }
  reply.Finish(map, count);
}

void Docs(Context& ctx) {
  std::vector<const Command*> commands;
  if (ctx.size() == 2) {
    commands.assign(ctx.engine().commands().commands().begin(), ctx.engine().commands().commands().end());
  }
  for (size_t i = 2; i < ctx.size(); ++i) {
    const Command* command = ctx.engine().commands().FindFull(ctx[i]);
    if (command != nullptr) commands.push_back(command);
  }
  std::erase_if(commands, [](const Command* command) { return !IsShown(*command); });
  ctx.reply().Map(commands.size());
  for (const Command* command : commands) {
    ctx.reply().Bulk(command->full_name());
    ReplyDocs(ctx.reply(), *command);
  }
}

}  // namespace

void RegisterCommandDocs(engine::CommandTable& table) {
  table.Bind("command|docs", engine::MakeHandler<&Docs>());
}

}  // namespace hearth::commands
