// Small text tools: case folding, glob patterns, quoting of arguments as configuration files and logs show
// them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

// ASCII only, as the protocol is.
std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

// Glob match as KEYS, PSUBSCRIBE and CONFIG GET use it: * ? [abc] [^a] [a-z] and backslash escapes.
// Linear in practice and bounded in the worst case: a run of '*' cannot make it exponential.
bool GlobMatch(std::string_view pattern, std::string_view text, bool ignore_case = false);

// Splits a line into words, honouring "double quotes" with escapes (\n \r \t \b \a \xHH) and 'single quotes'.
// nullopt if a quote is not closed or is followed by something other than a space.
std::optional<std::vector<std::string>> SplitArguments(std::string_view line);

// The text in double quotes with every byte that is not printable ASCII escaped; SplitArguments reads it
// back.
std::string Quote(std::string_view text);

}  // namespace hearth
