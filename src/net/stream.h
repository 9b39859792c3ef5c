// A connected socket for tasks: bytes in, bytes out, with timeouts. One task may read and another write at
// the same time. Loop's thread only; must outlive the tasks that use it (see TaskScope).
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "env/net.h"
#include "net/event_loop.h"
#include "net/task.h"
#include "net/tls_context.h"
#include "net/transport.h"

namespace hearth::net {

class Stream final : private EventHandler {
 public:
  static constexpr int64_t kNoTimeout = -1;

  // Errors of all calls: code ETIMEDOUT when the time is up, ECANCELED after Close, else the system's. With
  // `tls` a handshake belongs to connecting.
  static Task<Result<std::unique_ptr<Stream>>> Connect(EventLoop& loop, env::Net& net, env::Endpoint endpoint,
                                                       int64_t timeout_micros,
                                                       std::shared_ptr<const TlsContext> tls = nullptr);

  // Takes over a connected non-blocking socket. `received` is what was read from it already.
  static Result<std::unique_ptr<Stream>> Adopt(EventLoop& loop, env::Net& net, Socket socket,
                                               std::string received = {});
  ~Stream() override;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // At least one byte; 0 = the peer has ended the stream. The timeout counts from the call.
  Task<Result<size_t>> ReadSome(std::span<char> to, int64_t timeout_micros);
  // A line without its line end ("\n" or "\r\n"), at most `max_bytes` long.
  Task<Result<std::string>> ReadLine(size_t max_bytes, int64_t timeout_micros);
  // The timeout counts from the last progress.
  Task<Status> WriteAll(std::string_view bytes, int64_t timeout_micros);

  // Ends what waits, with an error; the socket is closed.
  void Close();
  bool is_closed() const { return fd_ < 0; }
  int fd() const { return fd_; }
  // Lets the socket go, unclosed, to somebody who goes on with it after TakeReceived. Nothing may be waiting.
  Socket Release();
  // Received and not read yet.
  std::string TakeReceived() { return std::move(received_); }

 private:
  // Waits until the socket can be read or written; false if the time was up.
  class Readiness {
   public:
    Readiness(Stream& stream, bool for_writing, int64_t timeout_micros)
        : stream_(&stream), for_writing_(for_writing), timeout_micros_(timeout_micros) {}
    ~Readiness();
    Readiness(const Readiness&) = delete;
    Readiness& operator=(const Readiness&) = delete;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting);
    bool await_resume() const noexcept { return !timed_out_; }
    void Fire(bool timed_out);

   private:
    friend class Stream;
    Stream* stream_;
    bool for_writing_;
    int64_t timeout_micros_;
    bool timed_out_ = false;
    TimerId timer_ = 0;
    std::coroutine_handle<> waiting_;
  };

  Stream(EventLoop& loop, env::Net& net, Socket socket, std::string received)
      : loop_(&loop),
        net_(&net),
        fd_(socket.fd),
        transport_(std::move(socket.transport)),
        received_(std::move(received)) {}
  Task<Status> Handshake(std::shared_ptr<const TlsContext> tls, int64_t timeout_micros);
  void OnEvents(uint32_t flags) override;
  std::unexpected<Error> Failed(const char* what, int code) const;
  Readiness*& Waiter(bool for_writing) { return for_writing ? writer_ : reader_; }

  EventLoop* loop_;
  env::Net* net_;
  int fd_;
  std::unique_ptr<Transport> transport_;
  std::string received_;
  bool may_read_ = true;
  bool may_write_ = true;
  Readiness* reader_ = nullptr;
  Readiness* writer_ = nullptr;
};

}  // namespace hearth::net
