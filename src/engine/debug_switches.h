// What DEBUG can turn on and off for tests; all are off in a server as it starts. Owned by the engine; engine
// thread only.
#pragma once

#include <cstdint>

namespace hearth::engine {

struct DebugSwitches {
  bool skips_checksums = false;    // of snapshots and payloads: SET-SKIP-CHECKSUM-VALIDATION
  bool is_cron_paused = false;     // PAUSE-CRON
  bool allows_in_scripts = false;  // commands that scripts may not call: SET-DISABLE-DENY-SCRIPTS
  int64_t aof_write_delay_us = 0;  // before each write to the append-only file: AOF-FLUSH-SLEEP
};

}  // namespace hearth::engine
