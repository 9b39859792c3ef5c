#include "engine/tracking.h"

#include <gtest/gtest.h>

#include "engine/testing/connected_engine.h"

namespace hearth::engine {
namespace {

std::string Invalidation(std::string_view key) {
  return ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" + std::to_string(key.size()) + "\r\n" + std::string(key) +
         "\r\n";
}
constexpr const char* kAllKeys = ">2\r\n$10\r\ninvalidate\r\n_\r\n";

class TrackingTest : public ::testing::Test {
 protected:
  TrackingTest() {
    with_.loop.AddBeforeWait(net::LoopPhase::kWork, [this] { with_.engine.tracking().Step(); });
  }
  size_t Connect(int protocol = 3) {
    const size_t peer = with_.Connect();
    with_.ClientOf(peer).writer.set_protocol(protocol);
    return peer;
  }
  void Track(size_t peer, const TrackingState& state = {}) {
    with_.engine.Track(with_.ClientOf(peer), state);
  }
  std::string Ask(size_t peer, std::string_view line) { return with_.Ask(peer, line); }
  std::string Receive(size_t peer) { return with_.Receive(peer); }
  Tracking& tracking() { return with_.engine.tracking(); }

  testing::ConnectedEngine with_;
  size_t reader_ = Connect();
  size_t writer_ = Connect();
};

TEST_F(TrackingTest, AReaderIsToldOnceOfTheNextChange) {
  Track(reader_);
  Ask(reader_, "EXISTS k");
  EXPECT_EQ(Ask(writer_, "SET k 1"), "+OK\r\n");
  EXPECT_EQ(Receive(reader_), Invalidation("k"));
  Ask(writer_, "SET k 2");
  EXPECT_EQ(Receive(reader_), "");
  Ask(reader_, "EXISTS k");
  Ask(writer_, "DEL k");
  EXPECT_EQ(Receive(reader_), Invalidation("k"));
}

TEST_F(TrackingTest, TheKeyspaceReportsChangesOnlyWhileSomebodyTracks) {
  EXPECT_FALSE(with_.engine.keyspace().reports_changes());
  Track(reader_);
  EXPECT_TRUE(with_.engine.keyspace().reports_changes());
  Ask(reader_, "EXISTS k");
  EXPECT_EQ(tracking().key_count(), 1u);
  with_.Disconnect(reader_);
  EXPECT_FALSE(with_.engine.keyspace().reports_changes());
  EXPECT_EQ(tracking().key_count(), 0u);
  EXPECT_EQ(tracking().client_count(), 0u);
}

TEST_F(TrackingTest, OwnChangesAreToldAfterTheReply) {
  Track(reader_);
  Ask(reader_, "EXISTS k");
  EXPECT_EQ(Ask(reader_, "SET k 1"), "+OK\r\n" + Invalidation("k"));
  Ask(reader_, "EXISTS k");
  Ask(reader_, "MULTI");
  Ask(reader_, "SET k 1");
  Ask(reader_, "EXISTS k");
  Ask(reader_, "DEL k");
  EXPECT_EQ(Ask(reader_, "EXEC"), "*3\r\n+OK\r\n:1\r\n:1\r\n" + Invalidation("k") + Invalidation("k"));
}

// As in MULTI, SET, CLIENT TRACKING OFF, EXEC.
TEST_F(TrackingTest, WhoStopsTrackingInAUnitIsStillToldOfWhatChangedBefore) {
  Client& client = with_.ClientOf(reader_);
  Track(reader_);
  Ask(reader_, "EXISTS k");
  tracking().BeginUnit(client);
  tracking().OnChanged("k");
  tracking().OnFlushed();
  with_.engine.StopTracking(client);
  tracking().OnChanged("other");
  tracking().EndUnit();
  EXPECT_EQ(Receive(reader_), Invalidation("k") + kAllKeys);
}

TEST_F(TrackingTest, OwnChangesAreNotToldToThoseWhoSkipThem) {
  Track(reader_, {.skips_own = true});
  Ask(reader_, "EXISTS k");
  EXPECT_EQ(Ask(reader_, "SET k 1"), "+OK\r\n");
  Ask(reader_, "EXISTS k");
  Ask(writer_, "SET k 1");
  EXPECT_EQ(Receive(reader_), Invalidation("k"));
}

TEST_F(TrackingTest, AFlushIsToldToAllWhoTrackWhateverTheyHaveRead) {
  Track(reader_);
  Track(writer_, {.is_broadcast = true, .skips_own = true});
  Ask(reader_, "EXISTS k");
  with_.engine.OnFlushed();
  EXPECT_EQ(Receive(reader_), kAllKeys);
  EXPECT_EQ(Receive(writer_), kAllKeys);
  EXPECT_EQ(tracking().key_count(), 0u);
}

TEST_F(TrackingTest, ExpiryIsAChange) {
  Track(reader_);
  Ask(writer_, "SET k 1");
  Ask(writer_, "PEXPIRE k 10");
  EXPECT_EQ(Ask(reader_, "EXISTS k"), ":1\r\n");
  with_.AdvanceMs(20);
  EXPECT_EQ(Ask(writer_, "EXISTS k"), ":0\r\n");
  EXPECT_EQ(Receive(reader_), Invalidation("k"));
}

TEST_F(TrackingTest, PrefixesAreToldOfTogetherOnceATurn) {
  Track(reader_, {.is_broadcast = true, .prefixes = {"a", "b"}});
  // One write of the socket is one batch, and one turn.
  with_.Send(writer_, "SET a2 1\r\nSET b 1\r\nSET c 1\r\nSET a1 1\r\nSET a2 2");
  EXPECT_EQ(Receive(reader_),
            ">2\r\n$10\r\ninvalidate\r\n*2\r\n$2\r\na1\r\n$2\r\na2\r\n" + Invalidation("b"));
  Ask(reader_, "EXISTS zzz");
  Ask(writer_, "SET zzz 1");
  EXPECT_EQ(Receive(reader_), "");
}

TEST_F(TrackingTest, WhoSkipsItsOwnChangesIsToldOfThoseOfOthersBelowItsPrefixes) {
  Track(reader_, {.is_broadcast = true, .skips_own = true});
  EXPECT_EQ(Ask(reader_, "SET k 1"), "+OK\r\n");
  Ask(writer_, "SET k 1");
  EXPECT_EQ(Receive(reader_), Invalidation("k"));
  // What goes by itself is nobody's own change.
  Ask(reader_, "PEXPIRE k 10");
  with_.AdvanceMs(20);
  EXPECT_EQ(Ask(reader_, "EXISTS k"), ":0\r\n" + Invalidation("k"));
}

TEST_F(TrackingTest, WhoOptsInIsRememberedOnlyWithWhatItSaidBefore) {
  Track(reader_, {.is_opt_in = true});
  Ask(reader_, "EXISTS a");
  with_.ClientOf(reader_).tracking->is_caching_said = true;
  Ask(reader_, "EXISTS b");
  Ask(reader_, "EXISTS c");
  for (const char* line : {"SET a 1", "SET b 1", "SET c 1"}) Ask(writer_, line);
  EXPECT_EQ(Receive(reader_), Invalidation("b"));
}

TEST_F(TrackingTest, WhoOptsOutIsRememberedButForWhatItSaidBefore) {
  Track(reader_, {.is_opt_out = true});
  Ask(reader_, "EXISTS a");
  with_.ClientOf(reader_).tracking->is_caching_said = true;
  Ask(reader_, "MULTI");
  Ask(reader_, "EXISTS b");
  Ask(reader_, "EXEC");
  Ask(reader_, "EXISTS c");
  for (const char* line : {"SET a 1", "SET b 1", "SET c 1"}) Ask(writer_, line);
  EXPECT_EQ(Receive(reader_), Invalidation("a") + Invalidation("c"));
}

TEST_F(TrackingTest, AnotherClientIsToldInTheReadersPlace) {
  const size_t listener = Connect();
  Track(reader_, {.redirect = with_.ClientOf(listener).id});
  Ask(reader_, "EXISTS k");
  Ask(reader_, "SET k 1");
  EXPECT_EQ(Receive(reader_), "");
  EXPECT_EQ(Receive(listener), Invalidation("k"));
  // Nor is the middle of its reply a place for a message.
  Ask(reader_, "EXISTS k");
  Ask(listener, "MULTI");
  Ask(listener, "SET k 1");
  Ask(listener, "SET k 2");
  EXPECT_EQ(Ask(listener, "EXEC"), "*2\r\n+OK\r\n+OK\r\n" + Invalidation("k"));
}

TEST_F(TrackingTest, ASubscriberOfProtocolTwoIsToldByAMessage) {
  const size_t listener = Connect(2);
  Client& client = with_.ClientOf(listener);
  Track(reader_, {.redirect = client.id});
  Ask(reader_, "EXISTS k");
  Ask(writer_, "SET k 1");
  EXPECT_EQ(Receive(listener), "");
  client.set(Client::kSubscribedResp2, true);
  Ask(reader_, "EXISTS k");
  Ask(writer_, "SET k 1");
  const std::string head = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";
  EXPECT_EQ(Receive(listener), head + "*1\r\n$1\r\nk\r\n");
  with_.engine.OnFlushed();
  EXPECT_EQ(Receive(listener), head + "$-1\r\n");
}

TEST_F(TrackingTest, ProtocolTwoWithoutAnotherClientIsToldNothing) {
  const size_t old = Connect(2);
  Track(old);
  Ask(old, "EXISTS k");
  EXPECT_EQ(Ask(writer_, "SET k 1"), "+OK\r\n");
  EXPECT_EQ(Receive(old), "");
}

TEST_F(TrackingTest, AReaderHearsThatTheOtherClientHasGone) {
  const size_t listener = Connect();
  const uint64_t id = with_.ClientOf(listener).id;
  Track(reader_, {.redirect = id});
  Ask(reader_, "EXISTS k");
  with_.Disconnect(listener);
  Ask(writer_, "SET k 1");
  EXPECT_EQ(Receive(reader_), ">2\r\n$21\r\ntracking-redir-broken\r\n:" + std::to_string(id) + "\r\n");
  EXPECT_TRUE(with_.ClientOf(reader_).tracking->is_redirect_broken);
}

TEST_F(TrackingTest, RepliesSwitchedOffDoNotSwitchOffMessages) {
  Track(reader_);
  Ask(reader_, "EXISTS k");
  Client& client = with_.ClientOf(reader_);
  client.reply_mode = ReplyMode::kOff;
  client.set(Client::kReplyLimited, true);
  EXPECT_EQ(Ask(reader_, "SET k 1"), Invalidation("k"));
}

TEST_F(TrackingTest, KeysBeyondTheLimitAreForgottenAndTold) {
  with_.settings.tracking_table_max_keys = 2;
  Track(reader_);
  std::string told;
  for (const char* line : {"EXISTS a", "EXISTS b", "EXISTS c", "EXISTS d"}) {
    const std::string reply = Ask(reader_, line);
    EXPECT_EQ(reply.substr(0, 4), ":0\r\n");
    told += reply.substr(4);
    EXPECT_LE(tracking().key_count(), 2u);
  }
  EXPECT_EQ(told.size(), 2 * Invalidation("a").size());
  with_.settings.tracking_table_max_keys = 1;
  with_.Turn();
  EXPECT_EQ(tracking().key_count(), 1u);
  EXPECT_EQ(tracking().item_count(), 1u);
}

}  // namespace
}  // namespace hearth::engine
