// For tests: a server with the whole of net/ under it and a handler that answers a few words, all on the
// test's thread; and a blocking client.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/io_threads.h"
#include "net/listener.h"
#include "resp/writer.h"

namespace hearth::net {

constexpr auto kTestDeadline = std::chrono::seconds(20);

class TestServer : public ConnectionHandler, public RequestResolver {
 public:
  explicit TestServer(int thread_count, AcceptFilter filter = nullptr)
      : listener(loop, *net, io, std::move(filter)) {
    EXPECT_TRUE(io.SetThreadCount(thread_count).has_value());
    EXPECT_TRUE(listener.Listen({.addresses = {"127.0.0.1"}, .port = 0}).has_value());
  }

  // Turns the loop until the condition holds; false at the deadline.
  bool TurnUntil(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kTestDeadline;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      loop.RunOnce(1000);
    }
    return true;
  }

  void OnOpen(Connection& connection) override {
    connection.set_authenticated(true);
    open.push_back(&connection);
  }
  void OnClosed(Connection& connection) override {
    ++closed;
    std::erase(open, &connection);
    std::erase_if(blocked, [&](Batch* batch) { return &batch->connection() == &connection; });
  }
  void OnDrained(Connection& connection) override { drained.push_back(connection.id()); }
  void Resolve(Batch& batch) override {
    for (Request& request : batch.requests()) request.command = static_cast<uint16_t>(request.arg_count);
  }
  void OnBatches(std::span<Batch*> batches) override {
    for (Batch* batch : batches) Continue(*batch);
  }

  // ECHO x, SIZE x, LONG n, QUIT, KILL, PROBE, and BLOCK, which waits for Unblock.
  void Continue(Batch& batch) {
    Connection& connection = batch.connection();
    resp::Writer writer(connection.output(), 2);
    while (batch.next < batch.requests().size()) {
      const Request& request = batch.requests()[batch.next++];
      EXPECT_EQ(request.command, request.arg_count);
      const auto args = batch.args(request);
      ++commands;
      if (args[0] == "ECHO") {
        writer.Bulk(args[1]);
      } else if (args[0] == "SIZE") {
        writer.Integer(static_cast<int64_t>(args[1].size()));
      } else if (args[0] == "LONG") {
        writer.Bulk(std::string(static_cast<size_t>(std::stoul(std::string(args[1]))), 'x'));
      } else if (args[0] == "QUIT") {
        writer.Ok();
        connection.CloseAfterReply();
      } else if (args[0] == "KILL") {
        connection.Close();
      } else if (args[0] == "PROBE") {
        EXPECT_TRUE(io.BecomeProbed(connection).has_value());
        writer.Ok();
      } else if (args[0] == "BLOCK") {
        blocked.push_back(&batch);
        return;
      } else {
        writer.Integer(static_cast<int64_t>(args.size()));
      }
    }
    if (!batch.protocol_error().empty()) {
      writer.Error("ERR " + std::string(batch.protocol_error()));
      connection.CloseAfterReply();
    }
    connection.CompleteBatch(batch);
  }
  void Unblock() {
    for (Batch* batch : std::exchange(blocked, {})) {
      resp::Writer(batch->connection().output(), 2).Simple("UNBLOCKED");
      Continue(*batch);
    }
  }

  std::unique_ptr<env::Clock> clock = env::MakeSystemClock();
  std::unique_ptr<env::Net> net = env::MakeSystemNet();
  std::unique_ptr<env::Poller> poller = std::move(*env::MakeSystemPoller());
  EventLoop loop{*poller, *clock};
  IoThreads io{loop, *net, *clock, [] { return env::MakeSystemPoller(); }, *this, *this};
  Listener listener;
  std::vector<Connection*> open;
  std::vector<Batch*> blocked;
  std::vector<uint64_t> drained;
  int closed = 0;
  int commands = 0;
};

// A client of the TestServer on the same thread: every wait turns the server's loop.
class TestClient {
 public:
  explicit TestClient(TestServer& server) : server_(&server) {
    const auto fd = server.net->Connect({.host = "127.0.0.1", .port = server.listener.port()});
    EXPECT_TRUE(fd.has_value());
    fd_ = *fd;
  }
  ~TestClient() { Close(); }

  void Close() {
    if (fd_ >= 0) server_->net->Close(fd_);
    fd_ = -1;
  }
  bool Send(std::string_view bytes) {
    return server_->TurnUntil([&] {
      const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
      const int64_t put = server_->net->Writev(fd_, &part, 1);
      if (put > 0) bytes.remove_prefix(static_cast<size_t>(put));
      return bytes.empty() || (put < 0 && put != -EAGAIN && put != -ENOTCONN);
    });
  }
  // What came until there are `size` bytes, or the end of the stream.
  std::string Receive(size_t size) {
    std::string all;
    EXPECT_TRUE(server_->TurnUntil([&] {
      std::string piece(std::clamp<size_t>(size - all.size(), 1, 256 * 1024), '\0');
      const int64_t got = server_->net->Read(fd_, piece.data(), piece.size());
      if (got > 0) all.append(piece, 0, static_cast<size_t>(got));
      at_end = got == 0 || (got < 0 && got != -EAGAIN);
      return all.size() >= size || at_end;
    })) << "received so far: "
        << all;
    return all;
  }
  std::string ReceiveAll() { return Receive(1u << 30); }

  bool at_end = false;
  int fd() const { return fd_; }

 private:
  TestServer* server_;
  int fd_ = -1;
};

}  // namespace hearth::net
