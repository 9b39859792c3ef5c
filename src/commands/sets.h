// What the files of the set commands share.
#pragma once

#include "engine/command_table.h"

namespace hearth::commands {

// SINTER, SUNION, SDIFF and their kin.
void RegisterSetOperations(engine::CommandTable& table);
// SPOP, SRANDMEMBER and SSCAN.
void RegisterSetSampling(engine::CommandTable& table);

}  // namespace hearth::commands
