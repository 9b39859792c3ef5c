// CONFIG REWRITE's text: the old file with its comments and order, and the values that the server has now.
// A pure function of its inputs. The Sentinel rewrites its file by the same rules.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "settings/settings.h"

namespace hearth::settings {

struct RewriteInput {
  std::string_view old_text;
  // Directives that included files set: those get a line of their own even if they have their default now.
  const std::set<std::string, std::less<>>* included_names = nullptr;
  // Every directive gets a line.
  bool writes_all = false;
  // Current lines of file-only directives ("user", "sentinel"), by name, each line complete.
  // What is not named here keeps the lines that it has.
  std::map<std::string, std::vector<std::string>, std::less<>> file_only_lines;
};

// Lines of a directive (those of "sentinel": of its option and primary) are replaced where they stand, older
// names by the new one; surplus lines go away, missing ones are added at the end below a marker, unless they
// would only repeat a default.
std::string RewriteConfig(const Settings& settings, const RewriteInput& input);

}  // namespace hearth::settings
