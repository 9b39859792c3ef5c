// Reads the primitives of RDB from a ByteSource: bytes, lengths, strings in all their forms, scores. Counts
// the offset and, if asked to, the checksum of what it has read.
//
// Every Read function gives false when it cannot; the reader then has an error() that says at which byte and
// why, and gives false for ever. No length makes it allocate more than the input can back up.
// Any one thread. Format: docs/formats/rdb.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "rdb/format.h"
#include "rdb/source.h"

namespace hearth::rdb {

class Reader {
 public:
  enum class Checksum : bool { kNo, kYes };

  // `source` outlives the reader.
  explicit Reader(ByteSource& source, Checksum checksum = Checksum::kNo)
      : source_(source), has_checksum_(checksum == Checksum::kYes) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Of the next byte.
  uint64_t offset() const { return block_offset_ + static_cast<uint64_t>(at_ - block_begin_); }
  // Of all bytes read so far.
  uint64_t TakeChecksum();
  // How many bytes are left at most.
  uint64_t Available() const;
  // For how many of `count` announced things to make room ahead: all, if ReadCount has held their number to
  // the input, else only some.
  size_t RoomFor(uint64_t count) const;
  // Nothing is left to be read.
  bool AtEnd();

  bool failed() const { return failed_; }
  const Error& error() const { return error_; }
  // Makes the reader fail at the present byte; false, to be returned. The first failure stays.
  bool Fail(std::string_view reason);
  // Says more about the failure; false.
  bool AddToError(std::string_view more) {
    error_.message += more;
    return false;
  }

  bool ReadBytes(void* to, size_t size) {
    if (size <= static_cast<size_t>(end_ - at_)) [[likely]] {
      std::memcpy(to, at_, size);
      at_ += size;
      return true;
    }
    return ReadAcross(static_cast<char*>(to), size);
  }
  bool ReadByte(uint8_t* byte) { return ReadBytes(byte, 1); }
  template <typename T>
  bool ReadLittle(T* number) {
    char bytes[sizeof(T)];
    if (!ReadBytes(bytes, sizeof(T))) return false;
    *number = LoadLittle<T>(bytes);
    return true;
  }
  bool ReadLength(uint64_t* length);
  // A number of things of which each takes at least `least_bytes`: more than the input can hold are refused.
  bool ReadCount(uint64_t* count, size_t least_bytes);

  // A string in whatever form. The view is good until the next call of any Read function.
  bool ReadString(std::string_view* text);
  bool ReadString(std::string* text);
  // A score of ValueType::kZset.
  bool ReadTextScore(double* score);

  // Moves over a string without keeping it.
  bool SkipString();
  bool SkipBytes(uint64_t count);

 private:
  struct StringHeader {
    enum class Kind : uint8_t { kPlain, kNumber, kLzf } kind = Kind::kPlain;
    uint64_t size = 0;  // of the text; of a number, its digits stand in digits_
    uint64_t compressed_size = 0;
  };

  bool Refill();
  bool ReadAcross(char* to, size_t size);
  bool ReadLengthForm(uint64_t* length, bool* is_special);
  bool ReadStringHeader(StringHeader* header);
  bool ReadNumber(StringForm form, StringHeader* header);
  // A view of the next `size` bytes, in the block or gathered in scratch_.
  bool ReadView(uint64_t size, std::string_view* view);
  bool Unpack(const StringHeader& header, std::string_view* text);

  ByteSource& source_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  const char* block_begin_ = nullptr;
  const char* summed_ = nullptr;  // the checksum has come as far
  uint64_t block_offset_ = 0;
  uint64_t checksum_ = 0;
  const bool has_checksum_;
  bool failed_ = false;
  Error error_;
  std::string scratch_;
  std::string unpacked_;
  char digits_[20];
};

}  // namespace hearth::rdb
