// CRC-16/XMODEM and the slot of a key in a cluster. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth {

inline constexpr int kClusterSlots = 16384;

// Polynomial 0x1021, start 0, not reflected: the checksum of "123456789" is 0x31c3.
uint16_t Crc16(std::string_view bytes);

// The cluster slot of `key`. If the key has a '{' and, behind it, a '}' with at least one byte between, only
// those bytes count (the hash tag), so that users can place several keys in one slot.
uint16_t KeySlot(std::string_view key);

}  // namespace hearth
