// Says of which values compressing is tried: of fewer where it has not paid lately, and of none while the
// writer is behind, since what waits for it is memory. A file is the larger for it and as readable.
//
// Owned by an RdbSnapshot and used on its thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rdb/encode_primitives.h"

namespace hearth::rdb {

class CompressionGauge {
 public:
  // `configured`: as `rdbcompression` says.
  explicit CompressionGauge(Compression configured) : configured_(configured) {}

  // For the next value.
  Compression Next(bool is_hurried) {
    if (is_hurried) return Compression::kNo;
    const bool is_in_vain = failures_ >= kFailuresToDoubt && ++skipped_ % kTriedOfDoubted != 0;
    return is_in_vain ? Compression::kNo : configured_;
  }
  // How a value came out that was to be compressed: its bytes before and after.
  void Report(size_t plain_bytes, size_t encoded_bytes) {
    // What headers save or cost says nothing; nor do small values.
    if (plain_bytes < kLeastBytes) return;
    const bool has_paid = encoded_bytes < plain_bytes - plain_bytes / 16;
    failures_ = has_paid ? 0 : failures_ + 1;
  }

 private:
  static constexpr uint32_t kFailuresToDoubt = 64;
  static constexpr uint32_t kTriedOfDoubted = 16;
  static constexpr size_t kLeastBytes = 64;

  const Compression configured_;
  uint32_t failures_ = 0;  // since it last paid
  uint32_t skipped_ = 0;
};

}  // namespace hearth::rdb
