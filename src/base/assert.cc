#include "base/assert.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "base/assertion_report.h"

namespace hearth {
namespace {

std::atomic<void (*)(const char*, const char*, int)> report = nullptr;

}  // namespace

void SetAssertionReport(void (*report_to)(const char* claim, const char* file, int line)) {
  report = report_to;
}

void AssertionFailed(const char* claim, const char* file, int line) {
  std::fprintf(stderr, "assertion failed: %s (%s:%d)\n", claim, file, line);
  std::fflush(stderr);
  if (auto* report_to = report.load()) report_to(claim, file, line);
  std::abort();
}

}  // namespace hearth
