// The server's configuration: loads it, owns the Settings that all parts read, and carries out CONFIG GET,
// SET and REWRITE. Owned by the composition root; after Load it belongs to the engine thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "settings/config_loader.h"
#include "settings/config_source.h"
#include "settings/directive.h"
#include "settings/settings.h"

namespace hearth::settings {

// What a command line asks of the configuration.
struct StartArguments {
  std::string file;  // empty: no file
  bool reads_standard_input = false;
  std::vector<std::string> options;  // "--port", "7000", ...
};

// Sorts the words after the program's name: a first word without '-' is the file, a first or last "-" means
// standard input, the rest are options.
StartArguments ParseStartArguments(std::span<const std::string> words);

// Who sends CONFIG SET, as far as it matters.
struct ConfigCaller {
  bool is_local = true;  // over a Unix socket or from a loopback address
  bool is_loading = false;
};

class Configuration {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  // Takes over new values; the error is the reason alone. Called after the values are stored, and once more
  // with the old ones if another hook of the same CONFIG SET fails.
  using ApplyHook = std::function<Status(const Settings&)>;
  // The current lines of a file-only directive ("user alice on ...").
  using LinesProvider = std::function<std::vector<std::string>()>;

  // `source` outlives this object.
  explicit Configuration(ConfigSource& source) : source_(source) {}

  // To be called once, at start. `standard_input` is what was read from there, if the arguments ask for it.
  // On failure the settings are the defaults and the error is a text for FatalText.
  Status Load(const StartArguments& arguments, std::string_view standard_input, LoadOptions options);
  // The message that a server leaves on standard error before it gives up; `version` names it ("Hearth
  // 0.1.0").
  static std::string FatalText(const Error& error, std::string_view version);

  const Settings& settings() const { return settings_; }
  // What Load found worth telling the administrator.
  const std::vector<std::string>& warnings() const { return warnings_; }
  // Commands under other names, in the file's order: settings().renamed_commands.
  const std::vector<RenamedCommand>& renamed_commands() const { return settings_.renamed_commands; }
  // Absolute path of the file, empty if there is none.
  const std::string& file() const { return file_; }

  // CONFIG GET: names that match any of the patterns, each once, with their values.
  Pairs Get(std::span<const std::string> patterns) const;

  // CONFIG SET: all of the pairs or none. The error is the whole error reply without its '-'.
  Status Set(std::span<const std::pair<std::string, std::string>> pairs, const ConfigCaller& caller);

  // CONFIG REWRITE; `writes_all`: with a line for every directive, also where it has its default. The error
  // is the whole error reply without its '-'.
  Status Rewrite(bool writes_all = false);

  // `hook` runs when one of the directives changes by Set. It is not called by Load.
  void OnChange(std::vector<std::string_view> names, ApplyHook hook);
  // Where Rewrite gets the lines of "user" or "sentinel" from; without it they stay as they
  // are.
  void ProvideLines(std::string name, LinesProvider provider);
  // REPLICAOF at runtime: no hook runs, the caller has done the work already.
  void SetPrimaryAddress(PrimaryAddress address) { settings_.primary_address = std::move(address); }

 private:
  struct Hook {
    std::set<std::string_view> names;
    ApplyHook apply;
  };
  struct Change {
    const Directive* directive;
    std::string name;  // the directive's spelling that the caller used, in lower case
    std::vector<std::string> words;
  };

  Result<std::vector<Change>> CheckChanges(std::span<const std::pair<std::string, std::string>> pairs,
                                           const ConfigCaller& caller) const;
  bool MayChangeProtected(const ConfigCaller& caller) const;
  // Stores the values; the error is the whole reply.
  Status Store(const std::vector<Change>& changes);
  Status AssignFolder(const std::string& path);
  Status RunHooks(const std::vector<Change>& changes, const Settings& before);
  void RollBack(const Settings& before);

  ConfigSource& source_;
  Settings settings_;
  std::string file_;
  std::vector<std::string> warnings_;
  std::set<std::string, std::less<>> included_names_;
  std::vector<Hook> hooks_;
  std::map<std::string, LinesProvider, std::less<>> lines_;
};

}  // namespace hearth::settings
