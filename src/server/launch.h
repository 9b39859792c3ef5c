// What happens around the server proper: --version and --help, the log's target, daemon mode, the pid file,
// the supervisor. Used by main, once, on the main thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "env/disk.h"
#include "settings/configuration.h"

namespace hearth::server {

inline constexpr const char* kVersion = "0.1.0";
inline constexpr const char* kVersionText = "Hearth 0.1.0";

// What --version, -v, --help and -h print instead of a server's start.
struct InformationAnswer {
  std::string text;
  bool is_asked_for;  // goes to standard output with exit code 0; else to standard error with 1
};
// Is a Sentinel wanted, by the program's name ("hearth-sentinel", "redis-sentinel") or by --sentinel?
bool IsSentinelAsked(std::string_view program, const std::vector<std::string>& words);

std::optional<InformationAnswer> AnswerInformationOption(const std::vector<std::string>& words);

// Which names rename-command may use.
settings::LoadOptions OptionsForLoading(bool is_sentinel = false);

class Launch {
 public:
  Launch(settings::Configuration& configuration, Logger& log, env::Disk& disk, bool is_sentinel)
      : configuration_(configuration), log_(log), disk_(disk), is_sentinel_(is_sentinel) {}

  // Opens the log, says what starts, goes into the background if asked to, writes the pid file. An error has
  // been reported when this returns.
  Status Prepare(bool has_arguments);
  // Tells a supervisor that the server serves.
  void NotifyReady();
  // Removes the pid file and the Unix socket's.
  void CleanUp();

 private:
  Status OpenLog();
  bool IsSupervised() const;
  void WritePidFile();

  settings::Configuration& configuration_;
  Logger& log_;
  env::Disk& disk_;
  const bool is_sentinel_;
  std::string pid_file_;
};

}  // namespace hearth::server
