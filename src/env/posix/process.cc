#include "env/process.h"

#include <dlfcn.h>
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
#include <memory>

#include <fmt/format.h>

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

struct TitleRoom {
  char* start = nullptr;
  size_t size = 0;
  char** words = nullptr;  // copies of what stood there, and a null behind them
};
// lint: allow mutable-global because the room for the title is the process's own
TitleRoom title_room;

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

void EndWithin(int seconds) {
  std::signal(SIGALRM, SIG_DFL);
  alarm(static_cast<unsigned>(seconds));
}

void ExitAtOnce(int code) { _exit(code); }

Status BeginAnew() {
  if (title_room.words == nullptr) return Fail("the words of the command line are not known");
  const std::string program = ExecutablePath();
  // What is blocked stays blocked in the new program: a thread of ours may have blocked more than the first.
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  // lint: allow fork because the program that begins is this one, in this process
  execv(program.c_str(), title_room.words);
  return Fail(std::string("cannot run ") + program + ": " + std::strerror(errno), errno);
}

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

void KeepTitleRoom(int argc, char** argv) {
  if (argc < 1) return;
  // Kept for as long as the process runs.
  auto words = std::make_unique<char*[]>(static_cast<size_t>(argc) + 1);
  for (int i = 0; i < argc; ++i) words[static_cast<size_t>(i)] = strdup(argv[i]);
  // The words lie one behind the other, and the environment behind them: as far as that is so, it is room.
  char* end = argv[0];
  for (int i = 0; i < argc && argv[i] == end; ++i) end += std::strlen(argv[i]) + 1;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const bool is_next = *variable == end;
    const size_t size = std::strlen(*variable) + 1;
    if (!is_next) continue;
    char* copy = strdup(*variable);
    if (copy == nullptr) break;
    end += size;
    *variable = copy;
  }
  title_room = {argv[0], static_cast<size_t>(end - argv[0]), words.release()};
}

void SetProcessTitle(std::string_view title, std::string_view name) {
  prctl(PR_SET_NAME, std::string(name.substr(0, 15)).c_str());
  if (title_room.size == 0) return;
  const size_t size = std::min(title.size(), title_room.size - 1);
  std::memset(title_room.start, 0, title_room.size);
  std::memcpy(title_room.start, title.data(), size);
}

Result<int> OutOfMemoryScore() {
  const int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Fail(std::string("cannot read oom_score_adj: ") + std::strerror(errno), errno);
  char buffer[32] = {};
  const ssize_t size = read(fd, buffer, sizeof buffer - 1);
  close(fd);
  if (size <= 0) return Fail("cannot read oom_score_adj");
  const auto score = ParseInt64(std::string_view(buffer, std::strcspn(buffer, "\n")));
  if (!score) return Fail("oom_score_adj is no number");
  return static_cast<int>(*score);
}

Status SetOutOfMemoryScore(int score) {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return Fail(std::string("cannot write oom_score_adj: ") + std::strerror(errno), errno);
  const std::string text = std::to_string(score);
  const bool is_written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  close(fd);
  if (!is_written) return Fail(std::string("cannot write oom_score_adj: ") + std::strerror(error), error);
  return {};
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

std::string_view DescribeAddress(void* address, char* buffer, size_t size) {
  Dl_info info{};
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  const auto offset = static_cast<char*>(address) - static_cast<char*>(info.dli_fbase);
  // The program itself goes by its first word, where the title stands now.
  const bool is_program = info.dli_fname == title_room.start && title_room.words != nullptr;
  const char* file = is_program ? title_room.words[0] : info.dli_fname;
  const auto written = fmt::format_to_n(buffer, size, "{}(+{:#x}) [{}]", file, offset, address);
  return {buffer, std::min(written.size, size)};
}

std::vector<std::string> DescribeAddresses(void* const* addresses, int count) {
  std::vector<std::string> lines;
  for (int i = 0; i < count; ++i) {
    char line[512];
    lines.emplace_back(DescribeAddress(addresses[i], line, sizeof line));
  }
  return lines;
}

}  // namespace hearth::env
