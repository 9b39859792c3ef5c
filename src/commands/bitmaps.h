// What the commands on bits share: their offsets, and the string that they change in place. Engine thread
// only.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/command_table.h"
#include "engine/context.h"

namespace hearth::commands {

// BITFIELD and BITFIELD_RO.
void RegisterBitfields(engine::CommandTable& table);

// Argument i as the place of a bit; replies an error if it is none or too far away. With `integer_bits` > 0
// the argument may be "#n": the n-th integer of so many bits.
std::optional<uint64_t> BitOffset(engine::Context& ctx, size_t i, int integer_bits = 0);

// A string that bits are about to be written to.
struct WritableBits {
  engine::WriteHandle handle;
  char* bytes = nullptr;
  bool has_grown = false;  // then its change has been counted
};

// The string under `key`, made if it is absent, long enough to hold `bit`. Without bytes if it is no string,
// which has been replied.
WritableBits GrowToBit(engine::Context& ctx, const engine::Key& key, uint64_t bit);

}  // namespace hearth::commands
