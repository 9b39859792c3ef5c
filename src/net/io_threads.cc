#include "net/io_threads.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/assert.h"

namespace hearth::net {
namespace {

void Add(IoStats& to, const IoCounters& from) {
  to.bytes_read += from.bytes_read.load(std::memory_order_relaxed);
  to.bytes_written += from.bytes_written.load(std::memory_order_relaxed);
  to.reads += from.reads.load(std::memory_order_relaxed);
  to.writes += from.writes.load(std::memory_order_relaxed);
  to.query_buffer_overflows += from.query_buffer_overflows.load(std::memory_order_relaxed);
}

}  // namespace

template <typename Fn>
void IoThreads::ForEachWorker(Fn fn) const {
  for (const auto& worker : workers_) fn(*worker);
  for (const auto& worker : retiring_) fn(*worker);
  if (probe_worker_ != nullptr) fn(*probe_worker_);
}

IoThreads::IoThreads(EventLoop& engine_loop, env::Net& net, env::Clock& clock, PollerFactory make_poller,
                     ConnectionHandler& handler, RequestResolver& resolver)
    : engine_loop_(&engine_loop),
      net_(&net),
      clock_(&clock),
      make_poller_(std::move(make_poller)),
      handler_(&handler),
      resolver_(&resolver),
      inline_loop_(engine_loop, net, limits_, resolver, *this, pool_),
      heartbeat_(clock) {
  engine_loop.AddBeforeWait(LoopPhase::kCollect, [this] { Collect(); });
  engine_loop.AddBeforeWait(LoopPhase::kFlush, [this] { Flush(); });
  engine_loop.AddWakeCheck([this] {
    if (!inline_messages_.empty() || (!dirty_.empty() && !flush_is_blocked_)) return true;
    bool has_messages = false;
    ForEachWorker([&](const IoWorker& worker) { has_messages = has_messages || worker.has_messages(); });
    if (!has_messages) heartbeat_.OnWait();
    return has_messages;
  });
}

IoThreads::~IoThreads() {
  workers_.clear();
  retiring_.clear();
  probe_worker_.reset();
  // Those whose release was noted but not yet sent are not among the others any more, which may be dirty too.
  for (Connection* connection : dirty_) {
    if (connection->wishes_ & kRelease) Connection::Destroy(connection);
  }
  for (Connection* connection : connections_) {
    if (connection->lease_ != nullptr) connection->lease_->Close();
    if (!connection->is_shut_) {
      if (connection->worker_ == nullptr) {
        engine_loop_->Unwatch(connection->fd_, *connection);
        engine_loop_->Cancel(connection->handshake_timer_);
      }
      net_->Close(connection->fd_);
    }
    // Its worker's pool is gone.
    connection->pending_.set_pool(pool_);
    Connection::Destroy(connection);
  }
}

Connection* IoThreads::Adopt(Socket socket, bool is_unix_socket, const AcceptFilter& filter) {
  Connection& connection = AddConnection(std::move(socket));
  connection.is_handshaking_ = connection.is_tls();
  connection.is_unix_socket_ = is_unix_socket;
  if (filter && !filter(connection)) {
    ++rejected_;
    connection.CloseAfterReply();
    return nullptr;
  }
  ++received_;
  Open(connection);
  return &connection;
}

Connection& IoThreads::AdoptLink(Socket socket, std::string_view received) {
  Connection& connection = AddConnection(std::move(socket));
  connection.is_link_ = true;
  connection.set_authenticated(true);
  BlockPool pool;
  connection.input_.Append(received, pool);
  connection.has_more_parsed_input_ = !received.empty();
  // More may have come out of the socket and stand in the transport.
  connection.may_read_ = true;
  Open(connection);
  return connection;
}

Connection& IoThreads::AddConnection(Socket socket) {
  const int fd = socket.fd;
  if (socket.transport == nullptr) socket.transport = std::make_unique<PlainTransport>(*net_, fd);
  Connection* connection =
      std::make_unique<Connection>(next_id_++, fd, std::move(socket.transport), *this, pool_).release();
  connection->peer_address_ = net_->Address(fd, env::AddressOf::kPeer);
  connection->local_address_ = net_->Address(fd, env::AddressOf::kLocal);
  connection->engine_index_ = connections_.size();
  connections_.push_back(connection);
  Attach(*connection);
  return *connection;
}

void IoThreads::Open(Connection& connection) {
  ++open_count_;
  connection.is_open_ = true;
  handler_->OnOpen(connection);
}

void IoThreads::Attach(Connection& connection) {
  if (connection.worker_ != nullptr) --connection.worker_->connection_count;
  if (probed_.contains(&connection)) {
    connection.worker_ = probe_worker_.get();
  } else {
    connection.worker_ = workers_.empty() ? nullptr : workers_[next_worker_++ % workers_.size()].get();
  }
  if (connection.worker_ != nullptr) ++connection.worker_->connection_count;
  connection.MarkDirty(kAttach);
}

void IoThreads::Collect() {
  heartbeat_.OnWork(engine_loop_->NowMicros());
  inline_loop_.ReadReady();
  TakeMessages();
  RunBatches();
  // Whoever takes a nested turn is in the middle of requests, and counts on their connections.
  if (engine_loop_->is_nested()) return;
  for (Connection* connection : drained_) {
    if (connection->is_open_) handler_->OnDrained(*connection);
  }
  drained_.clear();
  HandleDepartures();
  if (!retiring_.empty()) RetireIdleWorkers();
}

void IoThreads::TakeMessages() {
  inline_spare_.swap(inline_messages_);
  for (const UpMessage& message : inline_spare_) Take(message);
  inline_spare_.clear();
  ForEachWorker([this](IoWorker& worker) {
    UpMessage message;
    for (size_t i = 0; i < kMaxMessagesPerTurn && worker.TryReceive(&message); ++i) Take(message);
  });
}

void IoThreads::Take(const UpMessage& message) {
  Connection& connection = *message.connection;
  switch (message.kind) {
    case UpMessage::Kind::kBatch:
      pool_.Adopt(message.sent_chunks);
      connection.engine_batch_ = message.batch;
      // Nobody answers a connection that is being closed.
      if (connection.is_open_ && !connection.is_closing_) {
        batches_.push_back(message.batch);
      } else {
        connection.CompleteBatch(*message.batch);
      }
      break;
    case UpMessage::Kind::kDrained:
      drained_.push_back(&connection);
      break;
    case UpMessage::Kind::kPeerClosed:
    case UpMessage::Kind::kClosed:
    case UpMessage::Kind::kDetached:
      departures_.push_back(message);
      break;
  }
}

void IoThreads::RunBatches() {
  if (batches_.empty()) return;
  // A nested turn brings more while these run.
  std::vector<Batch*> batches;
  batches.swap(batches_);
  handler_->OnBatches(batches);
  batches.clear();
  batches_.swap(batches);
}

void IoThreads::HandleDepartures() {
  for (size_t i = 0; i < departures_.size(); ++i) {
    Connection& connection = *departures_[i].connection;
    switch (departures_[i].kind) {
      case UpMessage::Kind::kPeerClosed:
        // The batch sent before this has had its turn. If it is still here it waits for something, and nobody
        // waits for its reply any more. Otherwise reading goes on until the peer's last byte.
        if (connection.is_open_ && connection.engine_batch_ != nullptr) connection.Close();
        break;
      case UpMessage::Kind::kDetached:
        connection.is_moving_ = false;
        Attach(connection);
        break;
      default:
        FinishClosed(connection);
        break;
    }
  }
  departures_.clear();
}

void IoThreads::FinishClosed(Connection& connection) {
  if (!connection.handshake_failure_.empty()) {
    ++handshakes_failed_;
    if (on_handshake_failed_) on_handshake_failed_(connection);
  }
  if (connection.is_open_) {
    connection.is_closing_ = true;
    handler_->OnClosed(connection);
    connection.is_open_ = false;
    --open_count_;
  }
  probed_.erase(&connection);
  connections_[connection.engine_index_] = connections_.back();
  connections_[connection.engine_index_]->engine_index_ = connection.engine_index_;
  connections_.pop_back();
  // The I/O side may not have heard of it.
  if (connection.lease_ != nullptr) connection.lease_->Close();
  connection.is_moving_ = false;
  connection.output_.Clear();
  connection.wishes_ = 0;
  connection.MarkDirty(kRelease);
}

void IoThreads::Flush() {
  flush_is_blocked_ = false;
  dirty_spare_.swap(dirty_);
  for (Connection* connection : dirty_spare_) {
    if (!HandOver(*connection)) dirty_.push_back(connection);
  }
  flush_is_blocked_ = !dirty_.empty();
  if (flush_is_blocked_) engine_loop_->LimitNextWait(kFullQueueWaitMicros);
  dirty_spare_.clear();
  ForEachWorker([](IoWorker& worker) { worker.Wake(); });
}

// False if the queue to its worker is full.
bool IoThreads::HandOver(Connection& connection) {
  connection.is_dirty_ = false;
  // What is asked for meanwhile goes along when it arrives at its new loop.
  if (connection.is_moving_) return true;
  // One that is held goes to its loop all the same, but takes nothing along.
  const bool is_held = connection.is_held_ && (connection.wishes_ & (kCloseNow | kRelease)) == 0;
  if (is_held && (connection.wishes_ & kAttach) == 0) return true;
  const uint32_t wishes = is_held ? kAttach : connection.wishes_;
  const DownMessage message{&connection, wishes,
                            is_held ? resp::OutputBuffer::Chain() : connection.output_.Detach()};
  connection.wishes_ &= ~wishes;
  connection.handed_over_bytes_ += message.chain.size_bytes;
  if (message.wishes & kDetach) connection.is_moving_ = true;
  IoWorker* const worker = connection.worker_;
  if (worker == nullptr) {
    inline_loop_.Apply(message);
    return true;
  }
  if (worker->TrySend(message)) {
    if (message.wishes & kRelease) --worker->connection_count;
    return true;
  }
  connection.is_dirty_ = true;
  connection.is_moving_ = false;
  connection.wishes_ |= message.wishes;
  connection.handed_over_bytes_ -= message.chain.size_bytes;
  connection.output_.Attach(message.chain);
  return false;
}

Result<std::unique_ptr<IoWorker>> IoThreads::MakeWorker(const Heartbeat* probed) {
  auto poller = make_poller_();
  if (!poller) return Fail("cannot start an I/O thread: " + poller.error().message, poller.error().code);
  return std::make_unique<IoWorker>(std::move(*poller), *clock_, *net_, limits_, *resolver_, *engine_loop_,
                                    probed);
}

Status IoThreads::BecomeProbed(Connection& connection) {
  HEARTH_ASSERT(connection.is_open_ && !connection.is_link_);
  if (probe_worker_ == nullptr) {
    auto worker = MakeWorker(&heartbeat_);
    if (!worker) return std::unexpected(worker.error());
    probe_worker_ = *std::move(worker);
  }
  const bool is_new = probed_.insert(&connection).second;
  // One that is between two loops already finds its way from where it arrives.
  if (is_new && !connection.is_moving_) connection.MarkDirty(kDetach);
  return {};
}

Status IoThreads::SetThreadCount(int count) {
  HEARTH_ASSERT(count >= 1 && count <= kMaxThreads);
  const auto wanted = static_cast<size_t>(count - 1);
  while (workers_.size() < wanted) {
    auto worker = MakeWorker();
    if (!worker) return std::unexpected(worker.error());
    workers_.push_back(*std::move(worker));
  }
  while (workers_.size() > wanted) {
    retiring_.push_back(std::move(workers_.back()));
    workers_.pop_back();
  }
  if (count != thread_count_) Rebalance();
  thread_count_ = count;
  return {};
}

// Every connection goes where a new one would go; those that are probed stay where they are.
void IoThreads::Rebalance() {
  for (Connection* connection : connections_) {
    if (probed_.contains(connection)) continue;
    if (connection->wishes_ & kAttach) {
      Attach(*connection);  // not there yet
    } else if (!connection->is_moving_) {
      connection->MarkDirty(kDetach);
    }
  }
}

void IoThreads::RetireIdleWorkers() {
  std::erase_if(retiring_, [this](const auto& worker) {
    if (worker->connection_count > 0 || worker->has_messages()) return false;
    Add(retired_stats_, worker->counters());
    return true;
  });
}

IoStats IoThreads::stats() const {
  IoStats stats = retired_stats_;
  Add(stats, inline_loop_.counters());
  ForEachWorker([&stats](const IoWorker& worker) { Add(stats, worker.counters()); });
  stats.threaded_reads = stats.reads - inline_loop_.counters().reads.load(std::memory_order_relaxed);
  stats.threaded_writes = stats.writes - inline_loop_.counters().writes.load(std::memory_order_relaxed);
  stats.connections_received = received_;
  stats.connections_rejected = rejected_;
  stats.handshakes_failed = handshakes_failed_;
  return stats;
}

}  // namespace hearth::net
