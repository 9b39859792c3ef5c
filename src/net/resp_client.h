// A client of another server, for replication, Sentinel and cluster links: pipelined commands, each with its
// reply or an error, and pushes. Loop's thread only. May be closed or destroyed from inside its own
// callbacks.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/net.h"
#include "net/event_loop.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tls_context.h"
#include "net/transport.h"
#include "resp/reply_parser.h"

namespace hearth::net {

class RespClient final : private EventHandler {
 public:
  using ReplyCallback = std::function<void(Result<resp::Reply>)>;

  struct Options {
    int64_t connect_timeout_micros = 5'000'000;
    // For every command that gives none of its own. A command without an answer in time breaks the
    // connection: what comes later could not be told apart.
    int64_t command_timeout_micros = 5'000'000;
    std::string username;                   // empty = AUTH with the password alone
    std::string password;                   // empty = no AUTH
    std::shared_ptr<const TlsContext> tls;  // null = plainly
    resp::ReplyLimits limits;
  };

  RespClient(EventLoop& loop, env::Net& net, Options options);
  // Callbacks of commands that still wait are not called.
  ~RespClient() override;
  RespClient(const RespClient&) = delete;
  RespClient& operator=(const RespClient&) = delete;

  // Connects and authenticates; `on_done` is called once, later. Only when not connected or connecting.
  void Connect(const env::Endpoint& endpoint, std::function<void(Status)> on_done);
  Task<Status> Connect(env::Endpoint endpoint);
  bool is_connected() const { return state_ == State::kConnected; }
  // Our end of the connection, "127.0.0.1:40000"; empty without one.
  std::string LocalAddress() const {
    return fd_ < 0 ? std::string() : net_->Address(fd_, env::AddressOf::kLocal);
  }

  // Sends one command. The callback gets the reply (an error reply is a Reply too), or an Error if the
  // connection ends first; it is never called before this returns. Commands may be sent without waiting for
  // replies.
  void Send(std::span<const std::string_view> args, ReplyCallback on_reply, int64_t timeout_micros = 0);
  void Send(std::initializer_list<std::string_view> args, ReplyCallback on_reply,
            int64_t timeout_micros = 0) {
    Send(std::span(args.begin(), args.size()), std::move(on_reply), timeout_micros);
  }
  Task<Result<resp::Reply>> Call(std::vector<std::string> args, int64_t timeout_micros = 0);

  // RESP3 pushes, and in subscriber mode every value that comes.
  void set_on_push(std::function<void(resp::Reply)> fn) { on_push_ = std::move(fn); }
  void set_subscriber_mode(bool on) { is_subscriber_ = on; }
  // A command whose answers come as pushes, or that has none (SUBSCRIBE, REPLCONF ACK).
  void SendWithoutReply(std::span<const std::string_view> args);
  void SendWithoutReply(std::initializer_list<std::string_view> args) {
    SendWithoutReply(std::span(args.begin(), args.size()));
  }

  // Called once when an established connection ends other than by Close, after the callbacks of its commands.
  void set_on_closed(std::function<void(const Error&)> fn) { on_closed_ = std::move(fn); }

  // Ends the connection; commands still waiting get an error, later.
  void Close();
  // Gives the socket away together with the bytes already received behind the last reply, for a protocol that
  // goes on in its own way (PSYNC). No command may be waiting.
  Result<std::unique_ptr<Stream>> Detach();

  size_t waiting_count() const { return waiting_.size(); }
  // Loop time at which bytes last came.
  int64_t last_received_micros() const { return last_received_micros_; }

 private:
  enum class State { kIdle, kConnecting, kGreeting, kConnected };
  struct Waiting {
    ReplyCallback on_reply;
    int64_t deadline_micros;
  };

  void OnEvents(uint32_t flags) override;
  void FinishConnect();
  void Greet();
  void Established();
  void ReadInput();
  bool HandleInput();
  void WriteOutput();
  void AppendCommand(std::span<const std::string_view> args);
  void Break(Error error);
  void Disconnect(const Error& error);
  void ArmDeadline();
  bool is_listening() const { return !waiting_.empty() || is_subscriber_ || on_push_ != nullptr; }

  EventLoop* loop_;
  env::Net* net_;
  const Options options_;
  State state_ = State::kIdle;
  int fd_ = -1;
  std::unique_ptr<Transport> transport_;  // of fd_
  bool may_read_ = false;
  bool may_write_ = false;
  uint64_t connection_number_ = 0;  // tells callbacks' aftermath from a later connection
  std::function<void(Status)> on_connected_;
  resp::ReplyParser parser_;
  std::deque<Waiting> waiting_;
  std::string output_;
  size_t output_begin_ = 0;
  std::string input_;
  size_t input_begin_ = 0;  // the parser has taken what is before
  bool is_subscriber_ = false;
  std::function<void(resp::Reply)> on_push_;
  std::function<void(const Error&)> on_closed_;
  int64_t last_received_micros_ = 0;
  TimerId deadline_timer_ = 0;
  // Expires with this object; posted work and loops around callbacks look at it.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::net
