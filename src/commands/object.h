// OBJECT; bound by RegisterKeys (register.h). Engine thread only, at start.
#pragma once

#include "engine/command_table.h"

namespace hearth::commands {

void RegisterObject(engine::CommandTable& table);

}  // namespace hearth::commands
