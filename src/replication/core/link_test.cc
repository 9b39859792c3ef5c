#include "replication/core/link.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::replication {
namespace {

const std::string kOurs(40, 'a');
const std::string kTheirs(40, 'b');

// A link with a clock of its own; effects come back as short words.
class LinkTest : public testing::Test {
 protected:
  std::vector<std::string> Step(const LinkInput& input) {
    std::vector<std::string> words;
    for (const LinkEffect& effect : link.Step(now_ms, input, settings, place)) {
      std::string word = Word(effect);
      if (!word.empty()) words.push_back(std::move(word));
    }
    return words;
  }
  std::vector<std::string> Line(std::string_view text) { return Step(link_input::Line{text}); }
  std::vector<std::string> Follow(Origin origin = Origin::kOperator) {
    return Step(link_input::Follow{"127.0.0.1:6379", origin});
  }
  // Up to the PSYNC, whose bytes it gives.
  std::vector<std::string> ShakeHands() {
    Step(link_input::Opened());
    Line("+PONG");
    Line("+OK");
    Line("+OK");
    return Line("+OK");
  }
  // As if a dataset had come after a first REPLICAOF.
  void FollowAndSync() {
    Follow();
    ShakeHands();
    Line("+FULLRESYNC " + kTheirs + " 100");
    Step(link_input::DatasetSeen{false});
    place = {kTheirs, 100, true};
    Step(link_input::DatasetLoaded());
    ASSERT_EQ(link.state(), Link::State::kConnected);
  }

  std::string Word(const LinkEffect& effect) {
    if (std::holds_alternative<link_effect::Open>(effect)) return "open";
    if (std::holds_alternative<link_effect::Close>(effect)) return "close";
    if (std::holds_alternative<link_effect::TakeDataset>(effect)) return "take";
    if (const auto* answer = std::get_if<link_effect::AnswerFailover>(&effect)) {
      return answer->is_accepted ? "failover accepted" : "failover refused";
    }
    if (const auto* send = std::get_if<link_effect::Send>(&effect)) return "send " + send->bytes;
    if (const auto* go_on = std::get_if<link_effect::GoOn>(&effect)) return "go on " + go_on->new_id;
    if (const auto* dataset = std::get_if<link_effect::ReceiveDataset>(&effect)) {
      return "receive " + dataset->id + " " + std::to_string(dataset->offset);
    }
    told.push_back(std::get<link_effect::Tell>(effect).text);
    return {};
  }

  using Words = std::vector<std::string>;
  Link link;
  LinkSettings settings{.port = 6380, .version = "7.2.4"};
  LinkPlace place;
  int64_t now_ms = 1'000'000;
  std::vector<std::string> told;
};

TEST_F(LinkTest, WhoHasLeftStaysAwayUntilItIsToldToFollow) {
  FollowAndSync();
  EXPECT_EQ(Step(link_input::Leave()), Words{"close"});
  EXPECT_TRUE(link.is_following());
  now_ms += 100'000;
  EXPECT_EQ(Step(link_input::Tick()), Words());
  EXPECT_EQ(Step(link_input::Lost{"late"}), Words());
  EXPECT_EQ(Follow(), Words{"open"});
  Step(link_input::Unfollow());
  EXPECT_EQ(Step(link_input::Leave()), Words());
}

TEST_F(LinkTest, GreetsThePrimaryInTheOrderThatRedisHas) {
  EXPECT_EQ(Follow(), Words{"open"});
  EXPECT_EQ(link.state_name(), "connecting");
  EXPECT_EQ(Step(link_input::Opened()), Words{"send *1\r\n$4\r\nPING\r\n"});
  EXPECT_EQ(link.state_name(), "handshake");
  settings.user = "u";
  settings.password = "pw";
  settings.address = "10.0.0.9";
  EXPECT_EQ(Line("+PONG"),
            Words{"send *3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$2\r\npw\r\n"
                  "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6380\r\n"
                  "*3\r\n$8\r\nREPLCONF\r\n$10\r\nip-address\r\n$8\r\n10.0.0.9\r\n"
                  "*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"
                  "*3\r\n$8\r\nREPLCONF\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n"});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Line("+OK"), Words{});
  EXPECT_EQ(Line("+OK"), Words{"send *3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"});
}

TEST_F(LinkTest, AsksForTheByteAfterTheLastOneThatItHas) {
  place = {kOurs, 66, true};
  Follow();
  EXPECT_EQ(ShakeHands(), Words{"send *3\r\n$5\r\nPSYNC\r\n$40\r\n" + kOurs + "\r\n$2\r\n67\r\n"});
}

TEST_F(LinkTest, TakesADatasetAndFollows) {
  Follow();
  ShakeHands();
  EXPECT_EQ(Line("+FULLRESYNC " + kTheirs + " 42"), Words{"receive " + kTheirs + " 42"});
  EXPECT_EQ(link.state_name(), "sync");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"take"});
  EXPECT_EQ(Step(link_input::DatasetLoaded()), Words{});
  EXPECT_EQ(link.state_name(), "connected");
}

TEST_F(LinkTest, GoesOnWhereItWas) {
  place = {kOurs, 66, true};
  Follow();
  ShakeHands();
  EXPECT_EQ(Line("+CONTINUE"), Words{"go on "});
  Step(link_input::Lost{"cut"});
  ShakeHands();
  EXPECT_EQ(Line("+CONTINUE " + kOurs), Words{"go on "});
  Step(link_input::Lost{"cut"});
  ShakeHands();
  EXPECT_EQ(Line("+CONTINUE " + kTheirs), Words{"go on " + kTheirs});
  EXPECT_EQ(link.state(), Link::State::kConnected);
}

TEST_F(LinkTest, DoesNotGoOnWithWhatItNeverHad) {
  Follow();
  ShakeHands();
  EXPECT_EQ(Line("+CONTINUE " + kTheirs), Words{"close"});
  now_ms += Link::kRetryMs;
  place = {kOurs, 1, true};
  Step(link_input::Tick());
  ShakeHands();
  EXPECT_EQ(Line("+CONTINUE nonsense"), Words{"close"});
  EXPECT_EQ(link.state_name(), "connect");
}

TEST_F(LinkTest, ToleratesPrimariesThatKnowNoReplconf) {
  Follow();
  Step(link_input::Opened());
  Line("+PONG");
  Line("-ERR unknown command");
  Line("-ERR unknown command");
  EXPECT_EQ(Line("-ERR unknown command"), Words{"send *3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"});
  EXPECT_EQ(Line("-ERR unknown command 'PSYNC'"), (Words{"send SYNC\r\n", "receive  0"}));
  EXPECT_EQ(Step(link_input::DatasetSeen{false}), Words{"take"});
}

TEST_F(LinkTest, LogsInWhereItIsAskedTo) {
  settings.password = "pw";
  Follow();
  Step(link_input::Opened());
  EXPECT_TRUE(Line("-NOAUTH Authentication required.").at(0).starts_with("send *2\r\n$4\r\nAUTH\r\n"));
  EXPECT_EQ(Line("-WRONGPASS invalid username-password pair or user is disabled."), Words{"close"});
  EXPECT_EQ(link.state_name(), "connect");
}

TEST_F(LinkTest, ComesBackLaterWhereThePrimaryIsNotReady) {
  for (const char* refusal :
       {"-LOADING Redis is loading the dataset in memory",
        "-NOMASTERLINK Can't SYNC while not connected with my master", "-MASTERDOWN Link with MASTER is down",
        "-NOPERM no", "-NOAUTH Authentication required."}) {
    Follow();
    ShakeHands();
    EXPECT_EQ(Line(refusal), Words{"close"}) << refusal;
    EXPECT_EQ(Step(link_input::Tick()), Words{});
    now_ms += Link::kRetryMs - 1;
    EXPECT_EQ(Step(link_input::Tick()), Words{});
    now_ms += 1;
    EXPECT_EQ(Step(link_input::Tick()), Words{"open"});
  }
  Follow();
  Step(link_input::Opened());
  EXPECT_EQ(Line("-LOADING Redis is loading the dataset in memory"), Words{"close"});
}

TEST_F(LinkTest, AnEmptyLineIsASignOfLife) {
  Follow();
  ShakeHands();
  for (int i = 0; i < 5; ++i) {
    now_ms += settings.timeout_ms - 1;
    EXPECT_EQ(Line(""), Words{});
    EXPECT_EQ(Step(link_input::Tick()), Words{});
  }
  EXPECT_EQ(Line("+FULLRESYNC " + kTheirs + " 0"), Words{"receive " + kTheirs + " 0"});
}

TEST_F(LinkTest, RefusesAMalformedFullResync) {
  for (const std::string& reply : Words{std::string("+FULLRESYNC"), "+FULLRESYNC " + kTheirs,
                                        "+FULLRESYNC abc 0", "+FULLRESYNC " + kTheirs + " -1"}) {
    Follow();
    ShakeHands();
    EXPECT_EQ(Line(reply), Words{"close"}) << reply;
  }
}

TEST_F(LinkTest, ALostStreamIsTakenUpAtOnceAndALostHandshakeLater) {
  FollowAndSync();
  EXPECT_EQ(Step(link_input::Lost{"cut"}), (Words{"close", "open"}));
  EXPECT_EQ(Step(link_input::Lost{"refused"}), Words{"close"});
  EXPECT_EQ(Step(link_input::Lost{"late news"}), Words{});
  now_ms += Link::kRetryMs;
  EXPECT_EQ(Step(link_input::Tick()), Words{"open"});
}

TEST_F(LinkTest, SilenceBreaksTheLinkInEveryState) {
  const auto is_silent = [this] {
    now_ms += settings.timeout_ms;
    EXPECT_EQ(Step(link_input::Tick()), Words{});
    now_ms += 1;
    return Step(link_input::Tick()) == Words{"close", "open"};
  };
  Follow();
  EXPECT_TRUE(is_silent());
  Step(link_input::Opened());
  EXPECT_TRUE(is_silent());
  ShakeHands();
  Line("+FULLRESYNC " + kTheirs + " 0");
  EXPECT_TRUE(is_silent());
  ShakeHands();
  Line("+FULLRESYNC " + kTheirs + " 0");
  Step(link_input::DatasetSeen{false});
  Step(link_input::DatasetLoaded());
  now_ms += settings.timeout_ms;
  Step(link_input::Activity());
  EXPECT_TRUE(is_silent());
}

TEST_F(LinkTest, StopsInEveryState) {
  EXPECT_EQ(Step(link_input::Unfollow()), Words{});
  Follow();
  EXPECT_EQ(Step(link_input::Unfollow()), Words{"close"});
  EXPECT_FALSE(link.is_following());
  FollowAndSync();
  EXPECT_EQ(Step(link_input::Unfollow()), Words{"close"});
  // What is still on its way is of no interest.
  EXPECT_EQ(Line("+OK"), Words{});
  EXPECT_EQ(Step(link_input::Lost{"cut"}), Words{});
  EXPECT_EQ(Step(link_input::Tick()), Words{});
  EXPECT_EQ(link.state_name(), "none");
}

TEST_F(LinkTest, AsksAReplicaToTakeOver) {
  place = {kOurs, 66, true};
  Follow(Origin::kFailover);
  EXPECT_EQ(ShakeHands(), Words{"send *5\r\n$5\r\nPSYNC\r\n$40\r\n" + kOurs +
                                "\r\n$2\r\n67\r\n$8\r\nFAILOVER\r\n$8\r\nUNFORCED\r\n"});
  Follow(Origin::kForcedFailover);
  EXPECT_EQ(ShakeHands(),
            Words{"send *4\r\n$5\r\nPSYNC\r\n$40\r\n" + kOurs + "\r\n$2\r\n67\r\n$8\r\nFAILOVER\r\n"});
  EXPECT_EQ(Line("+CONTINUE " + kTheirs), (Words{"go on " + kTheirs, "failover accepted"}));
  Step(link_input::Lost{"cut"});
  // It is an ordinary link from then on.
  EXPECT_EQ(ShakeHands(), Words{"send *3\r\n$5\r\nPSYNC\r\n$40\r\n" + kOurs + "\r\n$2\r\n67\r\n"});
  Follow(Origin::kFailover);
  ShakeHands();
  EXPECT_EQ(Line("-ERR PSYNC FAILOVER replid must match my replid."), (Words{"close", "failover refused"}));
}

// ---- the guard

TEST_F(LinkTest, RefusesAnEmptyDatasetOfAPrimaryThatItFollowed) {
  FollowAndSync();
  Step(link_input::Lost{"cut"});
  ShakeHands();
  Line("+FULLRESYNC " + kOurs + " 0");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"close"});
  EXPECT_NE(link.refused_reason(), "");
  EXPECT_EQ(link.state_name(), "connect");
  // It keeps trying, and says so once.
  const size_t told_before = std::count_if(told.begin(), told.end(), [](const std::string& text) {
    return text.find("refused") != std::string::npos;
  });
  EXPECT_EQ(told_before, 1u);
  now_ms += Link::kRetryMs;
  EXPECT_EQ(Step(link_input::Tick()), Words{"open"});
  ShakeHands();
  Line("+FULLRESYNC " + kOurs + " 0");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"close"});
  // Until the primary has something.
  now_ms += Link::kRetryMs;
  Step(link_input::Tick());
  ShakeHands();
  Line("+FULLRESYNC " + kOurs + " 0");
  EXPECT_EQ(Step(link_input::DatasetSeen{false}), Words{"take"});
  EXPECT_EQ(link.refused_reason(), "");
}

TEST_F(LinkTest, AnOperatorsWordLiftsTheGuardOnce) {
  FollowAndSync();
  Step(link_input::Lost{"cut"});
  ShakeHands();
  Line("+FULLRESYNC " + kOurs + " 0");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"close"});
  EXPECT_EQ(Follow(Origin::kOperator), Words{"open"});
  EXPECT_EQ(link.refused_reason(), "");
  ShakeHands();
  Line("+FULLRESYNC " + kOurs + " 0");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"take"});
  Step(link_input::DatasetLoaded());
  place = {kOurs, 0, true};
  Step(link_input::Lost{"cut"});
  ShakeHands();
  Line("+FULLRESYNC " + kTheirs + " 0");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"close"});
}

TEST_F(LinkTest, GuardsFromTheStartWhatTheConfigurationNames) {
  place = {"", 0, true};
  Follow(Origin::kConfiguration);
  ShakeHands();
  Line("+FULLRESYNC " + kTheirs + " 0");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"close"});
}

TEST_F(LinkTest, TakesEmptinessThatHasAReason) {
  // Nothing to lose.
  Follow(Origin::kConfiguration);
  ShakeHands();
  Line("+FULLRESYNC " + kTheirs + " 0");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"take"});
  Step(link_input::DatasetLoaded());
  // The same history: its data was deleted there.
  place = {kTheirs, 0, true};
  Step(link_input::Lost{"cut"});
  ShakeHands();
  Line("+FULLRESYNC " + kTheirs + " 900");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"take"});
  Step(link_input::DatasetLoaded());
  // The guard is off.
  settings.keeps_data_from_empty_primary = false;
  Step(link_input::Lost{"cut"});
  ShakeHands();
  Line("+FULLRESYNC " + kOurs + " 0");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"take"});
}

// Whatever comes in whatever order, the machine closes what it has opened before it opens again, and never
// takes an empty dataset that it must refuse.
TEST_F(LinkTest, KeepsItsRulesInAnyOrderOfEvents) {
  Prng prng(TestSeed());
  const std::vector<std::string> lines = {"+PONG",
                                          "+OK",
                                          "",
                                          "-ERR what",
                                          "+CONTINUE",
                                          "-LOADING",
                                          "+CONTINUE " + kOurs,
                                          "junk",
                                          "+FULLRESYNC " + kTheirs + " 5"};
  bool is_open = false;
  bool is_dataset_coming = false;
  for (int i = 0; i < 200'000; ++i) {
    now_ms += static_cast<int64_t>(prng.Below(2000));
    place = {prng.Below(2) != 0 ? kOurs : std::string(), prng.Below(1000), prng.Below(2) != 0};
    LinkInput input = link_input::Tick();
    bool is_empty = false;
    switch (prng.Below(12)) {
      case 0:
        input = link_input::Follow{"h:1", prng.Below(2) != 0 ? Origin::kOperator : Origin::kConfiguration};
        break;
      case 1:
        input = link_input::Opened();
        break;
      case 2:
        input = link_input::Lost{"cut"};
        break;
      case 3:
        input = link_input::DatasetSeen{is_empty = prng.Below(2) != 0};
        break;
      case 4:
        input = link_input::DatasetLoaded();
        break;
      case 5:
        if (prng.Below(20) == 0) input = link_input::Unfollow();
        break;
      case 6:
        break;
      default:
        input = link_input::Line{lines[prng.Below(lines.size())]};
    }
    for (const std::string& word : Step(input)) {
      if (word == "open") {
        EXPECT_FALSE(is_open);
        is_open = true;
        is_dataset_coming = false;
      } else if (word == "close") {
        EXPECT_TRUE(is_open);
        is_open = false;
      } else {
        EXPECT_TRUE(is_open) << word;
        if (word.starts_with("receive")) is_dataset_coming = true;
        EXPECT_TRUE(word != "take" || is_dataset_coming);
      }
    }
    EXPECT_EQ(is_open, link.state() != Link::State::kNone && link.state() != Link::State::kConnect);
  }
}

}  // namespace
}  // namespace hearth::replication
