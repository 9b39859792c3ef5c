#include "base/log.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/text.h"

namespace hearth {
namespace {

constexpr char kSigns[] = {'.', '-', '*', '#'};
constexpr int kSyslogLevels[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING};
constexpr std::string_view kLevelNames[] = {"debug", "verbose", "notice", "warning", "nothing"};

struct Facility {
  std::string_view name;
  int number;
};
constexpr Facility kFacilities[] = {
    {"user", LOG_USER},     {"daemon", LOG_DAEMON}, {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},
    {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
};

// The log goes on if a line cannot be written: there is nobody left to tell.
void WriteFully(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

int OpenForAppending(const char* path) { return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644); }

// "21 Nov 2026 10:52:47.771" in local time.
std::string Timestamp() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  tm local;
  localtime_r(&now.tv_sec, &local);
  char seconds[64];
  const size_t size = std::strftime(seconds, sizeof(seconds), "%d %b %Y %H:%M:%S", &local);
  return fmt::format("{}.{:03}", std::string_view(seconds, size), now.tv_nsec / 1000000);
}

}  // namespace

Logger::~Logger() { CloseSyslog(); }

Status Logger::SetFile(std::string path) {
  if (!path.empty()) {
    const int file = OpenForAppending(path.c_str());
    if (file < 0) {
      const int code = errno;
      return Fail(fmt::format("Can't open the log file {}: {}", path, std::strerror(code)), code);
    }
    close(file);
  }
  const std::lock_guard lock(mutex_);
  path_ = std::move(path);
  return {};
}

Status Logger::OpenSyslog(std::string identity, std::string_view facility) {
  for (const Facility& known : kFacilities) {
    if (!EqualsIgnoreCase(known.name, facility)) continue;
    const std::lock_guard lock(mutex_);
    syslog_identity_ = std::move(identity);
    openlog(syslog_identity_.c_str(), LOG_PID | LOG_NDELAY | LOG_NOWAIT, known.number);
    syslog_is_open_ = true;
    return {};
  }
  return Fail(fmt::format("unknown syslog facility '{}'; use USER, DAEMON or LOCAL0 to LOCAL7", facility));
}

void Logger::CloseSyslog() {
  const std::lock_guard lock(mutex_);
  if (syslog_is_open_) closelog();
  syslog_is_open_ = false;
}

void Logger::Write(LogLevel level, std::string_view message) {
  if (level >= LogLevel::kNothing) return;
  const auto index = static_cast<size_t>(level);
  const std::string line = fmt::format("{}:{} {} {} {}\n", getpid(), role_.load(std::memory_order_relaxed),
                                       Timestamp(), kSigns[index], message);
  const std::lock_guard lock(mutex_);
  WriteOut(line);
  if (syslog_is_open_) {
    syslog(kSyslogLevels[index], "%.*s", static_cast<int>(message.size()), message.data());
  }
}

void Logger::Raw(std::string_view text) {
  if (level() == LogLevel::kNothing) return;
  std::unique_lock lock(mutex_, std::defer_lock);
  // Another thread finishes its line within microseconds; if this one holds the lock, waiting would be for
  // ever.
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries && !lock.try_lock(); ++i) usleep(10);
  WriteOut(text);
}

void Logger::WriteOut(std::string_view bytes) {
  if (path_.empty()) return WriteFully(STDOUT_FILENO, bytes);
  const int file = OpenForAppending(path_.c_str());
  if (file < 0) return;
  WriteFully(file, bytes);
  close(file);
}

Result<LogLevel> ParseLogLevel(std::string_view name) {
  for (size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (EqualsIgnoreCase(kLevelNames[i], name)) return static_cast<LogLevel>(i);
  }
  return Fail(fmt::format("unknown log level '{}'; use debug, verbose, notice, warning or nothing", name));
}

}  // namespace hearth
