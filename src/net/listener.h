// The sockets that clients connect to. Owned by the server, used on the engine thread; accepted sockets go to
// IoThreads::Adopt.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/net.h"
#include "net/event_loop.h"
#include "net/handlers.h"
#include "net/io_threads.h"

namespace hearth::net {

struct ListenOptions {
  // As `bind`: numeric addresses, "*" for all IPv4 and "::*" for all IPv6 addresses. A leading '-' means that
  // it is no error if the address or its family is not available here.
  std::vector<std::string> addresses = {"*", "-::*"};
  int port = 6379;  // 0 = any free one; for no TCP at all, leave `addresses` empty
  int backlog = 511;
  std::string unix_path;          // empty = no Unix socket
  uint32_t unix_permissions = 0;  // 0 = as the umask has it
};

class Listener {
 public:
  static constexpr int kMostAccepts = 1000;
  // After an error the socket is left alone for so long; connections wait in its backlog.
  static constexpr int64_t kRestMicros = 100'000;

  Listener(EventLoop& loop, env::Net& net, IoThreads& connections, AcceptFilter filter);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Opens the sockets, replacing those that are open now. If it fails, what was open before stays; the error
  // says which address could not be listened on and why. An address that was already open keeps its socket.
  Status Listen(const ListenOptions& options);
  // Stops listening; connections stay.
  void Close();

  // What accepted sockets are spoken to through, if not plainly.
  using TransportMaker = std::function<std::unique_ptr<Transport>(int fd)>;
  void set_transport_maker(TransportMaker make) { make_transport_ = std::move(make); }
  // Connections taken from one listening socket in one turn.
  void set_most_accepts(int count) { most_accepts_ = count; }
  // Called with the errno when accepting fails for another reason than that nobody waits (out of
  // descriptors).
  void set_on_accept_error(std::function<void(int)> fn) { on_accept_error_ = std::move(fn); }
  void set_keepalive_seconds(int seconds) { keepalive_seconds_ = seconds; }
  // The TCP port in use (of interest after listening on port 0), or 0.
  int port() const;

 private:
  struct Socket;

  void AcceptFrom(Socket& socket);
  void RestAfterError(Socket& socket, int code);

  EventLoop* loop_;
  env::Net* net_;
  IoThreads* connections_;
  AcceptFilter filter_;
  std::function<void(int)> on_accept_error_;
  TransportMaker make_transport_;
  int keepalive_seconds_ = 300;
  int most_accepts_ = kMostAccepts;
  std::vector<std::unique_ptr<Socket>> sockets_;
};

}  // namespace hearth::net
