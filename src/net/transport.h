// How a connection's bytes reach its socket: plainly, or through TLS (tls_transport.h). Used by the
// connection's I/O thread; while the socket is lent (socket_lease.h) another thread writes through it as
// well.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "env/net.h"

namespace hearth::net {

class Transport {
 public:
  virtual ~Transport() = default;

  // Bytes moved, 0 for the peer's orderly end (Read), or a negated errno; -EAGAIN when the socket is not
  // ready. Fewer bytes than were asked for mean that the socket has no more, or takes no more, for now.
  virtual int64_t Read(char* to, size_t size) = 0;
  virtual int64_t Writev(const iovec* parts, int count) = 0;

  // What two ends have to agree on before bytes can flow: 0 once they have, -EAGAIN while the socket has to
  // become ready, or another negated errno, and then failure() says why.
  virtual int Handshake() { return 0; }
  virtual std::string failure() const { return {}; }
  // Says an orderly goodbye, if the socket takes it at once. Before the socket is closed.
  virtual void End() {}

  bool is_tls() const { return is_tls_; }
  // No more than so much should be asked of one call: it would take long.
  size_t most_bytes() const { return most_bytes_; }
  // The last Read gave bytes and then met the end of the stream, of which no readiness will tell.
  bool has_met_end() const { return has_met_end_; }

 protected:
  Transport() = default;
  Transport(bool is_tls, size_t most_bytes) : is_tls_(is_tls), most_bytes_(most_bytes) {}

  bool has_met_end_ = false;

 private:
  const bool is_tls_ = false;
  const size_t most_bytes_ = std::numeric_limits<size_t>::max();
};

class PlainTransport final : public Transport {
 public:
  PlainTransport(env::Net& net, int fd) : net_(&net), fd_(fd) {}
  int64_t Read(char* to, size_t size) override { return net_->Read(fd_, to, size); }
  int64_t Writev(const iovec* parts, int count) override { return net_->Writev(fd_, parts, count); }

 private:
  env::Net* net_;
  int fd_;
};

// A connected socket on its way from one owner to the next; without a transport, it is spoken to plainly.
struct Socket {
  int fd = -1;
  std::unique_ptr<Transport> transport;
};

// The parts that hold the first `most` bytes; the last of them is cut where those end.
inline int TrimParts(iovec* parts, int count, size_t most) {
  for (int i = 0; i < count; ++i) {
    if (parts[i].iov_len >= most) {
      parts[i].iov_len = most;
      return i + 1;
    }
    most -= parts[i].iov_len;
  }
  return count;
}

}  // namespace hearth::net
