// What clients are told while a script takes long. Pure; any thread.
#pragma once

#include <string_view>

#include "engine/busy.h"

namespace hearth::engine {

// The whole error.
inline std::string_view BusyError(Busy busy) {
  return busy == Busy::kFunction
             ? "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
             : "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
}

}  // namespace hearth::engine
