#include "env/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace hearth::env {
namespace {

// Closes a descriptor unless it is released: for calls that may fail half-way.
class OwnedFd {
 public:
  explicit OwnedFd(int fd) : fd_(fd) {}
  ~OwnedFd() {
    if (fd_ >= 0) close(fd_);
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

std::unexpected<Error> FailWithErrno(std::string what, int code) {
  return Fail(std::move(what) + ": " + strerror(code), code);
}

// Numeric text only: names would block.
std::optional<SocketAddress> ParseAddress(std::string_view text, int port) {
  SocketAddress address;
  const std::string host(text == "*" ? "0.0.0.0" : text == "::*" ? "::" : text);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    address.size = sizeof(sockaddr_in);
    return address;
  }
  // getaddrinfo, since it knows scopes such as fe80::1%eth0.
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_family = AF_INET6;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(static_cast<uint16_t>(port));
  return address;
}

Result<SocketAddress> UnixAddress(std::string_view path) {
  SocketAddress address;
  auto* to = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof(to->sun_path)) {
    return Fail("Unix socket path is longer than " + std::to_string(sizeof(to->sun_path) - 1) +
                    " bytes: " + std::string(path),
                ENAMETOOLONG);
  }
  to->sun_family = AF_UNIX;
  memcpy(to->sun_path, path.data(), path.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

int OpenSocket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

bool SetInt(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

std::string FormatAddress(const SocketAddress& address, const std::string& unix_path) {
  char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(ntohs(v4->sin_port));
  }
  if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6->sin6_port));
  }
  return unix_path + ":0";
}

class SystemNet final : public Net {
 public:
  Result<int> ListenTcp(std::string_view address, int port, int backlog, bool v6_only) override {
    const std::string name = std::string(address) + ":" + std::to_string(port);
    auto parsed = ParseAddress(address, port);
    if (!parsed) return Fail("cannot listen on " + name + ": not an IP address", EINVAL);
    OwnedFd fd(OpenSocket(parsed->family()));
    if (fd.get() < 0) return FailWithErrno("cannot listen on " + name + ": socket", errno);
    if (parsed->family() == AF_INET6) SetInt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, v6_only);
    // A restarted server must not wait for its predecessor's connections to leave TIME_WAIT.
    SetInt(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd.get(), parsed->get(), parsed->size) != 0 || listen(fd.get(), backlog) != 0) {
      return FailWithErrno("cannot listen on " + name, errno);
    }
    return fd.release();
  }

  Result<int> ListenUnix(std::string_view path, uint32_t permissions, int backlog) override {
    const std::string name(path);
    auto address = UnixAddress(path);
    if (!address) return std::unexpected(address.error());
    OwnedFd fd(OpenSocket(AF_UNIX));
    if (fd.get() < 0) return FailWithErrno("cannot listen on " + name + ": socket", errno);
    unlink(name.c_str());
    if (bind(fd.get(), address->get(), address->size) != 0 || listen(fd.get(), backlog) != 0) {
      return FailWithErrno("cannot listen on " + name, errno);
    }
    if (permissions != 0 && chmod(name.c_str(), permissions) != 0) {
      return FailWithErrno("cannot set the permissions of " + name, errno);
    }
    return fd.release();
  }

  int Accept(int listener) override {
    for (;;) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) return fd;
      // The first two: that one connection is gone already, others may wait.
      if (errno != EINTR && errno != ECONNABORTED) return -errno;
    }
  }

  Result<int> Connect(const Endpoint& endpoint) override {
    if (!endpoint.unix_path.empty()) {
      auto address = UnixAddress(endpoint.unix_path);
      if (!address) return std::unexpected(address.error());
      return StartConnect(*address, endpoint.unix_path, std::nullopt);
    }
    const std::string name = endpoint.host + ":" + std::to_string(endpoint.port);
    auto address = ParseAddress(endpoint.host, endpoint.port);
    if (!address) return Fail("cannot connect to " + name + ": not an IP address", EINVAL);
    std::optional<SocketAddress> source;
    if (!endpoint.source_address.empty()) {
      source = ParseAddress(endpoint.source_address, 0);
      if (!source) return Fail("not an IP address to connect from: " + endpoint.source_address, EINVAL);
    }
    return StartConnect(*address, name, source);
  }

  int ConnectError(int fd) override {
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
  }

  int64_t Read(int fd, char* to, size_t size) override {
    for (;;) {
      const ssize_t got = recv(fd, to, size, 0);
      if (got >= 0) return got;
      if (errno != EINTR) return -errno;
    }
  }

  int64_t Writev(int fd, const iovec* parts, int count) override {
    for (;;) {
      ssize_t put;
      if (count == 1) {
        put = send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
      } else {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts);
        message.msg_iovlen = static_cast<size_t>(count);
        put = sendmsg(fd, &message, MSG_NOSIGNAL);
      }
      if (put >= 0) return put;
      if (errno != EINTR) return -errno;
    }
  }

  void Close(int fd) override { close(fd); }

  Status Configure(int fd, const SocketOptions& options) override {
    int family = 0;
    socklen_t size = sizeof(family);
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) {
      return FailWithErrno("getsockopt", errno);
    }
    if (family != AF_INET && family != AF_INET6) return {};
    bool good = SetInt(fd, IPPROTO_TCP, TCP_NODELAY, options.no_delay);
    good = SetInt(fd, SOL_SOCKET, SO_KEEPALIVE, options.keepalive_seconds > 0) && good;
    if (options.keepalive_seconds > 0) {
      good = SetInt(fd, IPPROTO_TCP, TCP_KEEPIDLE, options.keepalive_seconds) && good;
      good = SetInt(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, options.keepalive_seconds / 3)) && good;
      good = SetInt(fd, IPPROTO_TCP, TCP_KEEPCNT, 3) && good;
    }
    if (!good) return FailWithErrno("setsockopt", errno);
    return {};
  }

  std::string Address(int fd, AddressOf side) override {
    SocketAddress address;
    address.size = sizeof(address.storage);
    auto* read = side == AddressOf::kPeer ? getpeername : getsockname;
    if (read(fd, address.get(), &address.size) != 0) return "?:0";
    std::string unix_path;
    if (address.family() == AF_UNIX) {
      // Clients' ends have no path of their own; the listening end's path stands for both.
      SocketAddress local;
      local.size = sizeof(local.storage);
      if (getsockname(fd, local.get(), &local.size) == 0 && local.size > offsetof(sockaddr_un, sun_path)) {
        unix_path = reinterpret_cast<const sockaddr_un*>(&local.storage)->sun_path;
      }
    }
    return FormatAddress(address, unix_path);
  }

 private:
  static Result<int> StartConnect(SocketAddress& address, const std::string& name,
                                  std::optional<SocketAddress> source) {
    OwnedFd fd(OpenSocket(address.family()));
    if (fd.get() < 0) return FailWithErrno("cannot connect to " + name + ": socket", errno);
    if (source && bind(fd.get(), source->get(), source->size) != 0) {
      return FailWithErrno("cannot connect to " + name + ": bind to the source address", errno);
    }
    if (connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) {
      return FailWithErrno("cannot connect to " + name, errno);
    }
    return fd.release();
  }
};

class SystemNameResolver final : public NameResolver {
 public:
  Result<std::string> Resolve(const std::string& host) override {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (code != 0) return Fail("cannot resolve " + host + ": " + gai_strerror(code));
    char text[NI_MAXHOST];
    const int named =
        getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    if (named != 0) return Fail("cannot resolve " + host + ": " + gai_strerror(named));
    return std::string(text);
  }
};

}  // namespace

std::unique_ptr<Net> MakeSystemNet() { return std::make_unique<SystemNet>(); }

std::unique_ptr<NameResolver> MakeSystemNameResolver() { return std::make_unique<SystemNameResolver>(); }

}  // namespace hearth::env
