#include "server/watchdog.h"

#include <string_view>

#include "env/alarm.h"
#include "env/process.h"

namespace hearth::server {
namespace {

constexpr int kMaxCalls = 64;

// lint: allow mutable-global because a signal handler can reach nothing else
Logger* alarm_log = nullptr;

// In the middle of anything: without memory from the heap.
void OnAlarm() {
  alarm_log->Raw("\n--- WATCHDOG TIMER EXPIRED ---\n------ STACK TRACE ------\n");
  void* addresses[kMaxCalls];
  const int count = env::CaptureBacktrace(addresses, kMaxCalls);
  for (int i = 0; i < count; ++i) {
    char line[512];
    alarm_log->Raw(env::DescribeAddress(addresses[i], line, sizeof line));
    alarm_log->Raw("\n");
  }
  alarm_log->Raw("--------\n");
}

}  // namespace

void Watchdog::Feed(int64_t period_ms) {
  if (is_impossible_ || (period_ms <= 0 && !is_on_)) return;
  if (!is_on_) {
    alarm_log = &log_;
    // The first one loads a library, which must not happen in the handler.
    void* address;
    env::CaptureBacktrace(&address, 1);
    if (Status status = env::PrepareAlarm(OnAlarm); !status) {
      log_.Warning("The watchdog stays off: {}", status.error().message);
      is_impossible_ = true;
      return;
    }
  }
  is_on_ = period_ms > 0;
  env::SetAlarm(is_on_ ? period_ms * 1000 : 0);
}

}  // namespace hearth::server
