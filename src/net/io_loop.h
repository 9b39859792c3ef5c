// The I/O of the connections attached to one thread: reads, parses, resolves, writes. Runs on its EventLoop's
// thread; the engine side (IoThreads) reaches it through DownMessages only, directly when both are the same
// thread.
//
// Per turn and ready connection: one read and at most one writev. Sockets are watched once, edge-triggered;
// what is known to be readable or writable is remembered, so that the steady state needs no further epoll
// calls.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "env/net.h"
#include "net/batch.h"
#include "net/event_loop.h"
#include "net/handlers.h"
#include "net/heartbeat.h"
#include "net/messages.h"
#include "net/read_buffer.h"
#include "resp/output_buffer.h"

namespace hearth::net {

class Connection;

// ConnectionLimits that may be replaced while I/O threads read them.
class SharedLimits {
 public:
  void Set(const ConnectionLimits& limits) {
    query_buffer_bytes_.store(limits.query_buffer_bytes, std::memory_order_relaxed);
    max_bulk_bytes_.store(limits.max_bulk_bytes, std::memory_order_relaxed);
    handshake_micros_.store(limits.handshake_micros, std::memory_order_relaxed);
  }
  size_t query_buffer_bytes() const { return query_buffer_bytes_.load(std::memory_order_relaxed); }
  size_t max_bulk_bytes() const { return max_bulk_bytes_.load(std::memory_order_relaxed); }
  int64_t handshake_micros() const { return handshake_micros_.load(std::memory_order_relaxed); }

 private:
  std::atomic<size_t> query_buffer_bytes_{ConnectionLimits{}.query_buffer_bytes};
  std::atomic<size_t> max_bulk_bytes_{ConnectionLimits{}.max_bulk_bytes};
  std::atomic<int64_t> handshake_micros_{ConnectionLimits{}.handshake_micros};
};

// Written by the I/O thread, read by any.
struct IoCounters {
  std::atomic<uint64_t> bytes_read{0};
  std::atomic<uint64_t> bytes_written{0};
  std::atomic<uint64_t> reads{0};
  std::atomic<uint64_t> writes{0};
  std::atomic<uint64_t> query_buffer_overflows{0};
};

class IoLoop {
 public:
  // `chunks` is where sent chunks go: the engine's own pool when both are one thread.
  IoLoop(EventLoop& loop, env::Net& net, const SharedLimits& limits, RequestResolver& resolver,
         IoUpstream& upstream, resp::ChunkPool& chunks);
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  // Carries out one message from the engine.
  void Apply(const DownMessage& message);
  // Reads and parses what the poller has reported. Once a turn.
  void ReadReady();

  // Instead of handing requests on, this loop answers health probes, and takes nothing else. Before the first
  // connection.
  void AnswerProbesOf(const Heartbeat& heartbeat) { probed_ = &heartbeat; }

  const IoCounters& counters() const { return counters_; }

 private:
  friend class Connection;
  static constexpr int kMaxIovecs = 64;
  static constexpr size_t kMaxFreeBatches = 1024;
  // Of a connection that sends probes and does not read the answers.
  static constexpr size_t kMaxUnsentAnswerBytes = 4096;
  // A batch whose vectors have grown beyond this is not kept for reuse.
  static constexpr size_t kMaxKeptArgs = 16 * 1024;

  void OnEvents(Connection& connection, uint32_t flags);
  void Enqueue(Connection& connection);
  void Serve(Connection& connection);
  bool Handshake(Connection& connection);
  void RefuseHandshake(Connection& connection, std::string reason);
  void WatchHandshake(Connection& connection);
  bool ReadOnce(Connection& connection);
  void ParseInput(Connection& connection);
  void AnswerProbes(Connection& connection, resp::RequestParser::Outcome outcome);
  void FinishBatch(Connection& connection);
  void DropParsed(Connection& connection);
  void Write(Connection& connection);
  void NoteInput(Connection& connection);
  void Shut(Connection& connection);
  void Attach(Connection& connection);
  void Detach(Connection& connection);
  void Release(Connection& connection);
  void RemoveFromReady(Connection& connection);
  Batch* AcquireBatch(Connection& connection);
  void ReleaseBatch(Batch* batch);

  EventLoop* loop_;
  env::Net* net_;
  const SharedLimits* limits_;
  RequestResolver* resolver_;
  IoUpstream* upstream_;
  const Heartbeat* probed_ = nullptr;  // null: it hands requests on
  IoCounters counters_;
  resp::ChunkPool* chunks_;
  BlockPool blocks_;
  std::vector<std::unique_ptr<Batch>> free_batches_;
  std::vector<Connection*> ready_;
  std::vector<Connection*> ready_spare_;
};

}  // namespace hearth::net
