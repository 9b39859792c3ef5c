// The title that ps and top show, as proc-title-template says it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::server {

struct TitleVariable {
  std::string_view name;  // "{port}"
  std::string value;
};

// The template with its variables filled in; fails if it names one that is not among them, or has an
// unmatched brace. Spaces at the end go.
Result<std::string> FillTitle(std::string_view title_template, const std::vector<TitleVariable>& variables);

}  // namespace hearth::server
