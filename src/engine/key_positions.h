// Which arguments of a request are keys, and what the command does with each of them.
//
// Computed from the key specifications of the command's facts; a few commands whose keys or flags those
// cannot tell (SORT's STORE, MIGRATE's KEYS, SET with GET, BITFIELD without writes) have rules of their own.
// For COMMAND GETKEYS, cluster slots, ACL key patterns and client-side caching. Pure: any thread may call it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/command_facts.h"

namespace hearth::engine {

struct KeyPosition {
  uint32_t index;  // of the argument; the command's name is 0
  uint16_t flags;  // KeyFlag bits
  bool operator==(const KeyPosition&) const = default;
};

// True if some form of the command has keys. Shard channels are hashed like keys but do not count.
bool HasKeys(const CommandFacts& facts);

// Appends the positions of all keys to `keys`, in the order of the specifications. `args` must have a number
// of arguments that the command accepts. False if the arguments contradict the specifications (a number of
// keys that is no number, or more keys than arguments); the keys found until then stay in `keys`.
bool FindKeys(const CommandFacts& facts, std::span<const std::string_view> args,
              std::vector<KeyPosition>& keys);

}  // namespace hearth::engine
