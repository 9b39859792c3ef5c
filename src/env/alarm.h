// An alarm that interrupts one thread after a while unless it is set again: what a software watchdog needs.
// One alarm a process. All calls on the thread that is to be interrupted.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace hearth::env {

// From now on, SetAlarm's time over means that the calling thread runs `on_alarm`, wherever it is: that must
// be async-signal-safe.
Status PrepareAlarm(void (*on_alarm)());

// The alarm comes in so many microseconds, once, instead of when it was to come; 0 for never.
void SetAlarm(int64_t micros);

}  // namespace hearth::env
