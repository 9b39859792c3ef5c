#include "engine/monitors.h"

#include <gtest/gtest.h>

#include "engine/testing/connected_engine.h"

namespace hearth::engine {
namespace {

std::string Line(std::vector<std::string_view> args, std::string_view source = "127.0.0.1:60866") {
  return MonitorLine({nullptr, 1339518083'000042, 3, source, args, false});
}

TEST(MonitorLine, HasTheTimeInMicrosecondsTheDatabaseTheSourceAndQuotedArguments) {
  EXPECT_EQ(Line({"set", "a b", "c\"\\"}),
            "+1339518083.000042 [3 127.0.0.1:60866] \"set\" \"a b\" \"c\\\"\\\\\"\r\n");
  EXPECT_EQ(Line({"get", {"\r\n\t\a\b\0\xff", 7}}, "unix:/tmp/s"),
            "+1339518083.000042 [3 unix:/tmp/s] \"get\" \"\\r\\n\\t\\a\\b\\x00\\xff\"\r\n");
}

std::string Arguments(std::vector<std::string_view> args) {
  const std::string line = Line(std::move(args), "x");
  return line.substr(line.find(']') + 2, line.size() - line.find(']') - 4);
}

TEST(MonitorLine, PasswordsAreNotShown) {
  EXPECT_EQ(Arguments({"AUTH", "secret"}), "\"AUTH\" \"(redacted)\"");
  EXPECT_EQ(Arguments({"auth", "bob", "secret"}), "\"auth\" \"(redacted)\" \"(redacted)\"");
  EXPECT_EQ(Arguments({"hello", "3", "auth", "bob", "secret", "SETNAME", "me"}),
            "\"hello\" \"3\" \"auth\" \"(redacted)\" \"(redacted)\" \"SETNAME\" \"me\"");
  // A password may look like an option, and the name of a key like a command.
  EXPECT_EQ(Arguments({"HELLO", "2", "AUTH", "AUTH", "AUTH", "x"}),
            "\"HELLO\" \"2\" \"AUTH\" \"(redacted)\" \"(redacted)\" \"x\"");
  EXPECT_EQ(Arguments({"get", "auth", "secret"}), "\"get\" \"auth\" \"secret\"");
  EXPECT_EQ(
      Arguments({"MIGRATE", "h", "1", "auth", "0", "9", "AUTH2", "bob", "secret", "KEYS", "k"}),
      "\"MIGRATE\" \"h\" \"1\" \"auth\" \"0\" \"9\" \"AUTH2\" \"(redacted)\" \"(redacted)\" \"KEYS\" \"k\"");
}

class MonitorsTest : public ::testing::Test {
 protected:
  // Begins to monitor, and forgets what there was until then.
  void Monitor(size_t peer) { with_.engine.StartMonitoring(with_.ClientOf(peer)); }
  // What has arrived, without the beginnings of lines.
  std::string Shown(size_t peer) {
    std::string text = with_.Receive(peer);
    for (size_t at; (at = text.find("+1")) != std::string::npos;) text.erase(at, text.find("] ") + 2 - at);
    return text;
  }

  testing::ConnectedEngine with_;
  size_t monitor_ = with_.Connect();
  size_t other_ = with_.Connect();
};

TEST_F(MonitorsTest, EveryCommandOfEverybodyIsShownOnceItHasRun) {
  Monitor(monitor_);
  with_.Send(other_, "SET a 1");
  with_.Send(monitor_, "PING");
  EXPECT_EQ(Shown(monitor_), "\"SET\" \"a\" \"1\"\r\n+PONG\r\n\"PING\"\r\n");
}

TEST_F(MonitorsTest, ATransactionIsShownAsItRuns) {
  Monitor(monitor_);
  for (const char* line : {"MULTI", "SET a 1", "EXISTS a", "EXEC"}) with_.Send(other_, line);
  EXPECT_EQ(Shown(monitor_), "\"MULTI\"\r\n\"SET\" \"a\" \"1\"\r\n\"EXISTS\" \"a\"\r\n\"EXEC\"\r\n");
}

TEST_F(MonitorsTest, LinesNeverStandInTheMiddleOfTheirReadersOwnReply) {
  Monitor(monitor_);
  for (const char* line : {"MULTI", "PING", "PING"}) with_.Send(monitor_, line);
  Shown(monitor_);
  with_.Send(monitor_, "EXEC");
  EXPECT_EQ(Shown(monitor_), "*2\r\n+PONG\r\n+PONG\r\n\"PING\"\r\n\"PING\"\r\n\"EXEC\"\r\n");
}

TEST_F(MonitorsTest, AMonitorMayNotTouchKeys) {
  Monitor(monitor_);
  EXPECT_EQ(with_.Ask(monitor_, "SET a 1"), "-ERR Replica can't interact with the keyspace\r\n");
  EXPECT_EQ(with_.Ask(monitor_, "EXISTS a"), "-ERR Replica can't interact with the keyspace\r\n");
}

TEST_F(MonitorsTest, AClientThatWaitsIsShownWhenItComesAndNotWhenItIsServed) {
  Monitor(monitor_);
  with_.Send(other_, "BLPOP l 0");
  EXPECT_EQ(Shown(monitor_), "\"BLPOP\" \"l\" \"0\"\r\n");
  with_.Send(with_.Connect(), "RPUSH l x");
  EXPECT_EQ(Shown(monitor_), "\"RPUSH\" \"l\" \"x\"\r\n");
}

TEST_F(MonitorsTest, NothingIsShownToOneThatHasGoneOrBegunAnew) {
  Monitor(monitor_);
  Monitor(other_);
  EXPECT_EQ(with_.engine.monitors().size(), 2u);
  with_.engine.ResetSession(with_.ClientOf(other_));
  with_.Disconnect(monitor_);
  EXPECT_FALSE(with_.engine.monitors().any());
  EXPECT_EQ(with_.Ask(other_, "SET a 1"), "+OK\r\n");
}

}  // namespace
}  // namespace hearth::engine
