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
  is_stopping_ = false;
  if (!segments_->HasAny() || segments_->end_offset() != cursor_.offset()) segments_->Forget();
  queue_.push_back({.new_id = replication_id});
  thread_ = std::thread([this, id = std::move(replication_id)]() mutable { Run(std::move(id)); });
}

void SegmentWriter::Pump() {
  if (!is_started() || cursor_.lag_bytes() == 0) return;
  spans_.clear();
  const uint64_t end = cursor_.Collect(UINT64_MAX, spans_);
  cursor_.MoveTo(end);
  // What is left out here makes the thread begin anew at what comes next.
  if (pending_bytes() > kMaxPendingBytes) return;
  for (LogSpan& span : spans_) Enqueue({.span = std::move(span)});
  spans_.clear();
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

void SegmentWriter::Stop(bool in_order) {
  if (!thread_.joinable()) return;
  Pump();
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
    ends_in_order_ = in_order;
  }
  wake_.notify_one();
  thread_.join();
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
      pending_bytes_.fetch_sub(item.span.bytes.size(), std::memory_order_relaxed);
    }
    items.clear();
    lock.lock();
    is_gathering_ = true;
    wake_.wait_for(lock, kGathering, [this] { return is_stopping_ || pending_bytes() >= kGatheredBytes; });
    is_gathering_ = false;
  }
  const bool in_order = ends_in_order_;
  lock.unlock();
  if (!in_order || has_failed_) return;
  if (const Status closed = segments_->Close(); !closed)
    log_->Warning("Cannot finish the write log on disk: {}", closed.error().message);
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
