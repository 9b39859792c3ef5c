// The parts of the string family, each in a file of its own; RegisterStrings (register.h) binds them all.
// Engine thread only, at start.
#pragma once

#include "engine/command_table.h"

namespace hearth::commands {

// INCR and its kin.
void RegisterStringNumbers(engine::CommandTable& table);
// Parts of strings: GETRANGE, SETRANGE, APPEND, STRLEN.
void RegisterStringRanges(engine::CommandTable& table);
// LCS.
void RegisterLcs(engine::CommandTable& table);

}  // namespace hearth::commands
