// Names that clients give themselves: one word of printable ASCII, so that CLIENT LIST stays readable by
// machines.
#pragma once

#include <algorithm>
#include <string_view>

namespace hearth::commands {

inline bool IsValidClientName(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

inline constexpr std::string_view kInvalidClientName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

}  // namespace hearth::commands
