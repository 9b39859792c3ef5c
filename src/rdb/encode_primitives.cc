#include "rdb/encode_primitives.h"

#include <liblzf/lzf.h>

#include <cstring>
#include <limits>
#include <optional>

#include "base/assert.h"
#include "base/numbers.h"

namespace hearth::rdb {
namespace {

// Longer texts are no integers of 32 bits.
constexpr size_t kMaxIntegerText = 11;
// Up to this, compressing is not tried; and less than that saved is not worth the time to undo it.
constexpr size_t kMaxBytesLeftPlain = 20;
constexpr size_t kMinBytesSaved = 4;
constexpr size_t kMaxLengthBytes = 9;

uint8_t SpecialByte(StringForm form) { return kSpecialString | static_cast<uint8_t>(form); }

// False, with nothing written, if the value needs more than 32 bits.
bool PutSmallInteger(std::string& to, int64_t value) {
  if (value == static_cast<int8_t>(value)) {
    PutByte(to, SpecialByte(StringForm::kInt8));
    PutLittle(to, static_cast<int8_t>(value));
  } else if (value == static_cast<int16_t>(value)) {
    PutByte(to, SpecialByte(StringForm::kInt16));
    PutLittle(to, static_cast<int16_t>(value));
  } else if (value == static_cast<int32_t>(value)) {
    PutByte(to, SpecialByte(StringForm::kInt32));
    PutLittle(to, static_cast<int32_t>(value));
  } else {
    return false;
  }
  return true;
}

size_t StoreLength(char* to, uint64_t length) {
  auto* bytes = reinterpret_cast<uint8_t*>(to);
  if (length < 1 << 6) {
    bytes[0] = static_cast<uint8_t>(kLength6 | length);
    return 1;
  }
  if (length < 1 << 14) {
    bytes[0] = static_cast<uint8_t>(kLength14 | length >> 8);
    bytes[1] = static_cast<uint8_t>(length);
    return 2;
  }
  if (length <= std::numeric_limits<uint32_t>::max()) {
    bytes[0] = kLength32;
    StoreLittle(bytes + 1, __builtin_bswap32(static_cast<uint32_t>(length)));
    return 5;
  }
  bytes[0] = kLength64;
  StoreBig64(bytes + 1, length);
  return 9;
}

// Compresses straight into the buffer, behind room for the longest header; what the real header leaves of
// that is closed up. False, with nothing written, if that does not save enough.
bool PutCompressing(std::string& to, std::string_view text) {
  if (text.size() > std::numeric_limits<unsigned>::max()) return false;
  constexpr size_t kMaxHeader = 1 + 2 * kMaxLengthBytes;
  const size_t before = to.size();
  const size_t allowed = text.size() - kMinBytesSaved;
  bool has_saved = false;
  to.resize_and_overwrite(before + kMaxHeader + allowed, [&](char* bytes, size_t) {
    char* const room = bytes + before + kMaxHeader;
    const size_t size =
        lzf_compress(text.data(), static_cast<unsigned>(text.size()), room, static_cast<unsigned>(allowed));
    if (size == 0) return before;
    has_saved = true;
    char* at = bytes + before;
    *at++ = static_cast<char>(SpecialByte(StringForm::kLzf));
    at += StoreLength(at, size);
    at += StoreLength(at, text.size());
    std::memmove(at, room, size);
    return static_cast<size_t>(at - bytes) + size;
  });
  return has_saved;
}

}  // namespace

void PutLength(std::string& to, uint64_t length) {
  char bytes[kMaxLengthBytes];
  to.append(bytes, StoreLength(bytes, length));
}

void PutString(std::string& to, std::string_view text, Compression compression) {
  if (text.size() <= kMaxIntegerText) {
    const std::optional<int64_t> number = ParseInt64(text);
    if (number && PutSmallInteger(to, *number)) return;
  }
  if (compression == Compression::kYes && text.size() > kMaxBytesLeftPlain && PutCompressing(to, text))
    return;
  PutLength(to, text.size());
  to.append(text);
}

void PutIntegerString(std::string& to, int64_t value) {
  if (PutSmallInteger(to, value)) return;
  char digits[20];
  const auto size = static_cast<size_t>(FormatInt64(value, digits));
  PutLength(to, size);
  to.append(digits, size);
}

void PutCompressedString(std::string& to, std::string_view compressed, uint64_t size) {
  PutByte(to, SpecialByte(StringForm::kLzf));
  PutLength(to, compressed.size());
  PutLength(to, size);
  to.append(compressed);
}

void PutStreamId(std::string& to, ds::StreamId id) {
  char bytes[16];
  StoreBig64(bytes, id.ms);
  StoreBig64(bytes + 8, id.seq);
  to.append(bytes, sizeof(bytes));
}

void PutStreamIdLengths(std::string& to, ds::StreamId id) {
  PutLength(to, id.ms);
  PutLength(to, id.seq);
}

}  // namespace hearth::rdb
