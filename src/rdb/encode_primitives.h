// Appends the primitives of RDB to a buffer: lengths, strings in the form that takes the least room, numbers
// of fixed width. Pure functions; any thread. Format: docs/formats/rdb.md; reader.h reads them back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "ds/stream_id.h"
#include "rdb/format.h"

namespace hearth::rdb {

// Whether strings are compressed where that saves enough (`rdbcompression`).
enum class Compression : bool { kNo, kYes };

void PutLength(std::string& to, uint64_t length);

// As an integer if it is the canonical text of one of 32 bits, compressed if allowed and worth it, else
// plain.
void PutString(std::string& to, std::string_view text, Compression compression);
// The text of an integer.
void PutIntegerString(std::string& to, int64_t value);
// A string that is compressed already.
void PutCompressedString(std::string& to, std::string_view compressed, uint64_t size);

template <typename T>
void PutLittle(std::string& to, T value) {
  char bytes[sizeof(T)];
  StoreLittle<T>(bytes, value);
  to.append(bytes, sizeof(bytes));
}

inline void PutByte(std::string& to, uint8_t byte) { to.push_back(static_cast<char>(byte)); }
inline void PutOpcode(std::string& to, Opcode opcode) { PutByte(to, static_cast<uint8_t>(opcode)); }
inline void PutType(std::string& to, ValueType type) { PutByte(to, static_cast<uint8_t>(type)); }

// 16 bytes, big endian, so that they sort like the ids.
void PutStreamId(std::string& to, ds::StreamId id);
// Two lengths.
void PutStreamIdLengths(std::string& to, ds::StreamId id);

}  // namespace hearth::rdb
