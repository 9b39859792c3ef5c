// The CRC-64 that ends RDB files and DUMP payloads (Jones polynomial, reflected). A pure function; any
// thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth {

// Continues `crc` (0 to begin with) over `bytes`. The checksum of "123456789" is 0xe9c6d914c4b8d9ca.
uint64_t Crc64(uint64_t crc, std::string_view bytes);

// The same by tables alone, for processors without carry-less multiplication, and to test the other against.
uint64_t Crc64Portable(uint64_t crc, std::string_view bytes);

}  // namespace hearth
