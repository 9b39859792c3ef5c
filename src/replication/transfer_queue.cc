#include "replication/transfer_queue.h"

#include <algorithm>
#include <utility>

namespace hearth::replication {
namespace {

class QueueSource final : public rdb::ByteSource {
 public:
  explicit QueueSource(std::shared_ptr<TransferQueue> queue) : queue_(std::move(queue)) {}
  Result<std::string_view> NextBlock() override { return queue_->NextBlock(); }
  uint64_t BytesLeft() const override { return queue_->BytesLeft(); }

 private:
  const std::shared_ptr<TransferQueue> queue_;
};

}  // namespace

void TransferQueue::Push(std::string bytes) {
  if (bytes.empty()) return;
  queued_.fetch_add(bytes.size(), std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(std::move(bytes));
  }
  more_.notify_one();
}

void TransferQueue::End() {
  {
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
  }
  more_.notify_one();
}

void TransferQueue::Fail(std::string reason) {
  {
    const std::lock_guard lock(mutex_);
    if (is_ended_ && blocks_.empty()) return;
    failure_ = std::move(reason);
  }
  more_.notify_one();
}

Result<std::string_view> TransferQueue::NextBlock() {
  std::unique_lock lock(mutex_);
  more_.wait(lock, [this] { return !blocks_.empty() || is_ended_ || !failure_.empty(); });
  if (!failure_.empty()) return hearth::Fail(failure_);
  if (blocks_.empty()) return std::string_view();
  block_ = std::move(blocks_.front());
  blocks_.pop_front();
  lock.unlock();
  given_ += block_.size();
  const size_t before = queued_.fetch_sub(block_.size(), std::memory_order_relaxed);
  was_full_ = was_full_ || before >= kMaxBytes;
  if (was_full_ && before - block_.size() <= kMaxBytes / 2) {
    was_full_ = false;
    on_room_();
  }
  return std::string_view(block_);
}

uint64_t TransferQueue::BytesLeft() const {
  return size_ ? *size_ - std::min(given_, *size_) : rdb::ByteSource::kUnknownSize;
}

std::unique_ptr<rdb::ByteSource> MakeSource(std::shared_ptr<TransferQueue> queue) {
  return std::make_unique<QueueSource>(std::move(queue));
}

}  // namespace hearth::replication
