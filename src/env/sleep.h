// Holding up the calling thread on purpose: DEBUG SLEEP. Nothing waits for anything by it.
#pragma once

#include <cstdint>

namespace hearth::env {

// Returns once so many microseconds have passed, whatever signals come meanwhile; at once if there are none.
void HoldUpThread(int64_t micros);

}  // namespace hearth::env
