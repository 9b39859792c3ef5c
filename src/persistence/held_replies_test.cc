#include "persistence/held_replies.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"
#include "engine/testing/connected_engine.h"
#include "log/effect_writer.h"

namespace hearth::persistence {
namespace {

constexpr int64_t kTimeoutMs = 1000;

// A primary with real connections, whose replicas and disk are what the test says to the gate.
class HeldRepliesTest : public ::testing::Test {
 protected:
  using Peer = engine::testing::ConnectedEngine::Peer;

  HeldRepliesTest() {
    server_.engine.effects().set_sink(&effects_);
    server_.engine.hooks().after_write = [this](engine::Client& client, const engine::WrittenUnit& unit) {
      asked_ += held_.AfterWrite(client, unit, waits_for_disk_);
    };
    server_.loop.AddBeforeWait(net::LoopPhase::kWork, [this] { held_.Pump(has_file_); });
    server_.settings.replication_acks_timeout = kTimeoutMs;
    server_.engine.SetPromises({.are_made = true, .replicas = 2});
    SetAcks(1);
  }
  ~HeldRepliesTest() override {
    gate_.Reset(0);
    server_.engine.effects().set_sink(nullptr);
  }

  void SetAcks(int64_t acks) {
    server_.settings.replication_acks = acks;
    server_.engine.RefreshChecks();
    held_.Reconsider();
  }
  void Acknowledge(uint64_t replica, uint64_t offset) { gate_.SetReplica(replica, offset, 0); }
  void AcknowledgeAll(uint64_t replica = 1) { Acknowledge(replica, log_.end_offset()); }
  void SyncAll() { gate_.SetLocal({.released = log_.end_offset(), .synced = log_.end_offset()}); }
  // Sends lines in one piece.
  std::string Ask(Peer peer, const std::vector<std::string>& lines) {
    std::string all;
    for (const std::string& line : lines) all += (all.empty() ? "" : "\r\n") + line;
    return server_.Ask(peer, all);
  }
  static std::string Broken(int have, int acks, const std::string& reason) {
    return fmt::format(
        "-NOREPLICAS The write was done here and may or may not survive: {} of the {} replicas that were to "
        "acknowledge it have done so, and {}\r\n",
        have, acks, reason);
  }
  static std::string TimedOut(int have, int acks) {
    return Broken(have, acks, fmt::format("{} ms have passed", kTimeoutMs));
  }

  engine::testing::ConnectedEngine server_;
  log::WriteLog log_;
  log::EffectWriter effects_{log_};
  log::Gate gate_;
  HeldReplies held_{{server_.engine, server_.loop, gate_, log_}};
  bool waits_for_disk_ = false;
  bool has_file_ = false;
  int asked_ = 0;
};

TEST_F(HeldRepliesTest, AReplyLeavesWhenSoManyReplicasHaveTheWrite) {
  SetAcks(2);
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1"}), "");
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(held_.promised_client_count(), 1u);
  AcknowledgeAll(1);
  EXPECT_EQ(server_.Receive(peer), "");
  AcknowledgeAll(2);
  EXPECT_EQ(server_.Receive(peer), "+OK\r\n");
  EXPECT_EQ(held_.promised_client_count(), 0u);
  EXPECT_EQ(held_.stats().kept, 1u);
  EXPECT_EQ(held_.stats().acknowledged_end, log_.end_offset());
}

TEST_F(HeldRepliesTest, OthersGoOnMeanwhile) {
  const Peer writer = server_.Connect();
  const Peer reader = server_.Connect();
  EXPECT_EQ(Ask(writer, {"SET a 1"}), "");
  EXPECT_EQ(Ask(reader, {"EXISTS a"}), ":1\r\n");
  AcknowledgeAll();
  EXPECT_EQ(server_.Receive(writer), "+OK\r\n");
}

TEST_F(HeldRepliesTest, RepliesKeepTheirOrder) {
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"PING", "SET a 1", "EXISTS a"}), "");
  EXPECT_EQ(Ask(peer, {"EXISTS b"}), "");
  AcknowledgeAll();
  EXPECT_EQ(server_.Receive(peer), "+PONG\r\n+OK\r\n:1\r\n:0\r\n");
}

TEST_F(HeldRepliesTest, AWriteThatChangedNothingIsAnsweredAtOnce) {
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"DEL a"}), ":0\r\n");
  EXPECT_EQ(asked_, 0);
}

TEST_F(HeldRepliesTest, WhatAReaderMadeExpirePromisesNothing) {
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1", "PEXPIRE a 5"}), "");
  AcknowledgeAll();
  EXPECT_EQ(server_.Receive(peer), "+OK\r\n:1\r\n");
  server_.AdvanceMs(10);
  const uint64_t before = log_.end_offset();
  EXPECT_EQ(Ask(peer, {"EXISTS a"}), ":0\r\n");
  EXPECT_GT(log_.end_offset(), before);
}

TEST_F(HeldRepliesTest, AtTheTimeoutRepliesToWritesBecomeErrorsAndOthersStay) {
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"PING", "SET a 1", "EXISTS a", "SET b 1", "SET c 1", "EXISTS x"}), "");
  server_.AdvanceMs(kTimeoutMs - 1);
  EXPECT_EQ(server_.Receive(peer), "");
  server_.AdvanceMs(1);
  const std::string error = TimedOut(0, 1);
  EXPECT_EQ(server_.Receive(peer), "+PONG\r\n" + error + ":1\r\n" + error + error + ":0\r\n");
  EXPECT_EQ(held_.stats().broken, 3u);
  EXPECT_EQ(server_.engine.stats().errors["NOREPLICAS"], 3u);
  EXPECT_EQ(Ask(peer, {"EXISTS b"}), ":1\r\n");
}

TEST_F(HeldRepliesTest, WritesThatReplicasHaveKeepTheirRepliesAtTheTimeout) {
  SetAcks(2);
  const Peer peer = server_.Connect();
  Ask(peer, {"SET a 1"});
  const uint64_t after_first = log_.end_offset();
  Acknowledge(1, after_first);
  Acknowledge(2, after_first);
  EXPECT_EQ(server_.Receive(peer), "+OK\r\n");
  EXPECT_EQ(Ask(peer, {"SET b 1", "SET c 1"}), "");
  const uint64_t after_second = after_first + (log_.end_offset() - after_first) / 2;
  Acknowledge(1, log_.end_offset());
  Acknowledge(2, after_second);
  server_.AdvanceMs(kTimeoutMs);
  EXPECT_EQ(server_.Receive(peer), "+OK\r\n" + TimedOut(1, 2));
}

TEST_F(HeldRepliesTest, ATransactionIsAnsweredByOneError) {
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"MULTI", "SET a 1", "EXISTS a", "EXEC", "PING"}), "");
  server_.AdvanceMs(kTimeoutMs);
  EXPECT_EQ(server_.Receive(peer), "+OK\r\n+QUEUED\r\n+QUEUED\r\n" + TimedOut(0, 1) + "+PONG\r\n");
}

TEST_F(HeldRepliesTest, AClientServedByAnothersWriteWaitsForItsOwn) {
  const Peer waiting = server_.Connect();
  const Peer pushing = server_.Connect();
  EXPECT_EQ(Ask(waiting, {"PING", "BLPOP list 0"}), "+PONG\r\n");
  EXPECT_EQ(Ask(pushing, {"RPUSH list x"}), "");
  EXPECT_EQ(server_.Receive(waiting), "");
  AcknowledgeAll();
  EXPECT_EQ(server_.Receive(pushing), ":1\r\n");
  EXPECT_EQ(server_.Receive(waiting), "*2\r\n$4\r\nlist\r\n$1\r\nx\r\n");
}

TEST_F(HeldRepliesTest, AClientThatBlocksGetsTheRepliesBeforeThat) {
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1", "BLPOP list 0"}), "");
  AcknowledgeAll();
  EXPECT_EQ(server_.Receive(peer), "+OK\r\n");
  const Peer other = server_.Connect();
  EXPECT_EQ(Ask(other, {"RPUSH list x"}), "");
  server_.AdvanceMs(kTimeoutMs);
  EXPECT_EQ(server_.Receive(peer), TimedOut(0, 1));
  EXPECT_EQ(server_.Receive(other), TimedOut(0, 1));
}

TEST_F(HeldRepliesTest, AClientMayAskForMoreOrForLess) {
  SetAcks(0);
  const Peer peer = server_.Connect();
  engine::Client& client = server_.ClientOf(peer);
  server_.engine.SetAcks(client, 2);
  EXPECT_EQ(Ask(peer, {"SET a 1"}), "");
  AcknowledgeAll(1);
  EXPECT_EQ(server_.Receive(peer), "");
  AcknowledgeAll(2);
  EXPECT_EQ(server_.Receive(peer), "+OK\r\n");
  SetAcks(2);
  server_.engine.SetAcks(client, 0);
  EXPECT_EQ(Ask(peer, {"SET a 2"}), "+OK\r\n");
  server_.engine.SetAcks(client, -1);
  EXPECT_EQ(Ask(peer, {"SET a 3"}), "");
  AcknowledgeAll(1);
  AcknowledgeAll(2);
  EXPECT_EQ(server_.Receive(peer), "+OK\r\n");
}

TEST_F(HeldRepliesTest, WhatCannotBePromisedIsNotDone) {
  SetAcks(3);
  const std::string refusal =
      "NOREPLICAS This write needs 3 replicas to acknowledge it, and 2 are online: it was not done\r\n";
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1", "EXISTS a"}), "-" + refusal + ":0\r\n");
  EXPECT_EQ(Ask(peer, {"MULTI", "SET a 1", "EXEC"}),
            "+OK\r\n-" + refusal + "-EXECABORT Transaction discarded because of previous errors.\r\n");
  SetAcks(2);
  EXPECT_EQ(Ask(peer, {"MULTI", "SET a 1"}), "+OK\r\n+QUEUED\r\n");
  server_.engine.SetPromises({.are_made = true, .replicas = 1});
  EXPECT_TRUE(Ask(peer, {"EXEC"}).starts_with("-EXECABORT Transaction discarded because of: NOREPLICAS"));
  EXPECT_EQ(Ask(peer, {"EXISTS a"}), ":0\r\n");
}

TEST_F(HeldRepliesTest, AClientThatWaitedForAKeyIsNotServedWhatCannotBePromised) {
  const Peer waiting = server_.Connect();
  const Peer pushing = server_.Connect();
  EXPECT_EQ(Ask(waiting, {"BLPOP list 0"}), "");
  server_.engine.SetPromises({.are_made = true, .replicas = 0});
  server_.engine.SetAcks(server_.ClientOf(pushing), 0);
  EXPECT_EQ(Ask(pushing, {"RPUSH list x"}), ":1\r\n");
  EXPECT_TRUE(server_.Receive(waiting).starts_with("-NOREPLICAS This write needs 1 replicas"));
  EXPECT_EQ(Ask(pushing, {"EXISTS list"}), ":1\r\n");
  EXPECT_EQ(Ask(waiting, {"PING"}), "+PONG\r\n");
}

TEST_F(HeldRepliesTest, AReplicaPromisesNothing) {
  server_.engine.SetPromises({.are_made = false, .replicas = 0});
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1"}), "+OK\r\n");
}

TEST_F(HeldRepliesTest, DiskAndReplicasAreWaitedForTogether) {
  waits_for_disk_ = has_file_ = true;
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1"}), "");
  AcknowledgeAll();
  EXPECT_EQ(server_.Receive(peer), "");
  SyncAll();
  EXPECT_EQ(server_.Receive(peer), "+OK\r\n");
}

TEST_F(HeldRepliesTest, AnErrorToldLateStillWaitsForTheDisk) {
  waits_for_disk_ = has_file_ = true;
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1", "PING"}), "");
  server_.AdvanceMs(kTimeoutMs);
  EXPECT_EQ(server_.Receive(peer), "");
  SyncAll();
  EXPECT_EQ(server_.Receive(peer), TimedOut(0, 1) + "+PONG\r\n");
}

TEST_F(HeldRepliesTest, WithoutAFileNobodyWaitsForTheDisk) {
  SetAcks(0);
  waits_for_disk_ = has_file_ = true;
  const Peer early = server_.Connect();
  EXPECT_EQ(Ask(early, {"SET a 1"}), "");
  has_file_ = false;
  gate_.ForgetLocal();
  EXPECT_EQ(server_.Receive(early), "+OK\r\n");
  const Peer late = server_.Connect();
  EXPECT_EQ(Ask(late, {"SET a 1"}), "+OK\r\n");
}

TEST_F(HeldRepliesTest, AServerThatIsNoPrimaryAnyMoreSaysSo) {
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1", "PING"}), "");
  held_.EndPromises();
  EXPECT_EQ(server_.Receive(peer), Broken(0, 1, "this server is no primary any more") + "+PONG\r\n");
  EXPECT_EQ(Ask(peer, {"SET a 1"}), "");
  SetAcks(2);
  Acknowledge(1, log_.end_offset());
  held_.OnNewLog();
  gate_.Reset(7);
  EXPECT_EQ(server_.Receive(peer), Broken(1, 2, "this server is no primary any more"));
}

TEST_F(HeldRepliesTest, ChangedSettingsGoForThoseWhoWaitToo) {
  server_.settings.replication_acks_timeout = 0;
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1"}), "");
  server_.AdvanceMs(1'000'000);
  EXPECT_EQ(server_.Receive(peer), "");
  SetAcks(0);
  EXPECT_EQ(server_.Receive(peer), "+OK\r\n");
  SetAcks(1);
  EXPECT_EQ(Ask(peer, {"SET a 1"}), "");
  SetAcks(2);
  AcknowledgeAll(1);
  EXPECT_EQ(server_.Receive(peer), "");
  server_.settings.replication_acks_timeout = kTimeoutMs;
  held_.Reconsider();
  server_.AdvanceMs(kTimeoutMs);
  EXPECT_EQ(server_.Receive(peer), TimedOut(1, 2));
}

TEST_F(HeldRepliesTest, AClientMayLeaveWhileItWaits) {
  const Peer leaving = server_.Connect();
  EXPECT_EQ(Ask(leaving, {"SET a 1"}), "");
  server_.ClientOf(leaving).CloseNow();
  server_.Turn();
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1"}), "");
  server_.AdvanceMs(kTimeoutMs);
  EXPECT_EQ(server_.Receive(peer), TimedOut(0, 1));
  EXPECT_EQ(held_.promised_client_count(), 0u);
}

TEST_F(HeldRepliesTest, AConnectionThatEndsAfterItsRepliesStillGetsThem) {
  const Peer peer = server_.Connect();
  EXPECT_EQ(Ask(peer, {"SET a 1", "*1", "oops"}), "");
  AcknowledgeAll();
  EXPECT_TRUE(server_.Receive(peer).starts_with("+OK\r\n-ERR Protocol error"));
}

TEST_F(HeldRepliesTest, WhoWantsNoRepliesIsNotHeld) {
  const Peer peer = server_.Connect();
  server_.ClientOf(peer).reply_mode = engine::ReplyMode::kOff;
  server_.ClientOf(peer).set(engine::Client::kReplyLimited, true);
  EXPECT_EQ(Ask(peer, {"SET a 1"}), "");
  EXPECT_EQ(held_.promised_client_count(), 0u);
  EXPECT_EQ(asked_, 0);
}

TEST_F(HeldRepliesTest, ManyErrorsArriveWholeAndInOrder) {
  const Peer peer = server_.Connect();
  std::vector<std::string> lines;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    lines.push_back(i % 3 == 0 ? "SET k" + std::to_string(i) + " 1" : "PING");
    expected += i % 3 == 0 ? TimedOut(0, 1) : "+PONG\r\n";
  }
  EXPECT_EQ(Ask(peer, lines), "");
  std::string received;
  // What did not fit into the first batch of requests is run when the replies to that have left.
  for (int i = 0; i < 100 && received.size() < expected.size(); ++i) {
    server_.AdvanceMs(kTimeoutMs);
    received += server_.Receive(peer);
  }
  EXPECT_EQ(received, expected);
}

TEST_F(HeldRepliesTest, EveryReplyComesOnceAndSaysWhatWasKept) {
  Prng prng(TestSeed());
  struct Session {
    Peer peer;
    std::string expected;
  };
  std::vector<Session> sessions;
  for (int i = 0; i < 4; ++i) sessions.push_back({server_.Connect(), {}});
  for (int round = 0; round < 200; ++round) {
    const uint64_t before = log_.end_offset();
    std::vector<std::vector<uint64_t>> ends(sessions.size());
    for (size_t i = 0; i < sessions.size(); ++i) {
      for (uint64_t n = 1 + prng.Below(5); n > 0; --n) {
        const bool is_write = prng.Below(2) == 0;
        EXPECT_EQ(Ask(sessions[i].peer, {is_write ? "SET a 1" : "PING"}).find("OK"), std::string::npos);
        ends[i].push_back(is_write ? log_.end_offset() : 0);
        // What it sends while it is held has not run yet: one line is enough then.
        if (is_write) break;
      }
    }
    const uint64_t acknowledged = before + prng.Below(log_.end_offset() - before + 1);
    Acknowledge(1, acknowledged);
    server_.AdvanceMs(kTimeoutMs);
    for (size_t i = 0; i < sessions.size(); ++i) {
      const uint64_t end = ends[i].back();
      const std::string received = server_.Receive(sessions[i].peer);
      if (end != 0) {
        EXPECT_EQ(received, end <= acknowledged ? "+OK\r\n" : TimedOut(0, 1));
      } else {
        EXPECT_EQ(received, "");
      }
    }
  }
  EXPECT_EQ(held_.promised_client_count(), 0u);
}

TEST(WithErrorTest, PushedMessagesAroundTheReplyStay) {
  EXPECT_EQ(WithError("+OK\r\n", "X y"), "-X y\r\n");
  EXPECT_EQ(WithError("$3\r\na>b\r\n", "X y"), "-X y\r\n");
  const std::string push = ">2\r\n$3\r\nfoo\r\n:1\r\n";
  EXPECT_EQ(WithError(push + "*1\r\n+OK\r\n" + push, "X y"), push + "-X y\r\n" + push);
  EXPECT_EQ(WithError("*2\r\n>", "X y"), "-X y\r\n");
}

}  // namespace
}  // namespace hearth::persistence
