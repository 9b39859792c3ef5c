// How a connection's bytes reach its socket: plainly, or through TLS. Used by the connection's I/O thread.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "env/net.h"

namespace hearth::net {

class Transport {
 public:
  virtual ~Transport() = default;
  // Bytes moved, 0 for the peer's orderly end (Read), or a negated errno; -EAGAIN when the socket is not
  // ready.
  virtual int64_t Read(char* to, size_t size) = 0;
  virtual int64_t Writev(const iovec* parts, int count) = 0;
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

}  // namespace hearth::net
