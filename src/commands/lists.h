// What the files of the list commands share.
#pragma once

#include <optional>
#include <string_view>

#include "engine/context.h"
#include "keyspace/list_value.h"

namespace hearth::commands {

// LPOP, RPOP, LMPOP, BLPOP, BRPOP, BLMPOP.
void RegisterListPops(engine::CommandTable& table);
// LMOVE, RPOPLPUSH, BLMOVE, BRPOPLPUSH.
void RegisterListMoves(engine::CommandTable& table);

// Argument i as LEFT or RIGHT; replies a syntax error if it is neither.
std::optional<keyspace::ListEnd> ParseListEnd(engine::Context& ctx, size_t i);

inline std::string_view PushEvent(keyspace::ListEnd end) {
  return end == keyspace::ListEnd::kHead ? "lpush" : "rpush";
}
inline std::string_view PopEvent(keyspace::ListEnd end) {
  return end == keyspace::ListEnd::kHead ? "lpop" : "rpop";
}

}  // namespace hearth::commands
