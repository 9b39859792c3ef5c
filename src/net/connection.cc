#include "net/connection.h"

#include <utility>

#include "base/assert.h"
#include "net/io_loop.h"
#include "net/io_threads.h"

namespace hearth::net {

Connection::Connection(uint64_t id, int fd, std::unique_ptr<Transport> transport, IoThreads& hub,
                       resp::ChunkPool& engine_pool)
    : id_(id),
      fd_(fd),
      hub_(&hub),
      output_(engine_pool),
      transport_(std::move(transport)),
      pending_(engine_pool) {}

Connection::~Connection() = default;

void Connection::Destroy(Connection* connection) {
  const std::unique_ptr<Connection> owned(connection);
  const std::unique_ptr<Batch> batch(std::exchange(connection->batch_, nullptr));
}

void Connection::MarkDirty(uint32_t wishes) {
  wishes_ |= wishes;
  if (is_dirty_) return;
  is_dirty_ = true;
  hub_->dirty_.push_back(this);
}

void Connection::CompleteBatch(Batch& batch) {
  HEARTH_ASSERT(engine_batch_ == &batch);
  engine_batch_ = nullptr;
  MarkDirty(kBatchDone);
}

void Connection::CloseAfterReply() {
  is_closing_ = true;
  MarkDirty(kCloseAfterReply);
}

void Connection::Close() {
  is_closing_ = true;
  MarkDirty(kCloseNow);
}

void Connection::ReleaseOutput() {
  is_held_ = false;
  MarkDirty(0);
}

void Connection::PauseReading() {
  wishes_ &= ~kResumeReading;
  MarkDirty(kPauseReading);
}

void Connection::ResumeReading() {
  wishes_ &= ~kPauseReading;
  MarkDirty(kResumeReading);
}

std::shared_ptr<SocketLease> Connection::LendSocket() {
  if (lease_ == nullptr) lease_ = std::make_shared<SocketLease>(*transport_, fd_);
  wishes_ &= ~kTakeBack;
  MarkDirty(kLend);
  return lease_;
}

void Connection::TakeSocketBack() {
  wishes_ &= ~kLend;
  MarkDirty(kTakeBack);
}

void Connection::NotifyWhenUnsentBelow(size_t bytes) {
  const uint64_t total = handed_over_bytes_ + output_.size_bytes();
  // Stored plus one, since zero stands for no wish.
  drain_mark_.store(total > bytes ? total - bytes + 1 : 1, std::memory_order_relaxed);
  MarkDirty(0);
}

void Connection::OnEvents(uint32_t flags) { io_loop_->OnEvents(*this, flags); }

}  // namespace hearth::net
