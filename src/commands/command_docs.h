// Which commands COMMAND shows. Engine thread only.
#pragma once

#include <algorithm>

#include "engine/command_table.h"

namespace hearth::commands {

// A command that is known but not supported is not shown, so that tools do not offer it; a container is shown
// for what it contains.
inline bool IsShown(const engine::Command& command) {
  return command.handler ||
         std::any_of(command.subcommands.begin(), command.subcommands.end(),
                     [](const engine::Command* sub) { return static_cast<bool>(sub->handler); });
}

}  // namespace hearth::commands
