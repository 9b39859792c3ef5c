// Arbitrary bytes as an AOF manifest: what is understood must come out as it went in, and stay a manifest
// through the transitions of an AOF's life.
#include <cstdint>
#include <string_view>

#include "aof/manifest.h"
#include "base/assert.h"

namespace {

using hearth::aof::Manifest;

void CheckRoundTrip(const Manifest& manifest) {
  if (!manifest.HasData() && manifest.history().empty()) return;
  const auto again = Manifest::Parse(manifest.Format());
  HEARTH_ASSERT(again && *again == manifest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto manifest = Manifest::Parse({reinterpret_cast<const char*>(data), size});
  if (!manifest) {
    HEARTH_ASSERT(!manifest.error().message.empty());
    return 0;
  }
  // Quoting makes long names longer than a line may be.
  for (const auto& line : manifest->history())
    if (line.name.size() > 200) return 0;
  for (const auto& line : manifest->increments())
    if (line.name.size() > 200) return 0;
  if (manifest->base() && manifest->base()->name.size() > 200) return 0;
  CheckRoundTrip(*manifest);
  manifest->AddIncrement("appendonly.aof");
  CheckRoundTrip(*manifest);
  manifest->ReplaceBase("appendonly.aof", size % 2 == 0);
  CheckRoundTrip(*manifest);
  manifest->ForgetHistory();
  CheckRoundTrip(*manifest);
  return 0;
}
