#include "rdb/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/crc64.h"
#include "base/numbers.h"
#include "ds/lzf.h"

namespace hearth::rdb {
namespace {

// Three bytes of LZF stand for 264 at most.
constexpr uint64_t kMaxLzfExpansion = 88;
// The most that is allocated ahead for a string while nobody knows how many bytes are left.
constexpr uint64_t kUnbackedBytes = uint64_t{1} << 20;
// And the number of things.
constexpr uint64_t kUnbackedCount = uint64_t{1} << 16;
// What scratch strings may keep between two uses.
constexpr size_t kKeptScratchBytes = size_t{1} << 20;

// The new bytes are left as they are. (The size that the standard library hands to the lambda may be larger.)
void ResizeForOverwrite(std::string& text, size_t size) {
  text.resize_and_overwrite(size, [size](char*, size_t) { return size; });
}

void Trim(std::string& scratch) {
  if (scratch.capacity() > kKeptScratchBytes) std::string().swap(scratch);
}

}  // namespace

bool Reader::Fail(std::string_view reason) {
  if (!failed_) {
    failed_ = true;
    error_ = Error{fmt::format("at byte {}: {}", offset(), reason), 0};
  }
  return false;
}

uint64_t Reader::TakeChecksum() {
  if (has_checksum_ && at_ != summed_) {
    checksum_ = Crc64(checksum_, std::string_view(summed_, static_cast<size_t>(at_ - summed_)));
    summed_ = at_;
  }
  return checksum_;
}

uint64_t Reader::Available() const {
  const uint64_t left = source_.BytesLeft();
  return left == ByteSource::kUnknownSize ? left : left + static_cast<uint64_t>(end_ - at_);
}

size_t Reader::RoomFor(uint64_t count) const {
  return source_.BytesLeft() == ByteSource::kUnknownSize ? std::min(count, kUnbackedCount) : count;
}

bool Reader::AtEnd() { return !failed_ && at_ == end_ && !Refill(); }

// False at the end, or after a failure.
bool Reader::Refill() {
  TakeChecksum();
  block_offset_ = offset();
  block_begin_ = at_ = end_ = summed_ = nullptr;
  if (failed_) return false;
  const auto block = source_.NextBlock();
  if (!block) return Fail(block.error().message);
  block_begin_ = at_ = summed_ = block->data();
  end_ = at_ + block->size();
  return !block->empty();
}

bool Reader::ReadAcross(char* to, size_t size) {
  while (size > 0) {
    if (at_ == end_ && !Refill()) return Fail("the data ends early");
    const size_t part = std::min(size, static_cast<size_t>(end_ - at_));
    std::memcpy(to, at_, part);
    at_ += part;
    to += part;
    size -= part;
  }
  return true;
}

bool Reader::SkipBytes(uint64_t count) {
  while (count > 0) {
    if (at_ == end_ && !Refill()) return Fail("the data ends early");
    const uint64_t part = std::min(count, static_cast<uint64_t>(end_ - at_));
    at_ += part;
    count -= part;
  }
  return true;
}

// ---- lengths

bool Reader::ReadLengthForm(uint64_t* length, bool* is_special) {
  uint8_t first = 0;
  if (!ReadByte(&first)) return false;
  const uint8_t low = first & static_cast<uint8_t>(~kLengthFormMask);
  *is_special = false;
  switch (first & kLengthFormMask) {
    case kLength6:
      *length = low;
      return true;
    case kLength14: {
      uint8_t next = 0;
      if (!ReadByte(&next)) return false;
      *length = static_cast<uint64_t>(low) << 8 | next;
      return true;
    }
    case kSpecialString:
      *is_special = true;
      *length = low;
      return true;
    default:
      break;
  }
  if (first == kLength32) {
    uint32_t big = 0;
    if (!ReadLittle(&big)) return false;
    *length = __builtin_bswap32(big);
    return true;
  }
  if (first == kLength64) {
    uint64_t big = 0;
    if (!ReadLittle(&big)) return false;
    *length = __builtin_bswap64(big);
    return true;
  }
  return Fail(fmt::format("no length begins with byte {}", first));
}

bool Reader::ReadLength(uint64_t* length) {
  bool is_special = false;
  if (!ReadLengthForm(length, &is_special)) return false;
  return !is_special || Fail("a string of special form stands in the place of a length");
}

bool Reader::ReadCount(uint64_t* count, size_t least_bytes) {
  if (!ReadLength(count)) return false;
  const uint64_t available = Available();
  if (available != ByteSource::kUnknownSize && *count > available / least_bytes) {
    return Fail(fmt::format("{} parts are announced, and {} bytes are left", *count, available));
  }
  return true;
}

// ---- strings

bool Reader::ReadNumber(StringForm form, StringHeader* header) {
  int64_t number = 0;
  if (form == StringForm::kInt8) {
    int8_t byte = 0;
    if (!ReadLittle(&byte)) return false;
    number = byte;
  } else if (form == StringForm::kInt16) {
    int16_t word = 0;
    if (!ReadLittle(&word)) return false;
    number = word;
  } else {
    int32_t word = 0;
    if (!ReadLittle(&word)) return false;
    number = word;
  }
  header->kind = StringHeader::Kind::kNumber;
  header->size = static_cast<uint64_t>(FormatInt64(number, digits_));
  return true;
}

bool Reader::ReadStringHeader(StringHeader* header) {
  bool is_special = false;
  uint64_t length = 0;
  if (!ReadLengthForm(&length, &is_special)) return false;
  if (!is_special) {
    *header = {StringHeader::Kind::kPlain, length, 0};
    if (length <= Available()) return true;
    return Fail(fmt::format("a string of {} bytes is announced, and {} bytes are left", length, Available()));
  }
  if (length <= static_cast<uint64_t>(StringForm::kInt32)) {
    return ReadNumber(static_cast<StringForm>(length), header);
  }
  if (length != static_cast<uint64_t>(StringForm::kLzf)) {
    return Fail(fmt::format("no string has the special form {}", length));
  }
  header->kind = StringHeader::Kind::kLzf;
  if (!ReadLength(&header->compressed_size) || !ReadLength(&header->size)) return false;
  const uint64_t compressed = header->compressed_size;
  if (compressed > Available() || compressed > UINT32_MAX || header->size > UINT32_MAX ||
      header->size > compressed * kMaxLzfExpansion || header->size == 0) {
    return Fail(fmt::format("{} compressed bytes, of which {} are left, cannot make {}", compressed,
                            Available(), header->size));
  }
  return true;
}

bool Reader::ReadView(uint64_t size, std::string_view* view) {
  if (size <= static_cast<uint64_t>(end_ - at_)) [[likely]] {
    *view = std::string_view(at_, size);
    at_ += size;
    return true;
  }
  Trim(scratch_);
  scratch_.clear();
  while (size > 0) {
    // All at once if the input has it; else only as much as comes.
    const uint64_t part =
        source_.BytesLeft() == ByteSource::kUnknownSize ? std::min(size, kUnbackedBytes) : size;
    const size_t before = scratch_.size();
    ResizeForOverwrite(scratch_, before + part);
    if (!ReadAcross(scratch_.data() + before, part)) return false;
    size -= part;
  }
  *view = scratch_;
  return true;
}

bool Reader::Unpack(const StringHeader& header, std::string_view* text) {
  std::string_view compressed;
  if (!ReadView(header.compressed_size, &compressed)) return false;
  Trim(unpacked_);
  ResizeForOverwrite(unpacked_, header.size + ds::kLzfSlackBytes);
  if (!ds::UnpackLzf(compressed, unpacked_.data(), header.size, unpacked_.size())) {
    return Fail("a compressed string cannot be unpacked");
  }
  *text = std::string_view(unpacked_.data(), header.size);
  return true;
}

bool Reader::ReadString(std::string_view* text) {
  StringHeader header;
  if (!ReadStringHeader(&header)) return false;
  if (header.kind == StringHeader::Kind::kPlain) return ReadView(header.size, text);
  if (header.kind == StringHeader::Kind::kLzf) return Unpack(header, text);
  *text = std::string_view(digits_, header.size);
  return true;
}

bool Reader::ReadString(std::string* text) {
  std::string_view view;
  if (!ReadString(&view)) return false;
  text->assign(view);
  return true;
}

bool Reader::SkipString() {
  StringHeader header;
  if (!ReadStringHeader(&header)) return false;
  if (header.kind == StringHeader::Kind::kNumber) return true;
  return SkipBytes(header.kind == StringHeader::Kind::kLzf ? header.compressed_size : header.size);
}

bool Reader::ReadTextScore(double* score) {
  uint8_t length = 0;
  if (!ReadByte(&length)) return false;
  switch (length) {
    case kScoreNan:
      *score = std::numeric_limits<double>::quiet_NaN();
      return true;
    case kScorePlusInfinity:
      *score = std::numeric_limits<double>::infinity();
      return true;
    case kScoreMinusInfinity:
      *score = -std::numeric_limits<double>::infinity();
      return true;
    default:
      break;
  }
  std::string_view text;
  if (!ReadView(length, &text)) return false;
  const auto parsed = ParseDouble(text);
  if (!parsed) return Fail("a score is no number");
  *score = *parsed;
  return true;
}

}  // namespace hearth::rdb
