// The software watchdog (watchdog-period): when the engine thread has not come back to its timers for that
// long, the log gets the calls that it is in. For finding out what holds a server up.
//
// Owned by Server; engine thread only.
#pragma once

#include <cstdint>

#include "base/log.h"

namespace hearth::server {

class Watchdog {
 public:
  // `log` stays for the life of the process.
  explicit Watchdog(Logger& log) : log_(log) {}

  // At least every `period_ms`/2 while the watchdog is on: puts the alarm off. 0 turns it off.
  void Feed(int64_t period_ms);

 private:
  Logger& log_;
  bool is_on_ = false;
  bool is_impossible_ = false;  // the system has refused a timer
};

}  // namespace hearth::server
