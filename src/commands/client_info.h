// One client in the words of CLIENT LIST. Engine thread only.
#pragma once

#include <cstdint>
#include <string>

#include "engine/client.h"

namespace hearth::commands {

// "id=7 addr=... lib-ver=", without an end of line. `now_ms`: Unix milliseconds.
std::string DescribeClient(const engine::Client& client, int64_t now_ms);

}  // namespace hearth::commands
