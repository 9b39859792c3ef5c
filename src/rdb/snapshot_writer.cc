#include "rdb/snapshot_writer.h"

#include <chrono>
#include <utility>

#include "base/assert.h"
#include "env/process.h"

namespace hearth::rdb {

SnapshotWriter::SnapshotWriter(std::unique_ptr<SnapshotFormat> format, std::unique_ptr<ByteSink> sink,
                               Options options)
    : format_(std::move(format)),
      sink_(std::move(sink)),
      on_done_(std::move(options.on_done)),
      key_delay_us_(options.key_delay_us),
      niceness_(options.niceness),
      output_(*sink_, options.checksum),
      thread_([this] { Run(); }) {}

SnapshotWriter::~SnapshotWriter() {
  Cancel();
  thread_.join();
}

void SnapshotWriter::Take(keyspace::CaptureChunk& chunk) {
  {
    std::lock_guard lock(mutex_);
    if (has_failed()) return;
    queued_bytes_.fetch_add(chunk.size(), std::memory_order_relaxed);
    queue_.push_back(std::exchange(chunk, {}));
    if (!spare_.empty()) {
      chunk = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  wake_.notify_one();
}

void SnapshotWriter::OnCaptured() {
  {
    std::lock_guard lock(mutex_);
    is_captured_ = true;
  }
  wake_.notify_one();
}

void SnapshotWriter::WaitForRoom() {
  std::unique_lock lock(mutex_);
  done_wake_.wait(lock, [this] { return !IsBehind() || has_failed() || is_done(); });
}

void SnapshotWriter::Cancel() {
  {
    std::lock_guard lock(mutex_);
    is_cancelled_.store(true, std::memory_order_relaxed);
  }
  wake_.notify_one();
}

const Status& SnapshotWriter::status() const {
  HEARTH_ASSERT(is_done());
  return status_;
}

const Status& SnapshotWriter::Wait() {
  std::unique_lock lock(mutex_);
  done_wake_.wait(lock, [this] { return is_done(); });
  return status_;
}

void SnapshotWriter::Run() {
  if (niceness_ > 0) env::StandBack(niceness_);
  status_ = Write();
  if (!status_) DropQueue();
  // Closes the file, or removes what is of no use.
  sink_.reset();
  {
    std::lock_guard lock(mutex_);
    is_done_.store(true, std::memory_order_release);
  }
  done_wake_.notify_all();
  if (on_done_) on_done_();
}

Status SnapshotWriter::Write() {
  format_->Begin(output_);
  std::vector<keyspace::CaptureChunk> chunks;
  while (NextChunks(chunks)) {
    for (keyspace::CaptureChunk& chunk : chunks) {
      if (is_cancelled_.load(std::memory_order_relaxed)) break;
      const uint64_t keys_before = keys_written();
      output_.set_is_hurried(queued_bytes() > kHurriedBytes);
      format_->Take(chunk, output_);
      HEARTH_TRY(output_.status());
      queued_bytes_.fetch_sub(chunk.size(), std::memory_order_relaxed);
      Recycle(chunk);
      if (key_delay_us_ != 0) Delay(keys_written() - keys_before);
    }
    chunks.clear();
    done_wake_.notify_all();
  }
  if (is_cancelled_.load(std::memory_order_relaxed)) return Fail("cancelled");
  format_->End(output_);
  output_.WriteAll();
  HEARTH_TRY(output_.status());
  return sink_->Finish();
}

void SnapshotWriter::Recycle(keyspace::CaptureChunk& chunk) {
  keyspace::CaptureChunk spare = std::exchange(chunk, {});
  if (spare.capacity() > kMostSpareBytes) return;
  spare.clear();
  std::lock_guard lock(mutex_);
  if (spare_.size() < kMostSpares) spare_.push_back(std::move(spare));
}

void SnapshotWriter::Delay(uint64_t keys) {
  const auto count = static_cast<int64_t>(keys);
  const std::chrono::microseconds delay(key_delay_us_ > 0 ? count * key_delay_us_ : count / -key_delay_us_);
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, delay, [this] { return is_cancelled_.load(std::memory_order_relaxed); });
}

bool SnapshotWriter::NextChunks(std::vector<keyspace::CaptureChunk>& chunks) {
  std::unique_lock lock(mutex_);
  const auto is_cancelled = [this] { return is_cancelled_.load(std::memory_order_relaxed); };
  wake_.wait(lock, [&] { return !queue_.empty() || is_captured_ || is_cancelled(); });
  if (queue_.empty() || is_cancelled()) return false;
  chunks.swap(queue_);
  return true;
}

// Frees what is still queued; what comes later is dropped.
void SnapshotWriter::DropQueue() {
  std::lock_guard lock(mutex_);
  has_failed_.store(true, std::memory_order_relaxed);
  queue_ = {};
  queued_bytes_.store(0, std::memory_order_relaxed);
}

}  // namespace hearth::rdb
