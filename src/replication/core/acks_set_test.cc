// The set of those who may have acknowledged: what is promised by whom, while replicas come, go and restart.
#include "replication/core/acks_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::replication {
namespace {

constexpr uint64_t kRecordBytes = 100;

// A primary with replicas that the test moves.
struct Primary {
  explicit Primary(uint32_t acks) : required(acks) {}

  // True if a record was made, which stands in the log then.
  bool Step() {
    ms += 10;
    const bool makes = set.Step({.ms = ms,
                                 .wall_ms = ms,
                                 .history = "h",
                                 .end_offset = end,
                                 .required = required,
                                 .replicas = replicas});
    if (makes) end += kRecordBytes;
    return makes;
  }
  uint64_t promised() const { return set.PromisedOffset(ms, replicas); }
  bool can_promise() const { return set.CanPromise(ms, replicas); }
  size_t members() const { return set.record().members.size(); }
  AcksReplica& Add(const std::string& name) {
    replicas.push_back({.address = name + ":1", .identity = name});
    return replicas.back();
  }
  void Remove(const std::string& name) {
    std::erase_if(replicas, [&](const AcksReplica& one) { return one.address == name + ":1"; });
  }
  // All have everything.
  void Settle() {
    for (int i = 0; i < 3; ++i) {
      for (AcksReplica& replica : replicas) replica.acknowledged = end;
      Step();
    }
  }

  uint32_t required;
  AcksSet set{"p"};
  std::vector<AcksReplica> replicas;
  uint64_t end = 1000;
  int64_t ms = 1;
};

TEST(AcksSetTest, ARecordIsWhatItWasAfterAWayThroughText) {
  const AcksRecord record{3, 7, std::string(40, 'a'), 2, {{"127.0.0.1:6380", "x"}, {"::1:6381", "y"}}};
  EXPECT_EQ(ParseAcksRecord(FormatAcksRecord(record)), record);
  AcksRecord empty{.history = "h"};
  EXPECT_EQ(ParseAcksRecord(FormatAcksRecord(empty)), empty);
  const std::string note = AcksNote({record});
  EXPECT_TRUE(note.starts_with("*2\r\n$4\r\nping\r\n$"));
  for (const char* bad : {"", "epoch=1", "epoch=x,history=h", "history=,epoch=1", "history=h,members=a",
                          "history=h,members=@x", "history=h,required=99999999999", "history=h h"}) {
    EXPECT_FALSE(ParseAcksRecord(bad)) << bad;
  }
  EXPECT_FALSE(ParseAcksNote("PONG"));
  EXPECT_FALSE(ParseAcksNote("hearth-acks "));
  EXPECT_FALSE(ParseAcksNote("hearth-acks history=h,required=1 x"));
}

TEST(AcksSetTest, NothingIsPromisedBeforeThereAreEnoughMembers) {
  Primary primary(2);
  EXPECT_FALSE(primary.Step());
  primary.Add("a");
  EXPECT_FALSE(primary.Step());
  EXPECT_FALSE(primary.can_promise());
  EXPECT_EQ(primary.promised(), 0u);
  primary.Add("b");
  EXPECT_TRUE(primary.Step());
  EXPECT_TRUE(primary.can_promise());
  EXPECT_FALSE(primary.Step());
  primary.replicas[0].acknowledged = 5000;
  EXPECT_EQ(primary.promised(), 0u);
  primary.replicas[1].acknowledged = 4000;
  EXPECT_EQ(primary.promised(), 4000u);
}

TEST(AcksSetTest, ANewMemberCountsWhenEnoughOfTheOthersKnowOfIt) {
  Primary primary(1);
  primary.Add("a");
  primary.Settle();
  primary.Add("b");
  ASSERT_TRUE(primary.Step());
  primary.replicas[1].acknowledged = 9000;
  // Whoever asks "a" alone would not hear of "b".
  EXPECT_LT(primary.promised(), 9000u);
  EXPECT_EQ(primary.set.older_count(), 1u);
  primary.replicas[0].acknowledged = primary.end;
  primary.Step();
  EXPECT_EQ(primary.set.older_count(), 0u);
  EXPECT_EQ(primary.promised(), 9000u);
}

TEST(AcksSetTest, AMemberThatIsAwayForLongLeavesTheSet) {
  Primary primary(1);
  primary.Add("a");
  primary.Add("b");
  primary.Settle();
  primary.Remove("b");
  EXPECT_FALSE(primary.Step());
  EXPECT_EQ(primary.members(), 2u);
  primary.ms += AcksSet::kKeepAwayMs + 1;
  EXPECT_TRUE(primary.Step());
  EXPECT_EQ(primary.members(), 1u);
  primary.replicas[0].acknowledged = primary.end;
  primary.Step();
  EXPECT_EQ(primary.set.older_count(), 0u);
  // The last ones that could promise stay, whatever becomes of them.
  primary.Remove("a");
  primary.ms += AcksSet::kKeepAwayMs + 1;
  EXPECT_FALSE(primary.Step());
  EXPECT_EQ(primary.members(), 1u);
}

TEST(AcksSetTest, WithNobodyOfAnOlderSetNothingIsPromised) {
  Primary primary(1);
  primary.Add("a");
  primary.Settle();
  primary.Remove("a");
  primary.ms += AcksSet::kKeepAwayMs + 1;
  primary.Add("b").acknowledged = primary.end + 500;
  EXPECT_TRUE(primary.Step());
  // "a" may be made a primary by those who reach it.
  EXPECT_FALSE(primary.can_promise());
  EXPECT_EQ(primary.promised(), 0u);
  // Without promises in between, nobody is bound to what was promised.
  primary.required = 0;
  EXPECT_TRUE(primary.Step());
  EXPECT_EQ(primary.promised(), UINT64_MAX);
  primary.required = 1;
  EXPECT_TRUE(primary.Step());
  EXPECT_TRUE(primary.can_promise());
}

TEST(AcksSetTest, AnotherProcessAtTheSameAddressIsAnotherMember) {
  Primary primary(1);
  primary.Add("a");
  primary.Settle();
  const uint64_t version = primary.set.record().version;
  primary.replicas[0] = {.address = "a:1", .identity = "again", .acknowledged = primary.end};
  EXPECT_TRUE(primary.Step());
  EXPECT_GT(primary.set.record().version, version);
  EXPECT_EQ(primary.set.record().members[0].identity, "again");
  primary.replicas[0].acknowledged = primary.end;
  EXPECT_FALSE(primary.can_promise());
  primary.ms += AcksSet::kNewProcessMs;
  primary.Step();
  EXPECT_TRUE(primary.can_promise());
  EXPECT_EQ(primary.set.older_count(), 0u);
}

TEST(AcksSetTest, AfterAFullCopyAMemberIsToldOfTheSetAgain) {
  Primary primary(1);
  primary.Add("a");
  primary.Settle();
  primary.end += 1000;
  primary.replicas[0].stream_start = primary.end;
  EXPECT_TRUE(primary.Step());
  EXPECT_FALSE(primary.Step());
}

TEST(AcksSetTest, APromotedReplicaGoesOnWithTheSetThatItKnew) {
  Primary former(2);
  for (const char* name : {"a", "b", "c"}) former.Add(name);
  former.Settle();
  Primary promoted(2);
  promoted.set = AcksSet("a");
  promoted.set.TakeRecords(former.set.records());
  promoted.set.BecomePrimary(false);
  promoted.set.RaiseEpoch(5);
  promoted.Add("x");
  promoted.Add("y");
  EXPECT_TRUE(promoted.Step());
  EXPECT_EQ(promoted.set.record().epoch, 5u);
  EXPECT_GT(promoted.set.record().version, former.set.record().version);
  // "b" and "c" could do without "a", and know of no other set.
  EXPECT_FALSE(promoted.can_promise());
  promoted.Add("b").acknowledged = 1;
  EXPECT_TRUE(promoted.Step());
  EXPECT_TRUE(promoted.can_promise());
  promoted.Settle();
  EXPECT_EQ(promoted.set.older_count(), 0u);
  promoted.set.BecomeReplica();
  promoted.set.BecomePrimary(true);
  promoted.Step();
  EXPECT_EQ(promoted.set.older_count(), 0u);
}

TEST(AcksSetTest, ANoteHasTheOlderSetsThatSomebodyCouldStillGoBy) {
  Primary primary(1);
  primary.Add("a");
  primary.Settle();
  primary.Add("b");
  ASSERT_TRUE(primary.Step());
  const std::vector<AcksRecord> both = primary.set.records();
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both.back(), primary.set.record());
  EXPECT_EQ(both.front().members.size(), 1u);
  const std::string note = AcksNote(both);
  const size_t text = note.find("hearth-acks");
  EXPECT_EQ(ParseAcksNote(note.substr(text, note.size() - text - 2)), both);
  AcksSet promoted("b");
  promoted.TakeRecords(both);
  promoted.BecomePrimary(false);
  EXPECT_EQ(promoted.older_count(), 1u);
  // When the older one is done with, that is said.
  primary.replicas[0].acknowledged = primary.end;
  EXPECT_TRUE(primary.Step());
  EXPECT_EQ(primary.set.records().size(), 1u);
  EXPECT_EQ(primary.set.record(), both.back());
  EXPECT_FALSE(primary.Step());
}

TEST(AcksSetTest, APromotedReplicaTellsOfItsFormersSetThoughTooFewHaveCome) {
  Primary former(2);
  for (const char* name : {"a", "b"}) former.Add(name);
  former.Settle();
  Primary promoted(2);
  promoted.set = AcksSet("a");
  promoted.set.TakeRecords(former.set.records());
  promoted.set.BecomePrimary(false);
  promoted.set.RaiseEpoch(5);
  EXPECT_FALSE(promoted.Step());
  promoted.Add("b");
  EXPECT_TRUE(promoted.Step());
  EXPECT_EQ(promoted.set.record().members, former.set.record().members);
  EXPECT_EQ(promoted.set.record().epoch, 5u);
  EXPECT_FALSE(promoted.Step());
  // What only it and "b" have is not on two replicas.
  EXPECT_FALSE(promoted.can_promise());
  promoted.Add("c");
  EXPECT_TRUE(promoted.Step());
  promoted.Settle();
  EXPECT_TRUE(promoted.can_promise());
  EXPECT_EQ(promoted.set.older_count(), 0u);
}

TEST(AcksSetTest, APrimaryThatMayLackWhatItPromisedPromisesNothing) {
  Primary former(1);
  former.Add("a");
  former.Settle();
  Primary back(1);
  back.set.Restore(7, former.set.records());
  back.set.ReturnAsPrimary(false);
  EXPECT_TRUE(back.set.is_uncertain());
  EXPECT_EQ(back.set.epoch(), 7u);
  back.Add("a").acknowledged = 9000;
  EXPECT_FALSE(back.Step());
  EXPECT_FALSE(back.can_promise());
  EXPECT_EQ(back.promised(), 0u);
  // An operator wants it to go on; the former set is heeded all the same.
  back.set.GoOn();
  EXPECT_TRUE(back.Step());
  EXPECT_EQ(back.set.records().size(), 2u);
  EXPECT_TRUE(back.can_promise());

  Primary whole(1);
  whole.set.Restore(7, former.set.records());
  whole.set.ReturnAsPrimary(true);
  EXPECT_FALSE(whole.set.is_uncertain());

  // Without promises there is nothing to be sure of.
  Primary turned_off(0);
  turned_off.set.Restore(7, former.set.records());
  turned_off.set.ReturnAsPrimary(false);
  turned_off.Step();
  EXPECT_FALSE(turned_off.set.is_uncertain());
  EXPECT_EQ(turned_off.promised(), UINT64_MAX);

  // As a replica it takes what the new primary has.
  Primary replaced(1);
  replaced.set.Restore(7, former.set.records());
  replaced.set.ReturnAsPrimary(false);
  replaced.set.BecomeReplica();
  EXPECT_FALSE(replaced.set.is_uncertain());
  EXPECT_EQ(replaced.set.records(), former.set.records());
}

TEST(AcksSetTest, APrimaryLearnsFromItsReplicasThatItIsBehind) {
  AcksSet empty("p");
  empty.HearOf(0);
  EXPECT_TRUE(empty.is_uncertain());
  Primary primary(1);
  primary.Add("a").epoch = 3;
  primary.Settle();
  primary.set.HearOf(3);
  EXPECT_FALSE(primary.set.is_uncertain());
  primary.set.HearOf(4);
  EXPECT_TRUE(primary.set.is_uncertain());
  primary.Step();
  EXPECT_FALSE(primary.Step());
  // An operator has the last word.
  primary.set.GoOn();
  primary.set.HearOf(9);
  EXPECT_FALSE(primary.set.is_uncertain());
  EXPECT_EQ(primary.set.epoch(), 9u);
}

TEST(AcksSetTest, ReplicasOfAnotherKindAreCountedUntilThereIsASet) {
  Primary primary(1);
  primary.replicas.push_back({.address = "r:1", .identity = ""});
  EXPECT_FALSE(primary.Step());
  EXPECT_TRUE(primary.can_promise());
  EXPECT_EQ(primary.promised(), UINT64_MAX);
  primary.Add("a");
  EXPECT_TRUE(primary.Step());
  EXPECT_EQ(primary.members(), 1u);
  primary.replicas[0].acknowledged = 9000;
  EXPECT_EQ(primary.promised(), 0u);
  primary.Remove("a");
  primary.Step();
  EXPECT_FALSE(primary.can_promise());
}

TEST(AcksSetTest, APrimaryHearsOfItsEpochFromItsReplicas) {
  Primary primary(1);
  primary.Add("a").epoch = 9;
  primary.Step();
  EXPECT_EQ(primary.set.record().epoch, 9u);
}

// What the whole is for. Replicas come, go, restart and fall behind; whatever N - K + 1 members of the newest
// set that is known among some replicas say, the most advanced of these has all that was promised.
TEST(AcksSetTest, WhoeverAsksEnoughMembersFindsEveryPromisedWrite) {
  Prng random(TestSeed());
  struct Server {
    std::string identity;
    uint64_t offset = 0;
    bool is_online = false;
    AcksRecord known;
  };
  for (int history = 0; history < 300; ++history) {
    Primary primary(1 + static_cast<uint32_t>(random.Below(3)));
    std::vector<Server> servers(primary.required + random.Below(4));
    std::vector<std::pair<uint64_t, AcksRecord>> records;
    uint64_t promised = 0;
    int lives = 0;
    for (Server& server : servers) server.identity = std::to_string(++lives);
    for (int step = 0; step < 200; ++step) {
      Server& server = servers[random.Below(servers.size())];
      const uint64_t choice = random.Below(10);
      if (choice == 0) server.is_online = false;
      if (choice <= 2 && choice > 0) server.is_online = true;
      if (choice == 3 && random.Below(4) == 0) {
        server = {.identity = std::to_string(++lives), .offset = server.offset};
        primary.ms += AcksSet::kNewProcessMs;
      }
      if (choice == 4) primary.ms += static_cast<int64_t>(random.Below(2 * AcksSet::kKeepAwayMs));
      if (choice == 5) primary.end += 50;
      if (choice >= 6 && server.is_online) {
        server.offset += random.Below(primary.end - server.offset + 1);
        for (const auto& [offset, record] : records) {
          if (server.offset > offset) server.known = record;
        }
      }
      primary.replicas.clear();
      for (size_t i = 0; i < servers.size(); ++i) {
        if (!servers[i].is_online) continue;
        primary.replicas.push_back({.address = std::to_string(i) + ":1",
                                    .identity = servers[i].identity,
                                    .acknowledged = servers[i].offset});
      }
      const uint64_t end = primary.end;
      if (primary.Step()) records.emplace_back(end, primary.set.record());
      promised = std::max(promised, std::min(primary.promised(), primary.end));

      std::vector<Server*> asked;
      for (Server& one : servers) {
        if (random.Below(2) == 0) asked.push_back(&one);
      }
      const AcksRecord* newest = nullptr;
      for (const Server* one : asked) {
        if (one->known.required > 0 && (newest == nullptr || one->known.version > newest->version))
          newest = &one->known;
      }
      if (newest == nullptr) continue;
      uint64_t best = 0;
      size_t answering = 0;
      for (const Server* one : asked) {
        best = std::max(best, one->offset);
        answering += std::ranges::count(newest->members, one->identity, &AcksMember::identity);
      }
      const size_t needed =
          newest->required > newest->members.size() ? 1 : newest->members.size() - newest->required + 1;
      if (answering >= needed) {
        ASSERT_GE(best, promised) << "history " << history << ", step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace hearth::replication
