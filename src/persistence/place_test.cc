#include "persistence/place.h"

#include <gtest/gtest.h>

namespace hearth::persistence {
namespace {

using log::Segments;
using replication::History;

const std::string kOld(40, '0');
const std::string kNow(40, '1');
const std::string kFresh(40, 'f');

// A log on disk from 100 to 300 whose id changed at 200.
Segments::Recovered Kept() {
  return {.start_offset = 100, .end_offset = 300, .names = {{kOld, 200}, {kNow, 300}}, .is_complete = true};
}

TEST(Restore, WithoutAPlaceAFreshHistoryBegins) {
  for (const bool is_replica : {false, true}) {
    const Restored restored = Restore(std::nullopt, Kept(), is_replica, kFresh);
    EXPECT_EQ(restored.history, (History{.id = kFresh}));
    EXPECT_EQ(restored.offset, 0u);
    EXPECT_FALSE(restored.is_continued);
    EXPECT_FALSE(restored.keeps_log);
  }
}

TEST(Restore, APrimaryTakesAFreshIdAndKeepsTheOldOneUpToItsPlace) {
  const Restored restored = Restore(Place{kNow, 300, 3}, Kept(), false, kFresh);
  EXPECT_EQ(restored.history, (History{.id = kFresh, .previous_id = kNow, .previous_end = 300}));
  EXPECT_EQ(restored.offset, 300u);
  EXPECT_TRUE(restored.is_continued);
  EXPECT_TRUE(restored.keeps_log);
}

TEST(Restore, ADatasetBehindTheLogClaimsNothingBeyondItself) {
  const Restored restored = Restore(Place{kNow, 250}, Kept(), false, kFresh);
  EXPECT_EQ(restored.offset, 250u);
  EXPECT_TRUE(restored.keeps_log);
  EXPECT_TRUE(restored.history.Holds(kNow, 250));
  EXPECT_FALSE(restored.history.Holds(kNow, 251));
}

TEST(Restore, ADatasetAheadOfTheLogGivesItsTailUp) {
  const Restored restored = Restore(Place{kNow, 301}, Kept(), false, kFresh);
  EXPECT_EQ(restored.offset, 301u);
  EXPECT_TRUE(restored.is_continued);
  EXPECT_FALSE(restored.keeps_log);
}

TEST(Restore, ALogOfAnotherHistoryIsGivenUp) {
  const std::string other(40, 'e');
  EXPECT_FALSE(Restore(Place{other, 250}, Kept(), false, kFresh).keeps_log);
  // The id is right, but not at that offset.
  EXPECT_FALSE(Restore(Place{kOld, 201}, Kept(), false, kFresh).keeps_log);
  EXPECT_FALSE(Restore(Place{kNow, 199}, Kept(), false, kFresh).keeps_log);
  EXPECT_FALSE(Restore(Place{kOld, 99}, Kept(), false, kFresh).keeps_log);
}

TEST(Restore, WhereTheIdChangesTheHistoryHasBoth) {
  EXPECT_TRUE(Restore(Place{kOld, 200}, Kept(), false, kFresh).keeps_log);
  EXPECT_TRUE(Restore(Place{kNow, 200}, Kept(), false, kFresh).keeps_log);
}

TEST(Restore, AReplicaGoesOnUnderTheIdOfItsPrimary) {
  Restored restored = Restore(Place{kNow, 260, 2}, Kept(), true, kFresh);
  EXPECT_EQ(restored.history, (History{.id = kNow, .previous_id = kOld, .previous_end = 200}));
  EXPECT_EQ(restored.offset, 260u);
  EXPECT_EQ(restored.database, 2);
  EXPECT_TRUE(restored.keeps_log);

  restored = Restore(Place{kOld, 150}, Kept(), true, kFresh);
  EXPECT_EQ(restored.history, (History{.id = kOld}));

  restored = Restore(Place{kNow, 260}, std::nullopt, true, kFresh);
  EXPECT_EQ(restored.history, (History{.id = kNow}));
  EXPECT_FALSE(restored.keeps_log);
}

TEST(EndNote, ComesBackAsItWas) {
  for (const EndNote& note :
       {EndNote{}, EndNote{.database = 7}, EndNote{3, "appendonly.aof.12.incr.aof", 12345},
        EndNote{-1, "a name with blanks.1.incr.aof", 0}}) {
    EXPECT_EQ(DecodeEndNote(EncodeEndNote(note)), note);
  }
}

TEST(EndNote, WhatIsNoNoteIsRefused) {
  for (const char* text : {"", "database=", "database=x\n", "database=-2\n", "aof=1 a\n",
                           "database=1\naof=x y\n", "database=1\naof=12\n"}) {
    EXPECT_EQ(DecodeEndNote(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace hearth::persistence
