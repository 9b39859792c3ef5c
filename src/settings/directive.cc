#include "settings/directive.h"

#include <algorithm>

#include "base/text.h"
#include "settings/settings.h"

namespace hearth::settings {

const Directive* FindDirective(std::string_view name) {
  for (const Directive& directive : AllDirectives()) {
    if (EqualsIgnoreCase(directive.name, name)) return &directive;
    if (!directive.alias.empty() && EqualsIgnoreCase(directive.alias, name)) return &directive;
    for (const std::string_view quiet : directive.quiet_names) {
      if (EqualsIgnoreCase(quiet, name)) return &directive;
    }
  }
  return nullptr;
}

std::vector<std::string> SplitAtSpaces(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const size_t space = text.find(' ');
    words.emplace_back(text.substr(0, space));
    if (space == std::string_view::npos) return words;
    text.remove_prefix(space + 1);
  }
}

namespace {

constexpr int64_t kHzMinimum = 1;
constexpr int64_t kHzMaximum = 500;
constexpr int64_t kBacklogMinimumBytes = 16 * 1024;

Status CheckFileName(const std::string& value, std::string_view directive) {
  if (value.find('/') != std::string::npos) {
    return Fail(std::string(directive) + " can't be a path, just a filename");
  }
  return {};
}

bool IsHostNameLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

Status CheckHostName(const std::string& value) {
  constexpr size_t kMaximumLength = 255;
  if (value.size() > kMaximumLength) return Fail("Hostnames must be less than 256 characters");
  if (!std::all_of(value.begin(), value.end(), IsHostNameLetter)) {
    return Fail("Hostnames may only contain alphanumeric characters, hyphens or dots");
  }
  return {};
}

Status CheckNodeName(const std::string& value) {
  const auto is_allowed = [](char c) {
    return c > ' ' && c < 127 && c != '"' && c != '\'' && c != '\\' && c != ',';
  };
  if (!std::all_of(value.begin(), value.end(), is_allowed)) {
    return Fail("Announced human node name contained invalid character");
  }
  return {};
}

// Every {word} of the template has to be one that the process title knows.
Status CheckTitleTemplate(std::string_view value) {
  constexpr std::string_view kWords[] = {"title",    "listen-addr", "server-mode", "port",
                                         "tls-port", "unixsocket",  "config-file"};
  const auto bad = [] { return Fail("template format is invalid or contains unknown variables"); };
  if (value.empty()) return bad();
  while (!value.empty()) {
    const size_t open = value.find('{');
    if (open == std::string_view::npos) return {};
    const size_t close = value.find('}', open);
    if (close == std::string_view::npos) return bad();
    const std::string_view word = value.substr(open + 1, close - open - 1);
    if (std::find(std::begin(kWords), std::end(kWords), word) == std::end(kWords)) return bad();
    value.remove_prefix(close + 1);
  }
  return {};
}

Status CheckShutdownFlags(ShutdownFlags flags) {
  const int bits = static_cast<int>(flags);
  if ((bits & static_cast<int>(ShutdownFlags::kSave)) != 0 &&
      (bits & static_cast<int>(ShutdownFlags::kNosave)) != 0) {
    return Fail("shutdown options SAVE and NOSAVE can't be used simultaneously");
  }
  return {};
}

}  // namespace

Status CheckValue(const Directive& directive, const Settings& settings) {
  const std::string_view name = directive.name;
  if (name == "dbfilename") return CheckFileName(settings.dbfilename, name);
  if (name == "appendfilename") return CheckFileName(settings.appendfilename, name);
  if (name == "appenddirname") return CheckFileName(settings.appenddirname, name);
  if (name == "cluster-announce-hostname") return CheckHostName(settings.cluster_announce_hostname);
  if (name == "cluster-announce-human-nodename")
    return CheckNodeName(settings.cluster_announce_human_nodename);
  if (name == "proc-title-template") return CheckTitleTemplate(settings.proc_title_template);
  if (name == "shutdown-on-sigint") return CheckShutdownFlags(settings.shutdown_on_sigint);
  if (name == "shutdown-on-sigterm") return CheckShutdownFlags(settings.shutdown_on_sigterm);
  return {};
}

Status AssignChecked(Settings& settings, const Directive& directive, Words words) {
  Settings before;
  directive.copy(before, settings);
  HEARTH_TRY(directive.assign(settings, directive, words));
  settings.hz = std::clamp(settings.hz, kHzMinimum, kHzMaximum);
  settings.repl_backlog_size = std::max(settings.repl_backlog_size, kBacklogMinimumBytes);
  if (Status checked = CheckValue(directive, settings); !checked) {
    directive.copy(settings, before);
    return checked;
  }
  return {};
}

}  // namespace hearth::settings
