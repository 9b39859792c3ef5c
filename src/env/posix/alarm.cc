#include "env/alarm.h"

#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>

namespace hearth::env {
namespace {

struct Alarm {
  void (*on_alarm)() = nullptr;
  std::optional<timer_t> timer;
};
// lint: allow mutable-global because a signal handler can reach nothing else
Alarm alarm;

void OnAlarmSignal(int) {
  const int error = errno;
  alarm.on_alarm();
  errno = error;
}

}  // namespace

Status PrepareAlarm(void (*on_alarm)()) {
  alarm.on_alarm = on_alarm;
  if (alarm.timer) return {};
  struct sigaction action{};
  action.sa_handler = OnAlarmSignal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
  // The signal is for this thread: a process-wide one would interrupt whichever thread is at hand.
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGALRM;
#ifdef sigev_notify_thread_id
  event.sigev_notify_thread_id = gettid();
#else
  event._sigev_un._tid = gettid();
#endif
  timer_t timer;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
    return Fail(std::string("cannot create a timer: ") + std::strerror(errno), errno);
  }
  alarm.timer = timer;
  return {};
}

void SetAlarm(int64_t micros) {
  if (!alarm.timer) return;
  itimerspec when{};
  when.it_value.tv_sec = micros / 1'000'000;
  when.it_value.tv_nsec = micros % 1'000'000 * 1000;
  timer_settime(*alarm.timer, 0, &when, nullptr);
}

}  // namespace hearth::env
