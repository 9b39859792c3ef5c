#include "env/process.h"

#include <execinfo.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/numbers.h"

namespace hearth::env {
namespace {

struct SignalMailbox {
  std::atomic<int> pending{0};
  std::atomic<void (*)(void*)> wake{nullptr};
  std::atomic<void*> sleeper{nullptr};
};
// lint: allow mutable-global because a signal handler can reach nothing else
SignalMailbox mailbox;

void OnStopSignal(int signal) {
  // Somebody who presses Ctrl-C twice wants out now.
  if (signal == SIGINT && mailbox.pending.load() == SIGINT) _exit(1);
  mailbox.pending.store(signal);
  if (auto* wake = mailbox.wake.load()) wake(mailbox.sleeper.load());
}

std::string ReadLink(const char* path) {
  char buffer[PATH_MAX];
  const ssize_t size = readlink(path, buffer, sizeof buffer);
  return size < 0 ? std::string() : std::string(buffer, static_cast<size_t>(size));
}

}  // namespace

int ProcessId() { return getpid(); }

void ExitAtOnce(int code) { _exit(code); }

bool OutputIsTerminal() { return isatty(STDOUT_FILENO) == 1; }

Status Daemonize() {
  // lint: allow fork because a daemon is made by one, before any thread or data exists
  const pid_t child = fork();
  if (child < 0) return Fail(std::string("cannot become a daemon: ") + std::strerror(errno), errno);
  if (child > 0) _exit(0);
  setsid();
  const int null = open("/dev/null", O_RDWR);
  if (null >= 0) {
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO) close(null);
  }
  return {};
}

size_t RaiseFileLimit(size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  rlimit raised = limit;
  raised.rlim_cur = wanted;
  raised.rlim_max = std::max<rlim_t>(limit.rlim_max, wanted);
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return wanted;
  // Without the right to raise the hard limit, what it allows is taken.
  raised.rlim_cur = raised.rlim_max = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return limit.rlim_max;
  return limit.rlim_cur;
}

void CatchStopSignals(void (*wake)(void*), void* sleeper) {
  mailbox.wake.store(nullptr);
  mailbox.sleeper.store(sleeper);
  mailbox.wake.store(wake);
  struct sigaction action{};
  action.sa_handler = OnStopSignal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);
}

int TakeStopSignal() { return mailbox.pending.exchange(0); }

bool NotifySystemd(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '@' && path[0] != '/') || path[1] == '\0') return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t size = std::strlen(path);
  if (size >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path, size);
  // A leading '@' names the abstract namespace.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const ssize_t sent =
      sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address),
             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
  close(fd);
  return sent >= 0;
}

std::string Supervisor() {
  if (std::getenv("UPSTART_JOB") != nullptr) return "upstart";
  if (std::getenv("NOTIFY_SOCKET") != nullptr) return "systemd";
  return {};
}

void StandBack(int niceness) {
  // Of this thread alone on Linux. Where it is not granted, nothing is lost but the courtesy.
  [[maybe_unused]] const int refused = setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), niceness);
}

void SetProcessTitle(std::string_view title) {
  // The kernel's name of the main thread holds 15 bytes; enough to be told apart in ps and top.
  prctl(PR_SET_NAME, std::string(title.substr(0, 15)).c_str());
}

CpuUsage ReadCpuUsage(CpuOf what) {
  rusage usage{};
  const int who = what == CpuOf::kProcess    ? RUSAGE_SELF
                  : what == CpuOf::kChildren ? RUSAGE_CHILDREN
                                             : RUSAGE_THREAD;
  getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return {seconds(usage.ru_stime), seconds(usage.ru_utime)};
}

size_t ResidentBytes() {
  const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char buffer[128] = {};
  const ssize_t size = read(fd, buffer, sizeof buffer - 1);
  close(fd);
  if (size <= 0) return 0;
  const char* second = std::strchr(buffer, ' ');
  if (second == nullptr) return 0;
  const char* end = std::strchr(second + 1, ' ');
  if (end == nullptr) return 0;
  const auto pages = ParseUint64(std::string_view(second + 1, end));
  return pages.value_or(0) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

size_t TotalMemoryBytes() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

std::string ExecutablePath() { return ReadLink("/proc/self/exe"); }
std::string CurrentDirectory() { return ReadLink("/proc/self/cwd"); }

std::string SystemName() {
  utsname name{};
  uname(&name);
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

int CaptureBacktrace(void** addresses, int max) { return backtrace(addresses, max); }

std::vector<std::string> DescribeAddresses(void* const* addresses, int count) {
  std::vector<std::string> lines;
  if (char** symbols = backtrace_symbols(addresses, count)) {
    lines.assign(symbols, symbols + count);
    std::free(symbols);
  }
  return lines;
}

}  // namespace hearth::env
