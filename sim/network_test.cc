#include "sim/network.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_seed.h"
#include "sim/stage.h"

namespace hearth::sim {
namespace {

// Notes what it is told.
class Notes final : public Process {
 public:
  void OnOpened(ConnectionId) override { text += 'o'; }
  void OnAccepted(ConnectionId id, HostId) override {
    text += 'a';
    accepted = id;
  }
  void OnEnded(ConnectionId, Ending why) override { text += why == Ending::kRefused ? 'r' : 'e'; }

  std::string text;
  ConnectionId accepted = 0;
};

class NetworkTest : public ::testing::Test, public Stage {
 protected:
  NetworkTest() : Stage(TestSeed(), 2, trace_) {}

  ConnectionId Open() {
    const ConnectionId id = network().Connect(0, 1);
    PlayFor(kSecond);
    return id;
  }
  void PlayFor(int64_t us) { PlayUntil(schedule().now_us() + us); }
  void SendNumbers(ConnectionId id, int from, int to) {
    for (int i = from; i < to; ++i) {
      network().Send(id, 0, [this, i] { received_.push_back(i); });
    }
  }

  Process* ProcessOf(HostId id) override { return &notes_[id]; }
  void OnDeath(HostId) override {}
  void OnStart(HostId) override {}
  void OnOperator(const Fault&) override {}

  Trace trace_{false};
  Notes notes_[2];
  std::vector<int> received_;
};

TEST_F(NetworkTest, WhatIsSentComesInOrderAlsoOverAWayThatWasBlocked) {
  const ConnectionId id = Open();
  EXPECT_EQ(notes_[0].text + notes_[1].text, "oa");
  SendNumbers(id, 0, 20);
  PlayFor(300);
  network().Block(0, 1);
  SendNumbers(id, 20, 40);
  PlayFor(kSecond);
  EXPECT_LT(received_.size(), 40u);
  SendNumbers(id, 40, 50);
  network().Unblock(0, 1);
  SendNumbers(id, 50, 60);
  PlayFor(10 * kSecond);
  std::vector<int> all;
  for (int i = 0; i < 60; ++i) all.push_back(i);
  EXPECT_EQ(received_, all);
}

TEST_F(NetworkTest, AStoppedProcessDoesWhatCameMeanwhileWhenItGoesOn) {
  host(1).Stop();
  const ConnectionId id = Open();
  SendNumbers(id, 0, 5);
  PlayFor(kSecond);
  EXPECT_EQ(notes_[0].text, "o");
  EXPECT_EQ(notes_[1].text, "");
  host(1).Continue();
  EXPECT_EQ(notes_[1].text, "a");
  EXPECT_EQ(received_.size(), 5u);
}

TEST_F(NetworkTest, AKilledProcessResetsItsConnectionsAndRefusesOthers) {
  Open();
  Kill(1, Host::State::kDead, 5 * kSecond);
  PlayFor(kSecond);
  EXPECT_EQ(notes_[0].text, "oe");
  Open();
  EXPECT_EQ(notes_[0].text, "oer");
  PlayFor(5 * kSecond);
  Open();
  EXPECT_EQ(notes_[0].text, "oero");
}

TEST_F(NetworkTest, AMachineWithoutPowerSaysNothingUntilItIsBack) {
  const ConnectionId id = Open();
  Kill(1, Host::State::kOff, 5 * kSecond);
  SendNumbers(id, 0, 5);
  PlayFor(4 * kSecond);
  EXPECT_EQ(notes_[0].text, "o");
  Open();
  EXPECT_EQ(notes_[0].text, "o");
  PlayFor(2 * kSecond);
  EXPECT_EQ(notes_[0].text, "oe");
  EXPECT_TRUE(received_.empty());
}

TEST_F(NetworkTest, WhoHasClosedHearsNothingMore) {
  const ConnectionId id = Open();
  network().Send(id, 1, [this] { received_.push_back(1); });
  network().Close(id, 0);
  PlayFor(kSecond);
  EXPECT_TRUE(received_.empty());
  EXPECT_EQ(notes_[0].text, "o");
  EXPECT_EQ(notes_[1].text, "ae");
  EXPECT_FALSE(network().IsOpen(id, 0));
}

}  // namespace
}  // namespace hearth::sim
