#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace hearth {

void AssertionFailed(const char* claim, const char* file, int line) {
  std::fprintf(stderr, "assertion failed: %s (%s:%d)\n", claim, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace hearth
