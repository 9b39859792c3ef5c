#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "replication/core/link.h"

namespace hearth::replication {
namespace {

using Outcome = link_input::LostWritesGathered::Outcome;
using Words = std::vector<std::string>;

const std::string kOurs(40, 'a');
const std::string kTheirs(40, 'b');
const std::string kFormer(40, 'c');
const std::string kOldest(40, 'd');

// A replica that has kOurs up to 500, and was offered to rejoin by what `Offer` says.
class LinkRejoinTest : public testing::Test {
 protected:
  Words Step(const LinkInput& input) {
    Words words;
    for (const LinkEffect& effect : link.Step(now_ms, input, settings, place)) {
      if (std::string word = Word(effect); !word.empty()) words.push_back(std::move(word));
    }
    return words;
  }
  Words Line(std::string_view text) { return Step(link_input::Line{text}); }
  Words Offer(const std::string& line, Origin origin = Origin::kOperator) {
    Step(link_input::Follow{"127.0.0.1:6379", origin});
    ShakeHands();
    return Line(line);
  }
  Words ShakeHands() {
    Step(link_input::Opened());
    greeting = Line("+PONG").at(0);
    Line("+OK");
    return Line("+OK");
  }

  static std::string Word(const LinkEffect& effect) {
    if (std::holds_alternative<link_effect::Open>(effect)) return "open";
    if (std::holds_alternative<link_effect::Close>(effect)) return "close";
    if (std::holds_alternative<link_effect::TakeDataset>(effect)) return "take";
    if (const auto* answer = std::get_if<link_effect::AnswerFailover>(&effect)) {
      return answer->is_accepted ? "failover accepted" : "failover refused";
    }
    if (const auto* send = std::get_if<link_effect::Send>(&effect)) return "send " + Plain(send->bytes);
    if (const auto* go_on = std::get_if<link_effect::GoOn>(&effect)) return "go on " + go_on->new_id;
    if (const auto* dataset = std::get_if<link_effect::ReceiveDataset>(&effect)) {
      return (dataset->is_rejoin ? "receive keys " : "receive ") + std::to_string(dataset->offset);
    }
    if (const auto* gather = std::get_if<link_effect::GatherLostWrites>(&effect)) {
      return "gather " + std::to_string(gather->offset) + " " + std::to_string(gather->database);
    }
    if (const auto* back = std::get_if<link_effect::GoBack>(&effect)) {
      return "go back " + back->id + " " + std::to_string(back->offset) + " " +
             std::to_string(back->database);
    }
    return {};
  }
  // The words of a request, without what frames them.
  static std::string Plain(const std::string& bytes) {
    std::string plain;
    for (size_t at = 0; at < bytes.size();) {
      const size_t end = std::min(bytes.find("\r\n", at), bytes.size());
      const std::string line = bytes.substr(at, end - at);
      if (line.find_first_of("*$") != 0) plain += (plain.empty() ? "" : " ") + line;
      at = end + 2;
    }
    return plain;
  }
  const std::string ask_keys = "send PSYNC " + kOurs + " 301 REJOIN";

  Link link;
  LinkSettings settings{.port = 6380};
  LinkPlace place{.id = kOurs, .offset = 500, .has_data = true};
  int64_t now_ms = 1'000'000;
  std::string greeting;
};

TEST_F(LinkRejoinTest, SaysThatItCanAndWhatItsHistoryWasCalled) {
  Offer("+REJOIN " + kOurs + " 300 0");
  EXPECT_TRUE(greeting.ends_with("capa rejoin")) << greeting;
  place.former = {{kFormer, 200, 3}};
  Offer("+REJOIN " + kOurs + " 300 0");
  EXPECT_TRUE(greeting.ends_with("capa rejoin:" + kFormer + ":200:3")) << greeting;
  place.former.push_back({kOldest, 90});
  Offer("+REJOIN " + kOurs + " 300 0");
  EXPECT_TRUE(greeting.ends_with("capa rejoin:" + kFormer + ":200:3:" + kOldest + ":90:-1")) << greeting;
}

TEST_F(LinkRejoinTest, SaysNothingOfItWithoutAHistoryOrWhenItMustNot) {
  settings.rejoins = false;
  Offer("+REJOIN " + kOurs + " 300 0");
  EXPECT_TRUE(greeting.ends_with("psync2")) << greeting;
  settings.rejoins = true;
  place = {};
  Step(link_input::Follow{"127.0.0.1:6379", Origin::kOperator});
  ShakeHands();
  EXPECT_TRUE(greeting.ends_with("psync2")) << greeting;
}

TEST_F(LinkRejoinTest, SendsTheKeysAndTakesThoseThatDiffer) {
  EXPECT_EQ(Offer("+REJOIN " + kOurs + " 300 7"), Words{"gather 300 7"});
  EXPECT_EQ(link.state_name(), "handshake");
  EXPECT_EQ(Step(link_input::LostWritesGathered{Outcome::kKeys, "two requests\r\n", 2}),
            Words{"send two requests"});
  EXPECT_EQ(Line("+OK"), Words{});
  EXPECT_EQ(Line("+OK"), Words{ask_keys});
  EXPECT_EQ(Line(""), Words{});
  EXPECT_EQ(Line("+REJOINING " + kTheirs + " 900"), Words{"receive keys 900"});
  EXPECT_EQ(link.state_name(), "sync");
  EXPECT_EQ(Step(link_input::DatasetSeen{false}), Words{"take"});
  Step(link_input::DatasetLoaded());
  EXPECT_EQ(link.state(), Link::State::kConnected);
}

TEST_F(LinkRejoinTest, ARejoinThatBringsNoKeyIsNoEmptyDataset) {
  place.has_data = true;
  Offer("+REJOIN " + kOurs + " 300 0", Origin::kConfiguration);
  EXPECT_EQ(Step(link_input::LostWritesGathered{Outcome::kKeys}), Words{ask_keys});
  Line("+REJOINING " + kTheirs + " 900");
  EXPECT_EQ(Step(link_input::DatasetSeen{true}), Words{"take"});
}

TEST_F(LinkRejoinTest, GoesBackWhereNothingWasWritten) {
  Offer("+REJOIN " + kOurs + " 300 7");
  EXPECT_EQ(Step(link_input::LostWritesGathered{Outcome::kNothing}),
            (Words{"go back " + kOurs + " 300 7", "send PSYNC " + kOurs + " 301"}));
  place.offset = 300;
  EXPECT_EQ(Line("+CONTINUE " + kTheirs), Words{"go on " + kTheirs});
}

TEST_F(LinkRejoinTest, AsksForEverythingWhenTheKeysCannotBeTold) {
  Offer("+REJOIN " + kOurs + " 300 0");
  EXPECT_EQ(Step(link_input::LostWritesGathered{Outcome::kUnknown}), Words{"send PSYNC ? -1"});
  EXPECT_EQ(Line("+FULLRESYNC " + kTheirs + " 900"), Words{"receive 900"});
}

TEST_F(LinkRejoinTest, AsksForEverythingWhenThePrimaryDoesNotTakeTheKeysAfterAllItsAnswers) {
  Offer("+REJOIN " + kOurs + " 300 0");
  Step(link_input::LostWritesGathered{Outcome::kKeys, "three\r\n", 3});
  EXPECT_EQ(Line("+OK"), Words{});
  EXPECT_EQ(Line("-ERR too many"), Words{});
  EXPECT_EQ(Line("+OK"), Words{"send PSYNC ? -1"});
}

TEST_F(LinkRejoinTest, TakesAFullCopyWhereThePrimaryGivesOne) {
  Offer("+REJOIN " + kOurs + " 300 0");
  Step(link_input::LostWritesGathered{Outcome::kKeys});
  EXPECT_EQ(Line("+FULLRESYNC " + kTheirs + " 900"), Words{"receive 900"});
}

TEST_F(LinkRejoinTest, DoesNotGoBackToAPlaceThatItNeverHad) {
  for (const std::string& place_of_theirs :
       {kTheirs + " 300 0", kOurs + " 501 0", kOurs + " 300 -2", kFormer + " 201 0", std::string("")}) {
    place.former = {{kFormer, 200}};
    EXPECT_EQ(Offer("+REJOIN " + place_of_theirs), Words{"send PSYNC ? -1"}) << place_of_theirs;
  }
  EXPECT_EQ(Offer("+REJOIN " + kFormer + " 200 0"), Words{"gather 200 0"});
}

TEST_F(LinkRejoinTest, KnowsTheDatabaseWhereItsOwnHistoryWasRenamed) {
  place.former = {{kFormer, 200, 4}, {kOldest, 90, 5}};
  EXPECT_EQ(Offer("+REJOIN " + kFormer + " 200 -1"), Words{"gather 200 4"});
  EXPECT_EQ(Offer("+REJOIN " + kOldest + " 90 -1"), Words{"gather 90 5"});
  EXPECT_EQ(Offer("+REJOIN " + kFormer + " 100 -1"), Words{"gather 100 -1"});
}

TEST_F(LinkRejoinTest, ACutConnectionIsTriedAgainAndDataOfNoUseIsNot) {
  Offer("+REJOIN " + kOurs + " 300 0");
  Step(link_input::LostWritesGathered{Outcome::kKeys});
  Line("+REJOINING " + kTheirs + " 900");
  EXPECT_EQ(Step(link_input::Lost{"cut"}), Words{"close"});
  now_ms += Link::kRetryMs;
  Step(link_input::Tick());
  ShakeHands();
  EXPECT_TRUE(greeting.ends_with("capa rejoin")) << greeting;
  Line("+REJOIN " + kOurs + " 300 0");
  Step(link_input::LostWritesGathered{Outcome::kKeys});
  Line("+REJOINING " + kTheirs + " 900");
  EXPECT_EQ(Step(link_input::Lost{"damaged", true}), Words{"close"});
  now_ms += Link::kRetryMs;
  Step(link_input::Tick());
  ShakeHands();
  EXPECT_TRUE(greeting.ends_with("psync2")) << greeting;
}

TEST_F(LinkRejoinTest, APrimaryWhoseHistoryChangedMeanwhileMayOfferAgain) {
  Offer("+REJOIN " + kOurs + " 300 0");
  Step(link_input::LostWritesGathered{Outcome::kKeys});
  EXPECT_EQ(Line("+REJOIN " + kOurs + " 200 0"), Words{"gather 200 0"});
  EXPECT_EQ(Step(link_input::LostWritesGathered{Outcome::kKeys}),
            Words{"send PSYNC " + kOurs + " 201 REJOIN"});
}

TEST_F(LinkRejoinTest, WhatWasNotAskedForIsNotTaken) {
  EXPECT_EQ(Offer("+REJOINING " + kTheirs + " 900"), Words{"close"});
  Offer("+REJOIN " + kOurs + " 300 0");
  Step(link_input::LostWritesGathered{Outcome::kKeys});
  EXPECT_EQ(Line("+CONTINUE " + kTheirs), Words{"close"});
}

TEST_F(LinkRejoinTest, AFailoverIsAcceptedByWhoOffersToRejoin) {
  EXPECT_EQ(Offer("+REJOIN " + kOurs + " 300 0", Origin::kFailover),
            (Words{"gather 300 0", "failover accepted"}));
}

TEST_F(LinkRejoinTest, WhoeverStopsFollowingMeanwhileHearsNoMoreOfIt) {
  Offer("+REJOIN " + kOurs + " 300 0");
  EXPECT_EQ(Step(link_input::Unfollow()), Words{"close"});
  EXPECT_EQ(Step(link_input::LostWritesGathered{Outcome::kKeys}), Words{});
}

}  // namespace
}  // namespace hearth::replication
