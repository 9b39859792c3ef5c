// The timeout argument of the blocking commands.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/context.h"

namespace hearth::commands {

// Argument i, seconds, as a deadline in Unix milliseconds; 0 means never. Replies the error if it is wrong.
std::optional<int64_t> ParseBlockDeadline(engine::Context& ctx, size_t i);

}  // namespace hearth::commands
