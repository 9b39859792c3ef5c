// Times of expiry as commands give them: "EX 10", "PXAT 1700000000000", EXPIRE's second argument.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/context.h"

namespace hearth::commands {

struct TimeUnit {
  bool is_seconds;
  bool is_absolute;  // since the Unix epoch, not from now
};

inline constexpr TimeUnit kSecondsFromNow = {true, false};
inline constexpr TimeUnit kMillisFromNow = {false, false};
inline constexpr TimeUnit kUnixSeconds = {true, true};
inline constexpr TimeUnit kUnixMillis = {false, true};

// Argument i as Unix milliseconds. The error has been replied if it is no number or lies beyond what 64 bits
// hold, or, with `must_be_positive`, if it is not above zero.
std::optional<int64_t> ExpireTime(engine::Context& ctx, size_t i, TimeUnit unit, bool must_be_positive);

// Whether a key given this expiry goes at once. Only a primary decides that; others wait for its word.
bool IsOverAlready(engine::Context& ctx, int64_t at_ms);

// Removes a key that was given a past expiry: with its event, and DEL or UNLINK passed on.
void RemoveAsExpired(engine::Context& ctx, const engine::Key& key);

}  // namespace hearth::commands
