#include "commands/help.h"

#include <string>
#include <vector>

#include "base/text.h"

namespace hearth::commands {
namespace {

using engine::ArgumentType;
using engine::CommandArgument;

std::string Syntax(std::span<const CommandArgument> arguments);

std::string ValueSyntax(const CommandArgument& argument) {
  if (argument.type == ArgumentType::kPureToken) return std::string(argument.token);
  if (argument.type == ArgumentType::kBlock) return Syntax(argument.arguments);
  if (argument.type != ArgumentType::kOneOf) {
    return "<" + std::string(argument.display_text.empty() ? argument.name : argument.display_text) + ">";
  }
  std::string choices;
  for (const CommandArgument& choice : argument.arguments) {
    choices += (choices.empty() ? "" : "|") + Syntax({&choice, 1});
  }
  return argument.is_optional ? choices : "(" + choices + ")";
}

std::string Syntax(std::span<const CommandArgument> arguments) {
  std::string text;
  for (const CommandArgument& argument : arguments) {
    std::string one = ValueSyntax(argument);
    const bool has_own_token = !argument.token.empty() && argument.type != ArgumentType::kPureToken;
    const std::string token = has_own_token ? std::string(argument.token) + " " : "";
    const std::string repeated = argument.repeats_token ? token + one : one;
    one = token + one;
    if (argument.is_multiple) one += " [" + repeated + " ...]";
    if (argument.is_optional) one = "[" + one + "]";
    text += (text.empty() ? "" : " ") + one;
  }
  return text;
}

}  // namespace

void Help(engine::Context& ctx) {
  const engine::Command& container = *ctx.command().container;
  std::vector<std::string> lines = {ToUpper(container.full_name()) +
                                    " <subcommand> [<argument> ...]. The subcommands are:"};
  for (const engine::Command* command : container.subcommands) {
    if (!command->handler) continue;
    const std::string syntax = Syntax(command->facts->arguments);
    lines.push_back(ToUpper(command->facts->name) + (syntax.empty() ? "" : " " + syntax));
    lines.push_back("    " + std::string(command->facts->summary));
  }
  ctx.reply().Array(lines.size());
  for (const std::string& line : lines) ctx.reply().Simple(line);
}

void SubcommandSyntaxError(engine::Context& ctx) {
  ctx.Error("ERR unknown subcommand or wrong number of arguments for '" + std::string(ctx[1].substr(0, 128)) +
            "'. Try " + ToUpper(ctx.command().container->full_name()) + " HELP.");
}

}  // namespace hearth::commands
