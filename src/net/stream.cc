#include "net/stream.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace hearth::net {
namespace {

std::unexpected<Error> FailWith(const char* what, int code) {
  return Fail(std::string(what) + ": " + strerror(code), code);
}

}  // namespace

Stream::Readiness::~Readiness() {
  stream_->loop_->Cancel(timer_);
  if (stream_->Waiter(for_writing_) == this) stream_->Waiter(for_writing_) = nullptr;
}

void Stream::Readiness::await_suspend(std::coroutine_handle<> waiting) {
  HEARTH_ASSERT(stream_->Waiter(for_writing_) == nullptr);
  waiting_ = waiting;
  stream_->Waiter(for_writing_) = this;
  if (timeout_micros_ != kNoTimeout) timer_ = stream_->loop_->After(timeout_micros_, [this] { Fire(true); });
}

void Stream::Readiness::Fire(bool timed_out) {
  timed_out_ = timed_out;
  stream_->Waiter(for_writing_) = nullptr;
  waiting_.resume();
}

Task<Result<std::unique_ptr<Stream>>> Stream::Connect(EventLoop& loop, env::Net& net, env::Endpoint endpoint,
                                                      int64_t timeout_micros,
                                                      std::shared_ptr<const TlsContext> tls) {
  const auto fd = net.Connect(endpoint);
  if (!fd) co_return std::unexpected(fd.error());
  auto adopted = Adopt(loop, net, {*fd, nullptr});
  if (!adopted) co_return std::unexpected(adopted.error());
  std::unique_ptr<Stream> stream = std::move(*adopted);
  Readiness writable(*stream, true, timeout_micros);
  const bool in_time = co_await writable;
  const int code = !in_time ? ETIMEDOUT : stream->is_closed() ? ECANCELED : net.ConnectError(stream->fd_);
  const std::string name =
      endpoint.unix_path.empty() ? endpoint.host + ":" + std::to_string(endpoint.port) : endpoint.unix_path;
  if (code != 0) co_return FailWith(("cannot connect to " + name).c_str(), code);
  if (tls != nullptr) {
    Task<Status> greeting = stream->Handshake(std::move(tls), timeout_micros);
    const Status greeted = co_await greeting;
    if (!greeted) {
      co_return Fail("cannot connect to " + name + " by TLS: " + greeted.error().message,
                     greeted.error().code);
    }
  }
  co_return std::move(stream);
}

Task<Status> Stream::Handshake(std::shared_ptr<const TlsContext> tls, int64_t timeout_micros) {
  transport_ = tls->Connect(*net_, fd_);
  const int64_t deadline = loop_->FreshNowMicros() + timeout_micros;
  for (;;) {
    if (fd_ < 0) co_return FailWith("handshake", ECANCELED);
    const int outcome = transport_->Handshake();
    if (outcome == 0) co_return Status();
    if (outcome != -EAGAIN) co_return Fail(transport_->failure(), -outcome);
    const int64_t left =
        timeout_micros == kNoTimeout ? kNoTimeout : std::max<int64_t>(deadline - loop_->FreshNowMicros(), 0);
    // Whatever happens to the socket ends this wait.
    Readiness ready(*this, false, left);
    const bool in_time = co_await ready;
    if (!in_time) co_return FailWith("handshake", ETIMEDOUT);
  }
}

Result<std::unique_ptr<Stream>> Stream::Adopt(EventLoop& loop, env::Net& net, Socket socket,
                                              std::string received) {
  const int fd = socket.fd;
  if (socket.transport == nullptr) socket.transport = std::make_unique<PlainTransport>(net, fd);
  // lint: allow raw-new because make_unique cannot reach the private constructor
  std::unique_ptr<Stream> stream(new Stream(loop, net, std::move(socket), std::move(received)));
  const Status watched =
      loop.Watch(fd, env::kReadable | env::kWritable | env::kPeerClosed | env::kEdgeTriggered, *stream);
  if (!watched) return std::unexpected(watched.error());
  return stream;
}

Stream::~Stream() {
  HEARTH_ASSERT(reader_ == nullptr && writer_ == nullptr);
  Close();
}

void Stream::Close() {
  if (fd_ < 0) return;
  loop_->Unwatch(fd_, *this);
  transport_->End();
  net_->Close(fd_);
  fd_ = -1;
  // Resumed by the loop, not from here: the caller may be one of them.
  for (Readiness* waiter : {reader_, writer_}) {
    if (waiter == nullptr) continue;
    loop_->Cancel(waiter->timer_);
    waiter->timer_ = loop_->After(0, [waiter] { waiter->Fire(false); });
  }
}

Socket Stream::Release() {
  HEARTH_ASSERT(fd_ >= 0 && reader_ == nullptr && writer_ == nullptr);
  loop_->Unwatch(fd_, *this);
  return {std::exchange(fd_, -1), std::move(transport_)};
}

// What TLS has met says more than the code.
std::unexpected<Error> Stream::Failed(const char* what, int code) const {
  const std::string text = transport_->failure();
  return text.empty() ? FailWith(what, code) : Fail(std::string(what) + ": " + text, code);
}

void Stream::OnEvents(uint32_t flags) {
  const bool failed = (flags & env::kHangUp) != 0;
  if (failed || (flags & (env::kReadable | env::kPeerClosed))) may_read_ = true;
  if (failed || (flags & env::kWritable)) may_write_ = true;
  // TLS may have to write in order to read, and the reverse.
  if (transport_->is_tls()) may_read_ = may_write_ = true;
  // Resuming one may end the other, and this stream with it: the second is told through the loop.
  Readiness* const writer = may_write_ ? writer_ : nullptr;
  Readiness* const reader = may_read_ ? reader_ : nullptr;
  if (writer != nullptr && reader != nullptr) {
    loop_->Cancel(writer->timer_);
    writer->timer_ = loop_->After(0, [writer] { writer->Fire(false); });
  }
  if (reader != nullptr) {
    reader->Fire(false);
  } else if (writer != nullptr) {
    writer->Fire(false);
  }
}

Task<Result<size_t>> Stream::ReadSome(std::span<char> to, int64_t timeout_micros) {
  if (!received_.empty()) {
    const size_t size = std::min(to.size(), received_.size());
    memcpy(to.data(), received_.data(), size);
    received_.erase(0, size);
    co_return size;
  }
  const int64_t deadline = loop_->FreshNowMicros() + timeout_micros;
  for (;;) {
    if (fd_ < 0) co_return FailWith("read", ECANCELED);
    if (may_read_) {
      const int64_t got = transport_->Read(to.data(), to.size());
      if (got >= 0) co_return static_cast<size_t>(got);
      if (got != -EAGAIN) co_return Failed("read", static_cast<int>(-got));
      may_read_ = false;
    }
    const int64_t left =
        timeout_micros == kNoTimeout ? kNoTimeout : std::max<int64_t>(deadline - loop_->FreshNowMicros(), 0);
    Readiness readable(*this, false, left);
    const bool in_time = co_await readable;
    if (!in_time) co_return FailWith("read", ETIMEDOUT);
  }
}

Task<Result<std::string>> Stream::ReadLine(size_t max_bytes, int64_t timeout_micros) {
  const int64_t deadline = loop_->FreshNowMicros() + timeout_micros;
  std::string line;
  for (;;) {
    char piece[1024];
    const int64_t left =
        timeout_micros == kNoTimeout ? kNoTimeout : std::max<int64_t>(deadline - loop_->FreshNowMicros(), 0);
    Task<Result<size_t>> reading = ReadSome(piece, left);
    const Result<size_t> got = co_await reading;
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return FailWith("read", ECONNRESET);
    const std::string_view bytes(piece, *got);
    const size_t end = bytes.find('\n');
    line.append(bytes.substr(0, end));
    if (line.size() > max_bytes + 1)
      co_return Fail("line is longer than " + std::to_string(max_bytes) + " bytes");
    if (end == std::string_view::npos) continue;
    received_.insert(0, bytes.substr(end + 1));
    if (line.ends_with('\r')) line.pop_back();
    co_return std::move(line);
  }
}

Task<Status> Stream::WriteAll(std::string_view bytes, int64_t timeout_micros) {
  while (!bytes.empty()) {
    if (fd_ < 0) co_return FailWith("write", ECANCELED);
    if (may_write_) {
      const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
      const int64_t put = transport_->Writev(&part, 1);
      if (put >= 0) {
        bytes.remove_prefix(static_cast<size_t>(put));
        continue;
      }
      if (put != -EAGAIN) co_return Failed("write", static_cast<int>(-put));
      may_write_ = false;
    }
    Readiness writable(*this, true, timeout_micros);
    const bool in_time = co_await writable;
    if (!in_time) co_return FailWith("write", ETIMEDOUT);
  }
  co_return Status();
}

}  // namespace hearth::net
