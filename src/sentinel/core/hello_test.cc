#include "sentinel/core/hello.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sentinel/core/address.h"

namespace hearth::sentinel {
namespace {

const std::string kId(40, 'a');

TEST(HelloTest, ComesBackAsItWasSent) {
  const HelloMessage hello{{"10.0.0.9", 26379}, kId, 7, "mymaster", {"10.0.0.1", 6379}, 5};
  const std::string text = FormatHello(hello);
  EXPECT_EQ(text, "10.0.0.9,26379," + kId + ",7,mymaster,10.0.0.1,6379,5");
  EXPECT_EQ(ParseHello(text), hello);
}

TEST(HelloTest, AnythingElseIsNoHello) {
  const std::string good = "10.0.0.9,26379," + kId + ",7,mymaster,10.0.0.1,6379,5";
  ASSERT_TRUE(ParseHello(good));
  const std::vector<std::string> all_bad = {
      std::string(),
      good + ",1",
      good.substr(0, good.size() - 2),
      std::string(3000, ','),
      "10.0.0.9,0," + kId + ",7,mymaster,10.0.0.1,6379,5",
      "10.0.0.9,1," + kId + ",-7,mymaster,10.0.0.1,6379,5",
      "10.0.0.9,1," + kId + ",18446744073709551615,mymaster,10.0.0.1,6379,5",
      "10.0.0.9,1,a b,7,mymaster,10.0.0.1,6379,5",
      "10.0.0.9,1," + kId + ",7,,10.0.0.1,6379,5",
      "10.0.0.9\n,1," + kId + ",7,mymaster,10.0.0.1,6379,5"};
  for (const std::string& bad : all_bad) {
    EXPECT_FALSE(ParseHello(bad)) << bad;
  }
}

Reply Vote(int64_t down, std::string leader, int64_t epoch) {
  Reply reply{Reply::Kind::kArray, 0, "", {}};
  reply.elements.push_back({Reply::Kind::kInteger, down, "", {}});
  reply.elements.push_back({Reply::Kind::kText, 0, std::move(leader), {}});
  reply.elements.push_back({Reply::Kind::kInteger, epoch, "", {}});
  return reply;
}

TEST(VoteReplyTest, SaysWhetherItIsDownAndWhoLeads) {
  const auto vote = ParseVoteReply(Vote(1, kId, 3));
  ASSERT_TRUE(vote);
  EXPECT_TRUE(vote->is_down);
  EXPECT_EQ(vote->leader, kId);
  EXPECT_EQ(vote->epoch, 3u);
  EXPECT_TRUE(ParseVoteReply(Vote(0, "*", 0))->leader.empty());
}

TEST(VoteReplyTest, AnythingElseIsNoVote) {
  EXPECT_FALSE(ParseVoteReply({Reply::Kind::kError, 0, "NOAUTH", {}}));
  EXPECT_FALSE(ParseVoteReply({Reply::Kind::kArray, 0, "", {}}));
  EXPECT_FALSE(ParseVoteReply(Vote(1, kId, -1)));
  EXPECT_FALSE(ParseVoteReply(Vote(1, kId, INT64_MAX)));
  Reply wrong = Vote(1, kId, 1);
  wrong.elements[0].kind = Reply::Kind::kText;
  EXPECT_FALSE(ParseVoteReply(wrong));
}

TEST(AddressTest, NumbersAreToldFromNames) {
  for (const char* host : {"127.0.0.1", "::1", "fe80::1%eth0", "::ffff:1.2.3.4"})
    EXPECT_TRUE(IsNumericHost(host)) << host;
  for (const char* host :
       {"", "localhost", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "g::1", "::1%a b"}) {
    EXPECT_FALSE(IsNumericHost(host)) << host;
  }
  EXPECT_TRUE(IsPlausibleHost("db-1.example_x.org"));
  EXPECT_FALSE(IsPlausibleHost("a b"));
  EXPECT_FALSE(IsPlausibleHost("a\nsentinel myid"));
}

}  // namespace
}  // namespace hearth::sentinel
