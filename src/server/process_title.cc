#include "server/process_title.h"

#include <algorithm>

namespace hearth::server {

Result<std::string> FillTitle(std::string_view title_template, const std::vector<TitleVariable>& variables) {
  std::string title;
  while (!title_template.empty()) {
    const size_t brace = title_template.find_first_of("{}");
    title += title_template.substr(0, brace);
    if (brace == std::string_view::npos) break;
    const size_t end = title_template.find('}', brace);
    const std::string_view name =
        end == std::string_view::npos ? std::string_view() : title_template.substr(brace, end + 1 - brace);
    const auto variable = std::find_if(variables.begin(), variables.end(),
                                       [name](const TitleVariable& one) { return one.name == name; });
    if (variable == variables.end()) {
      return Fail("template format is invalid or contains unknown variables");
    }
    title += variable->value;
    title_template.remove_prefix(end + 1);
  }
  title.erase(title.find_last_not_of(' ') + 1);
  return title;
}

}  // namespace hearth::server
