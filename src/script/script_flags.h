// What a script or a function says of itself: the flags, and the first line of a source ("#!lua name=...
// flags=..."). Pure functions; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::script {

enum ScriptFlag : uint32_t {
  kNoWrites = 1u << 0,
  kAllowOom = 1u << 1,
  kAllowStale = 1u << 2,
  kNoCluster = 1u << 3,
  kAllowCrossSlotKeys = 1u << 4,
  // No first line says anything: each command is checked when it comes, and none before.
  kUndeclared = 1u << 5,
};

struct NamedFlag {
  std::string_view name;
  ScriptFlag flag;
};
// In the order in which FUNCTION LIST shows them.
std::span<const NamedFlag> NamedFlags();
// 0 if no flag has this name.
uint32_t FindFlag(std::string_view name);

struct ScriptSource {
  uint32_t flags = kUndeclared;
  std::string_view
      body;  // what is compiled: the rest, from the end of the first line on, so that lines are counted right
};
// Of EVAL and SCRIPT LOAD. The error is the text after "ERR ".
Result<ScriptSource> ParseScript(std::string_view text);

struct LibrarySource {
  std::string name;
  std::string_view body;
};
// Of FUNCTION LOAD.
Result<LibrarySource> ParseLibrary(std::string_view text);

// Letters, digits and underscores, at least one.
bool IsGoodName(std::string_view name);
inline constexpr std::string_view kBadName =
    "Library names can only contain letters, numbers, or underscores(_) and must be at least one character "
    "long";

}  // namespace hearth::script
