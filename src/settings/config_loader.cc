#include "settings/config_loader.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::settings {

namespace {

constexpr int kMaximumIncludeDepth = 16;
constexpr int64_t kSentinelPort = 26379;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool HasPattern(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

bool StartsWithDashes(std::string_view word) { return word.starts_with("--"); }

// Directives of old versions that mean nothing any more, and what to say about them.
constexpr std::string_view kIgnoredDirectives[] = {"list-max-ziplist-entries", "list-max-ziplist-value",
                                                   "lua-replicate-commands"};

}  // namespace

std::string LineErrorText(const std::string& file, int line_number, std::string_view line,
                          std::string_view reason) {
  std::string text =
      file.empty() ? "Reading the command line, at option " : "Reading the configuration file, at line ";
  text += std::to_string(line_number);
  if (!file.empty()) text += " of " + file;
  text += "\n>>> '";
  text += line;
  text += "'\n";
  text += reason;
  return text;
}

std::vector<std::string> LinesOfArguments(const std::vector<std::string>& arguments) {
  std::vector<std::string> lines;
  // After an option's bare name the next word is a value, whatever it looks like.
  bool expects_value = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (!StartsWithDashes(word) || expects_value) {
      if (lines.empty()) lines.emplace_back();
      if (!lines.back().empty()) lines.back() += ' ';
      lines.back() += Quote(word);
      expects_value = false;
      continue;
    }
    const bool is_last = i + 1 == arguments.size();
    const bool is_followed_by_option = is_last || StartsWithDashes(arguments[i + 1]);
    if (EqualsIgnoreCase(word, "--sentinel") && is_followed_by_option) continue;
    lines.push_back(word.substr(2));
    if (EqualsIgnoreCase(word, "--save") && is_followed_by_option) {
      lines.back() += " \"\"";
      continue;
    }
    // "--port 7000" in one word holds its value already.
    const auto words = SplitArguments(word);
    expects_value = words.has_value() && words->size() == 1;
  }
  return lines;
}

ConfigLoader::ConfigLoader(ConfigSource& source, LoadOptions options)
    : source_(source), options_(std::move(options)) {
  settings_.dir = source_.CurrentFolder();
  if (options_.is_sentinel) {
    settings_.port = kSentinelPort;
    settings_.protected_mode = false;
  }
}

Status ConfigLoader::LoadFile(const std::string& path) {
  const Result<std::string> text = source_.Read(path);
  if (!text)
    return Fail("Fatal error, can't open config file '" + path + "': " + text.error().message,
                text.error().code);
  return LoadText(*text, path);
}

Status ConfigLoader::LoadText(std::string_view text, const std::string& name) {
  int number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line[0] == '#') continue;
    const auto words = SplitArguments(line);
    if (!words) return Fail(LineErrorText(name, number, line, "Unbalanced quotes in configuration line"));
    if (words->empty()) continue;
    HEARTH_TRY(ApplyLine({name, number, line, *words}));
  }
  return {};
}

Status ConfigLoader::LoadArguments(const std::vector<std::string>& arguments) {
  std::string text;
  for (const std::string& line : LinesOfArguments(arguments)) text += line + '\n';
  return LoadText(text, "");
}

Status ConfigLoader::Finish() {
  if (settings_.cluster_enabled && !settings_.primary_address.host.empty()) {
    return Fail("replicaof directive not allowed in cluster mode");
  }
  for (const Directive& directive : AllDirectives()) WarnIfStored(directive);
  return {};
}

Status ConfigLoader::LoadIncluded(const std::string& path) {
  if (include_depth_ == kMaximumIncludeDepth) return Fail("Too many levels of include directives");
  ++include_depth_;
  Status status;
  if (HasPattern(path)) {
    for (const std::string& match : source_.Match(path)) {
      status = LoadFile(match);
      if (!status) break;
    }
  } else {
    status = LoadFile(path);
  }
  --include_depth_;
  return status;
}

Status ConfigLoader::ApplyLine(const Line& line) {
  const std::string name = ToLower(line.words[0]);
  // An error in an included file names that file, not the line that includes it.
  if (name == "include" && line.words.size() == 2 && include_depth_ < kMaximumIncludeDepth) {
    return LoadIncluded(line.words[1]);
  }
  const Directive* directive = FindDirective(name);
  const Status status = directive != nullptr ? ApplyDirective(*directive, line) : ApplyFileOnly(name, line);
  if (!status) return Fail(LineErrorText(line.file, line.number, line.text, status.error().message));
  return {};
}

Status ConfigLoader::ApplyDirective(const Directive& directive, const Line& line) {
  const Words words = Words(line.words).subspan(1);
  if (include_depth_ > 0) included_names_.emplace(directive.name);
  if (words.empty()) return Fail("wrong number of arguments");
  // A list may stand in one quoted word, as CONFIG SET takes it.
  if (directive.Is(kDirectiveMultiArg) && words.size() == 1) {
    const std::vector<std::string> split = SplitAtSpaces(words[0]);
    return AssignWords(directive, split);
  }
  return AssignWords(directive, words);
}

Status ConfigLoader::AssignWords(const Directive& directive, Words words) {
  if (directive.type == DirectiveType::kSavePoints) return ApplySavePoints(directive, words);
  if (directive.type == DirectiveType::kDirectory) {
    if (words.size() != 1) return Fail("wrong number of arguments");
    return ApplyFolder(words[0]);
  }
  return AssignChecked(settings_, directive, words);
}

Status ConfigLoader::ApplyFolder(const std::string& path) {
  HEARTH_TRY(source_.EnterFolder(path));
  settings_.dir = source_.CurrentFolder();
  return {};
}

// The first line replaces the default points, every later one adds to them; "" forgets all before it.
Status ConfigLoader::ApplySavePoints(const Directive& directive, Words words) {
  std::vector<SavePoint> before = settings_.save_points;
  HEARTH_TRY(AssignChecked(settings_, directive, words));
  if (has_save_line_ && !settings_.save_points.empty()) {
    before.insert(before.end(), settings_.save_points.begin(), settings_.save_points.end());
    settings_.save_points = std::move(before);
  }
  has_save_line_ = true;
  return {};
}

Status ConfigLoader::ApplyFileOnly(const std::string& name, const Line& line) {
  const size_t count = line.words.size();
  if (name == "include" && count == 2) return Fail("Too many levels of include directives");
  if (name == "rename-command" && count == 3) return ApplyRename(line.words[1], line.words[2]);
  if (name == "user" && count >= 2) return ApplyUser(line);
  if (name == "loadmodule" && count >= 2) return Fail("Modules are not supported");
  if (name == "sentinel") {
    if (count == 1) return {};
    if (!options_.is_sentinel) return Fail("sentinel directive while not in sentinel mode");
    settings_.sentinel_lines.push_back({line.words, line.file, line.number});
    return {};
  }
  if (count == 2 && std::find(std::begin(kIgnoredDirectives), std::end(kIgnoredDirectives), name) !=
                        std::end(kIgnoredDirectives)) {
    warnings_.push_back("The directive '" + name + "' is obsolete and ignored");
    return {};
  }
  return Fail("Bad directive or wrong number of arguments");
}

bool ConfigLoader::IsCommandNow(std::string_view name) const {
  bool exists = options_.is_command(name);
  for (const RenamedCommand& renamed : settings_.renamed_commands) {
    if (EqualsIgnoreCase(renamed.name, name)) exists = false;
    if (EqualsIgnoreCase(renamed.new_name, name)) exists = true;
  }
  return exists;
}

Status ConfigLoader::ApplyRename(const std::string& name, const std::string& new_name) {
  if (options_.is_command) {
    if (!IsCommandNow(name)) return Fail("No such command in rename-command");
    if (!new_name.empty() && IsCommandNow(new_name)) return Fail("Target command name already exists");
  }
  settings_.renamed_commands.push_back({name, new_name});
  return {};
}

Status ConfigLoader::ApplyUser(const Line& line) {
  if (!user_names_.insert(line.words[1]).second) {
    return Fail("Error in user declaration '" + line.words[1] +
                "': Duplicate user found. A user can only be defined once in config files");
  }
  if (options_.check_user) {
    const std::vector<std::string> words(line.words.begin() + 1, line.words.end());
    if (const Status status = options_.check_user(words); !status) {
      return Fail("Error in user declaration '" + line.words[1] + "': " + status.error().message);
    }
  }
  settings_.user_lines.push_back({line.words, line.file, line.number});
  return {};
}

void ConfigLoader::WarnIfStored(const Directive& directive) {
  if (!directive.Is(kDirectiveStored)) return;
  if (directive.format(settings_, directive) == directive.default_text) return;
  warnings_.push_back("The directive '" + std::string(directive.name) +
                      "' is accepted and kept, but this version does not act on it");
}

}  // namespace hearth::settings
