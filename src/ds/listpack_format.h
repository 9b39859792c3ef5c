// The entry encodings of a listpack (docs/formats/listpack.md), shared by its reader, writer and validator.
// Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace hearth::ds::listpack_format {

inline constexpr size_t kHeaderBytes = 6;
inline constexpr uint8_t kEnd = 0xff;
inline constexpr uint16_t kCountUnknown = 0xffff;

inline constexpr uint8_t kString32 = 0xf0;
inline constexpr uint8_t kInt16 = 0xf1;
inline constexpr uint8_t kInt24 = 0xf2;
inline constexpr uint8_t kInt32 = 0xf3;
inline constexpr uint8_t kInt64 = 0xf4;

// The forms whose prefix is shorter than a byte.
inline bool IsUint7(uint8_t byte) { return byte < 0x80; }
inline bool IsString6(uint8_t byte) { return (byte & 0xc0) == 0x80; }
inline bool IsInt13(uint8_t byte) { return (byte & 0xe0) == 0xc0; }
inline bool IsString12(uint8_t byte) { return (byte & 0xf0) == 0xe0; }

// Bytes from the start of the entry to the end of its length field, or 0 if the first byte is no encoding.
inline size_t PrefixBytes(uint8_t first) {
  if (IsUint7(first) || IsString6(first)) return 1;
  if (IsInt13(first) || IsString12(first)) return 2;
  if (first == kString32) return 5;
  return first >= kInt16 && first <= kInt64 ? 1 : 0;
}

// The size of encoding and data together. The bytes of the prefix must be readable.
inline size_t EncodedBytes(const uint8_t* entry) {
  const uint8_t first = entry[0];
  if (IsUint7(first)) return 1;
  if (IsString6(first)) return 1 + (first & 0x3fu);
  if (IsInt13(first)) return 2;
  if (IsString12(first)) return 2 + ((first & 0x0fu) << 8 | entry[1]);
  switch (first) {
    case kInt16:
      return 3;
    case kInt24:
      return 4;
    case kInt32:
      return 5;
    case kInt64:
      return 9;
    default:
      return 5 + static_cast<size_t>(LoadLittle<uint32_t>(entry + 1));
  }
}

// How many bytes the backward length of an entry with `encoded` bytes takes. The limits of the middle sizes
// are one below what their bits could hold, as the format's first writer had it.
inline size_t BackLengthBytes(size_t encoded) {
  if (encoded <= 127) return 1;
  if (encoded < 16383) return 2;
  if (encoded < 2097151) return 3;
  return encoded < 268435455 ? 4 : 5;
}

inline size_t EntryBytes(const uint8_t* entry) {
  const size_t encoded = EncodedBytes(entry);
  return encoded + BackLengthBytes(encoded);
}

// Writes the backward length: seven bits a byte, lowest last, the top bit set on all but the first.
inline void WriteBackLength(uint8_t* to, size_t encoded) {
  const size_t bytes = BackLengthBytes(encoded);
  for (size_t i = bytes; i-- > 0; encoded >>= 7) {
    to[i] = static_cast<uint8_t>((encoded & 0x7f) | (i == 0 ? 0 : 0x80));
  }
}

// Reads the backward length whose last byte is `last`; its size is BackLengthBytes of the result.
inline size_t ReadBackLength(const uint8_t* last) {
  size_t encoded = 0;
  for (unsigned shift = 0; shift < 35; shift += 7, --last) {
    encoded |= static_cast<size_t>(*last & 0x7f) << shift;
    if ((*last & 0x80) == 0) break;
  }
  return encoded;
}

}  // namespace hearth::ds::listpack_format
