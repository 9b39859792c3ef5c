// All client connections of the server, and the threads that read and write them. The engine thread owns it
// and makes every call; what threads do the I/O is invisible to the engine: with one thread the engine's own
// loop does it inline, with N the connections are spread over N-1 further threads, which hand over parsed
// batches and take replies through bounded queues.
//
// Connections that are probed go to one more thread, made with the first of them, which answers for how long
// the engine has been busy: with io-threads 1, too, and while the engine runs a long command.
//
// A turn of the engine's loop: kCollect takes what came in (OnBatches, OnDrained, OnClosed); kFlush hands
// over every connection that has something to send or to say.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "env/net.h"
#include "net/connection.h"
#include "net/event_loop.h"
#include "net/handlers.h"
#include "net/heartbeat.h"
#include "net/io_loop.h"
#include "net/io_worker.h"
#include "net/transport.h"

namespace hearth::net {

struct IoStats {
  uint64_t connections_received = 0;
  uint64_t connections_rejected = 0;  // by an accept filter
  uint64_t handshakes_failed = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_written = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
  uint64_t threaded_reads = 0;  // of those, by I/O threads
  uint64_t threaded_writes = 0;
  uint64_t query_buffer_overflows = 0;
};

class IoThreads final : private IoUpstream {
 public:
  static constexpr int kMaxThreads = 128;
  using PollerFactory = std::function<Result<std::unique_ptr<env::Poller>>()>;

  IoThreads(EventLoop& engine_loop, env::Net& net, env::Clock& clock, PollerFactory make_poller,
            ConnectionHandler& handler, RequestResolver& resolver);
  // Closes all connections without telling the handler and joins the threads.
  ~IoThreads() override;

  // As io-threads: 1 = inline. Connections move to their new threads over the next turns; none is lost.
  Status SetThreadCount(int count);
  int thread_count() const { return thread_count_; }

  void SetLimits(const ConnectionLimits& limits) { limits_.Set(limits); }

  // Takes over a connected non-blocking socket. Null if the filter turned it away.
  Connection* Adopt(Socket socket, bool is_unix_socket, const AcceptFilter& filter);
  // The same with a connection that we have made, to a server that we trust: no limits hold for what it
  // sends. `received` was read from it already.
  Connection& AdoptLink(Socket socket, std::string_view received);
  // Told of connections that end before they have begun; handshake_failure() says why.
  void set_on_handshake_failed(std::function<void(const Connection&)> fn) {
    on_handshake_failed_ = std::move(fn);
  }
  // Socket options of one connection, instead of those that it came with.
  void Configure(const Connection& connection, const env::SocketOptions& options) {
    static_cast<void>(net_->Configure(connection.fd(), options));
  }

  // From now on the connection's requests are health probes (docs/formats/sentinel.md). What has been
  // appended leaves first. Fails if there is no thread to answer them and it cannot be made.
  Status BecomeProbed(Connection& connection);
  size_t probed_count() const { return probed_.size(); }

  // Open connections that the handler knows.
  size_t connection_count() const { return open_count_; }
  IoStats stats() const;

 private:
  friend class Connection;
  // Messages taken from one worker in one turn, so that none can hold up the others for long.
  static constexpr size_t kMaxMessagesPerTurn = IoWorker::kQueueCapacity;
  // How long to wait for a full queue to a worker to have room again.
  static constexpr int64_t kFullQueueWaitMicros = 500;

  void Collect();
  void TakeMessages();
  void Take(const UpMessage& message);
  void RunBatches();
  void HandleDepartures();
  void FinishClosed(Connection& connection);
  void Flush();
  bool HandOver(Connection& connection);
  Connection& AddConnection(Socket socket);
  void Open(Connection& connection);
  void Attach(Connection& connection);
  void Rebalance();
  void RetireIdleWorkers();
  Result<std::unique_ptr<IoWorker>> MakeWorker(const Heartbeat* probed = nullptr);
  template <typename Fn>
  void ForEachWorker(Fn fn) const;
  // IoUpstream, for the inline loop.
  void Push(const UpMessage& message) override { inline_messages_.push_back(message); }

  EventLoop* engine_loop_;
  env::Net* net_;
  env::Clock* clock_;
  PollerFactory make_poller_;
  ConnectionHandler* handler_;
  RequestResolver* resolver_;
  SharedLimits limits_;
  resp::ChunkPool pool_;
  IoLoop inline_loop_;
  std::vector<std::unique_ptr<IoWorker>> workers_;
  std::vector<std::unique_ptr<IoWorker>> retiring_;
  Heartbeat heartbeat_;
  std::unique_ptr<IoWorker> probe_worker_;        // null until there is something to be answered
  std::unordered_set<const Connection*> probed_;  // there, or on the way
  int thread_count_ = 1;
  size_t next_worker_ = 0;

  std::vector<Connection*> connections_;  // all, closing ones included
  size_t open_count_ = 0;
  uint64_t next_id_ = 1;
  uint64_t received_ = 0;
  uint64_t rejected_ = 0;
  uint64_t handshakes_failed_ = 0;
  IoStats retired_stats_;  // of workers that are gone

  std::vector<UpMessage> inline_messages_;
  std::vector<UpMessage> inline_spare_;
  std::vector<Batch*> batches_;
  std::vector<Connection*> drained_;
  std::vector<UpMessage> departures_;  // kPeerClosed, kClosed and kDetached in order of arrival
  std::vector<Connection*> dirty_;     // have something for their I/O side
  std::vector<Connection*> dirty_spare_;
  std::function<void(const Connection&)> on_handshake_failed_;
  bool flush_is_blocked_ = false;  // a worker's queue was full
};

}  // namespace hearth::net
