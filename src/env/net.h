// Sockets and readiness, as everything above env/ sees them. Net is stateless and thread-safe; a Poller
// belongs to one thread, except for Wake(). Calls that move bytes return a count >= 0 or a negated errno and
// never block.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::env {

// Where to connect to: an IP address with a port, or a Unix socket path.
struct Endpoint {
  std::string host;  // numeric IPv4 or IPv6 address; resolve names first (NameResolver)
  int port = 0;
  std::string unix_path;       // used instead of host and port when not empty
  std::string source_address;  // numeric address to bind the outgoing socket to; empty = any
};

struct SocketOptions {
  bool no_delay = true;
  int keepalive_seconds = 0;  // 0 = off; otherwise first probe after this long, then every third of it
};

enum class AddressOf { kPeer, kLocal };

class Net {
 public:
  virtual ~Net() = default;

  // Listening sockets, non-blocking. `address` is numeric; "*" and "::*" mean all IPv4 and all IPv6
  // addresses. IPv6 sockets are IPv6-only when `v6_only`. Port 0 takes a free one (see Address).
  virtual Result<int> ListenTcp(std::string_view address, int port, int backlog, bool v6_only) = 0;
  // Replaces a stale socket file. `permissions` as chmod's; 0 leaves the umask's.
  virtual Result<int> ListenUnix(std::string_view path, uint32_t permissions, int backlog) = 0;

  // The next connection's descriptor (non-blocking, close-on-exec), or a negated errno (-EAGAIN: none waits).
  virtual int Accept(int listener) = 0;

  // Starts a non-blocking connect; when the descriptor becomes writable, ConnectError tells how it went (0 =
  // well).
  virtual Result<int> Connect(const Endpoint& endpoint) = 0;
  virtual int ConnectError(int fd) = 0;

  // 0 from Read is the peer's orderly end.
  virtual int64_t Read(int fd, char* to, size_t size) = 0;
  virtual int64_t Writev(int fd, const iovec* parts, int count) = 0;
  virtual void Close(int fd) = 0;

  // Options that do not apply to the socket's family are skipped.
  virtual Status Configure(int fd, const SocketOptions& options) = 0;

  // "127.0.0.1:6379", "[::1]:6379", or "/path:0" for Unix sockets: the form that CLIENT LIST prints.
  virtual std::string Address(int fd, AddressOf side) = 0;
};

std::unique_ptr<Net> MakeSystemNet();

// Host name to numeric address. Blocks for as long as the system's resolver does, so callers with deadlines
// run it on a worker thread; numeric addresses come back at once.
class NameResolver {
 public:
  virtual ~NameResolver() = default;
  virtual Result<std::string> Resolve(const std::string& host) = 0;
};

std::unique_ptr<NameResolver> MakeSystemNameResolver();

enum PollFlags : uint32_t {
  kReadable = 1,
  kWritable = 2,
  kPeerClosed = 4,      // the peer has shut down its sending side
  kHangUp = 8,          // error or both sides closed; reported always
  kEdgeTriggered = 16,  // interest only: report changes, not states
};

struct PollEvent {
  void* tag;
  uint32_t flags;
};

class Poller {
 public:
  virtual ~Poller() = default;

  virtual Status Add(int fd, uint32_t interest, void* tag) = 0;
  virtual Status Modify(int fd, uint32_t interest, void* tag) = 0;
  virtual void Remove(int fd) = 0;

  // Waits until something is ready, Wake() is called, or `timeout_micros` have passed (0 = do not wait, -1 =
  // no limit). Returns the number of events written; a wake-up or a signal writes none.
  virtual int Wait(std::span<PollEvent> events, int64_t timeout_micros) = 0;

  // Ends the current or the next Wait. Any thread.
  virtual void Wake() = 0;
};

Result<std::unique_ptr<Poller>> MakeSystemPoller();

}  // namespace hearth::env
