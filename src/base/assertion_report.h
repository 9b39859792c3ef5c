// Where a broken claim is told of before the process aborts, beside standard error.
#pragma once

namespace hearth {

// Called once at start by whoever has the log; `report` must be async-signal-safe but for its own output.
void SetAssertionReport(void (*report)(const char* claim, const char* file, int line));

}  // namespace hearth
