// The SHA-1 digest by which scripts are known. Pure; any thread.
#pragma once

#include <array>
#include <string_view>

namespace hearth::script {

// 40 lowercase hexadecimal digits.
using Digest = std::array<char, 40>;
Digest DigestOf(std::string_view text);

}  // namespace hearth::script
