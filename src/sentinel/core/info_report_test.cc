#include "sentinel/core/info_report.h"

#include <gtest/gtest.h>

#include <string>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::sentinel {
namespace {

TEST(InfoReportTest, ReadsWhatAPrimarySays) {
  const InfoReport report = ParseInfo(
      "# Server\r\nrun_id:0123456789abcdef0123456789abcdef01234567\r\n# Replication\r\nrole:master\r\n"
      "connected_slaves:2\r\nslave0:ip=10.0.0.2,port=6380,state=online,offset=14,lag=0\r\n"
      "slave1:10.0.0.3,6381,online\r\n\r\n# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n");
  EXPECT_EQ(report.run_id, "0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(report.is_primary, true);
  ASSERT_EQ(report.replicas.size(), 2u);
  EXPECT_EQ(report.replicas[0], (Address{"10.0.0.2", 6380}));
  EXPECT_EQ(report.replicas[1], (Address{"10.0.0.3", 6381}));
  EXPECT_TRUE(report.has_keys);
  EXPECT_TRUE(report.has_keyspace);
  EXPECT_FALSE(report.is_loading);
}

TEST(InfoReportTest, ReadsWhatAReplicaSays) {
  const InfoReport report = ParseInfo(
      "loading:1\nrole:slave\nmaster_host:10.0.0.1\nmaster_port:6379\nmaster_link_status:down\n"
      "master_link_down_since_seconds:17\nslave_priority:25\nslave_repl_offset:123456789012\nreplica_"
      "announced:0\n"
      "# Keyspace");
  EXPECT_EQ(report.is_primary, false);
  EXPECT_TRUE(report.is_loading);
  EXPECT_EQ(report.primary, (Address{"10.0.0.1", 6379}));
  EXPECT_FALSE(report.is_primary_link_up);
  EXPECT_EQ(report.primary_link_down_seconds, 17);
  EXPECT_EQ(report.priority, 25);
  EXPECT_EQ(report.offset, 123456789012u);
  EXPECT_EQ(report.is_announced, false);
  EXPECT_TRUE(report.has_keyspace);
  EXPECT_FALSE(report.has_keys);
}

TEST(InfoReportTest, WhatIsNotUnderstoodIsLeftOut) {
  const InfoReport report = ParseInfo(
      "run_id:ab cd\nrole:king\nslave0:ip=10.0.0.2,port=0\nslave1:ip=a b,port=1\nslave2:\nslavex:10.0.0.2,1\n"
      "slave_priority:many\nslave_repl_offset:-4\nmaster_link_down_since_seconds:99999999999999999\n"
      "master_host:10.0.0.1\nmaster_port:70000\ndb0:keys=0,expires=0\nnothing\n:\n");
  EXPECT_TRUE(report.run_id.empty());
  EXPECT_FALSE(report.is_primary.has_value());
  EXPECT_TRUE(report.replicas.empty());
  EXPECT_FALSE(report.priority.has_value());
  EXPECT_FALSE(report.offset.has_value());
  EXPECT_GE(report.primary_link_down_seconds, 0);
  EXPECT_LT(report.primary_link_down_seconds, int64_t{1} << 41);
  EXPECT_EQ(report.primary, Address{});
  EXPECT_FALSE(report.has_keys);
}

TEST(InfoReportTest, TheSetOfThoseWhoMayHaveAcknowledgedIsReadWholeOrNotAtAll) {
  const std::string set =
      "acks_set:epoch=3,version=9,history=abc,required=2,members=127.0.0.1:1@x|::1:2@y\r\n";
  const InfoReport report =
      ParseInfo("hearth_version:1\r\nacks_identity:x\r\nfenced_epoch:4\r\nacks_epoch:5\r\n" + set);
  EXPECT_TRUE(report.is_hearth);
  EXPECT_EQ(report.identity, "x");
  EXPECT_EQ(report.fenced_epoch, 4u);
  EXPECT_EQ(report.epoch, 5u);
  ASSERT_EQ(report.acks.members.size(), 2u);
  EXPECT_EQ(report.acks.members[1].address, (Address{"::1", 2}));
  EXPECT_EQ(report.acks.needed(), 1u);
  for (const char* bad :
       {"acks_set:required=1,members=127.0.0.1:1", "acks_set:required=1,members=@x", "acks_set:required=x",
        "acks_set:required=1,members=127.0.0.1:0@x", "acks_set:nonsense"}) {
    EXPECT_FALSE(ParseInfo(bad).acks.is_used()) << bad;
  }
}

TEST(InfoReportTest, ListsOfReplicasHaveAnEnd) {
  std::string text = "role:master\n";
  for (int i = 0; i < 5000; ++i) text += "slave" + std::to_string(i) + ":ip=10.0.0.1,port=1\n";
  EXPECT_EQ(ParseInfo(text).replicas.size(), InfoReport::kMaxReplicas);
}

TEST(InfoReportTest, DamagedReportsAreReadWithoutHarm) {
  Prng random(TestSeed());
  const std::string whole =
      "run_id:0123\r\nrole:slave\r\nmaster_host:::1\r\nmaster_port:1\r\nslave0:ip=1.2.3.4,port=5\r\ndb0:keys="
      "1\r\n";
  for (int round = 0; round < 2000; ++round) {
    std::string text = whole.substr(random.Below(whole.size()));
    for (int i = 0; i < 4; ++i) text[random.Below(text.size())] = static_cast<char>(random.Below(256));
    const InfoReport report = ParseInfo(text);
    EXPECT_LE(report.replicas.size(), 1u);
    EXPECT_EQ(report.primary.host.empty(), report.primary.port == 0);
  }
}

}  // namespace
}  // namespace hearth::sentinel
