// The write log: every effect of every write, once, as bytes at rising offsets. What replicas are sent, what
// the AOF holds and what a partial resync gives again are all cursors into it (idea 4 of
// docs/architecture.md).
//
// An offset is the number of bytes ever logged before a place; the log covers [first_offset(), end_offset()).
// Bytes stand in refcounted blocks. A block lives as long as it lies within `retain_bytes` of the end, or a
// cursor has it still before it, or somebody holds a span of it.
//
// Owned by the server's composition root. The engine thread makes every call. A LogSpan may go to another
// thread by anything that synchronises (a mutex, a queue): its bytes never change, and the engine goes on
// appending behind them in the same block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::log {

class LogBlock {
 public:
  LogBlock(uint64_t start_offset, size_t capacity)
      : start_offset_(start_offset),
        capacity_(capacity),
        bytes_(std::make_unique_for_overwrite<char[]>(capacity)) {}

 private:
  friend class WriteLog;
  uint64_t end_offset() const { return start_offset_ + size_; }
  size_t room() const { return capacity_ - size_; }

  const uint64_t start_offset_;
  const size_t capacity_;
  size_t size_ = 0;  // engine thread only
  const std::unique_ptr<char[]> bytes_;
};

// A run of the log, without a copy: `block` keeps `bytes` alive.
struct LogSpan {
  uint64_t offset = 0;
  std::string_view bytes;
  std::shared_ptr<const LogBlock> block;

  uint64_t end_offset() const { return offset + bytes.size(); }
};

class WriteLog;

// A place in the log that keeps what lies behind it in memory until it has moved on. Movable; gone when
// destroyed. Must not outlive its log.
class LogCursor {
 public:
  enum class Sees {
    kEverything,  // a replica
    kCommands,    // the AOF: not what was appended for replicas only
  };

  LogCursor() = default;
  LogCursor(LogCursor&& other) noexcept { *this = std::move(other); }
  LogCursor& operator=(LogCursor&& other) noexcept;
  ~LogCursor() { Release(); }

  bool is_valid() const { return log_ != nullptr; }
  uint64_t offset() const;
  // Bytes between the cursor and the log's end.
  uint64_t lag_bytes() const;

  // Adds the spans from the cursor on, up to about `max_bytes` (at least one span if there is any), to `out`,
  // and gives the offset behind them. That is more than the last span's end where ranges for replicas only
  // were left out. Moves nothing.
  uint64_t Collect(uint64_t max_bytes, std::vector<LogSpan>& out) const;
  // Forwards, up to the log's end.
  void MoveTo(uint64_t offset);
  // Another cursor at the same place.
  LogCursor Twin() const;
  // Leaves the log.
  void Release();

 private:
  friend class WriteLog;
  LogCursor(WriteLog& log, size_t slot, Sees sees) : log_(&log), slot_(slot), sees_(sees) {}

  WriteLog* log_ = nullptr;
  size_t slot_ = 0;
  Sees sees_ = Sees::kEverything;
};

class WriteLog {
 public:
  static constexpr size_t kBlockBytes = 64 * 1024;
  // An append up to this size is never split, so a block's end may stay unused by less than that.
  static constexpr size_t kUnsplitBytes = 4 * 1024;

  explicit WriteLog(uint64_t start_offset = 0) : end_offset_(start_offset) {}
  ~WriteLog();
  WriteLog(const WriteLog&) = delete;
  WriteLog& operator=(const WriteLog&) = delete;

  // ---- appending

  void Append(std::string_view bytes);
  // What the AOF must not have: PING, REPLCONF GETACK.
  void AppendForReplicas(std::string_view bytes);
  // Room for `size` bytes, at most kUnsplitBytes, to be written in place; Commit says how many were.
  char* Reserve(size_t size);
  void Commit(size_t size);

  // ---- what it holds

  uint64_t end_offset() const { return end_offset_; }
  // The oldest offset at which a cursor can still be had.
  uint64_t first_offset() const;
  // INFO repl_backlog_histlen.
  uint64_t history_bytes() const { return end_offset_ - first_offset(); }
  // With the unused ends of blocks.
  uint64_t memory_bytes() const { return memory_bytes_; }
  size_t cursor_count() const;

  // repl-backlog-size; 0, the default, keeps only what cursors need.
  void SetRetainBytes(uint64_t bytes);
  uint64_t retain_bytes() const { return retain_bytes_; }

  // Starts anew at `offset`, with nothing before it: after loading, or after a full sync with a primary. No
  // cursor may be there.
  void Reset(uint64_t offset);

  // ---- cursors

  // `offset` lies in [first_offset(), end_offset()].
  LogCursor CursorAt(uint64_t offset, LogCursor::Sees sees);
  LogCursor CursorAtEnd(LogCursor::Sees sees) { return CursorAt(end_offset_, sees); }

 private:
  friend class LogCursor;
  static constexpr uint64_t kFreeSlot = UINT64_MAX;

  struct Range {
    uint64_t start;
    uint64_t end;
  };

  LogBlock& AddBlock(size_t capacity);
  void Trim();
  // The index of the block that holds `offset`, which is below the end.
  size_t BlockIndex(uint64_t offset) const;
  // The first range for replicas that ends behind `offset`.
  std::deque<Range>::const_iterator RangeFrom(uint64_t offset) const;
  uint64_t Collect(uint64_t from, LogCursor::Sees sees, uint64_t max_bytes, std::vector<LogSpan>& out) const;

  std::deque<std::shared_ptr<LogBlock>> blocks_;  // ascending and adjacent
  std::deque<Range> for_replicas_;                // ascending; none from before the first block
  std::vector<uint64_t> cursor_offsets_;          // kFreeSlot where there is none
  uint64_t end_offset_;
  uint64_t retain_bytes_ = 0;
  uint64_t memory_bytes_ = 0;
};

}  // namespace hearth::log
