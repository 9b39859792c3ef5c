#include "replication/core/resync.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth::replication {
namespace {

const std::string kOurs(kIdDigits, 'a');
const std::string kFormer(kIdDigits, 'b');
const std::string kForeign(kIdDigits, 'c');
const std::string kOldest(kIdDigits, 'd');

class Resync : public ::testing::Test {
 protected:
  ResyncChoice Ask(const std::string& id, int64_t wire_offset) {
    return ChooseResync({id, wire_offset}, history_, held_);
  }
  bool IsRefused(const std::string& id, int64_t wire_offset) {
    const ResyncChoice choice = Ask(id, wire_offset);
    EXPECT_EQ(choice.is_refusal, choice.way == ResyncChoice::Way::kFull);
    EXPECT_EQ(choice.is_refusal, !choice.reason.empty());
    return choice.is_refusal;
  }

  History history_{.id = kOurs, .former = {{kFormer, 500}}};
  HeldLog held_{.memory = HeldLog::Range{400, 1000}};
};

TEST_F(Resync, AReplicaThatKnowsNoHistoryGetsAFullCopyAndThatIsNoRefusal) {
  const ResyncChoice choice = Ask("?", -1);
  EXPECT_EQ(choice.way, ResyncChoice::Way::kFull);
  EXPECT_FALSE(choice.is_refusal);
}

TEST_F(Resync, WhatMemoryHoldsIsGivenFromThereWithBothEnds) {
  for (const int64_t wire_offset : {401, 700, 1001}) {
    const ResyncChoice choice = Ask(kOurs, wire_offset);
    EXPECT_EQ(choice.way, ResyncChoice::Way::kFromMemory) << wire_offset;
    EXPECT_EQ(choice.offset, static_cast<uint64_t>(wire_offset) - 1);
  }
  EXPECT_TRUE(IsRefused(kOurs, 400));
  EXPECT_TRUE(IsRefused(kOurs, 1002));
}

TEST_F(Resync, WhatHasLeftMemoryIsGivenFromDisk) {
  held_.disk = HeldLog::Range{100, 900};
  EXPECT_EQ(Ask(kOurs, 101).way, ResyncChoice::Way::kFromDisk);
  EXPECT_EQ(Ask(kOurs, 400).way, ResyncChoice::Way::kFromDisk);
  EXPECT_EQ(Ask(kOurs, 401).way, ResyncChoice::Way::kFromMemory);
  EXPECT_TRUE(IsRefused(kOurs, 100));
}

TEST_F(Resync, AGapBetweenDiskAndMemoryIsNotBridged) {
  held_.disk = HeldLog::Range{100, 300};
  EXPECT_EQ(Ask(kOurs, 301).way, ResyncChoice::Way::kFromDisk);
  EXPECT_TRUE(IsRefused(kOurs, 302));
}

TEST_F(Resync, TheFormerNameHoldsUpToWhereItEnded) {
  EXPECT_EQ(Ask(kFormer, 501).way, ResyncChoice::Way::kFromMemory);
  EXPECT_TRUE(IsRefused(kFormer, 502));
  EXPECT_NE(Ask(kFormer, 502).reason.find("up to 501"), std::string::npos);
}

TEST_F(Resync, LettersOfAnIdMayBeCapitals) {
  const std::string capitals(kIdDigits, 'A');
  EXPECT_EQ(Ask(capitals, 700).way, ResyncChoice::Way::kFromMemory);
}

TEST_F(Resync, AnotherHistoryIsRefused) {
  EXPECT_TRUE(IsRefused(kForeign, 700));
  EXPECT_NE(Ask(kForeign, 700).reason.find(kForeign), std::string::npos);
}

TEST_F(Resync, SoDoOlderNames) {
  history_.former.push_back({kOldest, 450});
  EXPECT_EQ(Ask(kOldest, 451).way, ResyncChoice::Way::kFromMemory);
  EXPECT_TRUE(IsRefused(kOldest, 452));
  EXPECT_EQ(Ask(kFormer, 501).way, ResyncChoice::Way::kFromMemory);
  EXPECT_EQ(history_.NameAt(450), kOldest);
  EXPECT_EQ(history_.NameAt(451), kFormer);
  EXPECT_EQ(history_.NameAt(501), kOurs);
}

TEST_F(Resync, TheOldestNamesAreForgottenFirst) {
  for (size_t i = 1; i < History::kMaxFormerNames; ++i)
    history_.Rename(std::string(kIdDigits, '0' + i), 500 + i);
  EXPECT_TRUE(history_.Holds(kFormer, 500));
  history_.Rename(kForeign, 600);
  EXPECT_EQ(history_.former.size(), History::kMaxFormerNames);
  EXPECT_FALSE(history_.Holds(kFormer, 500));
  EXPECT_TRUE(history_.Holds(kOurs, 501));
}

TEST_F(Resync, AnEmptyNameMatchesNobody) {
  EXPECT_TRUE(IsRefused("", 450));
  history_.former.clear();
  EXPECT_TRUE(IsRefused("", 450));
}

TEST_F(Resync, WithoutABacklogNothingCanGoOn) {
  held_.memory.reset();
  EXPECT_TRUE(IsRefused(kOurs, 700));
}

TEST_F(Resync, OffsetsThatCannotBeAreRefused) {
  EXPECT_TRUE(IsRefused(kOurs, 0));
  EXPECT_TRUE(IsRefused(kOurs, -1));
  EXPECT_TRUE(IsRefused(kOurs, INT64_MIN));
  EXPECT_TRUE(IsRefused(kOurs, INT64_MAX));
}

// ---- rejoin

class Parting : public Resync {
 protected:
  // What a replica gets that has `id` up to `offset`, and had `previous_id` before.
  ResyncChoice Part(const std::string& id, uint64_t offset, const std::string& previous_id = "",
                    uint64_t previous_end = 0) {
    std::vector<FormerName> former;
    if (!previous_id.empty()) former.push_back({previous_id, previous_end});
    return PartAfter(id, offset, former);
  }
  ResyncChoice PartAfter(const std::string& id, uint64_t offset, const std::vector<FormerName>& former) {
    return ChooseResync(
        {.id = id, .wire_offset = static_cast<int64_t>(offset) + 1, .knows_rejoin = true, .former = former},
        history_, held_);
  }
  static bool IsRejoin(const ResyncChoice& choice, const std::string& id, uint64_t offset) {
    return choice.way == ResyncChoice::Way::kRejoin && choice.id == id && choice.offset == offset;
  }
};

TEST_F(Parting, WhoeverRanAheadInOurFormerHistoryGoesBackToItsEnd) {
  EXPECT_TRUE(IsRejoin(Part(kFormer, 501), kFormer, 500));
  EXPECT_TRUE(IsRejoin(Part(kFormer, 90'000), kFormer, 500));
  EXPECT_EQ(Part(kFormer, 500).way, ResyncChoice::Way::kFromMemory);
}

TEST_F(Parting, WhoeverDoesNotKnowHowGetsAFullCopy) { EXPECT_TRUE(IsRefused(kFormer, 502)); }

TEST_F(Parting, WhoeverLeftOurHistoryUnderANameOfItsOwnGoesBackToWhereItDid) {
  EXPECT_TRUE(IsRejoin(Part(kForeign, 950, kOurs, 700), kOurs, 700));
  EXPECT_TRUE(IsRejoin(Part(kForeign, 950, kFormer, 450), kFormer, 450));
  EXPECT_TRUE(IsRejoin(Part(kForeign, 950, kFormer, 700), kFormer, 500));
  EXPECT_TRUE(IsRejoin(Part(kForeign, 700, kOurs, 700), kOurs, 700));
}

TEST_F(Parting, WhoeverIsAheadInOurPresentHistoryHasNotParted) {
  EXPECT_EQ(Part(kOurs, 1001).way, ResyncChoice::Way::kFull);
  EXPECT_EQ(Part(kForeign, 2000, kOurs, 1001).way, ResyncChoice::Way::kFull);
}

TEST_F(Parting, TheLogHasToReachBackToIt) {
  EXPECT_EQ(Part(kForeign, 950, kFormer, 399).way, ResyncChoice::Way::kFull);
  held_.disk = HeldLog::Range{100, 900};
  EXPECT_TRUE(IsRejoin(Part(kForeign, 950, kFormer, 399), kFormer, 399));
  held_.memory.reset();
  EXPECT_EQ(Part(kFormer, 501).way, ResyncChoice::Way::kFull);
}

TEST_F(Parting, StrangersHaveNoneInCommon) {
  EXPECT_EQ(Part(kForeign, 700).way, ResyncChoice::Way::kFull);
  history_.former.clear();
  EXPECT_EQ(Part(kForeign, 700, kFormer, 100).way, ResyncChoice::Way::kFull);
}

TEST_F(Parting, ItMayLieSeveralNamesBackOnEitherSide) {
  const std::string other(kIdDigits, 'e');
  history_.former.push_back({kOldest, 450});
  EXPECT_TRUE(IsRejoin(PartAfter(kForeign, 950, {{other, 900}, {kOldest, 440}}), kOldest, 440));
  EXPECT_TRUE(IsRejoin(PartAfter(kForeign, 950, {{other, 900}, {kOldest, 800}}), kOldest, 450));
  // The newest name that both know is where they were together last.
  EXPECT_TRUE(
      IsRejoin(PartAfter(kForeign, 950, {{other, 900}, {kFormer, 480}, {kOldest, 450}}), kFormer, 480));
  EXPECT_EQ(PartAfter(kForeign, 950, {{other, 900}}).way, ResyncChoice::Way::kFull);
}

TEST_F(Parting, WhatItSaysOfItsPastIsNotBelievedBeyondItsPresent) {
  EXPECT_TRUE(IsRejoin(Part(kForeign, 450, kFormer, 480), kFormer, 450));
}

}  // namespace
}  // namespace hearth::replication
