// HEARTH_ASSERT states what only a mistake in this program can break. It stays on in release builds.
#pragma once

namespace hearth {

// Prints the broken claim with its place and aborts; the crash report (server/crash_report.h) adds the rest.
[[noreturn]] void AssertionFailed(const char* claim, const char* file, int line);

}  // namespace hearth

#define HEARTH_ASSERT(claim) \
  (__builtin_expect(!!(claim), 1) ? (void)0 : ::hearth::AssertionFailed(#claim, __FILE__, __LINE__))
