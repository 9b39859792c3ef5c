// For tests: a network of one connection in memory, whose two ends are descriptors 0 and 1. It moves bytes in
// pieces of random sizes, and as often as not says that it is not ready.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/prng.h"
#include "env/net.h"

namespace hearth::net {

class PipeNet final : public env::Net {
 public:
  explicit PipeNet(uint64_t seed) : random_(seed) {}

  // What the end has sent and the other has not read yet.
  std::string& sent_by(int end) { return sent_[end]; }
  // The end sends no more.
  void Finish(int end) { is_finished_[end] = true; }
  // Everything is ready, and all of it moves at once.
  void set_is_calm(bool is_calm) { is_calm_ = is_calm; }
  // The most that may be on its way.
  void set_capacity(size_t bytes) { capacity_ = bytes; }

  int64_t Read(int fd, char* to, size_t size) override {
    std::string& from = sent_[1 - fd];
    if (from.empty()) return is_finished_[1 - fd] ? 0 : -EAGAIN;
    const size_t moved = Piece(std::min(size, from.size()));
    if (moved == 0) return -EAGAIN;
    memcpy(to, from.data(), moved);
    from.erase(0, moved);
    return static_cast<int64_t>(moved);
  }
  int64_t Writev(int fd, const iovec* parts, int count) override {
    if (is_finished_[1 - fd]) return -EPIPE;
    int64_t written = 0;
    for (int i = 0; i < count; ++i) {
      const size_t room = capacity_ - std::min(capacity_, sent_[fd].size());
      const size_t moved = Piece(std::min(parts[i].iov_len, room));
      sent_[fd].append(static_cast<const char*>(parts[i].iov_base), moved);
      written += static_cast<int64_t>(moved);
      if (moved < parts[i].iov_len) break;
    }
    return written > 0 ? written : -EAGAIN;
  }
  void Close(int fd) override { Finish(fd); }
  std::string Address(int, env::AddressOf) override { return "memory:0"; }

  Result<int> ListenTcp(std::string_view, int, int, bool) override { return Fail("no listening here"); }
  Result<int> ListenUnix(std::string_view, uint32_t, int) override { return Fail("no listening here"); }
  int Accept(int) override { return -EAGAIN; }
  Result<int> Connect(const env::Endpoint&) override { return Fail("no connecting here"); }
  int ConnectError(int) override { return 0; }
  Status Configure(int, const env::SocketOptions&) override { return {}; }

 private:
  size_t Piece(size_t most) {
    if (is_calm_ || most == 0) return most;
    if (random_.Below(3) == 0) return 0;
    return random_.Below(2) == 0 ? most : 1 + random_.Below(most);
  }

  Prng random_;
  std::string sent_[2];
  bool is_finished_[2] = {};
  bool is_calm_ = false;
  size_t capacity_ = 1 << 20;
};

}  // namespace hearth::net
