#include "replication/core/failover.h"

#include <gtest/gtest.h>

#include <vector>

namespace hearth::replication {
namespace {

using Kind = Failover::Action::Kind;
using Candidates = std::vector<Failover::Candidate>;

TEST(FailoverTest, WaitsUntilAReplicaHasEverything) {
  Failover failover;
  failover.Begin({}, false, 0);
  EXPECT_EQ(failover.Step(1, Candidates{{"a", 1, 90}}, 100).kind, Kind::kNone);
  EXPECT_STREQ(failover.state_name(), "waiting-for-sync");
  const auto action = failover.Step(2, Candidates{{"a", 1, 90}, {"b", 2, 100}}, 100);
  EXPECT_EQ(action.kind, Kind::kFollow);
  EXPECT_EQ(action.target.host, "b");
  EXPECT_TRUE(action.has_everything);
  EXPECT_STREQ(failover.state_name(), "failover-in-progress");
  EXPECT_EQ(failover.Step(3, Candidates{{"b", 2, 100}}, 100).kind, Kind::kNone);
}

TEST(FailoverTest, GoesToTheTargetAlone) {
  Failover failover;
  failover.Begin({"a", 1}, false, 50);
  EXPECT_EQ(failover.Step(1, Candidates{{"b", 2, 100}, {"a", 1, 99}}, 100).kind, Kind::kNone);
  EXPECT_EQ(failover.Step(50, Candidates{{"b", 2, 100}, {"a", 1, 99}}, 100).kind, Kind::kAbort);
}

TEST(FailoverTest, AForcedOneDoesNotWaitBeyondItsTime) {
  Failover failover;
  failover.Begin({"a", 1}, true, 50);
  EXPECT_EQ(failover.Step(49, {}, 100).kind, Kind::kNone);
  const auto action = failover.Step(50, {}, 100);
  EXPECT_EQ(action.kind, Kind::kFollow);
  EXPECT_EQ(action.target.port, 1);
  EXPECT_FALSE(action.has_everything);
}

}  // namespace
}  // namespace hearth::replication
