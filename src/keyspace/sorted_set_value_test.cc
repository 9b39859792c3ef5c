#include "keyspace/sorted_set_value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/test_seed.h"
#include "keyspace/container.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

using Pair = std::pair<double, std::string>;

class SortedSetValueTest : public testing::Test {
 protected:
  void Set(std::string_view member, double score) {
    WriteHandle handle = db().FindForWrite(key_);
    if (!handle) handle = SortedSetValue::Create(db(), key_, member.size(), 1);
    SortedSetValue(handle).Update(member, [score](auto) { return std::optional(score); });
  }
  bool Remove(std::string_view member) {
    WriteHandle handle = db().FindForWrite(key_);
    return handle && SortedSetValue(handle).Remove(member);
  }
  SortedSetReader Reader() { return SortedSetReader(*db().Find(key_)); }
  std::vector<Pair> Walk(RankRange range, bool backward) {
    std::vector<Pair> pairs;
    Reader().Walk(range, backward, [&](const Element& member, double score) {
      pairs.push_back({score, member.ToString()});
      return true;
    });
    return pairs;
  }
  Database& db() { return testing_.db(); }

  TestingKeyspace testing_;
  const Key key_{"z"};
};

TEST_F(SortedSetValueTest, ChangesItsEncodingAsItGrows) {
  for (int i = 0; i < 128; ++i) Set(std::to_string(i), i);
  EXPECT_EQ(db().Find(key_)->encoding(), Encoding::kListpack);
  Set("0", 5);
  EXPECT_EQ(db().Find(key_)->encoding(), Encoding::kListpack);
  Set("more", 1);
  EXPECT_EQ(db().Find(key_)->encoding(), Encoding::kSkiplist);
  db().Remove(key_);
  Set(std::string(64, 'x'), 1);
  EXPECT_EQ(db().Find(key_)->encoding(), Encoding::kListpack);
  Set(std::string(65, 'x'), 1);
  EXPECT_EQ(db().Find(key_)->encoding(), Encoding::kSkiplist);
}

TEST_F(SortedSetValueTest, KeepsEveryScoreExactly) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double scores[] = {0.1,    1e300, -1e-300, infinity, -infinity,         1.0 / 3,
                           4.5e15, -0.0,  1e17,    5e-324,   9007199254740993.0};
  for (const bool is_large : {false, true}) {
    db().Remove(key_);
    if (is_large) Set(std::string(100, 'x'), 0);
    for (const double score : scores) {
      Set("m", score);
      EXPECT_EQ(Reader().Score("m"), score);
    }
  }
}

TEST_F(SortedSetValueTest, BehavesAsAnOrderedSetOfPairs) {
  Prng random(TestSeed());
  for (const uint64_t names : {20u, 200u, 3000u}) {
    std::map<std::string, double> scores;
    std::set<Pair> model;
    for (int step = 0; step < 6000; ++step) {
      const std::string member = std::to_string(random.Below(names));
      const double score = static_cast<double>(random.Below(names)) / 4;
      if (random.Below(3) != 0) {
        if (scores.contains(member)) model.erase({scores[member], member});
        Set(member, score);
        scores[member] = score;
        model.insert({score, member});
      } else {
        EXPECT_EQ(Remove(member), scores.contains(member));
        if (scores.contains(member)) model.erase({scores[member], member});
        scores.erase(member);
      }
      if (step % 50 != 0 || model.empty()) continue;

      const double low = static_cast<double>(random.Below(names)) / 4;
      const double high = low + static_cast<double>(random.Below(names)) / 8;
      const RankRange open = Reader().RanksOf({low, high, true, true});
      const RankRange closed = Reader().RanksOf({low, high, false, false});
      size_t below = 0, within_open = 0, within_closed = 0;
      for (const auto& [model_score, name] : model) {
        below += model_score < low;
        within_open += model_score > low && model_score < high;
        within_closed += model_score >= low && model_score <= high;
      }
      EXPECT_EQ(closed.start, below);
      EXPECT_EQ(closed.size(), within_closed);
      EXPECT_EQ(open.size(), within_open);

      const size_t start = random.Below(model.size());
      const size_t end = start + random.Below(model.size() - start) + 1;
      std::vector<Pair> expected(std::next(model.begin(), static_cast<ptrdiff_t>(start)),
                                 std::next(model.begin(), static_cast<ptrdiff_t>(end)));
      EXPECT_EQ(Walk({start, end}, false), expected);
      std::reverse(expected.begin(), expected.end());
      EXPECT_EQ(Walk({start, end}, true), expected);
      const auto place = Reader().Find(expected.back().second);
      ASSERT_TRUE(place.has_value());
      EXPECT_EQ(place->rank, start);
    }
    std::vector<Pair> all(model.begin(), model.end());
    EXPECT_EQ(Walk({0, Reader().Length()}, false), all);
    db().Remove(key_);
  }
}

TEST_F(SortedSetValueTest, FindsRangesOfTexts) {
  for (const int extra : {0, 300}) {
    db().Remove(key_);
    for (const char* member : {"a", "b", "c", "d"}) Set(member, 0);
    for (int i = 0; i < extra; ++i) Set("e" + std::to_string(i), 0);
    using Kind = LexLimit::Kind;
    const LexLimit lowest{Kind::kLowest};
    const LexLimit highest{Kind::kHighest};
    const LexLimit b{Kind::kText, false, "b"};
    const LexLimit behind_b{Kind::kText, true, "b"};
    const LexLimit d{Kind::kText, false, "d"};
    const LexLimit before_d{Kind::kText, true, "d"};
    EXPECT_EQ(Reader().RanksOf({lowest, highest}).size(), 4u + static_cast<size_t>(extra));
    EXPECT_EQ(Reader().RanksOf({b, d}).size(), 3u);
    EXPECT_EQ(Reader().RanksOf({behind_b, before_d}).size(), 1u);
    EXPECT_EQ(Reader().RanksOf({behind_b, before_d}).start, 2u);
    EXPECT_EQ(Reader().RanksOf({lowest, before_d}).size(), 3u);
    EXPECT_EQ(Reader().RanksOf({d, b}).size(), 0u);
    EXPECT_EQ(Reader().RanksOf({highest, lowest}).size(), 0u);
    EXPECT_EQ(Reader().RanksOf({behind_b, b}).size(), 0u);
  }
}

TEST_F(SortedSetValueTest, RemovesRangesAndThenTheKey) {
  for (const int size : {50, 1000}) {
    for (int i = 0; i < size; ++i) Set(std::to_string(i), i);
    {
      WriteHandle handle = db().FindForWrite(key_);
      SortedSetValue(handle).RemoveRange({10, 40});
    }
    EXPECT_EQ(Reader().Length(), static_cast<size_t>(size) - 30);
    EXPECT_EQ(Walk({10, 11}, false)[0].second, "40");
    const size_t length = Reader().Length();
    WriteHandle handle = db().FindForWrite(key_);
    SortedSetValue(handle).RemoveRange({0, length});
    handle.Release();
    EXPECT_EQ(db().Find(key_), nullptr);
  }
}

TEST_F(SortedSetValueTest, CopiesAreIndependent) {
  for (const int size : {5, 500}) {
    for (int i = 0; i < size; ++i) Set(std::to_string(i), i);
    db().Remove(Key("copy"));
    db().Copy(key_, db(), Key("copy"));
    Set("0", 1000);
    EXPECT_EQ(SortedSetReader(*db().Find(Key("copy"))).Score("0"), 0.0);
    EXPECT_EQ(SortedSetReader(*db().Find(Key("copy"))).Length(), static_cast<size_t>(size));
    EXPECT_GT(ValueBytes(*db().Find(key_), 5), 0u);
    EXPECT_GE(ContainerFreeEffort(*db().Find(key_)), 1u);
  }
}

TEST_F(SortedSetValueTest, AScanMeetsAllMembers) {
  for (int i = 0; i < 1000; ++i) Set(std::to_string(i), i);
  std::map<std::string, double> seen;
  uint64_t cursor = 0;
  do {
    cursor =
        Reader().Scan(cursor, [&](const Element& member, double score) { seen[member.ToString()] = score; });
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(seen["77"], 77);
}

}  // namespace
}  // namespace hearth::keyspace
