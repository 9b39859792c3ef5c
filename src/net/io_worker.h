// One extra I/O thread: its poller, loop and connections, and the two queues to and from the engine. Made,
// used and destroyed by IoThreads on the engine thread; what runs on the worker's own thread is private.
#pragma once

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "base/spsc_queue.h"
#include "env/clock.h"
#include "env/net.h"
#include "net/event_loop.h"
#include "net/io_loop.h"

namespace hearth::net {

class IoWorker final : private IoUpstream {
 public:
  static constexpr size_t kQueueCapacity = 4096;

  // Starts the thread. With `probed` it answers health probes alone.
  IoWorker(std::unique_ptr<env::Poller> poller, env::Clock& clock, env::Net& net, const SharedLimits& limits,
           RequestResolver& resolver, EventLoop& engine_loop, const Heartbeat* probed = nullptr);
  // Stops and joins the thread, and frees what stands in the queue to it.
  ~IoWorker() override;

  // Engine side. False if the queue is full; nothing is taken then. Call Wake after the last of a turn.
  bool TrySend(const DownMessage& message);
  void Wake();
  // The next message of the worker; false if there is none.
  bool TryReceive(UpMessage* message) { return up_.TryPop(message); }
  bool has_messages() const { return !up_.IsEmpty(); }

  const IoCounters& counters() const { return io_.counters(); }
  // For IoThreads' bookkeeping: connections whose I/O side is here.
  size_t connection_count = 0;

 private:
  // What waits for room in the queue to the engine is bounded by the connections: each has one batch at most.
  static constexpr int64_t kFullQueueWaitMicros = 500;

  void Push(const UpMessage& message) override;
  void Collect();
  void Flush();

  std::unique_ptr<env::Poller> poller_;
  EventLoop* engine_loop_;
  EventLoop loop_;
  resp::ChunkPool sent_chunks_;
  IoLoop io_;
  SpscQueue<UpMessage> up_{kQueueCapacity};
  SpscQueue<DownMessage> down_{kQueueCapacity};
  std::vector<UpMessage> overflow_;  // worker's thread
  bool has_pushed_ = false;          // worker's thread
  bool has_sent_ = false;            // engine thread
  std::thread thread_;
};

}  // namespace hearth::net
