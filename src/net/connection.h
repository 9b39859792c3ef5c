// A client's connection, seen from both of its sides.
//
// The engine side (public) is for the engine thread alone. The I/O side (private) belongs to the IoLoop that
// the connection is attached to, on that loop's thread. The two sides talk through messages (io_threads.h),
// so neither locks; the few shared numbers are relaxed atomics.
//
// Owned by its IoLoop; the engine's pointer is valid from OnOpen until OnClosed returns.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "net/batch.h"
#include "net/event_loop.h"
#include "net/messages.h"
#include "net/read_buffer.h"
#include "net/socket_lease.h"
#include "net/transport.h"
#include "resp/output_buffer.h"
#include "resp/request_parser.h"

namespace hearth::net {

class IoLoop;
class IoThreads;
class IoWorker;

class Connection final : private EventHandler {
 public:
  // Increasing from 1, never reused.
  uint64_t id() const { return id_; }
  int fd() const { return fd_; }
  const std::string& peer_address() const { return peer_address_; }
  const std::string& local_address() const { return local_address_; }
  bool is_unix_socket() const { return is_unix_socket_; }
  bool is_tls() const { return transport_->is_tls(); }
  // We have made it, to another server.
  bool is_link() const { return is_link_; }

  // For the engine: its client.
  void* user_data = nullptr;

  // Append replies here (resp::Writer). During OnBatches, what stands here when the batch is completed goes
  // out by itself; whenever else something is appended, call ScheduleWrite once afterwards. It leaves at the
  // end of the turn.
  resp::OutputBuffer& output() { return output_; }
  void ScheduleWrite() { MarkDirty(0); }

  // The engine is done with the batch: its views are gone, and more of this connection's input may come.
  void CompleteBatch(Batch& batch);
  // The outstanding batch, or null.
  Batch* outstanding_batch() { return engine_batch_; }

  // From now on nothing that is appended leaves, nor does more input come, until ReleaseOutput: the reply
  // waits for its write to be durable.
  void HoldOutput() { is_held_ = true; }
  void ReleaseOutput();

  // Sends what has been appended, then closes. Input from now on is ignored. OnClosed follows.
  void CloseAfterReply();
  // Closes at the end of this turn, unsent replies are dropped. OnClosed follows (not from inside this call).
  void Close();
  bool is_closing() const { return is_closing_; }
  // Why there was never a connection to speak of; for OnClosed.
  const std::string& handshake_failure() const { return handshake_failure_; }

  // Lifts the parser's limits for unauthenticated clients. Off at first.
  void set_authenticated(bool authenticated) {
    authenticated_.store(authenticated, std::memory_order_relaxed);
  }

  // What has been read already still comes as batches.
  void PauseReading();
  void ResumeReading();

  // Once what has been appended so far is sent, the socket may be written through the lease, on any thread;
  // what is appended later waits until TakeSocketBack. Closing works as ever.
  std::shared_ptr<SocketLease> LendSocket();
  void TakeSocketBack();

  // Asks for one OnDrained when at most `bytes` are unsent.
  void NotifyWhenUnsentBelow(size_t bytes);

  // Appended and not yet taken by the kernel.
  size_t unsent_bytes() const {
    return output_.size_bytes() + static_cast<size_t>(handed_over_bytes_ - written_bytes());
  }
  // The memory that unsent replies hold on the engine's side.
  size_t output_memory_bytes() const { return output_.memory_bytes(); }

  // Figures of the I/O side, as of its last turn.
  size_t input_bytes() const { return input_bytes_.load(std::memory_order_relaxed); }
  size_t input_free_bytes() const { return input_free_bytes_.load(std::memory_order_relaxed); }
  uint64_t read_bytes() const { return read_bytes_.load(std::memory_order_relaxed); }
  uint64_t written_bytes() const { return written_bytes_.load(std::memory_order_relaxed); }

  Connection(uint64_t id, int fd, std::unique_ptr<Transport> transport, IoThreads& hub,
             resp::ChunkPool& engine_pool);
  ~Connection() override;

  // Connections cross threads as plain pointers in messages: whoever holds the last one ends the connection
  // here, together with its batch.
  static void Destroy(Connection* connection);

 private:
  friend class IoLoop;
  friend class IoThreads;
  friend class IoWorker;

  void MarkDirty(uint32_t wishes);
  void OnEvents(uint32_t flags) override;

  // Set before the connection is shared.
  const uint64_t id_;
  int fd_;
  bool is_link_ = false;
  bool is_unix_socket_ = false;
  std::string peer_address_;
  std::string local_address_;

  // Engine side.
  IoThreads* const hub_;
  IoWorker* worker_ = nullptr;  // that has the I/O side; null = the engine's own loop
  resp::OutputBuffer output_;
  Batch* engine_batch_ = nullptr;
  std::shared_ptr<SocketLease> lease_;  // never another one, once it is there
  uint64_t handed_over_bytes_ = 0;
  uint32_t wishes_ = 0;
  bool is_dirty_ = false;
  bool is_held_ = false;
  bool is_open_ = false;  // OnOpen was called, OnClosed was not
  bool is_closing_ = false;
  bool is_moving_ = false;   // on the way from one loop to another
  size_t engine_index_ = 0;  // in IoThreads' table of connections

  // Shared.
  std::atomic<bool> authenticated_{false};
  std::atomic<uint64_t> drain_mark_{0};  // bytes written at which OnDrained is due; 0 = not wanted
  std::atomic<size_t> input_bytes_{0};
  std::atomic<size_t> input_free_bytes_{0};
  std::atomic<uint64_t> read_bytes_{0};
  std::atomic<uint64_t> written_bytes_{0};

  // I/O side.
  std::unique_ptr<Transport> transport_;
  IoLoop* io_loop_ = nullptr;  // that it is attached to
  ReadBuffer input_;
  resp::RequestParser parser_;
  Batch* batch_ = nullptr;
  resp::OutputBuffer pending_;     // handed over, not yet written
  std::string handshake_failure_;  // set before the engine learns that it is closed
  TimerId handshake_timer_ = 0;
  bool is_handshaking_ = false;
  bool batch_out_ = false;  // the engine has the batch
  bool may_read_ = false;   // readable, as far as is known
  bool may_write_ = true;
  bool has_more_parsed_input_ = false;  // complete requests may still stand in input_
  bool peer_closed_ = false;            // its sending side, as far as the poller said
  bool reading_paused_ = false;
  bool ignore_input_ = false;
  bool close_when_sent_ = false;
  bool is_lent_ = false;
  SocketLease* io_lease_ = nullptr;  // once the socket has been lent
  bool is_shut_ = false;             // fd closed; waiting for the engine to release it
  bool is_queued_ = false;           // in the loop's list of connections to look at
};

}  // namespace hearth::net
