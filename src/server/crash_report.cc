#include "server/crash_report.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include "env/process.h"

namespace hearth::server {
namespace {

// A signal handler can reach nothing but globals.
Logger* crash_log = nullptr;
std::function<std::string()>* crash_describe = nullptr;
volatile std::sig_atomic_t is_reporting = 0;

void WriteLine(const char* text) {
  crash_log->Raw(text);
  crash_log->Raw("\n");
}

void OnFatalSignal(int signal, siginfo_t* info, void*) {
  // A second fault, inside the report, ends it.
  if (is_reporting) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  is_reporting = 1;
  char line[256];
  WriteLine("\n=== HEARTH BUG REPORT START: keep everything up to the END line ===");
  std::snprintf(line, sizeof line, "Hearth 0.1.0 crashed by signal: %d (%s), code: %d, address: %p", signal,
                strsignal(signal), info->si_code, info->si_addr);
  WriteLine(line);
  WriteLine("\n------ STACK TRACE ------");
  void* addresses[64];
  const int count = env::CaptureBacktrace(addresses, 64);
  // Names need memory; if the heap is what broke, the addresses at least are there already.
  for (int i = 0; i < count; ++i) {
    std::snprintf(line, sizeof line, "%p", addresses[i]);
    WriteLine(line);
  }
  for (const std::string& name : env::DescribeAddresses(addresses, count)) WriteLine(name.c_str());
  if (*crash_describe) {
    WriteLine("\n------ INFO ------");
    WriteLine((*crash_describe)().c_str());
  }
  WriteLine("\n=== HEARTH BUG REPORT END ===");
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

void InstallCrashReport(Logger& log, std::function<std::string()> describe) {
  crash_log = &log;
  crash_describe = new std::function<std::string()>(std::move(describe));
  struct sigaction action {};
  action.sa_sigaction = OnFatalSignal;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigaction(signal, &action, nullptr);
}

}  // namespace hearth::server
