// Lets another thread write to a connection's socket for a while: the snapshot of a full sync and the log
// from disk go out on workers of their own. The connection goes on reading meanwhile, and keeps what is
// appended to its output back until the socket is given back.
//
// Made by Connection::LendSocket (engine thread), one for a connection's life. Whoever writes through it is
// done before the engine takes the socket back. When the connection is closed, writing fails from then on, so
// nobody writes to a descriptor that belongs to somebody else by then.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstdint>
#include <mutex>

#include "env/net.h"
#include "net/transport.h"

namespace hearth::net {

class SocketLease {
 public:
  SocketLease(Transport& transport, int fd)
      : transport_(&transport), most_bytes_(transport.most_bytes()), fd_(fd) {}
  SocketLease(const SocketLease&) = delete;
  SocketLease& operator=(const SocketLease&) = delete;

  // ---- any thread

  // Bytes written, or a negated errno: -EAGAIN while the socket is full or replies are still before us in it,
  // -EPIPE once the connection is closed. Never blocks.
  int64_t Writev(const iovec* parts, int count) {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return -EPIPE;
    return is_open_ ? transport_->Writev(parts, count) : -EAGAIN;
  }
  // No more should be asked of one Writev, which holds others up meanwhile.
  size_t most_bytes() const { return most_bytes_; }
  // What has been appended before is sent: the socket can be written.
  bool is_open() const {
    const std::lock_guard lock(mutex_);
    return is_open_ || is_closed_;
  }
  // Reports with `tag` when the socket can take more, edge-triggered.
  Status Watch(env::Poller& poller, void* tag) {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return Fail("the connection is closed", EPIPE);
    return poller.Add(fd_, env::kWritable | env::kEdgeTriggered, tag);
  }
  void Unwatch(env::Poller& poller) {
    const std::lock_guard lock(mutex_);
    if (!is_closed_) poller.Remove(fd_);
  }

 private:
  friend class IoLoop;
  friend class IoThreads;

  void Open() { Set(&is_open_, true); }
  void Suspend() { Set(&is_open_, false); }
  void Close() { Set(&is_closed_, true); }
  void Set(bool* flag, bool value) {
    const std::lock_guard lock(mutex_);
    *flag = value;
  }

  mutable std::mutex mutex_;
  Transport* const transport_;  // gone once it is closed
  const size_t most_bytes_;
  const int fd_;
  bool is_open_ = false;    // under mutex_
  bool is_closed_ = false;  // under mutex_
};

}  // namespace hearth::net
