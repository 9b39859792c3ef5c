// An engine with real connections and a clock that stands still, for tests of what needs them: waiting
// clients, pauses, batches. The other ends of the connections belong to the test, and everything runs on its
// thread.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "engine/testing/test_commands.h"
#include "env/testing/manual_clock.h"
#include "net/io_threads.h"

namespace hearth::engine::testing {

class ConnectedEngine : public EffectSink {
 public:
  // One client's end of a connection, from 0 up in order of connecting.
  using Peer = size_t;

  ConnectedEngine() {
    log.SetLevel(LogLevel::kNothing);
    BindCommands(engine);
    engine.effects().set_sink(this);
    loop.AddBeforeWait(net::LoopPhase::kWork, [this] { engine.BeforeWait(); });
  }
  ~ConnectedEngine() {
    engine.effects().set_sink(nullptr);
    for (int fd : peers_) {
      if (fd >= 0) ::close(fd);
    }
  }
  ConnectedEngine(const ConnectedEngine&) = delete;
  ConnectedEngine& operator=(const ConnectedEngine&) = delete;

  Peer Connect() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    net::Connection* connection = connections.Adopt({ends[0], nullptr}, true, nullptr);
    connection->set_authenticated(true);
    clients_.push_back(connection->id());
    peers_.push_back(ends[1]);
    return peers_.size() - 1;
  }
  void Disconnect(Peer peer) {
    ::close(peers_[peer]);
    peers_[peer] = -1;
    EXPECT_TRUE(TurnUntil([&] { return engine.clients().Find(clients_[peer]) == nullptr; }));
  }
  Client& ClientOf(Peer peer) { return *engine.clients().Find(clients_[peer]); }

  // Sends a line of requests, which run at once unless the client waits for something.
  void Send(Peer peer, std::string_view line) {
    const std::string bytes = std::string(line) + "\r\n";
    EXPECT_EQ(::send(peers_[peer], bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    Turn();
  }
  // All that has arrived until now.
  std::string Receive(Peer peer) {
    Turn();
    std::string bytes(64 * 1024, '\0');
    const ssize_t size = ::recv(peers_[peer], bytes.data(), bytes.size(), 0);
    bytes.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return bytes;
  }
  std::string Ask(Peer peer, std::string_view line) {
    Send(peer, line);
    return Receive(peer);
  }

  void AdvanceMs(int64_t ms) {
    clock.AdvanceMicros(ms * 1000);
    Turn();
  }
  // Enough turns for all that was sent to be read and run, and for the replies to leave.
  void Turn() {
    for (int i = 0; i < 20; ++i) loop.RunOnce(0);
  }

  // As EngineFixture::TakeEffects.
  std::vector<std::string> TakeEffects() { return std::exchange(effects_, {}); }

 private:
  template <typename Condition>
  bool TurnUntil(Condition&& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      loop.RunOnce(0);
    }
    return true;
  }

  void BeginUnit() override { effects_.push_back("("); }
  void EndUnit() override { effects_.push_back(")"); }
  void Append(int database, std::span<const std::string_view> args) override {
    std::string line = std::to_string(database) + ":";
    for (std::string_view arg : args) line.append(" ").append(arg);
    effects_.push_back(line);
  }

  std::vector<int> peers_;
  std::vector<uint64_t> clients_;
  std::vector<std::string> effects_;

 public:
  settings::Settings settings;
  env::ManualClock clock;
  Logger log;
  std::unique_ptr<env::Net> net = env::MakeSystemNet();
  std::unique_ptr<env::Poller> poller = std::move(*env::MakeSystemPoller());
  net::EventLoop loop{*poller, clock};
  Engine engine{{settings, clock, env::TickScale(1000.0), log, 1}};
  net::IoThreads connections{loop, *net, clock, [] { return env::MakeSystemPoller(); }, engine, engine};
};

}  // namespace hearth::engine::testing
