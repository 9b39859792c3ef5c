// A database's number as an argument: SELECT, MOVE, COPY.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/context.h"

namespace hearth::commands {

// Argument i as the number of a database; replies the error if there is none such.
inline std::optional<int> DatabaseIndex(engine::Context& ctx, size_t i) {
  const auto index = ctx.IntegerIn(i, INT32_MIN, INT32_MAX);
  if (!index) return std::nullopt;
  if (*index >= 0 && *index < ctx.keyspace().database_count()) return static_cast<int>(*index);
  ctx.Error("ERR DB index is out of range");
  return std::nullopt;
}

}  // namespace hearth::commands
