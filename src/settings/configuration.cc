#include "settings/configuration.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/assert.h"
#include "base/text.h"
#include "settings/config_rewrite.h"

namespace hearth::settings {

namespace {

std::unexpected<Error> SetFailed(std::string_view name, std::string_view reason) {
  return Fail("ERR CONFIG SET failed (possibly related to argument '" + std::string(name) + "') - " +
              std::string(reason));
}

bool HasPattern(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

}  // namespace

StartArguments ParseStartArguments(std::span<const std::string> words) {
  StartArguments arguments;
  size_t first = 0;
  if (!words.empty() && !words[0].starts_with('-')) {
    arguments.file = words[0];
    first = 1;
  }
  for (size_t i = first; i < words.size(); ++i) {
    if (words[i] == "-" && (i == 0 || i + 1 == words.size())) {
      arguments.reads_standard_input = true;
    } else {
      arguments.options.push_back(words[i]);
    }
  }
  return arguments;
}

Status Configuration::Load(const StartArguments& arguments, std::string_view standard_input,
                           LoadOptions options) {
  // "dir" may change the working folder, so that the path has to be made absolute before.
  if (!arguments.file.empty()) {
    file_ = arguments.file.starts_with('/') ? arguments.file : source_.CurrentFolder() + '/' + arguments.file;
  }
  ConfigLoader loader(source_, std::move(options));
  if (!file_.empty()) HEARTH_TRY(loader.LoadFile(file_));
  if (arguments.reads_standard_input) HEARTH_TRY(loader.LoadText(standard_input, "standard input"));
  HEARTH_TRY(loader.LoadArguments(arguments.options));
  HEARTH_TRY(loader.Finish());
  settings_ = std::move(loader.settings());
  warnings_ = loader.warnings();
  included_names_ = loader.included_names();
  return {};
}

std::string Configuration::FatalText(const Error& error, std::string_view version) {
  return "\n*** FATAL CONFIG FILE ERROR (" + std::string(version) + ") ***\n" + error.message + "\n";
}

Configuration::Pairs Configuration::Get(std::span<const std::string> patterns) const {
  Pairs pairs;
  std::unordered_set<std::string> seen;
  const auto add = [&](const Directive& directive, std::string name) {
    if (seen.insert(ToLower(name)).second)
      pairs.emplace_back(std::move(name), directive.format(settings_, directive));
  };
  for (const std::string& pattern : patterns) {
    if (!HasPattern(pattern)) {
      if (const Directive* directive = FindDirective(pattern)) add(*directive, pattern);
      continue;
    }
    for (const Directive& directive : AllDirectives()) {
      if (directive.Is(kDirectiveHidden)) continue;
      if (GlobMatch(pattern, directive.name, true)) add(directive, std::string(directive.name));
      if (!directive.alias.empty() && GlobMatch(pattern, directive.alias, true)) {
        add(directive, std::string(directive.alias));
      }
    }
  }
  return pairs;
}

bool Configuration::MayChangeProtected(const ConfigCaller& caller) const {
  switch (settings_.enable_protected_configs) {
    case LocalAccess::kNo:
      return false;
    case LocalAccess::kYes:
      return true;
    case LocalAccess::kLocal:
      return caller.is_local;
  }
  return false;
}

Result<std::vector<Configuration::Change>> Configuration::CheckChanges(
    std::span<const std::pair<std::string, std::string>> pairs, const ConfigCaller& caller) const {
  std::vector<Change> changes;
  for (const auto& [given_name, value] : pairs) {
    const Directive* directive = FindDirective(given_name);
    if (directive == nullptr) {
      return Fail("ERR Unknown option or number of arguments for CONFIG SET - '" + given_name + "'");
    }
    std::string name = ToLower(given_name);
    if (directive->Is(kDirectiveImmutable)) return SetFailed(name, "can't set immutable config");
    if (directive->Is(kDirectiveProtected) && !MayChangeProtected(caller)) {
      return SetFailed(name, "can't set protected config");
    }
    if (directive->Is(kDirectiveDenyLoading) && caller.is_loading) {
      return Fail("LOADING Redis is loading the dataset in memory");
    }
    for (const Change& earlier : changes) {
      if (earlier.name == name) return SetFailed(name, "duplicate parameter");
    }
    const bool is_list = directive->Is(kDirectiveMultiArg);
    changes.push_back(
        {directive, std::move(name), is_list ? SplitAtSpaces(value) : std::vector<std::string>{value}});
  }
  return changes;
}

Status Configuration::AssignFolder(const std::string& path) {
  HEARTH_TRY(source_.EnterFolder(path));
  settings_.dir = source_.CurrentFolder();
  return {};
}

Status Configuration::Store(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    const Directive& directive = *change.directive;
    const Status status = directive.type == DirectiveType::kDirectory
                              ? AssignFolder(change.words[0])
                              : AssignChecked(settings_, directive, change.words);
    if (!status) return SetFailed(change.name, status.error().message);
  }
  return {};
}

Status Configuration::RunHooks(const std::vector<Change>& changes, const Settings& before) {
  std::vector<const Hook*> done;
  for (const Change& change : changes) {
    const Directive& directive = *change.directive;
    if (directive.is_equal(settings_, before) && !directive.Is(kDirectiveVolatile)) continue;
    for (const Hook& hook : hooks_) {
      if (!hook.names.contains(directive.name)) continue;
      if (std::find(done.begin(), done.end(), &hook) != done.end()) continue;
      done.push_back(&hook);
      const Status status = hook.apply(settings_);
      if (status) continue;
      RollBack(before);
      // The failed one is told too: it may have taken over a part.
      for (const Hook* earlier : done) {
        if (const Status undone = earlier->apply(settings_); !undone) {
          warnings_.push_back("Taking back a CONFIG SET failed: " + undone.error().message);
        }
      }
      return SetFailed(change.name, status.error().message);
    }
  }
  return {};
}

void Configuration::RollBack(const Settings& before) {
  if (settings_.dir != before.dir) {
    if (const Status back = source_.EnterFolder(before.dir); !back) {
      warnings_.push_back("Cannot go back to folder " + before.dir + ": " + back.error().message);
    }
  }
  settings_ = before;
}

Status Configuration::Set(std::span<const std::pair<std::string, std::string>> pairs,
                          const ConfigCaller& caller) {
  const Result<std::vector<Change>> changes = CheckChanges(pairs, caller);
  if (!changes) return std::unexpected(changes.error());
  const Settings before = settings_;
  if (Status stored = Store(*changes); !stored) {
    RollBack(before);
    return stored;
  }
  return RunHooks(*changes, before);
}

Status Configuration::Rewrite(bool writes_all) {
  if (file_.empty()) return Fail("ERR The server is running without a config file");
  const auto failed = [](const Error& error) {
    return Fail("ERR Rewriting config file: " + error.message, error.code);
  };
  constexpr int kNoSuchFile = 2;  // ENOENT
  const Result<std::string> old_text = source_.Read(file_);
  if (!old_text && old_text.error().code != kNoSuchFile) return failed(old_text.error());
  RewriteInput input;
  if (old_text) input.old_text = *old_text;
  input.included_names = &included_names_;
  input.writes_all = writes_all;
  for (const auto& [name, provider] : lines_) input.file_only_lines[name] = provider();
  const Status written = source_.Replace(file_, RewriteConfig(settings_, input));
  if (!written) return failed(written.error());
  return {};
}

void Configuration::OnChange(std::vector<std::string_view> names, ApplyHook hook) {
  std::set<std::string_view> directives;
  for (const std::string_view name : names) {
    const Directive* directive = FindDirective(name);
    HEARTH_ASSERT(directive != nullptr);
    directives.insert(directive->name);
  }
  hooks_.push_back({std::move(directives), std::move(hook)});
}

void Configuration::ProvideLines(std::string name, LinesProvider provider) {
  lines_[std::move(name)] = std::move(provider);
}

}  // namespace hearth::settings
