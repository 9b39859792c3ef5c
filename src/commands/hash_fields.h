// What the commands about fields that expire share: their arguments, and how they pass on what they did.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "commands/expire_time.h"
#include "engine/context.h"

namespace hearth::commands {

// "FIELDS numfields field ..." from argument `at` to the end: the fields. An error has been replied if it is
// not that; `bad_count` is the one for a number that is none, or not above zero.
std::optional<engine::Arguments> ParseFields(engine::Context& ctx, size_t at, std::string_view bad_count);

// Argument i as the time of a field's expiry in Unix milliseconds, above zero. An error has been replied if
// it is none; the times of fields end with 46 bits.
std::optional<int64_t> FieldExpireTime(engine::Context& ctx, size_t i, TimeUnit unit);

// The effect of a command that removed fields, or gave them this expiry.
void PassOnRemoval(engine::Context& ctx, std::span<const std::string_view> fields);
void PassOnExpiry(engine::Context& ctx, std::span<const std::string_view> fields, int64_t at_ms);

}  // namespace hearth::commands
