// A script that runs for longer than `busy-reply-threshold`: clients are served meanwhile, and told so. Who
// runs it (script/) says so to the engine. Engine thread only.
#pragma once

#include <cstdint>

namespace hearth::engine {

enum class Busy : uint8_t { kNo, kScript, kFunction };

}  // namespace hearth::engine
