// The way of an encoded snapshot to its sink: a buffer that is written in large blocks, with the checksum of
// all that went through it. Owned by a SnapshotWriter and used on its thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/crc64.h"
#include "base/result.h"
#include "keyspace/capture.h"
#include "rdb/byte_sink.h"

namespace hearth::rdb {

class SnapshotOutput {
 public:
  // Large enough to make system calls cheap, small enough to be in the cache still when it is summed up and
  // written.
  static constexpr size_t kBlockBytes = 256 << 10;

  enum class Checksum : bool { kNo, kYes };

  // `sink` outlives the output.
  SnapshotOutput(ByteSink& sink, Checksum checksum)
      : sink_(sink), has_checksum_(checksum == Checksum::kYes) {}

  // To be appended to; WriteFull after every few kilobytes.
  std::string& buffer() { return buffer_; }
  // Writes the buffer if there is a block of it. After a failure nothing is written any more.
  void WriteFull() {
    if (buffer_.size() >= kBlockBytes) WriteAll();
  }
  void WriteAll();

  // More waits to be encoded than should: the writer's thread says so before each chunk.
  void set_is_hurried(bool is_hurried) { is_hurried_ = is_hurried; }
  bool is_hurried() const { return is_hurried_; }

  // Of everything appended so far, 0 if none is wanted. Writes the buffer.
  uint64_t TakeChecksum();

  const Status& status() const { return status_; }
  void AddKey() { keys_written_.fetch_add(1, std::memory_order_relaxed); }

  // ---- any thread
  uint64_t keys_written() const { return keys_written_.load(std::memory_order_relaxed); }
  uint64_t bytes_written() const { return bytes_written_.load(std::memory_order_relaxed); }

 private:
  ByteSink& sink_;
  const bool has_checksum_;
  bool is_hurried_ = false;
  std::string buffer_;
  uint64_t checksum_ = 0;
  Status status_;
  std::atomic<uint64_t> keys_written_ = 0;
  std::atomic<uint64_t> bytes_written_ = 0;
};

// What is made of a snapshot: an RDB file, or commands. One object makes one snapshot, on its writer's
// thread.
class SnapshotFormat {
 public:
  virtual ~SnapshotFormat() = default;

  virtual void Begin(SnapshotOutput& output) = 0;
  virtual void Take(const keyspace::CaptureChunk& chunk, SnapshotOutput& output) = 0;
  virtual void End(SnapshotOutput& output) = 0;
};

}  // namespace hearth::rdb
