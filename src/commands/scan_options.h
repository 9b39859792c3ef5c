// What SCAN, HSCAN, SSCAN and ZSCAN have in common: their cursor and their options. Engine thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/context.h"

namespace hearth::commands {

// Which of the options a command knows.
enum class ScanKind : uint8_t {
  kKeys,      // SCAN: TYPE
  kFields,    // HSCAN: NOVALUES
  kElements,  // SSCAN, ZSCAN
};

struct ScanOptions {
  // How many elements a call should look at, about.
  int64_t count = 10;
  std::optional<std::string_view> pattern;  // absent also if everything would match
  std::optional<std::string_view> type;
  bool without_values = false;

  bool Matches(std::string_view text) const;
};

// Argument i as a cursor; replies the error if it is none.
std::optional<uint64_t> ParseScanCursor(engine::Context& ctx, size_t i);

// The options from argument `first` on; replies the error if they are wrong.
std::optional<ScanOptions> ParseScanOptions(engine::Context& ctx, size_t first, ScanKind kind);

}  // namespace hearth::commands
