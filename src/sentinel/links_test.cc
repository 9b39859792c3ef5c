#include "sentinel/links.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hearth::sentinel {
namespace {

// A listening socket that a test answers by hand, and links to it, on one loop.
class LinksTest : public ::testing::Test {
 protected:
  LinksTest() {
    listener_ = *net_->ListenTcp("127.0.0.1", 0, 16, false);
    port_ = ParseAddress(net_->Address(listener_, env::AddressOf::kLocal)).port;
  }
  ~LinksTest() override {
    if (peer_ >= 0) net_->Close(peer_);
    if (listener_ >= 0) net_->Close(listener_);
  }

  bool TurnUntil(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      loop_.RunOnce(1000);
    }
    return true;
  }
  void Accept() {
    ASSERT_TRUE(TurnUntil([this] { return (peer_ = net_->Accept(listener_)) >= 0; }));
  }
  // Waits until what the peer has received ends so.
  void Receive(std::string_view last) {
    std::string all;
    EXPECT_TRUE(TurnUntil([&] {
      char piece[512];
      const int64_t got = net_->Read(peer_, piece, sizeof piece);
      if (got > 0) all.append(piece, static_cast<size_t>(got));
      return all.ends_with(last);
    })) << all;
  }
  void Answer(std::string text) {
    const iovec part{text.data(), text.size()};
    ASSERT_EQ(net_->Writev(peer_, &part, 1), static_cast<int64_t>(text.size()));
  }
  void EndPeer() { net_->Close(std::exchange(peer_, -1)); }
  void EndListener() { net_->Close(std::exchange(listener_, -1)); }
  bool HasInput() {
    return TurnUntil([this] { return !inputs_.empty(); });
  }
  template <typename Wanted>
  Wanted Take() {
    EXPECT_TRUE(HasInput());
    if (inputs_.empty()) return {};
    const Input input = inputs_.front();
    inputs_.erase(inputs_.begin());
    const Wanted* wanted = std::get_if<Wanted>(&input);
    EXPECT_NE(wanted, nullptr) << "another kind of input: " << input.index();
    return wanted == nullptr ? Wanted{} : *wanted;
  }
  effect::OpenLink ToPeer(LinkId id, std::vector<std::vector<std::string>> setup,
                          bool is_subscriber = false) const {
    return {id, {"127.0.0.1", port_}, std::move(setup), is_subscriber};
  }

  std::unique_ptr<env::Net> net_ = env::MakeSystemNet();
  std::unique_ptr<env::Clock> clock_ = env::MakeSystemClock();
  std::unique_ptr<env::Poller> poller_ = std::move(*env::MakeSystemPoller());
  net::EventLoop loop_{*poller_, *clock_};
  NameLookup names_{loop_, env::MakeSystemNameResolver()};
  std::vector<Input> inputs_;
  const net::Tls tls_;
  Links links_{loop_, *net_, tls_, names_, [this](Input input) { inputs_.push_back(std::move(input)); }};
  int listener_ = -1;
  int peer_ = -1;
  int port_ = 0;
};

TEST_F(LinksTest, OpensWhenTheSetupIsAnsweredAndThenCarriesCommandsInOrder) {
  links_.Open(ToPeer(1, {{"AUTH", "x"}, {"CLIENT", "SETNAME", "s"}}));
  Accept();
  Receive("s\r\n");
  EXPECT_TRUE(inputs_.empty());
  Answer("+OK\r\n+OK\r\n");
  const auto opened = Take<input::LinkOpened>();
  EXPECT_EQ(opened.link, 1u);
  EXPECT_EQ(opened.local.host, "127.0.0.1");
  EXPECT_NE(opened.local.port, 0);
  links_.Send(1, {"PING"});
  links_.Send(1, {"INFO"});
  Receive("INFO\r\n");
  Answer("+PONG\r\n*2\r\n$1\r\na\r\n:7\r\n");
  EXPECT_EQ(Take<input::Replied>().reply.text, "PONG");
  const auto second = Take<input::Replied>().reply;
  ASSERT_EQ(second.kind, Reply::Kind::kArray);
  EXPECT_EQ(second.elements[0].kind, Reply::Kind::kText);
  EXPECT_EQ(second.elements[1].integer, 7);
}

TEST_F(LinksTest, ASubscriberGetsMessages) {
  links_.Open(ToPeer(4, {{"SUBSCRIBE", "c"}}, true));
  Accept();
  Receive("c\r\n");
  Answer("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n");
  EXPECT_EQ(Take<input::LinkOpened>().link, 4u);
  const auto message = Take<input::Message>();
  EXPECT_EQ(message.channel, "c");
  EXPECT_EQ(message.text, "hi");
}

TEST_F(LinksTest, ARefusedSetupIsARejectionWithTheServersWords) {
  links_.Open(ToPeer(1, {{"AUTH", "x"}}));
  Accept();
  Receive("x\r\n");
  Answer("-WRONGPASS no\r\n");
  const auto ended = Take<input::LinkEnded>();
  EXPECT_EQ(ended.why, LinkEnd::kRejected);
  EXPECT_EQ(ended.text, "WRONGPASS no");
  EXPECT_EQ(links_.count(), 0u);
}

TEST_F(LinksTest, WhereNobodyListensTheLinkIsRefused) {
  EndListener();
  links_.Open(ToPeer(1, {}));
  EXPECT_EQ(Take<input::LinkEnded>().why, LinkEnd::kRefused);
}

TEST_F(LinksTest, APeerThatGoesAwayHasResetTheLinkAndItsCommandsAreForgotten) {
  links_.Open(ToPeer(1, {}));
  Accept();
  Take<input::LinkOpened>();
  links_.Send(1, {"PING"});
  Receive("PING\r\n");
  EndPeer();
  EXPECT_EQ(Take<input::LinkEnded>().why, LinkEnd::kReset);
  EXPECT_TRUE(inputs_.empty());
  links_.Send(1, {"PING"});
}

TEST_F(LinksTest, BytesThatAreNoProtocolEndTheLink) {
  links_.Open(ToPeer(1, {}));
  Accept();
  Take<input::LinkOpened>();
  Answer("nonsense\r\n");
  EXPECT_EQ(Take<input::LinkEnded>().why, LinkEnd::kReset);
}

TEST_F(LinksTest, NothingIsHeardOfAClosedLink) {
  links_.Open(ToPeer(1, {}));
  Accept();
  Take<input::LinkOpened>();
  links_.Close(1);
  links_.Open(ToPeer(2, {}));
  EXPECT_EQ(Take<input::LinkOpened>().link, 2u);
  EXPECT_EQ(links_.count(), 1u);
}

TEST_F(LinksTest, ANameIsLookedUp) {
  links_.Open({1, {"localhost", port_}, {}, false});
  const auto opened = Take<input::LinkOpened>();
  EXPECT_EQ(opened.link, 1u);
  links_.Open({2, {"no such host.invalid", port_}, {}, false});
  EXPECT_EQ(Take<input::LinkEnded>().why, LinkEnd::kUnreachable);
}

TEST(LinkEnds, AreToldFromTheSystemsReason) {
  EXPECT_EQ(EndOf(ECONNREFUSED, false), LinkEnd::kRefused);
  EXPECT_EQ(EndOf(ETIMEDOUT, false), LinkEnd::kTimedOut);
  EXPECT_EQ(EndOf(EHOSTUNREACH, false), LinkEnd::kUnreachable);
  EXPECT_EQ(EndOf(ECONNRESET, false), LinkEnd::kReset);
  EXPECT_EQ(EndOf(EPIPE, true), LinkEnd::kReset);
}

TEST(Addresses, OfBothFamiliesAreTakenApart) {
  EXPECT_EQ(ParseAddress("127.0.0.1:80"), (Address{"127.0.0.1", 80}));
  EXPECT_EQ(ParseAddress("[::1]:81"), (Address{"::1", 81}));
}

}  // namespace
}  // namespace hearth::sentinel
