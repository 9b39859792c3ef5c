#include "server/crash_report.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/assertion_report.h"
#include "env/process.h"
#include "server/launch.h"

namespace hearth::server {
namespace {

struct CrashReport {
  Logger& log;
  std::function<std::string()> describe;
};
// A signal handler can reach nothing but globals.
const CrashReport* report = nullptr;
volatile std::sig_atomic_t is_reporting = 0;

void WriteLine(std::string_view text) {
  report->log.Raw(text);
  report->log.Raw("\n");
}

// Without memory from the heap, which may be what broke.
template <typename... Args>
void WriteFormatted(fmt::format_string<Args...> format, Args&&... args) {
  char line[256];
  const auto end = fmt::format_to_n(line, sizeof line, format, std::forward<Args>(args)...);
  WriteLine(std::string_view(line, std::min(end.size, sizeof line)));
}

void OnFatalSignal(int signal, siginfo_t* info, void*) {
  // A second fault, inside the report, ends it.
  if (is_reporting) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  is_reporting = 1;
  // What broke may be the heap, or hold its lock: the report must not keep the process for ever.
  env::EndWithin(10);
  WriteLine("\n=== HEARTH BUG REPORT START: keep everything up to the END line ===");
  WriteFormatted("{} crashed by signal: {} ({}), code: {}, address: {}", kVersionText, signal,
                 strsignal(signal), info->si_code, info->si_addr);
  WriteLine("\n------ STACK TRACE ------");
  void* addresses[64];
  const int count = env::CaptureBacktrace(addresses, 64);
  // Names need memory; if the heap is what broke, the addresses at least are there already.
  for (int i = 0; i < count; ++i) WriteFormatted("{}", addresses[i]);
  for (const std::string& name : env::DescribeAddresses(addresses, count)) WriteLine(name);
  if (report->describe) {
    WriteLine("\n------ INFO ------");
    WriteLine(report->describe());
  }
  WriteLine("\n=== HEARTH BUG REPORT END ===");
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void OnBrokenClaim(const char* claim, const char* file, int line) {
  WriteLine("\n=== ASSERTION FAILED ===");
  WriteFormatted("==> {}:{} '{}' is not true", file, line, claim);
}

}  // namespace

void InstallCrashReport(Logger& log, std::function<std::string()> describe) {
  // lint: allow raw-new because the process may crash while it ends, when owners are gone
  report = new CrashReport{log, std::move(describe)};
  EnableCrashReport(true);
}

void EnableCrashReport(bool on) {
  SetAssertionReport(on && report != nullptr ? OnBrokenClaim : nullptr);
  struct sigaction action{};
  if (on && report != nullptr) {
    action.sa_sigaction = OnFatalSignal;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
  } else {
    action.sa_handler = SIG_DFL;
  }
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigaction(signal, &action, nullptr);
}

}  // namespace hearth::server
