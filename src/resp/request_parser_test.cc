#include "resp/request_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"

namespace hearth::resp {
namespace {

using Outcome = RequestParser::Outcome;
using Requests = std::vector<std::vector<std::string>>;

uint64_t Seed() {
  const char* given = std::getenv("HEARTH_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20240607;
  std::printf("HEARTH_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

// Feeds the parser the way a connection does: bytes arrive in pieces, the buffer moves, batches end.
class Feeder {
 public:
  explicit Feeder(RequestLimits limits = {}) : limits_(limits) {}

  Outcome Feed(std::string_view piece) {
    // A new place in memory every time, so that a stale view shows.
    auto moved = std::make_unique<std::string>(*buffer_);
    moved->reserve(buffer_->size() + piece.size());
    parser_.Rebase(buffer_->data(), moved->data(), parsed_);
    buffer_->assign(buffer_->size(), '#');
    buffer_ = std::move(moved);
    const char* const before = buffer_->data();
    buffer_->append(piece);
    EXPECT_EQ(before, buffer_->data());
    for (;;) {
      const Outcome outcome = parser_.Parse(buffer_->data(), buffer_->size(), limits_, parsed_);
      for (const Request& request : parsed_.requests) {
        std::vector<std::string> args;
        for (uint32_t i = 0; i < request.arg_count; ++i)
          args.emplace_back(parsed_.args[request.first_arg + i]);
        requests.push_back(args);
        raws.emplace_back(parsed_.Raw(static_cast<size_t>(&request - parsed_.requests.data())));
      }
      DropBatch();
      if (outcome != Outcome::kBatchFull) return outcome;
      if (stop_when_full) return outcome;
    }
  }
  std::string_view error() const { return parser_.error(); }
  RequestParser& parser() { return parser_; }
  size_t held_args() const { return parsed_.args.capacity(); }

  RequestLimits limits_;
  bool stop_when_full = false;
  Requests requests;
  std::vector<std::string> raws;

 private:
  void DropBatch() {
    const char* const before = buffer_->data();
    buffer_->erase(0, parser_.consumed());
    parser_.Discard(before, buffer_->data(), parsed_);
  }

  RequestParser parser_;
  ParsedRequests parsed_;
  std::unique_ptr<std::string> buffer_ = std::make_unique<std::string>();
};

std::string ErrorOf(std::string_view input, RequestLimits limits = {}) {
  Feeder feeder(limits);
  EXPECT_EQ(feeder.Feed(input), Outcome::kError) << input.substr(0, 60);
  return std::string(feeder.error());
}

const std::string kMixed =
    "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$0\r\n\r\nPING\r\n  GET  a \n\r\n*0\r\n*-1\r\nset k \"a b\\x41\" 'c "
    "d'\r\n"
    "*2\r\n$4\r\nECHO\r\n$13\r\nwith\r\nnewline\r\n";
const Requests kMixedRequests = {
    {"SET", "key", ""}, {"PING"}, {"GET", "a"}, {"set", "k", "a bA", "c d"}, {"ECHO", "with\r\nnewline"}};

TEST(RequestParser, ParsesAllCompleteRequestsOfABuffer) {
  Feeder feeder;
  EXPECT_EQ(feeder.Feed(kMixed), Outcome::kNeedMore);
  EXPECT_EQ(feeder.requests, kMixedRequests);
}

TEST(RequestParser, GivesTheSameRequestsHoweverTheInputIsCutInTwo) {
  for (size_t cut = 0; cut <= kMixed.size(); ++cut) {
    Feeder feeder;
    feeder.Feed(std::string_view(kMixed).substr(0, cut));
    feeder.Feed(std::string_view(kMixed).substr(cut));
    ASSERT_EQ(feeder.requests, kMixedRequests) << "cut at " << cut;
  }
}

TEST(RequestParser, GivesTheSameRequestsByteByByte) {
  Feeder feeder;
  for (const char byte : kMixed) feeder.Feed({&byte, 1});
  EXPECT_EQ(feeder.requests, kMixedRequests);
}

TEST(RequestParser, GivesTheSameRequestsInRandomPieces) {
  Prng prng(Seed());
  for (int round = 0; round < 200; ++round) {
    std::string input;
    Requests expected;
    for (int i = 0; i < 20; ++i) {
      std::vector<std::string> args(1 + prng.Below(6));
      input += "*" + std::to_string(args.size()) + "\r\n";
      for (std::string& arg : args) {
        arg.resize(prng.Below(prng.Below(10) == 0 ? 3000 : 130));
        for (char& c : arg) c = static_cast<char>(prng.Next());
        input += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
      }
      expected.push_back(args);
    }
    Feeder feeder({.max_requests = 1 + prng.Below(8)});
    std::string_view rest = input;
    while (!rest.empty()) {
      const size_t size = std::min<size_t>(rest.size(), 1 + prng.Below(400));
      ASSERT_EQ(feeder.Feed(rest.substr(0, size)), Outcome::kNeedMore);
      rest.remove_prefix(size);
    }
    ASSERT_EQ(feeder.requests, expected);
  }
}

TEST(RequestParser, KnowsTheBytesThatEachRequestCameAs) {
  const std::vector<std::string> sent = {"*1\r\n$4\r\nPING\r\n", "PING\r\n",
                                         "\r\n*0\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n"};
  Feeder whole;
  whole.Feed(sent[0] + sent[1] + sent[2]);
  EXPECT_EQ(whole.raws, sent);
  Feeder in_pieces;
  for (const std::string& request : sent) {
    for (size_t i = 2; i < request.size() + 2; i += 3) {
      in_pieces.Feed(std::string_view(request).substr(i - 2, std::min<size_t>(3, request.size() + 2 - i)));
    }
  }
  in_pieces.Feed("x");
  EXPECT_EQ(in_pieces.raws[0], sent[0]);
  EXPECT_EQ(in_pieces.raws[1], sent[1]);
  // Empty lines that came alone are gone.
  EXPECT_TRUE(sent[2].ends_with(in_pieces.raws[2]));
}

TEST(RequestParser, NamesWhatIsWrong) {
  EXPECT_EQ(ErrorOf("*1\r\nx4\r\n"), "Protocol error: expected '$', got 'x'");
  EXPECT_EQ(ErrorOf("*1\r\n$abc\r\n"), "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$-1\r\n"), "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$01\r\n"), "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$536870913\r\n"), "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*x\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*2147483648\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*+1\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("set \"a\r\n"), "Protocol error: unbalanced quotes in request");
  EXPECT_EQ(ErrorOf("set \"a\"b\r\n"), "Protocol error: unbalanced quotes in request");
  EXPECT_EQ(ErrorOf(std::string(70000, 'a')), "Protocol error: too big inline request");
  EXPECT_EQ(ErrorOf("*" + std::string(70000, '1')), "Protocol error: too big mbulk count string");
  EXPECT_EQ(ErrorOf("*1\r\n$" + std::string(70000, '1')), "Protocol error: too big bulk count string");
}

TEST(RequestParser, TakesALongLineThatArrivesAsAWhole) {
  const std::string word(70000, 'a');
  Feeder feeder;
  EXPECT_EQ(feeder.Feed("ECHO " + word + "\r\n"), Outcome::kNeedMore);
  EXPECT_EQ(feeder.requests, (Requests{{"ECHO", word}}));
}

TEST(RequestParser, AZeroByteHidesTheRestOfItsLine) {
  using std::string_literals::operator""s;
  for (const std::string& head :
       {"\0\0\r\n"s, "PING\0\n"s, "*1\0\r\n"s, "*1\r\n\0\r\n"s, "*1\r\n$4\0\r\n"s}) {
    for (size_t cut = 0; cut <= head.size(); ++cut) {
      Feeder feeder;
      EXPECT_EQ(feeder.Feed(std::string_view(head).substr(0, cut)), Outcome::kNeedMore);
      EXPECT_EQ(feeder.Feed(std::string_view(head).substr(cut)), Outcome::kNeedMore);
      EXPECT_EQ(feeder.Feed("PING\r\n"), Outcome::kNeedMore);
      EXPECT_TRUE(feeder.requests.empty());
      EXPECT_EQ(feeder.Feed(std::string(RequestParser::kMaxInlineBytes, 'a')), Outcome::kError);
      EXPECT_TRUE(feeder.error().starts_with("Protocol error: too big"));
    }
  }
}

TEST(RequestParser, RunsWhatCameBeforeAnError) {
  Feeder feeder;
  EXPECT_EQ(feeder.Feed("PING\r\n*1\r\nx"), Outcome::kNeedMore);
  EXPECT_EQ(feeder.Feed("\r\n"), Outcome::kError);
  EXPECT_EQ(feeder.requests, (Requests{{"PING"}}));
  EXPECT_EQ(feeder.Feed("PING\r\n"), Outcome::kError);
}

TEST(RequestParser, HoldsUnauthenticatedClientsToSmallRequests) {
  const RequestLimits limits{.authenticated = false};
  EXPECT_EQ(ErrorOf("*11\r\n", limits), "Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$16385\r\n", limits), "Protocol error: unauthenticated bulk length");
  Feeder feeder(limits);
  EXPECT_EQ(feeder.Feed("*10\r\n$16384\r\n"), Outcome::kNeedMore);
}

TEST(RequestParser, LetsAnAuthRunBeforeItJudgesTheRequestBehindIt) {
  Feeder feeder({.authenticated = false});
  feeder.stop_when_full = true;
  EXPECT_EQ(feeder.Feed("AUTH secret\r\n*11\r\n"), Outcome::kBatchFull);
  EXPECT_EQ(feeder.requests.size(), 1u);
  feeder.limits_.authenticated = true;
  EXPECT_EQ(feeder.Feed(""), Outcome::kNeedMore);
}

TEST(RequestParser, AllocatesNothingForWhatIsOnlyAnnounced) {
  Feeder feeder;
  EXPECT_EQ(feeder.Feed("*2147483647\r\n$536870912\r\nabc"), Outcome::kNeedMore);
  EXPECT_LT(feeder.held_args(), 64u);
  EXPECT_EQ(feeder.parser().awaited_size(), 13u + 12u + 536870912u + 2u);
}

TEST(RequestParser, TakesAMillionArgumentsInPieces) {
  constexpr int kArgs = 1'000'000;
  std::string buffer;
  buffer.reserve(16'000'000);
  RequestParser parser;
  ParsedRequests parsed;
  buffer = "*" + std::to_string(kArgs) + "\r\n";
  for (int i = 0; i < kArgs; ++i) {
    buffer += "$3\r\nab\n\r\n";
    if (i % 100 != 0) continue;
    ASSERT_EQ(parser.Parse(buffer.data(), buffer.size(), {}, parsed), Outcome::kNeedMore);
  }
  ASSERT_EQ(parser.Parse(buffer.data(), buffer.size(), {}, parsed), Outcome::kNeedMore);
  ASSERT_EQ(parsed.requests.size(), 1u);
  EXPECT_EQ(parsed.requests[0].arg_count, kArgs);
}

}  // namespace
}  // namespace hearth::resp
