// Loads and stores of fixed-width integers in a byte buffer, at any alignment.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace hearth {

template <typename T>
inline T LoadLittle(const void* from) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
inline void StoreLittle(void* to, T value) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(to, &value, sizeof(T));
}

inline uint64_t LoadBig64(const void* from) { return __builtin_bswap64(LoadLittle<uint64_t>(from)); }
inline void StoreBig64(void* to, uint64_t value) { StoreLittle<uint64_t>(to, __builtin_bswap64(value)); }

}  // namespace hearth
