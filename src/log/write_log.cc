#include "log/write_log.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace hearth::log {

LogCursor& LogCursor::operator=(LogCursor&& other) noexcept {
  if (this != &other) {
    Release();
    log_ = std::exchange(other.log_, nullptr);
    slot_ = other.slot_;
    sees_ = other.sees_;
  }
  return *this;
}

uint64_t LogCursor::offset() const {
  HEARTH_ASSERT(is_valid());
  return log_->cursor_offsets_[slot_];
}

uint64_t LogCursor::lag_bytes() const { return log_->end_offset() - offset(); }

uint64_t LogCursor::Collect(uint64_t max_bytes, std::vector<LogSpan>& out) const {
  return log_->Collect(offset(), sees_, max_bytes, out);
}

void LogCursor::MoveTo(uint64_t to) {
  HEARTH_ASSERT(to >= offset() && to <= log_->end_offset());
  log_->cursor_offsets_[slot_] = to;
  log_->Trim();
}

LogCursor LogCursor::Twin() const { return log_->CursorAt(offset(), sees_); }

void LogCursor::Release() {
  if (log_ == nullptr) return;
  log_->cursor_offsets_[slot_] = WriteLog::kFreeSlot;
  std::exchange(log_, nullptr)->Trim();
}

WriteLog::~WriteLog() { HEARTH_ASSERT(cursor_count() == 0); }

// ---- appending

char* WriteLog::Reserve(size_t size) {
  HEARTH_ASSERT(size <= kUnsplitBytes);
  if (blocks_.empty() || blocks_.back()->room() < size) AddBlock(kBlockBytes);
  LogBlock& block = *blocks_.back();
  return block.bytes_.get() + block.size_;
}

void WriteLog::Commit(size_t size) {
  LogBlock& block = *blocks_.back();
  HEARTH_ASSERT(size <= block.room());
  block.size_ += size;
  end_offset_ += size;
}

void WriteLog::Append(std::string_view bytes) {
  if (bytes.size() <= kUnsplitBytes) {
    if (bytes.empty()) return;
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    Commit(bytes.size());
    return;
  }
  while (!bytes.empty()) {
    // What is left of a large value gets one block of its own.
    if (blocks_.empty() || blocks_.back()->room() == 0) AddBlock(std::max(bytes.size(), kBlockBytes));
    LogBlock& block = *blocks_.back();
    const size_t size = std::min(bytes.size(), block.room());
    std::memcpy(block.bytes_.get() + block.size_, bytes.data(), size);
    Commit(size);
    bytes.remove_prefix(size);
  }
}

void WriteLog::AppendForReplicas(std::string_view bytes) {
  const uint64_t start = end_offset_;
  Append(bytes);
  if (!for_replicas_.empty() && for_replicas_.back().end == start) {
    for_replicas_.back().end = end_offset_;
  } else if (end_offset_ > start) {
    for_replicas_.push_back({start, end_offset_});
  }
}

LogBlock& WriteLog::AddBlock(size_t capacity) {
  blocks_.push_back(std::make_shared<LogBlock>(end_offset_, capacity));
  memory_bytes_ += capacity;
  Trim();
  return *blocks_.back();
}

// ---- what it holds

uint64_t WriteLog::first_offset() const {
  return blocks_.empty() ? end_offset_ : blocks_.front()->start_offset_;
}

size_t WriteLog::cursor_count() const {
  return cursor_offsets_.size() -
         static_cast<size_t>(std::count(cursor_offsets_.begin(), cursor_offsets_.end(), kFreeSlot));
}

void WriteLog::SetRetainBytes(uint64_t bytes) {
  retain_bytes_ = bytes;
  Trim();
}

// The last block stays: it is where the next append goes.
void WriteLog::Trim() {
  const uint64_t retain_from = end_offset_ - std::min(end_offset_, retain_bytes_);
  if (blocks_.size() < 2 || blocks_.front()->end_offset() > retain_from) return;
  uint64_t needed_from = retain_from;
  for (const uint64_t offset : cursor_offsets_) needed_from = std::min(needed_from, offset);
  while (blocks_.size() > 1 && blocks_.front()->end_offset() <= needed_from) {
    memory_bytes_ -= blocks_.front()->capacity_;
    blocks_.pop_front();
  }
  while (!for_replicas_.empty() && for_replicas_.front().end <= first_offset()) for_replicas_.pop_front();
}

void WriteLog::Reset(uint64_t offset) {
  HEARTH_ASSERT(cursor_count() == 0);
  blocks_.clear();
  for_replicas_.clear();
  memory_bytes_ = 0;
  end_offset_ = offset;
}

// ---- cursors

LogCursor WriteLog::CursorAt(uint64_t offset, LogCursor::Sees sees) {
  HEARTH_ASSERT(offset >= first_offset() && offset <= end_offset_);
  const auto free = std::find(cursor_offsets_.begin(), cursor_offsets_.end(), kFreeSlot);
  const auto slot = static_cast<size_t>(free - cursor_offsets_.begin());
  if (free == cursor_offsets_.end()) cursor_offsets_.push_back(kFreeSlot);
  cursor_offsets_[slot] = offset;
  return LogCursor(*this, slot, sees);
}

size_t WriteLog::BlockIndex(uint64_t offset) const {
  const auto after = std::upper_bound(
      blocks_.begin(), blocks_.end(), offset,
      [](uint64_t at, const std::shared_ptr<LogBlock>& block) { return at < block->start_offset_; });
  HEARTH_ASSERT(after != blocks_.begin());
  return static_cast<size_t>(after - blocks_.begin()) - 1;
}

std::deque<WriteLog::Range>::const_iterator WriteLog::RangeFrom(uint64_t offset) const {
  return std::upper_bound(for_replicas_.begin(), for_replicas_.end(), offset,
                          [](uint64_t at, const Range& range) { return at < range.end; });
}

uint64_t WriteLog::Collect(uint64_t from, LogCursor::Sees sees, uint64_t max_bytes,
                           std::vector<LogSpan>& out) const {
  auto range = sees == LogCursor::Sees::kCommands ? RangeFrom(from) : for_replicas_.end();
  uint64_t collected = 0;
  size_t index = from < end_offset_ ? BlockIndex(from) : 0;
  while (from < end_offset_) {
    if (range != for_replicas_.end() && range->start <= from) {
      from = std::max(from, range->end);
      ++range;
      continue;
    }
    if (collected >= max_bytes) break;
    while (blocks_[index]->end_offset() <= from) ++index;
    const LogBlock& block = *blocks_[index];
    uint64_t end = block.end_offset();
    if (range != for_replicas_.end()) end = std::min(end, range->start);
    end = from + std::min(end - from, max_bytes - collected);
    out.push_back({from, {block.bytes_.get() + (from - block.start_offset_), end - from}, blocks_[index]});
    collected += end - from;
    from = end;
  }
  return from;
}

}  // namespace hearth::log
