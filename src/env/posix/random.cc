#include "env/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/assert.h"

namespace hearth::env {
namespace {

class SystemRandom final : public Random {
 public:
  void Fill(std::span<std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
      if (got < 0) {
        // The call fails only where the kernel lacks it, which no supported one does.
        HEARTH_ASSERT(errno == EINTR);
        continue;
      }
      bytes = bytes.subspan(static_cast<size_t>(got));
    }
  }
};

}  // namespace

std::unique_ptr<Random> MakeSystemRandom() { return std::make_unique<SystemRandom>(); }

}  // namespace hearth::env
