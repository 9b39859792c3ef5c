// The HELP subcommand of containers (CLIENT HELP, CONFIG HELP, ...), made from the commands' facts. Engine
// thread only.
#pragma once

#include "engine/context.h"

namespace hearth::commands {

// Lists the subcommands beside the one that is running: a line of syntax each, and its summary below.
void Help(engine::Context& ctx);

// The error of a subcommand that takes fewer arguments than it was given.
void SubcommandSyntaxError(engine::Context& ctx);

}  // namespace hearth::commands
