// What the log gets when the process dies of a bug: the signal, the calls that led there, what was running.
#pragma once

#include <functional>
#include <string>

#include "base/log.h"

namespace hearth::server {

// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT write a report to `log` before the process dies of
// the signal as it would have without. `describe` adds lines about the server (INFO, the current client); it
// runs after the part that cannot fail. Once per process; `log` and `describe` stay for its lifetime.
void InstallCrashReport(Logger& log, std::function<std::string()> describe);
// Without a report from now on, or with the installed one again (crash-log-enabled).
void EnableCrashReport(bool on);

}  // namespace hearth::server
