#include "replication/stream_log.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"
#include "engine/testing/connected_engine.h"

namespace hearth::replication {
namespace {

std::string Command(const std::vector<std::string>& words) {
  std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return bytes;
}

// A replica that is sent a stream, and its log.
class StreamLogTest : public testing::Test {
 protected:
  StreamLogTest() {
    replica.engine.effects().set_sink(nullptr);
    replica.engine.hooks().after_stream_request = [this](engine::Client& client, net::Batch& batch,
                                                         size_t index) {
      stream.AfterRequest(client, batch, index);
    };
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    primary_end = ends[1];
    replica_end = ends[0];
    log.SetRetainBytes(uint64_t{1} << 30);
  }
  ~StreamLogTest() override {
    replica.engine.hooks().after_stream_request = nullptr;
    ::close(primary_end);
  }
  // The link begins, with what was received behind the handshake.
  void Begin(std::string_view received) {
    stream.Begin();
    net::Connection& connection =
        replica.connections.AdoptLink({.fd = replica_end, .transport = nullptr}, received);
    client = static_cast<engine::Client*>(connection.user_data);
    client->set(engine::Client::kFromPrimary, true);
    replica.Turn();
  }
  void Send(std::string_view bytes) {
    ASSERT_EQ(::send(primary_end, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    replica.Turn();
  }
  std::string Logged(log::LogCursor::Sees sees) {
    std::string bytes;
    std::vector<log::LogSpan> spans;
    log.CursorAt(0, sees).Collect(UINT64_MAX, spans);
    for (const log::LogSpan& span : spans) bytes += span.bytes;
    return bytes;
  }

  engine::testing::ConnectedEngine replica;
  log::WriteLog log;
  log::EffectWriter effects{log};
  StreamLog stream{replica.engine.commands(), log, effects};
  engine::Client* client = nullptr;
  int primary_end = -1;
  int replica_end = -1;
};

TEST_F(StreamLogTest, LogsWhatWasAppliedAsItCame) {
  const std::string first = Command({"SET", "a", "1"});
  const std::string rest =
      Command({"set", "b", "2"}) + "INCR a\r\n" + Command({"SET", "long", std::string(70'000, 'x')});
  Begin(first + rest.substr(0, 9));
  EXPECT_EQ(Logged(log::LogCursor::Sees::kEverything), first);
  Send(rest.substr(9));
  EXPECT_EQ(Logged(log::LogCursor::Sees::kEverything), first + rest);
  EXPECT_EQ(log.end_offset(), first.size() + rest.size());
  EXPECT_EQ(effects.database(), 0);
}

TEST_F(StreamLogTest, KeepsSignsOfLifeFromTheAppendOnlyFile) {
  const std::string write = Command({"SET", "a", "1"});
  Begin(write + Command({"PING"}) + write + Command({"REPLCONF", "GETACK", "*"}));
  EXPECT_EQ(Logged(log::LogCursor::Sees::kEverything),
            write + Command({"PING"}) + write + Command({"REPLCONF", "GETACK", "*"}));
  EXPECT_EQ(Logged(log::LogCursor::Sees::kCommands), write + write);
  EXPECT_TRUE(stream.TakeAckWish());
  EXPECT_FALSE(stream.TakeAckWish());
}

TEST_F(StreamLogTest, ATransactionIsLoggedAtItsEndAndNotBefore) {
  const std::string before = Command({"SET", "a", "1"});
  const std::string opened = Command({"MULTI"}) + Command({"INCR", "a"});
  const std::string rest = Command({"INCR", "a"}) + Command({"EXEC"});
  Begin(before + opened);
  EXPECT_EQ(Logged(log::LogCursor::Sees::kEverything), before);
  EXPECT_EQ(stream.open_bytes(), opened.size());
  Send(rest + before);
  EXPECT_EQ(Logged(log::LogCursor::Sees::kEverything), before + opened + rest + before);
  EXPECT_EQ(stream.open_bytes(), 0u);
  // One that is cut off has never been.
  Send(opened);
  stream.End(*client);
  EXPECT_EQ(Logged(log::LogCursor::Sees::kEverything), before + opened + rest + before);
}

TEST_F(StreamLogTest, LogsEveryStreamWhole) {
  Prng prng(TestSeed());
  std::string sent;
  bool is_open = false;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = "key:" + std::to_string(prng.Below(1000));
    switch (prng.Below(is_open ? 8 : 20)) {
      case 0:
        sent += Command({is_open ? "EXEC" : "MULTI"});
        is_open = !is_open;
        break;
      case 1:
        sent += is_open ? Command({"INCR", "n"}) : Command({"PING"});
        break;
      default:
        sent += Command({"SET", key, std::string(prng.Below(200), 'v')});
    }
  }
  if (is_open) sent += Command({"EXEC"});
  Begin({});
  for (std::string_view rest = sent; !rest.empty();) {
    const std::string_view piece = rest.substr(0, 1 + prng.Below(30'000));
    Send(piece);
    rest.remove_prefix(piece.size());
  }
  EXPECT_TRUE(Logged(log::LogCursor::Sees::kEverything) == sent);
}

}  // namespace
}  // namespace hearth::replication
