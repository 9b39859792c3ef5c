#include "net/io_worker.h"

#include <utility>

#include "base/memory.h"
#include "net/connection.h"

namespace hearth::net {

IoWorker::IoWorker(std::unique_ptr<env::Poller> poller, env::Clock& clock, env::Net& net,
                   const SharedLimits& limits, RequestResolver& resolver, EventLoop& engine_loop,
                   const Heartbeat* probed)
    : poller_(std::move(poller)),
      engine_loop_(&engine_loop),
      loop_(*poller_, clock),
      io_(loop_, net, limits, resolver, *this, sent_chunks_) {
  if (probed != nullptr) io_.AnswerProbesOf(*probed);
  loop_.AddWakeCheck([this] { return !down_.IsEmpty(); });
  loop_.AddBeforeWait(LoopPhase::kCollect, [this] { Collect(); });
  loop_.AddBeforeWait(LoopPhase::kFlush, [this] { Flush(); });
  thread_ = std::thread([this] {
    const ThreadMemoryScope counted;
    loop_.Run();
  });
}

IoWorker::~IoWorker() {
  loop_.Stop();
  thread_.join();
  resp::ChunkPool pool;
  UpMessage unread;
  while (up_.TryPop(&unread)) pool.Adopt(unread.sent_chunks);
  for (const UpMessage& unqueued : overflow_) pool.Adopt(unqueued.sent_chunks);
  DownMessage message;
  while (down_.TryPop(&message)) {
    resp::OutputBuffer unsent(pool);
    unsent.Attach(message.chain);
    if (message.wishes & kRelease) Connection::Destroy(message.connection);
  }
}

bool IoWorker::TrySend(const DownMessage& message) {
  if (!down_.TryPush(message)) return false;
  has_sent_ = true;
  return true;
}

void IoWorker::Wake() {
  if (!has_sent_) return;
  has_sent_ = false;
  loop_.WakeIfAsleep();
}

void IoWorker::Push(const UpMessage& message) {
  has_pushed_ = true;
  UpMessage sent = message;
  if (sent.kind == UpMessage::Kind::kBatch) sent.sent_chunks = sent_chunks_.TakeFree();
  if (!overflow_.empty() || !up_.TryPush(sent)) overflow_.push_back(sent);
}

// Replies first: they are on the way to somebody, and finished batches make room for what is read next.
void IoWorker::Collect() {
  DownMessage message;
  for (size_t i = 0; i < kQueueCapacity && down_.TryPop(&message); ++i) io_.Apply(message);
  io_.ReadReady();
}

void IoWorker::Flush() {
  size_t done = 0;
  while (done < overflow_.size() && up_.TryPush(overflow_[done])) ++done;
  overflow_.erase(overflow_.begin(), overflow_.begin() + static_cast<ptrdiff_t>(done));
  if (!overflow_.empty()) loop_.LimitNextWait(kFullQueueWaitMicros);
  if (!has_pushed_ && done == 0) return;
  has_pushed_ = false;
  engine_loop_->WakeIfAsleep();
}

}  // namespace hearth::net
