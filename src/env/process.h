// The process itself: signals, daemon mode, limits, and what the system says it uses. Called by the
// composition root on the main thread unless a function says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::env {

int ProcessId();
// Ends the process in so many seconds unless it ends before: for what a crash may leave hanging.
void EndWithin(int seconds);
// Without a word to anybody: for a crash that is asked for.
[[noreturn]] void ExitAtOnce(int code);
// The program begins anew in the place of this process, with the words that KeepTitleRoom has kept; threads,
// memory and open files go. Returns only if that cannot be.
Status BeginAnew();
// Does a person read standard output?
bool OutputIsTerminal();

// Becomes a session of its own without a terminal, before any thread exists. The caller goes on in the new
// process.
Status Daemonize();

// Raises the limit of open files to `wanted` if it may; gives the limit that is now in force.
size_t RaiseFileLimit(size_t wanted);

// From now on SIGTERM and SIGINT only set a flag and call `wake(sleeper)` (async-signal-safe; null for
// nothing) on the thread that gets them; SIGPIPE and SIGHUP are ignored. The last call counts.
void CatchStopSignals(void (*wake)(void*), void* sleeper);
// The stop signal that came since the last call, or 0. A second SIGINT ends the process at once.
int TakeStopSignal();

// Tells systemd's notification socket, if the environment names one. False if it does not.
bool NotifySystemd(std::string_view state);
// "systemd", "upstart" or empty: who supervises this process, by the environment.
std::string Supervisor();

// The calling thread leaves more of the processor to others from now on: as nice(1) does, 0 to 19.
void StandBack(int niceness);

// What ps and top show: the title in full, if KeepTitleRoom has found room for it, and `name`, of at most 15
// bytes, where the system keeps the names of threads.
void SetProcessTitle(std::string_view title, std::string_view name);
// Also keeps the words for BeginAnew.
// Titles go where the words of the command line and the environment lie: those are copied first, or not used
// afterwards. Once, as early as possible, before any thread exists.
void KeepTitleRoom(int argc, char** argv);

// By which the system chooses whom to kill when memory runs out: -1000 to 1000.
Result<int> OutOfMemoryScore();
Status SetOutOfMemoryScore(int score);

struct CpuUsage {
  double system_seconds = 0;
  double user_seconds = 0;
};
enum class CpuOf { kProcess, kChildren, kMainThread };
CpuUsage ReadCpuUsage(CpuOf what);

size_t ResidentBytes();
size_t TotalMemoryBytes();
std::string ExecutablePath();
std::string CurrentDirectory();
// "Linux 6.1.0 x86_64"
std::string SystemName();

// The calls that led here, for the crash report; async-signal-safe. Returns how many addresses were written.
int CaptureBacktrace(void** addresses, int max);
std::vector<std::string> DescribeAddresses(void* const* addresses, int count);
// The file and the offset in it that an address belongs to, without memory from the heap. Empty if unknown.
std::string_view DescribeAddress(void* address, char* buffer, size_t size);

}  // namespace hearth::env
