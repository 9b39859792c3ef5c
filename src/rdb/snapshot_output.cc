#include "rdb/snapshot_output.h"

namespace hearth::rdb {

void SnapshotOutput::WriteAll() {
  if (buffer_.empty()) return;
  if (has_checksum_) checksum_ = Crc64(checksum_, buffer_);
  if (status_) status_ = sink_.Write(buffer_);
  bytes_written_.fetch_add(buffer_.size(), std::memory_order_relaxed);
  buffer_.clear();
  // A value of hundreds of megabytes does not keep its room for ever.
  constexpr size_t kMaxRoomKept = 16 * kBlockBytes;
  if (buffer_.capacity() > kMaxRoomKept) buffer_.shrink_to_fit();
}

uint64_t SnapshotOutput::TakeChecksum() {
  WriteAll();
  return checksum_;
}

}  // namespace hearth::rdb
