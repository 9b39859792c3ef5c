// Builds Settings from configuration files, included files, standard input and command-line options, in that
// order, the later ones winning. Used once, when the program starts.
//
// A file has one directive a line: its name, then words, which may stand in "double" or 'single' quotes.
// Empty lines and lines that start with '#' mean nothing. "include path" reads another file in its place; a
// path may be a pattern.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "settings/config_source.h"
#include "settings/directive.h"
#include "settings/settings.h"

namespace hearth::settings {

// Options that a command line holds, as lines of a configuration: ["--port", "7000", "--save", ""] gives
// `port "7000"` and `save ""`. A word after an option's name is its value even if it starts with "--", except
// after
// "--save" and "--sentinel", which may stand alone. `--sentinel` itself gives no line.
std::vector<std::string> LinesOfArguments(const std::vector<std::string>& arguments);

// The message for a bad line, in the form that people know from Redis's start. `file` is empty for the
// command line.
std::string LineErrorText(const std::string& file, int line_number, std::string_view line,
                          std::string_view reason);

struct LoadOptions {
  bool is_sentinel = false;
  // Whether a command has this name before any rename-command; every name is accepted if this is empty.
  std::function<bool(std::string_view)> is_command;
  // Looks at the words after "user"; every such line is accepted if this is empty. The error is the reason.
  std::function<Status(const std::vector<std::string>&)> check_user;
};

class ConfigLoader {
 public:
  ConfigLoader(ConfigSource& source, LoadOptions options);

  // Each stops at the first bad line; its error is LineErrorText's, or says which file cannot be read.
  Status LoadFile(const std::string& path);
  // `name` stands for the text in errors; it is empty for the command line.
  Status LoadText(std::string_view text, const std::string& name);
  Status LoadArguments(const std::vector<std::string>& arguments);
  // Checks what concerns several directives at once. To be called last.
  Status Finish();

  Settings& settings() { return settings_; }
  // What the administrator should know: directives that are accepted but not acted on, or ignored.
  const std::vector<std::string>& warnings() const { return warnings_; }
  // Directives that included files set; CONFIG REWRITE has to outdo those lines.
  const std::set<std::string, std::less<>>& included_names() const { return included_names_; }

 private:
  struct Line {
    const std::string& file;
    int number;
    std::string_view text;
    const std::vector<std::string>& words;
  };

  Status LoadIncluded(const std::string& path);
  Status ApplyLine(const Line& line);
  // These give the reason alone.
  Status ApplyDirective(const Directive& directive, const Line& line);
  Status AssignWords(const Directive& directive, Words words);
  Status ApplyFileOnly(const std::string& name, const Line& line);
  Status ApplyFolder(const std::string& path);
  Status ApplySavePoints(const Directive& directive, Words words);
  Status ApplyRename(const std::string& name, const std::string& new_name);
  Status ApplyUser(const Line& line);
  bool IsCommandNow(std::string_view name) const;
  void WarnIfStored(const Directive& directive);

  ConfigSource& source_;
  LoadOptions options_;
  Settings settings_;
  std::vector<std::string> warnings_;
  std::set<std::string, std::less<>> included_names_;
  std::set<std::string, std::less<>> user_names_;
  int include_depth_ = 0;
  bool has_save_line_ = false;
};

}  // namespace hearth::settings
