// Connections over TLS: what IoLoop, IoThreads, Listener, Stream and RespClient make of a TlsTransport.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/resp_client.h"
#include "net/stream.h"
#include "net/testing/certificates.h"
#include "net/testing/test_server.h"
#include "net/tls_context.h"

namespace hearth::net {
namespace {

// Every behaviour holds with the I/O on the engine's thread and on others.
class TlsConnectionsTest : public ::testing::TestWithParam<int> {
 protected:
  TlsConnectionsTest() {
    authority_.Issue("server");
    authority_.Issue("client");
    server_ = std::make_unique<TestServer>(GetParam());
    context_ = authority_.Context("server");
    server_->listener.set_transport_maker(
        [this](int fd) { return context_->Accept(*server_->net, fd, ClientCertificates::kRequired); });
    server_->io.set_on_handshake_failed(
        [this](const Connection& connection) { failures_.push_back(connection.handshake_failure()); });
  }
  // A client that has not said anything yet.
  struct Client {
    explicit Client(TlsConnectionsTest& test) : plain(*test.server_), server(test.server_.get()) {
      transport = test.authority_.Context("client")->Connect(*server->net, plain.fd());
    }
    bool Greet() {
      int outcome = -EAGAIN;
      return server->TurnUntil([&] {
        outcome = transport->Handshake();
        return outcome != -EAGAIN;
      }) && outcome == 0;
    }
    bool Send(std::string_view bytes) {
      return server->TurnUntil([&] {
        const iovec part{const_cast<char*>(bytes.data()), std::min<size_t>(bytes.size(), 64 * 1024)};
        const int64_t put = transport->Writev(&part, 1);
        if (put > 0) bytes.remove_prefix(static_cast<size_t>(put));
        return bytes.empty() || (put < 0 && put != -EAGAIN);
      });
    }
    std::string Receive(size_t size) {
      std::string all;
      EXPECT_TRUE(server->TurnUntil([&] {
        std::string piece(std::clamp<size_t>(size - all.size(), 1, 256 * 1024), '\0');
        const int64_t got = transport->Read(piece.data(), piece.size());
        if (got > 0) all.append(piece, 0, static_cast<size_t>(got));
        at_end = got == 0 || (got < 0 && got != -EAGAIN);
        return all.size() >= size || at_end;
      })) << "received so far: "
          << all.size();
      return all;
    }

    TestClient plain;
    TestServer* server;
    std::unique_ptr<Transport> transport;
    bool at_end = false;
  };

  TestAuthority authority_;
  std::shared_ptr<const TlsContext> context_;
  std::vector<std::string> failures_;
  std::unique_ptr<TestServer> server_;
};
INSTANTIATE_TEST_SUITE_P(Threads, TlsConnectionsTest, ::testing::Values(1, 3));

TEST_P(TlsConnectionsTest, AnswersPipelinedRequestsInOrder) {
  Client client(*this);
  ASSERT_TRUE(client.Greet());
  std::string request, expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = std::to_string(i);
    request += "ECHO " + text + "\r\n";
    expected += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  ASSERT_TRUE(client.Send(request));
  EXPECT_EQ(client.Receive(expected.size()), expected);
}

TEST_P(TlsConnectionsTest, TakesLargeArgumentsAndSendsLargeReplies) {
  Client client(*this);
  ASSERT_TRUE(client.Greet());
  const std::string value(3'000'000, 'v');
  ASSERT_TRUE(client.Send("*2\r\n$4\r\nECHO\r\n$3000000\r\n" + value + "\r\n"));
  EXPECT_TRUE(client.Receive(value.size() + 12) == "$3000000\r\n" + value + "\r\n");
}

TEST_P(TlsConnectionsTest, TakesARequestThatComesWithTheEndOfTheHandshake) {
  Client client(*this);
  ASSERT_TRUE(server_->TurnUntil([&] { return !server_->open.empty(); }));
  // The server's part of the handshake is in the socket; ours and the request leave together.
  int outcome = -EAGAIN;
  ASSERT_TRUE(server_->TurnUntil([&] { return (outcome = client.transport->Handshake()) != -EAGAIN; }));
  ASSERT_EQ(outcome, 0);
  std::string request = "ECHO a\r\n";
  const iovec part{request.data(), request.size()};
  ASSERT_EQ(client.transport->Writev(&part, 1), 8);
  EXPECT_EQ(client.Receive(7), "$1\r\na\r\n");
}

TEST_P(TlsConnectionsTest, EndsWhoTakesTooLongForTheHandshake) {
  ConnectionLimits limits;
  limits.handshake_micros = 20'000;
  server_->io.SetLimits(limits);
  TestClient silent(*server_);
  TestClient half(*server_);
  ASSERT_TRUE(half.Send("\x16\x03\x01"));
  EXPECT_EQ(silent.ReceiveAll(), "");
  half.ReceiveAll();
  ASSERT_TRUE(server_->TurnUntil([&] { return failures_.size() == 2; }));
  EXPECT_EQ(failures_, (std::vector<std::string>{"no handshake within 20 ms", "no handshake within 20 ms"}));
  EXPECT_EQ(server_->io.stats().handshakes_failed, 2u);
  EXPECT_EQ(server_->io.connection_count(), 0u);
}

TEST_P(TlsConnectionsTest, EndsWhoSpeaksPlainly) {
  TestClient client(*server_);
  ASSERT_TRUE(client.Send("PING\r\nPING\r\nPING\r\n"));
  client.ReceiveAll();
  ASSERT_TRUE(server_->TurnUntil([&] { return server_->closed == 1; }));
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_TRUE(failures_[0].starts_with("error:")) << failures_[0];
  EXPECT_EQ(server_->commands, 0);
}

TEST_P(TlsConnectionsTest, SaysGoodbyeAfterTheLastReply) {
  Client client(*this);
  ASSERT_TRUE(client.Greet());
  ASSERT_TRUE(client.Send("ECHO a\r\nQUIT\r\n"));
  EXPECT_EQ(client.Receive(1000), "$1\r\na\r\n+OK\r\n");
  EXPECT_TRUE(client.at_end);
  EXPECT_TRUE(client.transport->failure().empty() || client.transport->failure().starts_with("the peer"))
      << client.transport->failure();
}

TEST_P(TlsConnectionsTest, NoticesAPeerThatSaysGoodbyeWithItsLastRequest) {
  Client client(*this);
  ASSERT_TRUE(client.Greet());
  ASSERT_TRUE(client.Send("ECHO a\r\n"));
  client.transport->End();
  EXPECT_TRUE(server_->TurnUntil([&] { return server_->closed == 1; }));
  EXPECT_TRUE(failures_.empty());
}

TEST_P(TlsConnectionsTest, MovesBetweenThreadsAtAnyTime) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(std::make_unique<Client>(*this));
  // Half of them are still in the handshake.
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(clients[i]->Greet());
  for (const int count : {2, 1, 4, 3}) {
    ASSERT_TRUE(server_->io.SetThreadCount(count).has_value());
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(clients[i]->Send("ECHO a\r\n"));
      EXPECT_EQ(clients[i]->Receive(7), "$1\r\na\r\n");
    }
  }
  for (int i = 3; i < 6; ++i) {
    ASSERT_TRUE(clients[i]->Greet());
    ASSERT_TRUE(clients[i]->Send("ECHO b\r\n"));
    EXPECT_EQ(clients[i]->Receive(7), "$1\r\nb\r\n");
  }
}

TEST_P(TlsConnectionsTest, AnotherThreadWritesWhileRequestsCome) {
  Client client(*this);
  ASSERT_TRUE(client.Greet());
  ASSERT_TRUE(client.Send("ECHO a\r\n"));
  ASSERT_EQ(client.Receive(7), "$1\r\na\r\n");
  const auto lease = server_->open.at(0)->LendSocket();
  ASSERT_TRUE(server_->TurnUntil([&] { return lease->is_open(); }));
  const std::string text(2'000'000, 'x');
  std::atomic<bool> is_done = false;
  std::thread writer([&] {
    std::string_view rest = text;
    while (!rest.empty()) {
      iovec part{const_cast<char*>(rest.data()), rest.size()};
      TrimParts(&part, 1, lease->most_bytes());
      const int64_t put = lease->Writev(&part, 1);
      if (put > 0) rest.remove_prefix(static_cast<size_t>(put));
      if (put < 0 && put != -EAGAIN) break;
      if (put < 0) std::this_thread::yield();
    }
    is_done = true;
  });
  std::string received;
  int commands = 1;
  while (received.size() < text.size()) {
    ASSERT_TRUE(client.Send("ECHO b\r\n"));
    ++commands;
    received += client.Receive(std::min<size_t>(100'000, text.size() - received.size()));
  }
  writer.join();
  EXPECT_TRUE(received == text);
  server_->open.at(0)->TakeSocketBack();
  std::string expected;
  for (int i = 1; i < commands; ++i) expected += "$1\r\nb\r\n";
  EXPECT_EQ(client.Receive(expected.size()), expected);
}

TEST_P(TlsConnectionsTest, StreamsAndRespClientsGreetToo) {
  const env::Endpoint endpoint{.host = "127.0.0.1", .port = server_->listener.port()};
  const auto ours = authority_.Context("client");
  RespClient client(server_->loop, *server_->net, {.tls = ours});
  std::string reply;
  client.Connect(endpoint, [&](Status status) {
    ASSERT_TRUE(status.has_value()) << status.error().message;
    client.Send({"ECHO", "hello"}, [&](Result<resp::Reply> answer) { reply = answer->text; });
  });
  EXPECT_TRUE(server_->TurnUntil([&] { return !reply.empty(); }));
  EXPECT_EQ(reply, "hello");

  std::string line, failure;
  TaskScope scope;
  const auto talk = [&](std::shared_ptr<const TlsContext> tls, std::string* to) -> Task<void> {
    Task<Result<std::unique_ptr<Stream>>> connecting =
        Stream::Connect(server_->loop, *server_->net, endpoint, 20'000'000, tls);
    auto stream = co_await connecting;
    if (!stream) {
      *to = stream.error().message;
      co_return;
    }
    Task<Status> writing = (*stream)->WriteAll("SIZE abc\r\n", 20'000'000);
    co_await writing;
    Task<Result<std::string>> reading = (*stream)->ReadLine(100, 20'000'000);
    const auto answer = co_await reading;
    *to = answer ? *answer : answer.error().message;
  };
  scope.Start(talk(ours, &line));
  EXPECT_TRUE(server_->TurnUntil([&] { return !line.empty(); }));
  EXPECT_EQ(line, ":3");
  TestAuthority stranger("stranger");
  stranger.Issue("client");
  scope.Start(talk(stranger.Context("client"), &failure));
  EXPECT_TRUE(server_->TurnUntil([&] { return !failure.empty(); }));
  EXPECT_NE(failure.find("by TLS: error:"), std::string::npos) << failure;
}

}  // namespace
}  // namespace hearth::net
