// COMMAND: what there is, its flags and where its keys are. All of it comes from the facts.

#include <bit>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "commands/command_docs.h"
#include "commands/help.h"
#include "commands/register.h"
#include "engine/engine.h"
#include "engine/key_positions.h"

namespace hearth::commands {
namespace {

using engine::Command;
using engine::CommandFacts;
using engine::Context;
using engine::KeySpec;

std::vector<const Command*> ShownCommands(Context& ctx) {
  std::vector<const Command*> shown;
  for (const Command* command : ctx.engine().commands().commands()) {
    if (IsShown(*command)) shown.push_back(command);
  }
  return shown;
}

template <typename Names>
void ReplyBits(resp::Writer& reply, uint32_t bits, const Names& names, std::string_view prefix = {}) {
  reply.Set(static_cast<size_t>(std::popcount(bits)));
  for (; bits != 0; bits &= bits - 1) {
    reply.Simple(std::string(prefix) + std::string(names[static_cast<size_t>(std::countr_zero(bits))]));
  }
}

void ReplyBeginSearch(resp::Writer& reply, const KeySpec& spec) {
  reply.Map(2);
  reply.Bulk("type");
  switch (spec.begin) {
    case engine::BeginSearch::kIndex:
      reply.Bulk("index");
      reply.Bulk("spec");
      reply.Map(1);
      reply.Bulk("index");
      reply.Integer(spec.index);
      return;
    case engine::BeginSearch::kKeyword:
      reply.Bulk("keyword");
      reply.Bulk("spec");
      reply.Map(2);
      reply.Bulk("keyword");
      reply.Bulk(spec.keyword);
      reply.Bulk("startfrom");
      reply.Integer(spec.start_from);
      return;
    case engine::BeginSearch::kUnknown:
      reply.Bulk("unknown");
      reply.Bulk("spec");
      reply.Map(0);
  }
}

void ReplyFindKeys(resp::Writer& reply, const KeySpec& spec) {
  const auto number = [&](std::string_view name, int value) {
    reply.Bulk(name);
    reply.Integer(value);
  };
  reply.Map(2);
  reply.Bulk("type");
  switch (spec.find) {
    case engine::FindKeys::kRange:
      reply.Bulk("range");
      reply.Bulk("spec");
      reply.Map(3);
      number("lastkey", spec.last_key);
      number("keystep", spec.step);
      number("limit", spec.limit);
      return;
    case engine::FindKeys::kKeyNum:
      reply.Bulk("keynum");
      reply.Bulk("spec");
      reply.Map(3);
      number("keynumidx", spec.key_count_index);
      number("firstkey", spec.first_key);
      number("keystep", spec.step);
      return;
    case engine::FindKeys::kUnknown:
      reply.Bulk("unknown");
      reply.Bulk("spec");
      reply.Map(0);
  }
}

void ReplyKeySpec(resp::Writer& reply, const KeySpec& spec) {
  reply.Map(spec.notes.empty() ? 3 : 4);
  if (!spec.notes.empty()) {
    reply.Bulk("notes");
    reply.Bulk(spec.notes);
  }
  reply.Bulk("flags");
  ReplyBits(reply, spec.flags, engine::kKeyFlagNames);
  reply.Bulk("begin_search");
  ReplyBeginSearch(reply, spec);
  reply.Bulk("find_keys");
  ReplyFindKeys(reply, spec);
}

void ReplyInfo(resp::Writer& reply, const Command& command) {
  const CommandFacts& facts = *command.facts;
  reply.Array(10);
  reply.Bulk(facts.full_name);
  reply.Integer(facts.arity);
  ReplyBits(reply, facts.flags & ((1u << engine::kShownCommandFlags) - 1), engine::kCommandFlagNames);
  reply.Integer(facts.first_key);
  reply.Integer(facts.last_key);
  reply.Integer(facts.key_step);
  ReplyBits(reply, facts.acl_categories, engine::kAclCategoryNames, "@");
  reply.Set(facts.tips.size());
  for (std::string_view tip : facts.tips) reply.Bulk(tip);
  reply.Set(facts.key_specs.size());
  for (const KeySpec& spec : facts.key_specs) ReplyKeySpec(reply, spec);
  std::vector<const Command*> subcommands;
  for (const Command* subcommand : command.subcommands) {
    if (IsShown(*subcommand)) subcommands.push_back(subcommand);
  }
  subcommands.empty() ? reply.Set(0) : reply.Array(subcommands.size());
  for (const Command* subcommand : subcommands) ReplyInfo(reply, *subcommand);
}

void ReplyAll(Context& ctx) {
  const auto commands = ShownCommands(ctx);
  ctx.reply().Array(commands.size());
  for (const Command* command : commands) ReplyInfo(ctx.reply(), *command);
}

void Info(Context& ctx) {
  if (ctx.size() == 2) return ReplyAll(ctx);
  ctx.reply().Array(ctx.size() - 2);
  for (size_t i = 2; i < ctx.size(); ++i) {
    const Command* command = ctx.engine().commands().FindFull(ctx[i]);
    command != nullptr&& IsShown(*command) ? ReplyInfo(ctx.reply(), *command) : ctx.reply().Null();
  }
}

void Count(Context& ctx) { ctx.reply().Integer(static_cast<int64_t>(ShownCommands(ctx).size())); }

enum class ListFilter { kNone, kModule, kCategory, kPattern };

uint32_t CategoryBit(std::string_view name) {
  for (size_t i = 0; i < engine::kAclCategoryNames.size(); ++i) {
    if (EqualsIgnoreCase(engine::kAclCategoryNames[i], name)) return 1u << i;
  }
  return 0;
}

void List(Context& ctx) {
  ListFilter filter = ListFilter::kNone;
  if (ctx.size() == 5 && ctx.Is(2, "FILTERBY")) {
    if (ctx.Is(3, "MODULE")) filter = ListFilter::kModule;
    if (ctx.Is(3, "ACLCAT")) filter = ListFilter::kCategory;
    if (ctx.Is(3, "PATTERN")) filter = ListFilter::kPattern;
  }
  if (ctx.size() != 2 && filter == ListFilter::kNone) return ctx.SyntaxError();
  const uint32_t category = filter == ListFilter::kCategory ? CategoryBit(ctx[4]) : 0;
  const auto is_wanted = [&](const Command& command) {
    switch (filter) {
      case ListFilter::kNone:
        return true;
      case ListFilter::kModule:
        return false;
      case ListFilter::kCategory:
        return (command.facts->acl_categories & category) != 0;
      case ListFilter::kPattern:
        return GlobMatch(ctx[4], command.full_name(), true);
    }
    return false;
  };
  const auto deferred = ctx.reply().DeferArray();
  size_t count = 0;
  const auto add = [&](const Command& command) {
    if (!is_wanted(command)) return;
    ctx.reply().Bulk(command.full_name());
    ++count;
  };
  for (const Command* command : ShownCommands(ctx)) {
    add(*command);
    // Without a filter the containers stand for what they contain.
    if (filter == ListFilter::kNone) continue;
    for (const Command* subcommand : command->subcommands) {
      if (IsShown(*subcommand)) add(*subcommand);
    }
  }
  ctx.reply().Finish(deferred, count);
}

// The request given as arguments from 2 on, and its keys; nothing if an error has been replied.
std::optional<std::vector<engine::KeyPosition>> KeysOfRequest(Context& ctx) {
  const auto fail = [&](std::string_view error) {
    ctx.Error(error);
    return std::nullopt;
  };
  const engine::Arguments request = ctx.args().subspan(2);
  const engine::CommandTable& table = ctx.engine().commands();
  const Command* command = table.Find(request[0]);
  if (command != nullptr && !command->subcommands.empty() && request.size() > 1) {
    command = table.FindSubcommand(*command, request[1]);
  }
  if (command == nullptr) return fail("ERR Invalid command specified");
  if (!engine::HasKeys(*command->facts)) return fail("ERR The command has no key arguments");
  if (!command->AcceptsArgumentCount(request.size())) {
    return fail("ERR Invalid number of arguments specified for command");
  }
  std::vector<engine::KeyPosition> keys;
  if (!engine::FindKeys(*command->facts, request, keys) || keys.empty()) {
    if (!command->is(engine::kCommandNoMandatoryKeys))
      return fail("ERR Invalid arguments specified for command");
    keys.clear();
  }
  return keys;
}

void GetKeys(Context& ctx) {
  const auto keys = KeysOfRequest(ctx);
  if (!keys) return;
  ctx.reply().Array(keys->size());
  for (const engine::KeyPosition& key : *keys) ctx.reply().Bulk(ctx[key.index + 2]);
}

void GetKeysAndFlags(Context& ctx) {
  const auto keys = KeysOfRequest(ctx);
  if (!keys) return;
  ctx.reply().Array(keys->size());
  for (const engine::KeyPosition& key : *keys) {
    ctx.reply().Array(2);
    ctx.reply().Bulk(ctx[key.index + 2]);
    ReplyBits(ctx.reply(), key.flags, engine::kKeyFlagNames);
  }
}

}  // namespace

void RegisterCommandInfo(engine::CommandTable& table) {
  table.Bind("command", engine::MakeHandler<&ReplyAll>());
  table.Bind("command|info", engine::MakeHandler<&Info>());
  table.Bind("command|count", engine::MakeHandler<&Count>());
  table.Bind("command|list", engine::MakeHandler<&List>());
  table.Bind("command|getkeys", engine::MakeHandler<&GetKeys>());
  table.Bind("command|getkeysandflags", engine::MakeHandler<&GetKeysAndFlags>());
  table.Bind("command|help", engine::MakeHandler<&Help>());
}

}  // namespace hearth::commands
