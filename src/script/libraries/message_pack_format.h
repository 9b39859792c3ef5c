// The first bytes of MessagePack's forms (github.com/msgpack/msgpack, spec.md).
#pragma once

#include <cstdint>

namespace hearth::script::message_pack {

// These carry a number, length or count in their lower bits.
inline constexpr uint8_t kPositiveFixMost = 0x7f;
inline constexpr uint8_t kFixMap = 0x80;
inline constexpr uint8_t kFixArray = 0x90;
inline constexpr uint8_t kFixString = 0xa0;
inline constexpr uint8_t kNegativeFix = 0xe0;
inline constexpr unsigned kFixTableMost = 15;
inline constexpr unsigned kFixStringMost = 31;

inline constexpr uint8_t kNil = 0xc0;
inline constexpr uint8_t kFalse = 0xc2;
inline constexpr uint8_t kTrue = 0xc3;
inline constexpr uint8_t kFloat32 = 0xca;
inline constexpr uint8_t kFloat64 = 0xcb;
// Then 16, 32 and 64 bits.
inline constexpr uint8_t kUint8 = 0xcc;
inline constexpr uint8_t kInt8 = 0xd0;
// Lengths of 8, 16 and 32 bits.
inline constexpr uint8_t kString8 = 0xd9;
// Counts of 16 and 32 bits.
inline constexpr uint8_t kArray16 = 0xdc;
inline constexpr uint8_t kMap16 = 0xde;

}  // namespace hearth::script::message_pack
