// What of a command may stand in a log: passwords and what is said of users stay out. For the slow log, and
// for whoever else shows commands of one client to another. Any thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace hearth::engine {

inline constexpr std::string_view kRedacted = "(redacted)";

// The arguments with secrets replaced by kRedacted.
std::vector<std::string_view> WithoutSecrets(std::span<const std::string_view> args);

}  // namespace hearth::engine
