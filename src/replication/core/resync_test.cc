#include "replication/core/resync.h"

#include <gtest/gtest.h>

namespace hearth::replication {
namespace {

const std::string kOurs(kIdDigits, 'a');
const std::string kFormer(kIdDigits, 'b');
const std::string kForeign(kIdDigits, 'c');

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

  History history_{.id = kOurs, .previous_id = kFormer, .previous_end = 500};
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

TEST_F(Resync, AnEmptyFormerNameMatchesNobody) {
  history_.previous_id.clear();
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

}  // namespace
}  // namespace hearth::replication
