#include "replication/replica_catch_up.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/memory.h"

namespace hearth::replication {
namespace {

// The log comes to the disk a few milliseconds late; who waits for its last part looks often.
constexpr int64_t kLastPartWaitMicros = 2'000;
constexpr int64_t kEndWaitMicros = 50'000;
constexpr int kMaxEarlyWaits = 1000;

}  // namespace

ReplicaCatchUp::ReplicaCatchUp(log::Segments& segments, uint64_t offset,
                               std::shared_ptr<ReplicaFanout> fanout, std::function<void()> on_progress)
    : segments_(segments),
      fanout_(std::move(fanout)),
      on_progress_(std::move(on_progress)),
      offset_(offset),
      thread_([this] { Run(); }) {}

ReplicaCatchUp::~ReplicaCatchUp() {
  is_cancelled_.store(true, std::memory_order_relaxed);
  fanout_->Cancel();
  thread_.join();
}

void ReplicaCatchUp::StopAt(uint64_t offset) {
  stop_at_.store(offset, std::memory_order_release);
  is_at_end_.store(false, std::memory_order_relaxed);
  fanout_->Wake();
}

void ReplicaCatchUp::Run() {
  const ThreadMemoryScope counted;
  status_ = Send();
  is_over_.store(true, std::memory_order_release);
  on_progress_();
}

Status ReplicaCatchUp::Send() {
  log::SegmentReader reader(segments_);
  int early_waits = 0;
  std::string bytes;
  for (;;) {
    if (is_cancelled_.load(std::memory_order_relaxed)) return Fail("cancelled");
    const uint64_t at = offset();
    const uint64_t stop_at = stop_at_.load(std::memory_order_acquire);
    if (at == stop_at) return fanout_->Finish();
    // A record can be read a moment before it counts as written, and nothing is to be had behind it till
    // then.
    if (segments_.HasAny() && at > segments_.end_offset() && ++early_waits <= kMaxEarlyWaits) {
      HEARTH_TRY(fanout_->Rest(kLastPartWaitMicros));
      continue;
    }
    early_waits = 0;
    HEARTH_TRY(reader.Read(at, bytes));
    if (bytes.empty()) {
      if (stop_at == kNowhere && !is_at_end_.exchange(true, std::memory_order_acq_rel)) on_progress_();
      HEARTH_TRY(fanout_->Rest(stop_at == kNowhere ? kEndWaitMicros : kLastPartWaitMicros));
      continue;
    }
    if (bytes.size() > stop_at - at) bytes.resize(stop_at - at);
    HEARTH_TRY(fanout_->Send(bytes));
    offset_.store(at + bytes.size(), std::memory_order_relaxed);
  }
}

}  // namespace hearth::replication
