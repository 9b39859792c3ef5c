#include "net/io_loop.h"

#include <errno.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/text.h"
#include "net/connection.h"
#include "resp/writer.h"

namespace hearth::net {

IoLoop::IoLoop(EventLoop& loop, env::Net& net, const SharedLimits& limits, RequestResolver& resolver,
               IoUpstream& upstream, resp::ChunkPool& chunks)
    : loop_(&loop),
      net_(&net),
      limits_(&limits),
      resolver_(&resolver),
      upstream_(&upstream),
      chunks_(&chunks) {
  loop_->AddWakeCheck([this] { return !ready_.empty(); });
}

void IoLoop::Apply(const DownMessage& message) {
  Connection& connection = *message.connection;
  const uint32_t wishes = message.wishes;
  if (wishes & kAttach) Attach(connection);
  connection.pending_.Attach(message.chain);
  if (wishes & kRelease) {
    Release(connection);
    return;
  }
  if (connection.is_shut_) {
    connection.pending_.Clear();
    return;
  }
  if (wishes & kPauseReading) connection.reading_paused_ = true;
  if (wishes & kResumeReading) {
    connection.reading_paused_ = false;
    Enqueue(connection);
  }
  if (wishes & kBatchDone) FinishBatch(connection);
  if (wishes & kLend) {
    connection.io_lease_ = connection.lease_.get();
    connection.is_lent_ = true;
  }
  if ((wishes & kTakeBack) && connection.is_lent_) {
    connection.io_lease_->Suspend();
    connection.is_lent_ = false;
    connection.may_write_ = true;
  }
  if (wishes & kCloseAfterReply) connection.close_when_sent_ = connection.ignore_input_ = true;
  if (wishes & kCloseNow) {
    Shut(connection);
  } else {
    Write(connection);
  }
  if ((wishes & kDetach) && !connection.is_shut_) Detach(connection);
}

void IoLoop::ReadReady() {
  ready_spare_.swap(ready_);
  for (Connection* connection : ready_spare_) {
    connection->is_queued_ = false;
    Serve(*connection);
  }
  ready_spare_.clear();
}

void IoLoop::OnEvents(Connection& connection, uint32_t flags) {
  if (flags & env::kWritable) connection.may_write_ = true;
  if (flags & (env::kReadable | env::kPeerClosed | env::kHangUp)) connection.may_read_ = true;
  // TLS may have to write in order to read, and the reverse.
  if (connection.transport_->is_tls()) connection.may_read_ = connection.may_write_ = true;
  if (flags & (env::kPeerClosed | env::kHangUp)) {
    connection.peer_closed_ = true;
    // Whoever waits for a reply will not see it; the engine must know, though nothing is read now.
    if (connection.batch_out_) upstream_->Push({UpMessage::Kind::kPeerClosed, &connection, nullptr});
    if (connection.ignore_input_ && (flags & env::kHangUp)) {
      Shut(connection);
      return;
    }
  }
  Enqueue(connection);
}

void IoLoop::Enqueue(Connection& connection) {
  if (connection.is_queued_) return;
  connection.is_queued_ = true;
  ready_.push_back(&connection);
}

void IoLoop::Serve(Connection& connection) {
  if (connection.is_handshaking_ && !Handshake(connection)) return;
  if (!connection.pending_.empty()) {
    Write(connection);
    if (connection.is_shut_) return;
  }
  if (connection.batch_out_ || connection.ignore_input_) return;
  if (!connection.has_more_parsed_input_) {
    if (!connection.may_read_ || connection.reading_paused_) return;
    if (!ReadOnce(connection)) return;
  }
  ParseInput(connection);
  if (connection.is_shut_) return;
  // No edge will tell of what is in the socket already.
  if (connection.may_read_ && !connection.batch_out_) Enqueue(connection);
}

// True once it is done. An edge that came before the last attempt is all that is needed for the next.
bool IoLoop::Handshake(Connection& connection) {
  const int outcome = connection.transport_->Handshake();
  if (outcome == -EAGAIN) return false;
  if (outcome != 0) {
    RefuseHandshake(connection, connection.transport_->failure());
    return false;
  }
  connection.is_handshaking_ = false;
  loop_->Cancel(connection.handshake_timer_);
  // The first request may have come along with the end of the handshake.
  connection.may_read_ = true;
  Write(connection);
  return !connection.is_shut_;
}

void IoLoop::RefuseHandshake(Connection& connection, std::string reason) {
  loop_->Cancel(connection.handshake_timer_);
  connection.handshake_failure_ = std::move(reason);
  Shut(connection);
}

void IoLoop::WatchHandshake(Connection& connection) {
  const int64_t most_micros = limits_->handshake_micros();
  connection.handshake_timer_ = loop_->After(most_micros, [this, &connection, most_micros] {
    RefuseHandshake(connection, fmt::format("no handshake within {} ms", most_micros / 1000));
  });
}

// True if bytes came.
bool IoLoop::ReadOnce(Connection& connection) {
  ReadBuffer& input = connection.input_;
  const char* const before = input.data();
  input.MakeRoom(connection.parser_.awaited_size(), blocks_);
  if (connection.batch_ != nullptr)
    connection.parser_.Rebase(before, input.data(), connection.batch_->parsed_);
  const size_t room = std::min(input.room(), connection.transport_->most_bytes());
  const int64_t got = connection.transport_->Read(input.end(), room);
  if (got > 0) {
    input.Advance(static_cast<size_t>(got));
    // A short read has emptied the socket: what comes later raises a new edge. The peer's end does not.
    const bool has_more = connection.peer_closed_ || connection.transport_->has_met_end();
    if (static_cast<size_t>(got) < room && !has_more) connection.may_read_ = false;
    counters_.reads.store(counters_.reads.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    counters_.bytes_read.store(
        counters_.bytes_read.load(std::memory_order_relaxed) + static_cast<uint64_t>(got),
        std::memory_order_relaxed);
    connection.read_bytes_.store(
        connection.read_bytes_.load(std::memory_order_relaxed) + static_cast<uint64_t>(got),
        std::memory_order_relaxed);
    if (connection.is_link_ || input.size() <= limits_->query_buffer_bytes()) return true;
    counters_.query_buffer_overflows.fetch_add(1, std::memory_order_relaxed);
    Shut(connection);
    return false;
  }
  if (got == -EAGAIN) {
    connection.may_read_ = false;
    if (input.size() == 0) input.DropFront(0, blocks_);
    return false;
  }
  Shut(connection);
  return false;
}

void IoLoop::ParseInput(Connection& connection) {
  if (connection.batch_ == nullptr) connection.batch_ = AcquireBatch(connection);
  Batch& batch = *connection.batch_;
  resp::RequestLimits limits;
  limits.max_bulk_bytes =
      connection.is_link_ ? std::numeric_limits<int64_t>::max() : limits_->max_bulk_bytes();
  // A probe is short, whoever sends it.
  limits.authenticated = connection.authenticated_.load(std::memory_order_relaxed) && probed_ == nullptr;
  const auto outcome =
      connection.parser_.Parse(connection.input_.data(), connection.input_.size(), limits, batch.parsed_);
  connection.has_more_parsed_input_ = outcome == resp::RequestParser::Outcome::kBatchFull;
  if (probed_ != nullptr) {
    AnswerProbes(connection, outcome);
    return;
  }
  if (outcome == resp::RequestParser::Outcome::kError) {
    batch.protocol_error_ = connection.parser_.error();
    connection.ignore_input_ = true;
  }
  if (batch.parsed_.requests.empty() && batch.protocol_error_.empty()) {
    DropParsed(connection);
    return;
  }
  NoteInput(connection);
  resolver_->Resolve(batch);
  connection.batch_out_ = true;
  upstream_->Push({UpMessage::Kind::kBatch, &connection, &batch});
  if (connection.peer_closed_) upstream_->Push({UpMessage::Kind::kPeerClosed, &connection, nullptr});
}

// Whatever is no probe ends the connection: nothing else is ever asked over it, and nobody here could answer.
void IoLoop::AnswerProbes(Connection& connection, resp::RequestParser::Outcome outcome) {
  const Batch& batch = *connection.batch_;
  const bool is_probe = outcome != resp::RequestParser::Outcome::kError &&
                        std::ranges::all_of(batch.parsed_.requests, [&batch](const Request& request) {
                          return request.arg_count == 1 && EqualsIgnoreCase(batch.args(request)[0], "ping");
                        });
  if (!is_probe || connection.pending_.size_bytes() > kMaxUnsentAnswerBytes) {
    Shut(connection);
    return;
  }
  resp::Writer writer(connection.pending_, 2);
  const int64_t busy_ms = probed_->BusyMicros() / 1000;
  for (size_t i = 0; i < batch.parsed_.requests.size(); ++i) writer.Integer(busy_ms);
  DropParsed(connection);
  Write(connection);
}

void IoLoop::FinishBatch(Connection& connection) {
  HEARTH_ASSERT(connection.batch_out_);
  connection.batch_out_ = false;
  DropParsed(connection);
  if (connection.has_more_parsed_input_ || connection.may_read_) Enqueue(connection);
}

// Removes complete requests from the input and from the batch, and gives back what is empty then.
void IoLoop::DropParsed(Connection& connection) {
  Batch& batch = *connection.batch_;
  const char* const before = connection.input_.data();
  connection.input_.DropFront(connection.parser_.consumed(), blocks_);
  connection.parser_.Discard(before, connection.input_.data(), batch.parsed_);
  batch.next = 0;
  if (batch.parsed_.args.empty()) {
    ReleaseBatch(connection.batch_);
    connection.batch_ = nullptr;
  }
  NoteInput(connection);
}

void IoLoop::NoteInput(Connection& connection) {
  connection.input_bytes_.store(connection.input_.size(), std::memory_order_relaxed);
  connection.input_free_bytes_.store(connection.input_.room(), std::memory_order_relaxed);
}

void IoLoop::Write(Connection& connection) {
  resp::OutputBuffer& pending = connection.pending_;
  if (connection.is_lent_ && connection.io_lease_->is_open()) return;
  if (connection.is_handshaking_) {
    if (connection.close_when_sent_ && pending.empty()) Shut(connection);
    return;
  }
  if (!pending.empty() && connection.may_write_) {
    iovec parts[kMaxIovecs];
    const int count =
        TrimParts(parts, pending.FillIov(parts, kMaxIovecs), connection.transport_->most_bytes());
    size_t offered = 0;
    for (int i = 0; i < count; ++i) offered += parts[i].iov_len;
    const int64_t put = connection.transport_->Writev(parts, count);
    if (put < 0 && put != -EAGAIN) {
      Shut(connection);
      return;
    }
    const size_t written = put < 0 ? 0 : static_cast<size_t>(put);
    if (written < offered) connection.may_write_ = false;
    pending.Consume(written);
    counters_.writes.store(counters_.writes.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    counters_.bytes_written.store(counters_.bytes_written.load(std::memory_order_relaxed) + written,
                                  std::memory_order_relaxed);
    connection.written_bytes_.store(connection.written_bytes_.load(std::memory_order_relaxed) + written,
                                    std::memory_order_relaxed);
    if (!pending.empty() && connection.may_write_) Enqueue(connection);
  }
  uint64_t mark = connection.drain_mark_.load(std::memory_order_relaxed);
  if (mark != 0 && connection.written_bytes() + 1 >= mark &&
      connection.drain_mark_.compare_exchange_strong(mark, 0, std::memory_order_relaxed)) {
    upstream_->Push({UpMessage::Kind::kDrained, &connection, nullptr});
  }
  if (connection.close_when_sent_ && pending.empty()) {
    Shut(connection);
  } else if (connection.is_lent_ && pending.empty()) {
    connection.io_lease_->Open();
  }
}

void IoLoop::Shut(Connection& connection) {
  if (connection.is_shut_) return;
  connection.is_shut_ = true;
  loop_->Unwatch(connection.fd_, connection);
  if (connection.io_lease_ != nullptr) connection.io_lease_->Close();
  if (connection.is_handshaking_) loop_->Cancel(connection.handshake_timer_);
  connection.transport_->End();
  net_->Close(connection.fd_);
  connection.pending_.Clear();
  RemoveFromReady(connection);
  upstream_->Push({UpMessage::Kind::kClosed, &connection, nullptr});
}

void IoLoop::Attach(Connection& connection) {
  connection.io_loop_ = this;
  connection.pending_.set_pool(*chunks_);
  if (connection.is_shut_) return;
  const auto watched = loop_->Watch(
      connection.fd_, env::kReadable | env::kWritable | env::kPeerClosed | env::kEdgeTriggered, connection);
  if (!watched) {
    Shut(connection);
    return;
  }
  if (connection.is_handshaking_) WatchHandshake(connection);
  // The poller reports what is ready already, but not input that was parsed or read elsewhere.
  Enqueue(connection);
}

void IoLoop::Detach(Connection& connection) {
  if (connection.is_handshaking_) loop_->Cancel(connection.handshake_timer_);
  loop_->Unwatch(connection.fd_, connection);
  RemoveFromReady(connection);
  upstream_->Push({UpMessage::Kind::kDetached, &connection, nullptr});
}

void IoLoop::Release(Connection& connection) {
  HEARTH_ASSERT(connection.is_shut_);
  if (connection.batch_ != nullptr) ReleaseBatch(std::exchange(connection.batch_, nullptr));
  Connection::Destroy(&connection);
}

void IoLoop::RemoveFromReady(Connection& connection) {
  if (!connection.is_queued_) return;
  connection.is_queued_ = false;
  ready_.erase(std::find(ready_.begin(), ready_.end(), &connection));
}

Batch* IoLoop::AcquireBatch(Connection& connection) {
  std::unique_ptr<Batch> batch;
  if (free_batches_.empty()) {
    batch = std::make_unique<Batch>();
  } else {
    batch = std::move(free_batches_.back());
    free_batches_.pop_back();
  }
  batch->connection_ = &connection;
  return batch.release();
}

void IoLoop::ReleaseBatch(Batch* released) {
  std::unique_ptr<Batch> batch(released);
  if (free_batches_.size() >= kMaxFreeBatches || batch->parsed_.args.capacity() > kMaxKeptArgs) return;
  batch->parsed_.args.clear();
  batch->parsed_.requests.clear();
  batch->protocol_error_ = {};
  batch->next = 0;
  free_batches_.push_back(std::move(batch));
}

}  // namespace hearth::net
