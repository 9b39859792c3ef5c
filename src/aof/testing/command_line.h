// Commands as an AOF holds them, for unit tests.
#pragma once

#include <string>
#include <string_view>

#include "base/numbers.h"
#include "base/text.h"

namespace hearth::aof::testing {

// The RESP array of the words of a line; quotes as in a configuration file.
inline std::string Line(std::string_view line) {
  const auto words = *SplitArguments(line);
  std::string text = "*" + ToString(static_cast<int64_t>(words.size())) + "\r\n";
  for (const std::string& word : words)
    text += "$" + ToString(static_cast<int64_t>(word.size())) + "\r\n" + word + "\r\n";
  return text;
}

}  // namespace hearth::aof::testing
