#include "net/tls_transport.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"
#include "net/testing/certificates.h"
#include "net/testing/pipe_net.h"

namespace hearth::net {
namespace {

// End 0 accepts, end 1 connects.
class TlsTransportTest : public ::testing::Test {
 protected:
  static constexpr int kMostSteps = 200'000;

  TlsTransportTest() {
    authority_.Issue("server");
    authority_.Issue("client");
  }
  void Join(const std::shared_ptr<const TlsContext>& server, const std::shared_ptr<const TlsContext>& client,
            ClientCertificates wanted = ClientCertificates::kRequired) {
    ends_[0] = server->Accept(net_, 0, wanted);
    ends_[1] = client->Connect(net_, 1);
  }
  void Join() { Join(authority_.Context("server"), authority_.Context("client")); }
  // What the end came to: 0, or the code with which it failed.
  int Greet(int end) {
    int outcome = -EAGAIN;
    for (int i = 0; i < kMostSteps && outcome == -EAGAIN; ++i) {
      static_cast<void>(ends_[1 - end]->Handshake());
      outcome = ends_[end]->Handshake();
    }
    return outcome;
  }
  void GreetBoth() {
    ASSERT_EQ(Greet(0), 0) << ends_[0]->failure();
    ASSERT_EQ(Greet(1), 0) << ends_[1]->failure();
  }
  std::string RandomText(size_t size) {
    std::string text(size, '\0');
    for (char& byte : text) byte = static_cast<char>(random_.Next());
    return text;
  }
  // In parts of random sizes; what was not taken is offered again, all of it and maybe more, as callers do.
  size_t Send(int end, std::string_view text) {
    std::vector<iovec> parts;
    size_t at = 0;
    while (at < text.size() && (parts.size() < 40 || at < untaken_[end])) {
      const size_t most = random_.Below(4) == 0 ? 40'000 : 300;
      const size_t size = std::min<size_t>(text.size() - at, random_.Below(most));
      parts.push_back({const_cast<char*>(text.data()) + at, size});
      at += size;
    }
    if (parts.empty()) return 0;
    const int64_t put = ends_[end]->Writev(parts.data(), static_cast<int>(parts.size()));
    EXPECT_TRUE(put >= 0 || put == -EAGAIN) << put << " " << ends_[end]->failure();
    const size_t taken = put > 0 ? static_cast<size_t>(put) : 0;
    untaken_[end] = at - taken;
    return taken;
  }
  int64_t Receive(int end, std::string& to) {
    std::string piece(1 + random_.Below(50'000), '\0');
    const int64_t got = ends_[end]->Read(piece.data(), piece.size());
    if (got > 0) to.append(piece, 0, static_cast<size_t>(got));
    return got;
  }
  int64_t ReceiveNext(int end, std::string& to) {
    int64_t got = -EAGAIN;
    for (int i = 0; i < kMostSteps && got == -EAGAIN; ++i) got = Receive(end, to);
    return got;
  }

  Prng random_{TestSeed()};
  PipeNet net_{random_.Next()};
  TestAuthority authority_;
  std::unique_ptr<Transport> ends_[2];
  size_t untaken_[2] = {};
};

TEST_F(TlsTransportTest, CarriesAllBytesBothWaysHoweverTheSocketCutsThem) {
  net_.set_capacity(30'000);
  Join();
  GreetBoth();
  const std::string texts[] = {RandomText(700'000), RandomText(700'000)};
  size_t sent[2] = {};
  std::string received[2];
  for (int i = 0;
       i < kMostSteps && (received[0].size() < texts[1].size() || received[1].size() < texts[0].size());
       ++i) {
    const int end = static_cast<int>(random_.Below(2));
    sent[end] += Send(end, std::string_view(texts[end]).substr(sent[end]));
    const int64_t got = Receive(1 - end, received[1 - end]);
    ASSERT_TRUE(got > 0 || got == -EAGAIN) << got << " " << ends_[1 - end]->failure();
  }
  EXPECT_TRUE(received[0] == texts[1]);
  EXPECT_TRUE(received[1] == texts[0]);
}

TEST_F(TlsTransportTest, PutsSmallPartsIntoOneRecord) {
  net_.set_is_calm(true);
  Join();
  GreetBoth();
  std::string text;
  while (Receive(1, text) > 0) continue;  // what the server says about resuming the session
  net_.sent_by(0).clear();
  std::string piece(100, 'x');
  const std::vector<iovec> parts(100, iovec{piece.data(), piece.size()});
  EXPECT_EQ(ends_[0]->Writev(parts.data(), 100), 10'000);
  EXPECT_LT(net_.sent_by(0).size(), 10'100u);
  std::string got(20'000, '\0');
  EXPECT_EQ(ends_[1]->Read(got.data(), got.size()), 10'000);
}

TEST_F(TlsTransportTest, GivesAllThatTheSocketHasInOneRead) {
  net_.set_is_calm(true);
  Join();
  GreetBoth();
  const std::string text = RandomText(100'000);
  const iovec part{const_cast<char*>(text.data()), text.size()};
  ASSERT_EQ(ends_[1]->Writev(&part, 1), 100'000);
  std::string got(200'000, '\0');
  EXPECT_EQ(ends_[0]->Read(got.data(), got.size()), 100'000);
  EXPECT_EQ(ends_[0]->Read(got.data(), got.size()), -EAGAIN);
  EXPECT_EQ(got.substr(0, text.size()), text);
}

TEST_F(TlsTransportTest, TellsOfTheEndThatCameWithTheLastBytes) {
  net_.set_is_calm(true);
  Join();
  GreetBoth();
  std::string hello = "hello";
  const iovec part{hello.data(), hello.size()};
  ASSERT_EQ(ends_[1]->Writev(&part, 1), 5);
  ends_[1]->End();
  std::string got(100, '\0');
  EXPECT_EQ(ends_[0]->Read(got.data(), got.size()), 5);
  EXPECT_TRUE(ends_[0]->has_met_end());
  EXPECT_EQ(ends_[0]->Read(got.data(), got.size()), 0);
  EXPECT_EQ(ends_[0]->Read(got.data(), got.size()), 0);
}

TEST_F(TlsTransportTest, TakesAnEndWithoutAGoodbyeForAnEnd) {
  Join();
  GreetBoth();
  net_.Finish(1);
  std::string got;
  EXPECT_EQ(ReceiveNext(0, got), 0);
  EXPECT_EQ(got, "");
}

// One edge tells of both; there is not to be another.
TEST_F(TlsTransportTest, SeesTheEndBehindAPieceOfARecord) {
  net_.set_is_calm(true);
  Join();
  GreetBoth();
  char byte = 0;
  EXPECT_EQ(ends_[0]->Read(&byte, 1), -EAGAIN);
  net_.sent_by(1) = "\x17\x03\x03";
  net_.Finish(1);
  EXPECT_EQ(ends_[0]->Read(&byte, 1), 0);
  PipeNet net(1);
  net.set_is_calm(true);
  const auto end = authority_.Context("server")->Accept(net, 0, ClientCertificates::kIgnored);
  net.sent_by(1) = "\x16";
  net.Finish(1);
  EXPECT_EQ(end->Handshake(), -ECONNRESET);
}

TEST_F(TlsTransportTest, SaysThatThePeerLeftDuringTheHandshake) {
  Join();
  net_.Finish(1);
  EXPECT_EQ(ends_[0]->Handshake(), -ECONNRESET);
  EXPECT_EQ(ends_[0]->failure(), "the peer has ended the connection during the handshake");
}

TEST_F(TlsTransportTest, RefusesWhatIsNotTls) {
  for (const std::string& text :
       {std::string("PING\r\n"), std::string("*1\r\n$4\r\nPING\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("\x16\x03\x01\x00\x10", 5)}) {
    PipeNet net(random_.Next());
    const auto end = authority_.Context("server")->Accept(net, 0, ClientCertificates::kIgnored);
    net.sent_by(1) = text + std::string(200, '\r');
    int outcome = -EAGAIN;
    for (int i = 0; i < kMostSteps && outcome == -EAGAIN; ++i) outcome = end->Handshake();
    EXPECT_EQ(outcome, -EPROTO) << text;
    EXPECT_TRUE(end->failure().starts_with("error:")) << end->failure();
    EXPECT_LT(end->Handshake(), 0);
    char byte;
    EXPECT_LT(end->Read(&byte, 1), 0);
  }
}

TEST_F(TlsTransportTest, SurvivesRandomBytesAtAnyPoint) {
  const auto server_context = authority_.Context("server");
  const auto client_context = authority_.Context("client");
  for (int round = 0; round < 200; ++round) {
    PipeNet net(random_.Next());
    const auto server = server_context->Accept(net, 0, ClientCertificates::kOptional);
    const auto client = client_context->Connect(net, 1);
    const uint64_t spoiled_step = random_.Below(60);
    for (uint64_t step = 0; step < 120; ++step) {
      if (step == spoiled_step) {
        std::string& bytes = net.sent_by(1);
        if (bytes.empty() || random_.Below(2) == 0) {
          bytes += RandomText(1 + random_.Below(100));
        } else {
          bytes[random_.Below(bytes.size())] ^= static_cast<char>(1 << random_.Below(8));
        }
      }
      if (client->Handshake() == 0) {
        char bytes[600] = {};
        const iovec part{bytes, sizeof bytes};
        static_cast<void>(client->Writev(&part, 1));
      }
      char bytes[100];
      if (server->Handshake() != 0 || server->Read(bytes, sizeof bytes) <= 0) continue;
      EXPECT_EQ(bytes[0], 0);
    }
  }
}

TEST_F(TlsTransportTest, LooksAtTheCertificateOfAPeerUnlessItIsIgnored) {
  TestAuthority stranger("stranger");
  stranger.Issue("client");
  auto strange = authority_.Options("client");
  strange.certificate_file = stranger.path("client.crt");
  strange.key_file = stranger.path("client.key");
  using enum ClientCertificates;
  for (const ClientCertificates wanted : {kRequired, kOptional, kIgnored}) {
    net_ = PipeNet(random_.Next());
    Join(authority_.Context("server"), authority_.Context("client"), wanted);
    EXPECT_EQ(Greet(0), 0) << ends_[0]->failure();
    net_ = PipeNet(random_.Next());
    Join(authority_.Context("server"), *TlsContext::Make(strange), wanted);
    EXPECT_EQ(Greet(0) == 0, wanted == kIgnored) << ends_[0]->failure();
  }
}

TEST_F(TlsTransportTest, SaysWhatIsWrongWithACertificate) {
  authority_.Issue("expired", -3600);
  Join(authority_.Context("server"), authority_.Context("expired"));
  EXPECT_EQ(Greet(0), -EPROTO);
  EXPECT_NE(ends_[0]->failure().find("certificate has expired"), std::string::npos) << ends_[0]->failure();
}

TEST_F(TlsTransportTest, ConnectsOnlyToAServerWhoseAuthorityItTrusts) {
  TestAuthority stranger("stranger");
  stranger.Issue("server");
  Join(stranger.Context("server"), authority_.Context("client"), ClientCertificates::kIgnored);
  EXPECT_EQ(Greet(1), -EPROTO);
  EXPECT_NE(ends_[1]->failure().find("certificate verify failed"), std::string::npos) << ends_[1]->failure();
}

TEST_F(TlsTransportTest, AgreesOnNoVersionThatOneSideForbids) {
  auto old = authority_.Options("server");
  old.protocols = "TLSv1.2";
  auto fresh = authority_.Options("client");
  fresh.protocols = "TLSv1.3";
  Join(*TlsContext::Make(old), *TlsContext::Make(fresh));
  EXPECT_EQ(Greet(0), -EPROTO);
}

TEST_F(TlsTransportTest, SpeaksTls12AsWell) {
  auto options = authority_.Options("server");
  options.protocols = "TLSv1.2";
  Join(*TlsContext::Make(options), authority_.Context("client"));
  GreetBoth();
  std::string hello = "hello";
  const iovec part{hello.data(), hello.size()};
  int64_t put = -EAGAIN;
  for (int i = 0; i < kMostSteps && put == -EAGAIN; ++i) put = ends_[1]->Writev(&part, 1);
  ASSERT_EQ(put, 5);
  std::string got;
  while (got.size() < 5) ASSERT_GT(ReceiveNext(0, got), 0);
  EXPECT_EQ(got, "hello");
}

}  // namespace
}  // namespace hearth::net
