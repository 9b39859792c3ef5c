#include "net/listener.h"

#include <errno.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/numbers.h"

namespace hearth::net {

struct Listener::Socket final : EventHandler {
  Socket(Listener& listener, int fd, std::string name, bool is_unix)
      : owner(&listener), fd(fd), name(std::move(name)), is_unix(is_unix) {}
  ~Socket() override {
    owner->loop_->Cancel(retry);
    if (is_watched) owner->loop_->Unwatch(fd, *this);
    owner->net_->Close(fd);
  }
  void OnEvents(uint32_t) override { owner->AcceptFrom(*this); }

  Listener* owner;
  int fd;
  std::string name;  // "address port", or the Unix path
  bool is_unix;
  bool is_watched = false;
  TimerId retry = 0;
};

Listener::Listener(EventLoop& loop, env::Net& net, IoThreads& connections, AcceptFilter filter)
    : loop_(&loop), net_(&net), connections_(&connections), filter_(std::move(filter)) {}

Listener::~Listener() = default;

void Listener::Close() { sockets_.clear(); }

// An address that is listened on already is carried over; the others are opened first, so that a failure
// leaves everything as it was.
Status Listener::Listen(const ListenOptions& options) {
  std::vector<std::unique_ptr<Socket>> opened;
  std::vector<std::string> kept;
  const auto is_open = [this](const std::string& name) {
    return std::any_of(sockets_.begin(), sockets_.end(), [&](const auto& s) { return s->name == name; });
  };
  size_t failed = 0;
  Error last_error;
  for (const std::string& text : options.addresses) {
    const bool is_optional = text.starts_with('-');
    const std::string address = is_optional ? text.substr(1) : text;
    const std::string name = address + " " + std::to_string(options.port);
    if (is_open(name)) {
      kept.push_back(name);
      continue;
    }
    auto fd = net_->ListenTcp(address, options.port, options.backlog, /*v6_only=*/true);
    if (fd) {
      opened.push_back(std::make_unique<Socket>(*this, *fd, name, false));
      continue;
    }
    const int code = fd.error().code;
    const bool is_unavailable =
        code == EADDRNOTAVAIL || code == EAFNOSUPPORT || code == EPROTONOSUPPORT || code == ENOPROTOOPT;
    if (!is_optional || !is_unavailable) return std::unexpected(fd.error());
    ++failed;
    last_error = fd.error();
  }
  if (failed > 0 && failed == options.addresses.size()) return std::unexpected(last_error);
  if (!options.unix_path.empty()) {
    if (is_open(options.unix_path)) {
      kept.push_back(options.unix_path);
    } else {
      auto fd = net_->ListenUnix(options.unix_path, options.unix_permissions, options.backlog);
      if (!fd) return std::unexpected(fd.error());
      opened.push_back(std::make_unique<Socket>(*this, *fd, options.unix_path, true));
    }
  }
  for (auto& socket : opened) {
    HEARTH_TRY(loop_->Watch(socket->fd, env::kReadable, *socket));
    socket->is_watched = true;
  }
  std::erase_if(sockets_, [&](const auto& socket) {
    return std::find(kept.begin(), kept.end(), socket->name) == kept.end();
  });
  std::move(opened.begin(), opened.end(), std::back_inserter(sockets_));
  return {};
}

int Listener::port() const {
  for (const auto& socket : sockets_) {
    if (socket->is_unix) continue;
    const std::string address = net_->Address(socket->fd, env::AddressOf::kLocal);
    return static_cast<int>(ParseInt64(std::string_view(address).substr(address.rfind(':') + 1)).value_or(0));
  }
  return 0;
}

void Listener::AcceptFrom(Socket& socket) {
  for (int i = 0; i < most_accepts_; ++i) {
    const int fd = net_->Accept(socket.fd);
    if (fd < 0) {
      if (fd != -EAGAIN) RestAfterError(socket, -fd);
      return;
    }
    // A socket that lacks an option still serves.
    static_cast<void>(net_->Configure(fd, {.no_delay = true, .keepalive_seconds = keepalive_seconds_}));
    connections_->Adopt({fd, make_transport_ ? make_transport_(fd) : nullptr}, socket.is_unix, filter_);
  }
}

// Out of descriptors, most likely: the socket stays readable, so watching it would turn the loop without
// rest.
void Listener::RestAfterError(Socket& socket, int code) {
  loop_->Unwatch(socket.fd, socket);
  socket.is_watched = false;
  socket.retry = loop_->After(kRestMicros, [this, &socket] {
    socket.is_watched = loop_->Watch(socket.fd, env::kReadable, socket).has_value();
  });
  if (on_accept_error_) on_accept_error_(code);
}

}  // namespace hearth::net
