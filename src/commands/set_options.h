// The options of SET and GETEX.
#pragma once

#include <optional>

#include "commands/expire_time.h"
#include "engine/context.h"

namespace hearth::commands {

struct SetOptions {
  bool if_absent = false;   // NX
  bool if_present = false;  // XX
  bool get = false;
  bool keep_expiry = false;  // KEEPTTL
  bool persist = false;
  size_t time_argument = 0;  // 0: no time was given
  TimeUnit unit = kMillisFromNow;
};

// What a command of the family takes.
enum class SetForm { kSet, kGetEx };

// Parses the arguments from `first` on. Nothing if the syntax error has been replied. Times are not looked at
// yet: their errors come later in the order of checks.
std::optional<SetOptions> ParseSetOptions(engine::Context& ctx, size_t first, SetForm form);

}  // namespace hearth::commands
