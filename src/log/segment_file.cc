#include "log/segment_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc64.h"
#include "base/numbers.h"

namespace hearth::log {
namespace {

constexpr std::string_view kMagic = "HEARTHWL";
constexpr uint32_t kVersion = 1;
constexpr size_t kNameDigits = 20;
constexpr std::string_view kNameEnd = ".log";
constexpr size_t kReadBytes = 256 * 1024;

// Of the record's header before the checksum, and its bytes.
uint64_t RecordChecksum(std::string_view header, std::string_view bytes) {
  return Crc64(Crc64(0, header), bytes);
}

}  // namespace

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  HEARTH_ASSERT(header.replication_id.size() == kReplicationIdBytes);
  std::string bytes(kSegmentHeaderBytes, '\0');
  kMagic.copy(bytes.data(), kMagic.size());
  StoreLittle<uint32_t>(bytes.data() + 8, kVersion);
  header.replication_id.copy(bytes.data() + 16, kReplicationIdBytes);
  StoreLittle<uint64_t>(bytes.data() + 56, header.start_offset);
  StoreLittle<uint64_t>(bytes.data() + 64, header.previous_start);
  StoreLittle<uint64_t>(bytes.data() + 72, Crc64(0, std::string_view(bytes).substr(0, 72)));
  return bytes;
}

std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  if (LoadLittle<uint32_t>(bytes.data() + 8) != kVersion) return std::nullopt;
  if (LoadLittle<uint64_t>(bytes.data() + 72) != Crc64(0, bytes.substr(0, 72))) return std::nullopt;
  return SegmentHeader{.replication_id = std::string(bytes.substr(16, kReplicationIdBytes)),
                       .start_offset = LoadLittle<uint64_t>(bytes.data() + 56),
                       .previous_start = LoadLittle<uint64_t>(bytes.data() + 64)};
}

std::string EncodeRecordHeader(RecordKind kind, uint64_t offset, std::string_view bytes) {
  HEARTH_ASSERT(bytes.size() <= kMaxRecordBytes);
  std::string header(kRecordHeaderBytes, '\0');
  StoreLittle<uint32_t>(header.data(), static_cast<uint32_t>(bytes.size()));
  header[4] = static_cast<char>(kind);
  StoreLittle<uint64_t>(header.data() + 8, offset);
  StoreLittle<uint64_t>(header.data() + 16, RecordChecksum(std::string_view(header).substr(0, 16), bytes));
  return header;
}

std::string SegmentName(uint64_t start_offset) { return fmt::format("{:020}{}", start_offset, kNameEnd); }

std::optional<uint64_t> ParseSegmentName(std::string_view name) {
  if (name.size() != kNameDigits + kNameEnd.size() || !name.ends_with(kNameEnd)) return std::nullopt;
  std::string_view digits = name.substr(0, kNameDigits);
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), kNameDigits - 1));
  return ParseUint64(digits);
}

Result<std::string_view> RecordScanner::Peek(size_t size) {
  if (position_ < buffer_position_ || position_ + size > buffer_position_ + buffer_.size()) {
    buffer_.resize(std::max(size, kReadBytes));
    const auto got = file_->ReadAt(position_, buffer_);
    if (!got) return std::unexpected(got.error());
    buffer_.resize(*got);
    buffer_position_ = position_;
  }
  return std::string_view(buffer_).substr(position_ - buffer_position_, size);
}

Result<std::optional<RecordScanner::Record>> RecordScanner::Next() {
  auto bytes = Peek(kRecordHeaderBytes);
  if (!bytes) return std::unexpected(bytes.error());
  if (bytes->size() < kRecordHeaderBytes) return std::nullopt;
  const auto size = LoadLittle<uint32_t>(bytes->data());
  const auto kind = static_cast<RecordKind>((*bytes)[4]);
  const bool is_kind = kind == RecordKind::kData || kind == RecordKind::kOrderlyEnd;
  if (!is_kind || size > kMaxRecordBytes) return std::nullopt;
  if (LoadLittle<uint64_t>(bytes->data() + 8) != end_offset_) return std::nullopt;
  bytes = Peek(kRecordHeaderBytes + size);
  if (!bytes) return std::unexpected(bytes.error());
  if (bytes->size() < kRecordHeaderBytes + size) return std::nullopt;
  const std::string_view content = bytes->substr(kRecordHeaderBytes);
  if (LoadLittle<uint64_t>(bytes->data() + 16) != RecordChecksum(bytes->substr(0, 16), content))
    return std::nullopt;
  const Record record{.kind = kind, .offset = end_offset_, .bytes = content};
  position_ += kRecordHeaderBytes + size;
  if (kind == RecordKind::kData) end_offset_ += size;
  return record;
}

}  // namespace hearth::log
