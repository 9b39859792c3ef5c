#include "aof/writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/memory.h"
#include "env/sleep.h"

namespace hearth::aof {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kRetryMicros = kSecond;
constexpr int64_t kSyncPeriodMicros = kSecond;
constexpr int64_t kSlowSyncMicros = 2 * kSecond;
constexpr int64_t kComplaintPeriodMicros = 30 * kSecond;
constexpr int64_t kForever = -1;
// Where nobody waits for the disk, what comes within this time of a write waits for the next one: a thread
// woken for every turn of the engine would cost more than the writing. Much of it is not held back.
constexpr std::chrono::milliseconds kGathering(5);
constexpr uint64_t kGatheredBytes = 1024 * 1024;

}  // namespace

// ---- the engine's side

Writer::Writer(env::Clock& clock, Logger& log, std::function<void()> notify)
    : clock_(&clock), log_(&log), notify_(std::move(notify)) {}

Writer::~Writer() { Stop(); }

Status Writer::Start(std::unique_ptr<env::File> file, log::LogCursor cursor, const WriterSettings& settings) {
  HEARTH_ASSERT(!is_started() && !thread_.joinable() && cursor.is_valid());
  const auto size = file->Size();
  if (!size) return std::unexpected(size.error());
  cursor_ = std::move(cursor);
  file_ = std::move(file);
  settings_ = settings;
  written_offset_ = synced_offset_ = cursor_.offset();
  report_.progress = {.released = written_offset_, .synced = synced_offset_};
  good_size_ = *size;
  file_bytes_ = good_size_;
  thread_ = std::thread([this] { Run(); });
  return {};
}

void Writer::Configure(const WriterSettings& settings) {
  std::lock_guard lock(mutex_);
  settings_ = settings;
  must_look_ = true;
  wake_.notify_one();
}

void Writer::Pump() {
  if (!is_started() || cursor_.lag_bytes() == 0) return;
  spans_.clear();
  const uint64_t end = cursor_.Collect(UINT64_MAX, spans_);
  if (!opening_.empty() && !spans_.empty())
    handover_.push_back({.text = std::exchange(opening_, {}), .end_offset = cursor_.offset()});
  if (settings_.timestamps && !spans_.empty()) {
    const int64_t now = clock_->WallMicros() / kSecond;
    if (now > last_timestamp_) {
      last_timestamp_ = now;
      handover_.push_back({.text = fmt::format("#TS:{}\r\n", now), .end_offset = cursor_.offset()});
    }
  }
  for (log::LogSpan& span : spans_) handover_.push_back({.span = std::move(span)});
  // What was only for replicas counts as written too.
  if (handover_.empty()) handover_.emplace_back();
  handover_.back().completes_unit = true;
  handover_.back().end_offset = end;
  cursor_.MoveTo(end);
  Enqueue();
}

void Writer::RotateTo(std::unique_ptr<env::File> file) {
  Pump();
  handover_.push_back({.next_file = std::move(file), .completes_unit = true, .end_offset = cursor_.offset()});
  Enqueue();
}

// Gives handover_ to the thread.
void Writer::Enqueue() {
  uint64_t bytes = 0;
  for (const Item& item : handover_) bytes += item.bytes().size();
  pending_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  {
    std::lock_guard lock(mutex_);
    if (handover_.size() != 1 || !Join(handover_.front())) {
      for (Item& item : handover_) queue_.push_back(std::move(item));
    }
    const bool is_much = pending_bytes_.load(std::memory_order_relaxed) >= kGatheredBytes;
    if (is_waiting_ || (is_gathering_ && is_much)) wake_.notify_one();
  }
  handover_.clear();
}

// A piece that stands right behind the last one of the queue, in the same block, becomes one write with it.
bool Writer::Join(const Item& next) {
  if (queue_.empty()) return false;
  Item& last = queue_.back();
  if (!last.completes_unit || !last.text.empty() || last.span.block == nullptr) return false;
  if (last.span.block != next.span.block || last.span.end_offset() != next.span.offset) return false;
  last.span.bytes = {last.span.bytes.data(), last.span.bytes.size() + next.span.bytes.size()};
  last.end_offset = next.end_offset;
  return true;
}

Status Writer::Flush() {
  Pump();
  std::unique_lock lock(mutex_);
  const uint64_t request = ++flush_requests_;
  must_look_ = true;
  wake_.notify_one();
  settled_.wait(lock, [&] { return flushes_done_ >= request; });
  if (report_.has_failed) return std::unexpected(report_.error);
  return {};
}

void Writer::Stop() {
  if (!thread_.joinable()) return;
  Pump();
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
    must_look_ = true;
  }
  wake_.notify_one();
  thread_.join();
  cursor_.Release();
}

WriterReport Writer::TakeReport() {
  std::lock_guard lock(mutex_);
  is_notified_ = false;
  return report_;
}

WriterStats Writer::stats() const {
  return {.file_bytes = file_bytes_.load(std::memory_order_relaxed),
          .pending_bytes = pending_bytes_.load(std::memory_order_relaxed),
          .delayed_syncs = delayed_syncs_.load(std::memory_order_relaxed),
          .is_syncing = is_syncing_.load(std::memory_order_relaxed)};
}

WriterDelays Writer::TakeDelays() {
  return {.write_us = longest_write_us_.exchange(0, std::memory_order_relaxed),
          .sync_us = longest_sync_us_.exchange(0, std::memory_order_relaxed),
          .pending_sync_us = longest_pending_sync_us_.exchange(0, std::memory_order_relaxed)};
}

// ---- the thread

// Where the engine has taken the figure in between, it may see it once more: it keeps the worst of a second.
void Writer::KeepLongest(std::atomic<int64_t>& longest, int64_t micros) {
  if (micros > longest.load(std::memory_order_relaxed)) longest.store(micros, std::memory_order_relaxed);
}

void Writer::Run() {
  const auto memory = RegisterThreadMemory();
  std::unique_lock lock(mutex_);
  for (;;) {
    in_force_ = settings_;
    const int64_t wait = WaitMicros();
    const auto has_work = [this] { return must_look_ || (!queue_.empty() && !has_failed_); };
    is_waiting_ = true;
    if (wait == kForever) {
      wake_.wait(lock, has_work);
    } else if (wait > 0) {
      wake_.wait_for(lock, std::chrono::microseconds(wait), has_work);
    }
    is_waiting_ = false;
    must_look_ = false;
    in_force_ = settings_;
    const bool stops = is_stopping_;
    const uint64_t flush = flush_requests_;
    must_sync_ = stops || flush > flushes_done_;
    for (Item& item : queue_) items_.push_back(std::move(item));
    queue_.clear();
    lock.unlock();
    const uint64_t written_before = written_offset_;
    Work();
    lock.lock();
    if (flush > flushes_done_) {
      flushes_done_ = flush;
      settled_.notify_all();
    }
    if (stops) return;
    if (in_force_.fsync != Fsync::kAlways && written_offset_ != written_before) Gather(lock);
  }
}

// Lets some time pass before the next write.
void Writer::Gather(std::unique_lock<std::mutex>& lock) {
  is_gathering_ = true;
  wake_.wait_for(lock, kGathering, [this] {
    return must_look_ || pending_bytes_.load(std::memory_order_relaxed) >= kGatheredBytes;
  });
  is_gathering_ = false;
}

// How long there is nothing to do unless something comes.
int64_t Writer::WaitMicros() const {
  if (is_fatal_) return kForever;
  const int64_t now = clock_->MonotonicMicros();
  if (has_failed_) return std::max<int64_t>(retry_at_micros_ - now, 1);
  if (!has_unsynced_ || !MaySync() || in_force_.fsync == Fsync::kNo) return kForever;
  if (in_force_.fsync == Fsync::kAlways) return 0;
  return std::clamp<int64_t>(last_sync_micros_ + kSyncPeriodMicros - now, 0, kSyncPeriodMicros);
}

void Writer::Work() {
  if (is_fatal_) return;
  const bool is_retry = has_failed_;
  if (is_retry && !must_sync_ && clock_->MonotonicMicros() < retry_at_micros_) return;
  const int64_t start = clock_->MonotonicMicros();
  if (in_force_.write_delay_us > 0 && !items_.empty()) env::HoldUpThread(in_force_.write_delay_us);
  Status status = WriteItems();
  KeepLongest(longest_write_us_, clock_->MonotonicMicros() - start);
  if (status && has_unsynced_ && (must_sync_ || is_retry || IsSyncDue())) status = Sync();
  // Also where the log went on with nothing for this file.
  if (!has_unsynced_) synced_offset_ = written_offset_;
  Publish(status);
}

Status Writer::WriteItems() {
  HEARTH_TRY(RepairFile());
  size_t next = 0;
  while (next < items_.size()) {
    Item& item = items_[next];
    if (item.next_file != nullptr) {
      HEARTH_TRY(ChangeFile(item));
    } else if (Status written = WriteItem(item); !written) {
      // What was written of an unfinished unit is written again after the cut.
      needs_repair_ = true;
      (void)RepairFile();
      return written;
    }
    ++next;
    if (!item.completes_unit) continue;
    written_offset_ = item.end_offset;
    uint64_t bytes = 0;
    for (size_t i = 0; i < next; ++i) bytes += items_[i].bytes().size();
    good_size_ += bytes;
    file_bytes_.store(good_size_, std::memory_order_relaxed);
    pending_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(next));
    next = 0;
  }
  return {};
}

Status Writer::WriteItem(const Item& item) {
  const std::string_view bytes = item.bytes();
  if (bytes.empty()) return {};
  has_unsynced_ = true;
  return file_->Append(bytes);
}

// The end of a failed write may be in the file: cuts it off.
Status Writer::RepairFile() {
  if (!needs_repair_) return {};
  HEARTH_TRY(file_->Truncate(good_size_));
  needs_repair_ = false;
  return {};
}

Status Writer::ChangeFile(Item& item) {
  if (has_unsynced_) HEARTH_TRY(Sync());
  file_ = std::move(item.next_file);
  good_size_ = 0;
  file_bytes_.store(0, std::memory_order_relaxed);
  return {};
}

bool Writer::MaySync() const { return !(in_force_.no_fsync_during_rewrite && in_force_.rewrite_runs); }

bool Writer::IsSyncDue() const {
  if (!MaySync() || in_force_.fsync == Fsync::kNo) return false;
  return in_force_.fsync == Fsync::kAlways ||
         clock_->MonotonicMicros() - last_sync_micros_ >= kSyncPeriodMicros;
}

// Syncs the file up to what was written; only ever after whole units.
Status Writer::Sync() {
  const uint64_t offset = written_offset_;
  const int64_t start = clock_->MonotonicMicros();
  is_syncing_.store(true, std::memory_order_relaxed);
  const Status synced = file_->Sync();
  is_syncing_.store(false, std::memory_order_relaxed);
  last_sync_micros_ = start;
  const int64_t duration = clock_->MonotonicMicros() - start;
  if (in_force_.fsync == Fsync::kAlways) {
    KeepLongest(longest_sync_us_, duration);
  } else if (pending_bytes_.load(std::memory_order_relaxed) > 0) {
    KeepLongest(longest_pending_sync_us_, duration);
  }
  if (duration >= kSlowSyncMicros) {
    delayed_syncs_.fetch_add(1, std::memory_order_relaxed);
    log_->Notice("Syncing the AOF took {} seconds (is the disk busy?). Writes to it have waited meanwhile.",
                 duration / kSecond);
  }
  if (!synced) return synced;
  has_unsynced_ = false;
  synced_offset_ = offset;
  return {};
}

void Writer::Publish(const Status& status) {
  if (!status) {
    has_failed_ = true;
    is_fatal_ = in_force_.fsync == Fsync::kAlways;
    retry_at_micros_ = clock_->MonotonicMicros() + kRetryMicros;
    LogFailure(status.error());
  } else if (has_failed_) {
    has_failed_ = false;
    last_complaint_micros_ = 0;
    log_->Warning("AOF write error looks solved. The server can write again.");
  }
  // Whoever waits under another policy than `always`, or while syncing is suspended, goes with the write.
  const bool must_be_synced = in_force_.fsync == Fsync::kAlways && MaySync();
  WriterReport report{.has_failed = has_failed_, .is_fatal = is_fatal_};
  report.progress.synced = synced_offset_;
  report.progress.released = must_be_synced ? synced_offset_ : written_offset_;
  if (!status) report.error = status.error();
  bool is_news = false;
  {
    std::lock_guard lock(mutex_);
    const log::LocalProgress& before = report_.progress;
    is_news = report.progress.released != before.released || report.progress.synced != before.synced ||
              report.has_failed != report_.has_failed || report.is_fatal != report_.is_fatal;
    report.progress.released = std::max(report.progress.released, before.released);
    report_ = std::move(report);
    if (is_notified_) is_news = false;
    if (is_news) is_notified_ = true;
  }
  if (is_news) notify_();
}

// Once when it begins, and every half minute while it lasts.
void Writer::LogFailure(const Error& error) {
  const int64_t now = clock_->MonotonicMicros();
  if (last_complaint_micros_ != 0 && now - last_complaint_micros_ < kComplaintPeriodMicros) return;
  last_complaint_micros_ = now;
  log_->Warning("Error writing to the AOF file: {}", error.message);
  if (is_fatal_) {
    log_->Warning(
        "Can't recover from AOF write error when the AOF fsync policy is 'always'. The server must end, so "
        "that "
        "no client takes for safe what is not.");
  }
}

}  // namespace hearth::aof
