// The bytes of one segment of the write log on disk: docs/formats/write_log.md. Pure encoding, and a scanner
// that reads records in order and stops at the first that is not sound. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "env/disk.h"

namespace hearth::log {

inline constexpr size_t kReplicationIdBytes = 40;
inline constexpr size_t kSegmentHeaderBytes = 80;
inline constexpr size_t kRecordHeaderBytes = 24;
inline constexpr size_t kMaxRecordBytes = 1024 * 1024;
inline constexpr uint64_t kNoPreviousSegment = UINT64_MAX;

struct SegmentHeader {
  std::string replication_id;  // kReplicationIdBytes long
  uint64_t start_offset = 0;
  uint64_t previous_start = kNoPreviousSegment;
};

enum class RecordKind : uint8_t { kData = 1, kOrderlyEnd = 2 };

std::string EncodeSegmentHeader(const SegmentHeader& header);
// nullopt if the bytes are not a whole, sound header of a version that this program knows.
std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

// What goes before the record's bytes; at most kMaxRecordBytes of them.
std::string EncodeRecordHeader(RecordKind kind, uint64_t offset, std::string_view bytes);

std::string SegmentName(uint64_t start_offset);
// The start offset that a name says; nullopt if it is no segment's name.
std::optional<uint64_t> ParseSegmentName(std::string_view name);

class RecordScanner {
 public:
  struct Record {
    RecordKind kind = RecordKind::kData;
    uint64_t offset = 0;
    std::string_view bytes;  // until the next call
  };

  // Begins behind the header of `file`, which must outlive it; the records begin at log offset
  // `start_offset`.
  RecordScanner(env::File& file, uint64_t start_offset) : file_(&file), end_offset_(start_offset) {}

  // The next record; nullopt where no further sound one stands (yet). An error is the disk's.
  Result<std::optional<Record>> Next();

  // Forgets what was read ahead: the file may hold other bytes there by now.
  void Refresh() { buffer_.clear(); }

  // Behind the last sound record: in the file, and in the log.
  uint64_t file_position() const { return position_; }
  uint64_t end_offset() const { return end_offset_; }

 private:
  // `size` bytes at position_; fewer at the end of the file.
  Result<std::string_view> Peek(size_t size);

  env::File* file_;
  uint64_t position_ = kSegmentHeaderBytes;
  uint64_t end_offset_;
  uint64_t buffer_position_ = 0;
  std::string buffer_;
};

}  // namespace hearth::log
