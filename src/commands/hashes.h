// What the files of the hash commands share.
#pragma once

#include "engine/command_table.h"

namespace hearth::commands {

// HRANDFIELD and HSCAN.
void RegisterHashSampling(engine::CommandTable& table);

}  // namespace hearth::commands
