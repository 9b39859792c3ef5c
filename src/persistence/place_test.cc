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
  EXPECT_EQ(restored.history, (History{.id = kFresh, .former = {{kNow, 300}, {kOld, 200}}}));
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
  EXPECT_EQ(restored.history, (History{.id = kNow, .former = {{kOld, 200}}}));
  EXPECT_EQ(restored.offset, 260u);
  EXPECT_EQ(restored.database, 2);
  EXPECT_TRUE(restored.keeps_log);

  restored = Restore(Place{kOld, 150}, Kept(), true, kFresh);
  EXPECT_EQ(restored.history, (History{.id = kOld}));

  restored = Restore(Place{kNow, 260}, std::nullopt, true, kFresh);
  EXPECT_EQ(restored.history, (History{.id = kNow}));
  EXPECT_FALSE(restored.keeps_log);
}

TEST(Restore, AllNamesThatTheLogHasHadAreKnownUpToWhereTheyEnded) {
  Segments::Recovered kept{.start_offset = 0, .end_offset = 0, .names = {}, .is_complete = true};
  for (int i = 0; i < 40; ++i) {
    kept.end_offset += 10;
    kept.names.push_back({std::string(38, 'a') + std::to_string(10 + i), kept.end_offset});
  }
  for (const bool is_replica : {false, true}) {
    const Restored restored = Restore(Place{kept.names[30].id, 305}, kept, is_replica, kFresh);
    ASSERT_EQ(restored.history.former.size(), History::kMaxFormerNames);
    EXPECT_EQ(restored.history.previous()->id, kept.names[is_replica ? 29 : 30].id);
    EXPECT_TRUE(restored.history.Holds(kept.names[30].id, 305));
    EXPECT_TRUE(restored.history.Holds(kept.names[20].id, 210));
    EXPECT_FALSE(restored.history.Holds(kept.names[20].id, 211));
    EXPECT_FALSE(restored.history.Holds(kept.names[31].id, 305));
    EXPECT_FALSE(restored.history.Holds(kept.names[2].id, 20));
  }
  // Without the log only the place itself says what the history was called.
  EXPECT_EQ(Restore(Place{kept.names[30].id, 305}, std::nullopt, false, kFresh).history,
            (History{.id = kFresh, .former = {{kept.names[30].id, 305}}}));
}

TEST(EndNote, ComesBackAsItWas) {
  for (const EndNote& note :
       {EndNote{}, EndNote{.database = 7}, EndNote{3, {}, "appendonly.aof.12.incr.aof", 12345},
        EndNote{-1, {}, "a name with blanks.1.incr.aof", 0},
        EndNote{5, {{kNow, 300, 2}, {kOld, 200, -1}}, "a.incr.aof", 1}}) {
    EXPECT_EQ(DecodeEndNote(EncodeEndNote(note)), note);
  }
  EXPECT_EQ(DecodeEndNote(EncodeEndNote({.former = {{kNow, 300, 2}}}))->former[0].database, 2);
}

TEST(EndNote, SaysWhatTheSegmentsDoNotOfTheNames) {
  const std::string unwritten(40, '2');
  Segments::Recovered kept = Kept();
  kept.end_note = EncodeEndNote({.former = {{unwritten, 200, 1}, {kOld, 200, 1}}});
  const Restored restored = Restore(Place{kNow, 300, 3}, kept, false, kFresh);
  EXPECT_EQ(restored.history,
            (History{.id = kFresh, .former = {{kNow, 300}, {unwritten, 200}, {kOld, 200}}}));
  EXPECT_EQ(restored.history.former[1].database, 1);
  // It is about the end of the log, and about an orderly one.
  EXPECT_EQ(Restore(Place{kOld, 150}, kept, false, kFresh).history,
            (History{.id = kFresh, .former = {{kOld, 150}}}));
  kept.is_complete = false;
  EXPECT_EQ(Restore(Place{kNow, 300, 3}, kept, false, kFresh).history,
            (History{.id = kFresh, .former = {{kNow, 300}, {kOld, 200}}}));
}

TEST(EndNote, WhatIsNoNoteIsRefused) {
  for (const char* text : {"", "database=", "database=x\n", "database=-2\n", "aof=1 a\n",
                           "database=1\nformer=x 1 2\n", "database=1\naof=x y\n", "database=1\naof=12\n"}) {
    EXPECT_EQ(DecodeEndNote(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace hearth::persistence
