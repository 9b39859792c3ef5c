// What the files of the hash commands share.
#pragma once

#include "engine/command_table.h"

namespace hearth::commands {

// HRANDFIELD and HSCAN.
void RegisterHashSampling(engine::CommandTable& table);
// HEXPIRE and its kin, HTTL and its kin, HPERSIST.
void RegisterHashExpiry(engine::CommandTable& table);
// HGETEX, HSETEX, HGETDEL.
void RegisterHashExpiringValues(engine::CommandTable& table);

}  // namespace hearth::commands
