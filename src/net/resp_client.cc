#include "net/resp_client.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace hearth::net {
namespace {

constexpr size_t kReadBytes = 16 * 1024;

// Shared by a Call that waits and the callback that answers it; the handle is null once nobody waits any
// more.
struct CallState {
  std::optional<Result<resp::Reply>> reply;
  std::coroutine_handle<> waiting;
};

class ReplyAwaiter {
 public:
  explicit ReplyAwaiter(std::shared_ptr<CallState> state) : state_(std::move(state)) {}
  ~ReplyAwaiter() { state_->waiting = nullptr; }
  ReplyAwaiter(const ReplyAwaiter&) = delete;
  ReplyAwaiter& operator=(const ReplyAwaiter&) = delete;
  bool await_ready() const noexcept { return state_->reply.has_value(); }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { state_->waiting = waiting; }
  Result<resp::Reply> await_resume() { return std::move(*state_->reply); }

 private:
  std::shared_ptr<CallState> state_;
};

void Answer(CallState& state, Result<resp::Reply> reply) {
  state.reply = std::move(reply);
  if (const auto waiting = std::exchange(state.waiting, nullptr)) waiting.resume();
}

}  // namespace

RespClient::RespClient(EventLoop& loop, env::Net& net, Options options)
    : loop_(&loop), net_(&net), options_(std::move(options)), parser_(options_.limits) {}

RespClient::~RespClient() {
  loop_->Cancel(deadline_timer_);
  if (fd_ < 0) return;
  loop_->Unwatch(fd_, *this);
  transport_->End();
  net_->Close(fd_);
}

void RespClient::Connect(const env::Endpoint& endpoint, std::function<void(Status)> on_done) {
  HEARTH_ASSERT(state_ == State::kIdle);
  ++connection_number_;
  state_ = State::kConnecting;
  on_connected_ = std::move(on_done);
  may_read_ = may_write_ = false;
  auto fd = net_->Connect(endpoint);
  Status started;
  if (fd) {
    fd_ = *fd;
    transport_ = options_.tls != nullptr ? options_.tls->Connect(*net_, fd_)
                                         : std::make_unique<PlainTransport>(*net_, fd_);
    const uint32_t interest = env::kReadable | env::kWritable | env::kPeerClosed | env::kEdgeTriggered;
    started = loop_->Watch(fd_, interest, *this);
  } else {
    started = std::unexpected(fd.error());
  }
  if (!started) {
    Break(started.error());
    return;
  }
  loop_->Cancel(deadline_timer_);
  deadline_timer_ = loop_->After(options_.connect_timeout_micros,
                                 [this] { Break({"connecting took longer than its timeout", ETIMEDOUT}); });
}

Task<Status> RespClient::Connect(env::Endpoint endpoint) {
  auto state = std::make_shared<CallState>();
  Connect(endpoint, [state](Status status) {
    Answer(*state, status ? Result<resp::Reply>(resp::Reply{}) : std::unexpected(status.error()));
  });
  ReplyAwaiter awaiter(state);
  const Result<resp::Reply> done = co_await awaiter;
  if (!done) co_return std::unexpected(done.error());
  co_return Status();
}

Task<Result<resp::Reply>> RespClient::Call(std::vector<std::string> args, int64_t timeout_micros) {
  auto state = std::make_shared<CallState>();
  const std::vector<std::string_view> views(args.begin(), args.end());
  Send(views, [state](Result<resp::Reply> reply) { Answer(*state, std::move(reply)); }, timeout_micros);
  ReplyAwaiter awaiter(state);
  Result<resp::Reply> reply = co_await awaiter;
  co_return std::move(reply);
}

void RespClient::Send(std::span<const std::string_view> args, ReplyCallback on_reply,
                      int64_t timeout_micros) {
  if (state_ != State::kConnected) {
    loop_->Post([on_reply = std::move(on_reply)] { on_reply(Fail("not connected", ENOTCONN)); });
    return;
  }
  const int64_t timeout = timeout_micros > 0 ? timeout_micros : options_.command_timeout_micros;
  waiting_.push_back({std::move(on_reply), loop_->FreshNowMicros() + timeout});
  if (waiting_.size() == 1) ArmDeadline();
  AppendCommand(args);
}

void RespClient::SendWithoutReply(std::span<const std::string_view> args) {
  if (state_ == State::kConnected) AppendCommand(args);
}

void RespClient::AppendCommand(std::span<const std::string_view> args) {
  const bool was_empty = output_.empty();
  output_ += "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string_view arg : args) {
    output_ += "$" + std::to_string(arg.size()) + "\r\n";
    output_ += arg;
    output_ += "\r\n";
  }
  if (!was_empty) return;
  // Written once for all commands of this turn. What has come and was not looked at is looked at, too.
  loop_->Post([this, alive = std::weak_ptr(alive_), number = connection_number_] {
    if (alive.expired() || number != connection_number_ || state_ != State::kConnected) return;
    WriteOutput();
    if (!alive.expired() && number == connection_number_) ReadInput();
  });
}

void RespClient::OnEvents(uint32_t flags) {
  const bool ended = (flags & (env::kHangUp | env::kPeerClosed)) != 0;
  if (ended || (flags & env::kReadable)) may_read_ = true;
  if (ended || (flags & env::kWritable)) may_write_ = true;
  if (state_ == State::kConnecting) {
    if (may_write_) FinishConnect();
    return;
  }
  if (state_ == State::kGreeting) {
    Greet();
    return;
  }
  // TLS may have to write in order to read, and the reverse.
  if (transport_->is_tls()) may_read_ = may_write_ = true;
  const std::weak_ptr alive(alive_);
  const uint64_t number = connection_number_;
  if (!output_.empty()) WriteOutput();
  if (alive.expired() || number != connection_number_) return;
  if (ended && !is_listening()) {
    Break({"the peer has closed the connection", ECONNRESET});
    return;
  }
  ReadInput();
}

void RespClient::FinishConnect() {
  if (const int code = net_->ConnectError(fd_); code != 0) {
    Break({std::string("cannot connect: ") + strerror(code), code});
    return;
  }
  static_cast<void>(net_->Configure(fd_, {.no_delay = true}));
  state_ = State::kGreeting;
  Greet();
}

// What TLS needs before the first command; nothing without it.
void RespClient::Greet() {
  const int outcome = transport_->Handshake();
  if (outcome == -EAGAIN) return;
  if (outcome != 0) {
    Break({"cannot connect by TLS: " + transport_->failure(), -outcome});
    return;
  }
  loop_->Cancel(deadline_timer_);
  state_ = State::kConnected;
  if (transport_->is_tls()) may_read_ = may_write_ = true;
  if (options_.password.empty()) {
    Established();
    return;
  }
  const auto on_reply = [this](Result<resp::Reply> reply) {
    if (!reply) return;  // Break tells whoever connects
    if (reply->is_error()) {
      Break({"authentication failed: " + reply->text, EACCES});
    } else {
      Established();
    }
  };
  if (options_.username.empty()) {
    Send({"AUTH", options_.password}, on_reply);
  } else {
    Send({"AUTH", options_.username, options_.password}, on_reply);
  }
}

void RespClient::Established() {
  if (const auto on_done = std::exchange(on_connected_, nullptr)) on_done(Status());
}

void RespClient::ReadInput() {
  // What nobody waits for stays where it is: it may belong to a protocol that takes over (Detach).
  while (is_listening()) {
    if (input_begin_ < input_.size()) {
      if (!HandleInput()) return;
      continue;
    }
    if (!may_read_) return;
    input_.resize(kReadBytes);
    input_begin_ = 0;
    const int64_t got = transport_->Read(input_.data(), input_.size());
    input_.resize(got > 0 ? static_cast<size_t>(got) : 0);
    if (got == -EAGAIN) {
      may_read_ = false;
      return;
    }
    if (got <= 0) {
      const int code = got == 0 ? ECONNRESET : static_cast<int>(-got);
      const std::string failure = transport_->failure();
      Break({got == 0 ? "the peer has closed the connection"
                      : "read: " + (failure.empty() ? std::string(strerror(code)) : failure),
             code});
      return;
    }
    last_received_micros_ = loop_->NowMicros();
  }
}

// Takes at most one value from the input. False if that has ended this connection or this object.
bool RespClient::HandleInput() {
  std::string_view rest = std::string_view(input_).substr(input_begin_);
  const Result<bool> complete = parser_.Feed(rest);
  input_begin_ = input_.size() - rest.size();
  if (!complete) {
    Break(complete.error());
    return false;
  }
  if (!*complete) return true;
  resp::Reply reply = parser_.TakeReply();
  const std::weak_ptr alive(alive_);
  const uint64_t number = connection_number_;
  if (is_subscriber_ || waiting_.empty() || reply.kind == resp::Reply::Kind::kPush) {
    // A copy, since the function may replace itself.
    if (const auto on_push = on_push_) on_push(std::move(reply));
  } else {
    const ReplyCallback on_reply = std::move(waiting_.front().on_reply);
    waiting_.pop_front();
    ArmDeadline();
    on_reply(std::move(reply));
  }
  return !alive.expired() && number == connection_number_;
}

void RespClient::WriteOutput() {
  while (output_begin_ < output_.size() && may_write_) {
    const iovec part{output_.data() + output_begin_, output_.size() - output_begin_};
    const int64_t put = transport_->Writev(&part, 1);
    if (put == -EAGAIN) {
      may_write_ = false;
    } else if (put < 0) {
      const int code = static_cast<int>(-put);
      Break({std::string("write: ") + strerror(code), code});
      return;
    } else {
      output_begin_ += static_cast<size_t>(put);
    }
  }
  if (output_begin_ == output_.size()) {
    output_.clear();
    output_begin_ = 0;
  }
}

// Commands are answered in order, so the oldest one's time is looked at. A later one with a shorter timeout
// is looked at when its turn comes.
void RespClient::ArmDeadline() {
  loop_->Cancel(deadline_timer_);
  if (waiting_.empty()) return;
  const int64_t left = std::max<int64_t>(waiting_.front().deadline_micros - loop_->FreshNowMicros(), 0);
  deadline_timer_ = loop_->After(left, [this] { Break({"no reply within the timeout", ETIMEDOUT}); });
}

// The connection has failed: tells whoever connects, the waiting commands and then the owner.
void RespClient::Break(Error error) {
  const bool was_connected = state_ == State::kConnected && on_connected_ == nullptr;
  Disconnect(error);
  if (!was_connected) return;
  loop_->Post([this, alive = std::weak_ptr(alive_), error = std::move(error)] {
    if (alive.expired()) return;
    if (const auto on_closed = on_closed_) on_closed(error);
  });
}

void RespClient::Close() {
  if (state_ != State::kIdle) Disconnect({"the connection was closed", ECANCELED});
}

void RespClient::Disconnect(const Error& error) {
  loop_->Cancel(deadline_timer_);
  if (fd_ >= 0) {
    loop_->Unwatch(fd_, *this);
    transport_->End();
    net_->Close(std::exchange(fd_, -1));
  }
  state_ = State::kIdle;
  ++connection_number_;
  parser_ = resp::ReplyParser(options_.limits);
  output_.clear();
  input_.clear();
  output_begin_ = input_begin_ = 0;
  is_subscriber_ = false;
  loop_->Post([alive = std::weak_ptr(alive_), waiting = std::exchange(waiting_, {}),
               on_connected = std::exchange(on_connected_, nullptr), error] {
    for (const Waiting& one : waiting) {
      if (alive.expired()) return;
      one.on_reply(std::unexpected(error));
    }
    if (!alive.expired() && on_connected) on_connected(std::unexpected(error));
  });
}

Result<std::unique_ptr<Stream>> RespClient::Detach() {
  HEARTH_ASSERT(state_ == State::kConnected && waiting_.empty() && output_.empty());
  loop_->Unwatch(fd_, *this);
  Socket socket{std::exchange(fd_, -1), std::move(transport_)};
  std::string received = input_.substr(input_begin_);
  Disconnect({"the connection was detached", ECANCELED});
  return Stream::Adopt(*loop_, *net_, std::move(socket), std::move(received));
}

}  // namespace hearth::net
