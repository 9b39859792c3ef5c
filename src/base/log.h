// The server's log, in the line format that log readers for Redis know:
//   <pid>:<role letter> <dd Mon yyyy HH:MM:SS.mmm> <sign> <message>
// One Logger is made by server/ and passed by reference. Any thread may log and change settings.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/result.h"

namespace hearth {

enum class LogLevel { kDebug, kVerbose, kNotice, kWarning, kNothing };

class Logger {
 public:
  // Logs to standard output at level notice, as a primary.
  Logger() = default;
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  void SetLevel(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  LogLevel level() const { return level_.load(std::memory_order_relaxed); }
  bool IsOn(LogLevel level) const { return level >= this->level() && level < LogLevel::kNothing; }

  // 'M' primary, 'S' replica, 'X' Sentinel, 'C' a helper before the server proper runs.
  void SetRole(char letter) { role_.store(letter, std::memory_order_relaxed); }

  // Appends to the file from now on; an empty path means standard output. The file is opened for every write,
  // so that it can be rotated by renaming. Fails, and changes nothing, if it cannot be opened for appending.
  Status SetFile(std::string path);

  // Copies every line to syslog too, with the name `identity` and a facility such as "local0" ("user",
  // "daemon" and "local0" to "local7" are known).
  Status OpenSyslog(std::string identity, std::string_view facility);
  void CloseSyslog();

  // The arguments are formatted only if the level is on.
  template <typename... Args>
  void Debug(fmt::format_string<Args...> format, Args&&... args) {
    Log(LogLevel::kDebug, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void Verbose(fmt::format_string<Args...> format, Args&&... args) {
    Log(LogLevel::kVerbose, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void Notice(fmt::format_string<Args...> format, Args&&... args) {
    Log(LogLevel::kNotice, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void Warning(fmt::format_string<Args...> format, Args&&... args) {
    Log(LogLevel::kWarning, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void Log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
    if (IsOn(level)) Write(level, fmt::format(format, std::forward<Args>(args)...));
  }

  // Writes one line, whatever the level.
  void Write(LogLevel level, std::string_view message);

  // Writes the text as it is, without prefix or newline, unless the level is "nothing". For crash reports: it
  // allocates nothing, and goes on without the lock if the crashed thread holds it.
  void Raw(std::string_view text);

 private:
  void WriteOut(std::string_view bytes);

  std::atomic<LogLevel> level_{LogLevel::kNotice};
  std::atomic<char> role_{'M'};
  std::mutex mutex_;
  std::string path_;             // under mutex_
  std::string syslog_identity_;  // under mutex_; syslog keeps a pointer to it
  bool syslog_is_open_ = false;  // under mutex_
};

// "debug", "verbose", "notice", "warning" or "nothing", in any case; else an error that lists them.
Result<LogLevel> ParseLogLevel(std::string_view name);

}  // namespace hearth
