#include "replication/replicas.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/testing/test_commands.h"
#include "env/testing/faulty_disk.h"
#include "env/testing/manual_clock.h"
#include "settings/testing/memory_source.h"

namespace hearth::replication {
namespace {

// A primary on a disk in memory, with a clock that the test moves. The replicas' ends of the connections
// belong to the test, and all but the workers runs on its thread.
class ReplicasTest : public ::testing::Test {
 protected:
  using Peer = size_t;

  ReplicasTest() {
    log_.SetLevel(LogLevel::kNothing);
    EXPECT_TRUE(configuration_.Load({.options = {"--save", ""}}, {}, {}).has_value());
    engine::testing::BindCommands(engine_);
    engine::CommandTable& table = engine_.commands();
    table.Bind("replconf", engine::MakeHandler<&Replicas::Replconf>(replicas_));
    table.Bind("psync", engine::MakeHandler<&Replicas::Psync>(replicas_));
    table.Bind("sync", engine::MakeHandler<&Replicas::Sync>(replicas_));
    engine_.hooks().on_close = [this](engine::Client& client) { replicas_.OnClosed(client); };
    EXPECT_TRUE(persistence_.Start().has_value());
    loop_.AddBeforeWait(net::LoopPhase::kWork, [this] {
      engine_.BeforeWait();
      persistence_.BeforeWait();
      replicas_.Pump();
    });
  }
  ~ReplicasTest() override {
    replicas_.DropAll("the test is over");
    for (const int fd : peers_) ::close(fd);
  }

  Peer Connect() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    connections_.Adopt({.fd = ends[0], .transport = nullptr}, true, nullptr)->set_authenticated(true);
    peers_.push_back(ends[1]);
    received_.emplace_back();
    return peers_.size() - 1;
  }
  void Send(Peer peer, const std::string& line) {
    const std::string bytes = line + "\r\n";
    EXPECT_EQ(::send(peers_[peer], bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    Turn();
  }
  void Turn() {
    for (int i = 0; i < 10; ++i) loop_.RunOnce(0);
  }
  void AdvanceMs(int64_t ms) {
    clock_.AdvanceMicros(ms * 1000);
    replicas_.Tick();
    Turn();
  }
  bool TurnUntil(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      loop_.RunOnce(1000);
    }
    return true;
  }
  void Read(Peer peer) {
    char bytes[65536];
    for (ssize_t size; (size = ::recv(peers_[peer], bytes, sizeof bytes, 0)) > 0;)
      received_[peer].append(bytes, static_cast<size_t>(size));
  }
  // All up to and including `end`, or what there was at the deadline.
  std::string ReceiveUntil(Peer peer, std::string_view end) {
    size_t at = 0;
    EXPECT_TRUE(TurnUntil([&] {
      Read(peer);
      at = received_[peer].find(end);
      return at != std::string::npos;
    })) << "no "
        << end << " in what came: " << received_[peer].substr(0, 1000);
    const std::string taken = received_[peer].substr(0, at + end.size());
    received_[peer].erase(0, taken.size());
    return taken;
  }
  // What has come up to now.
  std::string ReceiveNow(Peer peer) {
    Turn();
    Read(peer);
    return std::exchange(received_[peer], {});
  }
  void Write(const std::string& key, const std::string& value) {
    const std::string_view args[] = {"SET", key, value};
    engine_.Run(writer_, args, engine_.commands().FindId("set"), 0);
    output_.Clear();
  }
  void Set(const std::string& name, const std::string& value) {
    const std::vector<std::pair<std::string, std::string>> pairs = {{name, value}};
    ASSERT_TRUE(configuration_.Set(pairs, {}).has_value());
  }
  // A replica that came by SYNC and is online.
  Peer ConnectBySync() {
    const Peer peer = Connect();
    Send(peer, "SYNC");
    EXPECT_TRUE(TurnUntil([&] { return !replicas_.list().empty() && replicas_.list().back().is_online; }));
    Read(peer);
    received_[peer].clear();
    return peer;
  }
  // One that knows where it is, and acknowledges.
  Peer ConnectAndContinue() {
    if (!persistence_.is_log_wanted()) persistence_.WantLog(true);
    const Peer peer = Connect();
    Send(peer, "PSYNC " + persistence_.history().id + " " + std::to_string(offset() + 1));
    EXPECT_EQ(ReceiveUntil(peer, "\r\n"), "+CONTINUE\r\n");
    return peer;
  }
  uint64_t offset() { return persistence_.write_log().end_offset(); }

  env::FaultyDisk disk_;
  env::ManualClock clock_;
  Logger log_;
  settings::MemorySource source_;
  settings::Configuration configuration_{source_};
  std::unique_ptr<env::Net> net_ = env::MakeSystemNet();
  std::unique_ptr<env::Poller> poller_ = std::move(*env::MakeSystemPoller());
  net::EventLoop loop_{*poller_, clock_};
  engine::Engine engine_{{configuration_.settings(), clock_, env::TickScale(1000.0), log_, 1}};
  net::IoThreads connections_{loop_, *net_, clock_, [] { return env::MakeSystemPoller(); }, engine_, engine_};
  persistence::Persistence persistence_{
      {configuration_, engine_, loop_, disk_, clock_, log_, [] { return true; }, [] {}}};
  SyncHistory sync_history_{clock_};
  Replicas replicas_{{engine_, loop_, connections_, clock_, disk_, log_, persistence_, sync_history_}};
  resp::ChunkPool pool_;
  resp::OutputBuffer output_{pool_};
  engine::Client& writer_ = engine_.clients().Add(1'000'000, nullptr, output_, 0);
  std::vector<int> peers_;
  std::vector<std::string> received_;
};

constexpr char kLastWrite[] = "*3\r\n$3\r\nSET\r\n$4\r\nlast\r\n$3\r\none\r\n";

TEST_F(ReplicasTest, SyncGivesTheSizeTheSnapshotAndTheStream) {
  Write("key", "value");
  const Peer peer = Connect();
  Send(peer, "SYNC");
  const std::string head = ReceiveUntil(peer, "\r\n");
  ASSERT_TRUE(head.starts_with("$")) << head;
  const size_t size = std::stoul(head.substr(1));
  ASSERT_TRUE(TurnUntil([&] {
    Read(peer);
    return received_[peer].size() >= size;
  }));
  EXPECT_TRUE(received_[peer].starts_with("REDIS"));
  EXPECT_NE(received_[peer].find("value"), std::string::npos);
  received_[peer].erase(0, size);
  Write("last", "one");
  EXPECT_EQ(ReceiveUntil(peer, kLastWrite), std::string("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n") + kLastWrite);
}

TEST_F(ReplicasTest, ASnapshotToSocketsWaitsForOthersAndTheStreamForTheFirstAcknowledgement) {
  std::vector<Peer> peers;
  for (int i = 0; i < 2; ++i) {
    peers.push_back(Connect());
    Send(peers[i], "REPLCONF listening-port 700" + std::to_string(i) + " capa eof capa psync2");
    EXPECT_EQ(ReceiveUntil(peers[i], "\r\n"), "+OK\r\n");
    Send(peers[i], "PSYNC ? -1");
    AdvanceMs(2000);
    EXPECT_EQ(replicas_.list()[i].state, "wait_bgsave");
    EXPECT_EQ(ReceiveNow(peers[i]), "\n");
  }
  EXPECT_EQ(replicas_.running_sync_count(), 0u);
  // Now it begins; it may be over as soon.
  AdvanceMs(2000);
  Write("last", "one");
  for (const Peer peer : peers) {
    EXPECT_NE(ReceiveUntil(peer, "\r\n").find("+FULLRESYNC " + persistence_.history().id + " 0"),
              std::string::npos);
    const std::string head = ReceiveUntil(peer, "\r\n");
    ASSERT_TRUE(head.starts_with("$EOF:")) << head;
    ReceiveUntil(peer, head.substr(5, 40));
  }
  ASSERT_TRUE(TurnUntil([&] { return replicas_.list()[0].is_online && replicas_.list()[1].is_online; }));
  EXPECT_EQ(ReceiveNow(peers[0]), "");
  Send(peers[0], "REPLCONF ACK 0");
  EXPECT_TRUE(ReceiveUntil(peers[0], kLastWrite).starts_with("*2\r\n$6\r\nSELECT"));
  EXPECT_EQ(ReceiveNow(peers[1]), "");
  EXPECT_EQ(replicas_.list()[1].port, 7001);
  EXPECT_EQ(replicas_.stats().full_syncs, 2u);
}

TEST_F(ReplicasTest, AReplicaGoesOnWhereItStopped) {
  ConnectBySync();
  const uint64_t start = offset();
  Write("last", "one");
  Turn();
  const Peer peer = Connect();
  Send(peer, "REPLCONF capa psync2");
  EXPECT_EQ(ReceiveUntil(peer, "\r\n"), "+OK\r\n");
  Send(peer, "PSYNC " + persistence_.history().id + " " + std::to_string(start + 1));
  const std::string got = ReceiveUntil(peer, kLastWrite);
  EXPECT_EQ(got,
            "+CONTINUE " + persistence_.history().id + "\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n" + kLastWrite);
  EXPECT_EQ(replicas_.stats().partial_accepted, 1u);
}

TEST_F(ReplicasTest, AcknowledgementsCountAndLetWaitersThrough) {
  const Peer peer = ConnectAndContinue();
  Write("last", "one");
  Turn();
  const uint64_t end = offset();
  EXPECT_FALSE(replicas_.AreCaughtUp());
  Send(peer, "REPLCONF ACK " + std::to_string(end) + " FACK " + std::to_string(end - 1));
  EXPECT_TRUE(replicas_.AreCaughtUp());
  EXPECT_EQ(persistence_.gate().CountReceived(end), 1u);
  EXPECT_EQ(persistence_.gate().CountSynced(end), 0u);
  EXPECT_EQ(persistence_.gate().CountSynced(end - 1), 1u);
  // Nobody has what was never written.
  Send(peer, "REPLCONF ACK " + std::to_string(end + 1000));
  EXPECT_EQ(persistence_.gate().CountReceived(end + 1), 0u);
  ::shutdown(peers_[peer], SHUT_RDWR);
  ASSERT_TRUE(TurnUntil([&] { return replicas_.count() == 0; }));
  EXPECT_EQ(persistence_.gate().CountReceived(end), 0u);
}

TEST_F(ReplicasTest, AsksForAcknowledgementsAndPings) {
  const Peer peer = ConnectAndContinue();
  replicas_.RequestAcks();
  EXPECT_EQ(ReceiveNow(peer), "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n");
  AdvanceMs(10'000);
  EXPECT_EQ(ReceiveNow(peer), "*1\r\n$4\r\nping\r\n");
  persistence_.SetIsReplica(true);
  replicas_.RequestAcks();
  AdvanceMs(10'000);
  EXPECT_EQ(ReceiveNow(peer), "");
}

TEST_F(ReplicasTest, ASilentReplicaIsDroppedAndOneThatMakesAnySoundIsNot) {
  const Peer silent = ConnectAndContinue();
  const Peer loading = ConnectAndContinue();
  for (int i = 0; i < 7; ++i) {
    ASSERT_EQ(::send(peers_[loading], "\n", 1, MSG_NOSIGNAL), 1);
    Turn();
    AdvanceMs(10'000);
  }
  ASSERT_EQ(replicas_.count(), 1u);
  EXPECT_EQ(ReceiveNow(silent).find("-"), std::string::npos);
  Write("last", "one");
  ReceiveUntil(loading, kLastWrite);
}

TEST_F(ReplicasTest, WritesAreRefusedWithoutEnoughReplicas) {
  Set("min-replicas-to-write", "1");
  Turn();
  EXPECT_FALSE(engine_.refusals().replicas.empty());
  const Peer peer = ConnectAndContinue();
  Turn();
  EXPECT_TRUE(engine_.refusals().replicas.empty());
  AdvanceMs(11'000);
  EXPECT_FALSE(engine_.refusals().replicas.empty());
  Send(peer, "REPLCONF ACK 0");
  EXPECT_TRUE(engine_.refusals().replicas.empty());
}

TEST_F(ReplicasTest, TheBacklogIsFreedSomeTimeAfterTheLastReplica) {
  const Peer peer = ConnectAndContinue();
  const std::string id = persistence_.history().id;
  AdvanceMs(30'000);
  ::shutdown(peers_[peer], SHUT_RDWR);
  ASSERT_TRUE(TurnUntil([&] { return replicas_.count() == 0; }));
  AdvanceMs(3600'000);
  EXPECT_TRUE(persistence_.is_log_wanted());
  AdvanceMs(1000);
  EXPECT_FALSE(persistence_.is_log_wanted());
  EXPECT_NE(persistence_.history().id, id);
}

TEST_F(ReplicasTest, DroppingAllLeavesNothingInTheLog) {
  ConnectAndContinue();
  ConnectBySync();
  const Peer waiting = Connect();
  Send(waiting, "REPLCONF capa eof");
  Send(waiting, "PSYNC ? -1");
  const size_t others = persistence_.write_log().cursor_count() - 2;
  replicas_.DropAll("another dataset has come");
  EXPECT_EQ(replicas_.count(), 0u);
  EXPECT_EQ(persistence_.write_log().cursor_count(), others);
  Turn();
  EXPECT_EQ(engine_.clients().size(), 1u);
}

TEST_F(ReplicasTest, WhoReadsLateIsServedFromDiskAndThenFromMemoryAgain) {
  Set("client-output-buffer-limit", "replica 2mb 0 0");
  const Peer peer = ConnectBySync();
  for (int i = 0; i < 200; ++i) {
    Write("key", std::string(100'000, static_cast<char>('a' + i % 26)));
    Turn();
    AdvanceMs(10);
  }
  // The disk is a little late.
  ASSERT_TRUE(TurnUntil([&] {
    replicas_.Tick();
    return persistence_.write_log().memory_bytes() < 5'000'000;
  }));
  Write("last", "one");
  const std::string stream = ReceiveUntil(peer, kLastWrite);
  EXPECT_EQ(stream.size(), offset());
  ASSERT_TRUE(TurnUntil([&] { return replicas_.list().at(0).unsent_bytes == 0; }));
  Write("last", "one");
  EXPECT_EQ(ReceiveUntil(peer, kLastWrite), kLastWrite);
}

TEST_F(ReplicasTest, WhoReadsLateIsDroppedWhereNothingElseKeepsTheLog) {
  Set("repl-backlog-disk-size", "0");
  Set("client-output-buffer-limit", "replica 2mb 0 0");
  ConnectBySync();
  for (int i = 0; i < 200; ++i) {
    Write("key", std::string(100'000, 'v'));
    Turn();
  }
  AdvanceMs(100);
  EXPECT_EQ(replicas_.count(), 0u);
  EXPECT_LT(persistence_.write_log().memory_bytes(), 4'000'000u);
}

TEST_F(ReplicasTest, WritersRestBeforeAReplicaLosesItsPlace) {
  Set("repl-backlog-disk-size", "0");
  Set("client-output-buffer-limit", "replica 2mb 0 0");
  const Peer replica = ConnectBySync();
  const Peer writer = Connect();
  const std::string request = "SET key " + std::string(60'000, 'v');
  const auto write = [&] {
    Send(writer, request);
    return ReceiveNow(writer) == "+OK\r\n";
  };
  int written = 0;
  while (written < 100 && write()) ++written;
  EXPECT_LT(written, 50);
  EXPECT_TRUE(engine_.pause().rests(engine::RestReason::kSlowReplica));
  clock_.AdvanceMicros(100'000);
  replicas_.Tick();
  EXPECT_EQ(replicas_.count(), 1u);
  // It takes something: the last write is done.
  ASSERT_TRUE(TurnUntil([&] {
    Read(replica);
    return ReceiveNow(writer) == "+OK\r\n";
  }));
  EXPECT_FALSE(engine_.pause().rests(engine::RestReason::kSlowReplica));
  // It takes nothing more, and is not waited for without end.
  while (write()) {
  }
  for (int i = 0; i < 40; ++i) AdvanceMs(100);
  EXPECT_EQ(ReceiveNow(writer), "+OK\r\n");
}

TEST_F(ReplicasTest, TheHistoryOfSynchronisationsSaysWhyAndHow) {
  const Peer first = ConnectBySync();
  EXPECT_EQ(first, 0u);
  SyncRecord record = sync_history_.list().back();
  EXPECT_EQ(record.kind, SyncRecord::Kind::kFull);
  EXPECT_EQ(record.state, SyncRecord::State::kDone);
  EXPECT_GT(record.bytes, 50u);
  EXPECT_NE(record.cause.find("SYNC"), std::string::npos);
  const uint64_t start = offset();
  Write("key", "value");
  const Peer back = Connect();
  Send(back, "PSYNC " + persistence_.history().id + " " + std::to_string(start + 1));
  record = sync_history_.list().back();
  EXPECT_EQ(record.kind, SyncRecord::Kind::kPartial);
  EXPECT_EQ(record.state, SyncRecord::State::kRunning);
  Send(back, "REPLCONF ACK " + std::to_string(offset()));
  record = sync_history_.list().back();
  EXPECT_EQ(record.state, SyncRecord::State::kDone);
  EXPECT_EQ(record.bytes, offset() - start);
  const Peer stranger = Connect();
  Send(stranger, "PSYNC " + std::string(40, 'f') + " 5");
  record = sync_history_.list().back();
  EXPECT_EQ(record.kind, SyncRecord::Kind::kFull);
  EXPECT_NE(record.cause.find("Replication ID mismatch"), std::string::npos) << record.cause;
  replicas_.DropAll("the test wants it");
  Turn();
  EXPECT_EQ(sync_history_.list().back().state, SyncRecord::State::kFailed);
  EXPECT_EQ(sync_history_.list().size(), 3u);
}

TEST_F(ReplicasTest, RefusesWhatCannotBe) {
  const Peer peer = Connect();
  const auto ask = [&](const std::string& line) {
    Send(peer, line);
    return ReceiveNow(peer);
  };
  EXPECT_EQ(ask("REPLCONF listening-port"), "-ERR syntax error\r\n");
  EXPECT_EQ(ask("REPLCONF nonsense 1"), "-ERR Unrecognized REPLCONF option: nonsense\r\n");
  EXPECT_EQ(ask("REPLCONF rdb-only 2"), "-ERR value is out of range, value must between 0 and 1\r\n");
  EXPECT_EQ(ask("REPLCONF ack 5"), "");
  EXPECT_EQ(ask("PSYNC ? x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(ask("PSYNC ? -1 FAILOVER"), "-ERR PSYNC FAILOVER can't be sent to a master.\r\n");
  replicas_.set_refusal("NOMASTERLINK Can't SYNC while failing over");
  EXPECT_EQ(ask("SYNC"), "-NOMASTERLINK Can't SYNC while failing over\r\n");
  EXPECT_EQ(replicas_.count(), 0u);
  EXPECT_EQ(replicas_.stats().full_syncs, 0u);
}

}  // namespace
}  // namespace hearth::replication
