#include "log/segment_writer.h"

#include <chrono>
#include <utility>

#include "base/assert.h"
#include "base/memory.h"

namespace hearth::log {
namespace {

constexpr int64_t kRetryMicros = 5'000'000;
// Nobody waits for the disk here: what comes within this time of a write waits for the next one, unless it is
// much, so that the thread need not be woken for every turn of the engine.
constexpr std::chrono::milliseconds kGathering(5);
constexpr uint64_t kGatheredBytes = 1024 * 1024;

}  // namespace

void SegmentWriter::Start(LogCursor cursor, std::string replication_id) {
  HEARTH_ASSERT(!is_started() && !thread_.joinable() && cursor.is_valid());
  cursor_ = std::move(cursor);
  unwritten_ = cursor_.Twin();
  handled_offset_ = cursor_.offset();
  is_stopping_ = false;
  if (!segments_->HasAny() || segments_->end_offset() != cursor_.offset()) segments_->Forget();
  queue_.push_back({.new_id = replication_id});
  thread_ = std::thread([this, id = std::move(replication_id)]() mutable { Run(std::move(id)); });
}

void SegmentWriter::Pump() {
  if (!is_started()) return;
  ReleaseWritten();
  if (cursor_.lag_bytes() == 0) return;
  spans_.clear();
  const uint64_t end = cursor_.Collect(UINT64_MAX, spans_);
  cursor_.MoveTo(end);
  // What is left out here makes the thread begin anew at what comes next.
  if (pending_bytes() > kMaxPendingBytes) return;
  for (LogSpan& span : spans_) Enqueue({.span = std::move(span)});
  spans_.clear();
}

void SegmentWriter::ReleaseWritten() {
  const uint64_t handled = handled_offset_.load(std::memory_order_acquire);
  if (handled > unwritten_.offset()) unwritten_.MoveTo(handled);
}

void SegmentWriter::ChangeId(std::string replication_id) {
  if (!is_started()) return;
  Pump();
  Enqueue({.new_id = std::move(replication_id)});
}

void SegmentWriter::Enqueue(Item item) {
  pending_bytes_.fetch_add(item.span.bytes.size(), std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  if (!queue_.empty() && item.span.block != nullptr) {
    LogSpan& last = queue_.back().span;
    if (last.block == item.span.block && last.end_offset() == item.span.offset) {
      last.bytes = {last.bytes.data(), last.bytes.size() + item.span.bytes.size()};
      return;
    }
  }
  queue_.push_back(std::move(item));
  if (!is_gathering_ || pending_bytes() >= kGatheredBytes) wake_.notify_one();
}

void SegmentWriter::Stop(std::optional<std::string> end_note) {
  if (!thread_.joinable()) return;
  Pump();
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
    end_note_ = std::move(end_note);
    end_offset_ = cursor_.offset();
  }
  wake_.notify_one();
  thread_.join();
  unwritten_.Release();
  cursor_.Release();
}

// ---- the thread

void SegmentWriter::Run(std::string replication_id) {
  const auto memory = RegisterThreadMemory();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return is_stopping_ || !queue_.empty(); });
    if (queue_.empty()) break;
    std::deque<Item> items = std::exchange(queue_, {});
    lock.unlock();
    for (const Item& item : items) {
      Write(item, replication_id);
      if (!item.span.bytes.empty()) handled_offset_.store(item.span.end_offset(), std::memory_order_release);
      pending_bytes_.fetch_sub(item.span.bytes.size(), std::memory_order_relaxed);
    }
    items.clear();
    lock.lock();
    is_gathering_ = true;
    wake_.wait_for(lock, kGathering, [this] { return is_stopping_ || pending_bytes() >= kGatheredBytes; });
    is_gathering_ = false;
  }
  const std::optional<std::string> note = std::move(end_note_);
  lock.unlock();
  if (note) MarkEnd(replication_id, *note);
}

// Also where nothing was logged, or where the log went on without the disk: a history without a tail is
// better than none.
void SegmentWriter::MarkEnd(const std::string& replication_id, const std::string& note) {
  Status marked;
  if (!segments_->HasAny() || segments_->end_offset() != end_offset_)
    marked = segments_->Begin(replication_id, end_offset_);
  if (marked) marked = segments_->Close(note);
  if (!marked) log_->Warning("Cannot finish the write log on disk: {}", marked.error().message);
}

void SegmentWriter::Write(const Item& item, std::string& replication_id) {
  if (has_failed_ && clock_->MonotonicMicros() < retry_at_micros_) {
    if (!item.new_id.empty()) replication_id = item.new_id;
    return;
  }
  Status written;
  if (!item.new_id.empty()) {
    replication_id = item.new_id;
    if (segments_->HasAny()) written = segments_->ChangeId(replication_id);
  } else {
    written = WriteSpan(item.span, replication_id);
  }
  if (written) {
    if (std::exchange(has_failed_, false)) log_->Notice("The write log is kept on disk again");
    return;
  }
  if (!has_failed_)
    log_->Warning("Cannot keep the write log on disk, and begin it anew later: {}", written.error().message);
  has_failed_ = true;
  retry_at_micros_ = clock_->MonotonicMicros() + kRetryMicros;
  segments_->Forget();
}

Status SegmentWriter::WriteSpan(const LogSpan& span, const std::string& replication_id) {
  if (!segments_->HasAny() || segments_->end_offset() != span.offset)
    HEARTH_TRY(segments_->Begin(replication_id, span.offset));
  return segments_->Append(span.offset, span.bytes);
}

}  // namespace hearth::log
