#include "keyspace/field_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/memory.h"
#include "base/test_seed.h"

namespace hearth::keyspace {
namespace {

std::map<std::string, std::string> ContentOf(const FieldTable& table) {
  std::map<std::string, std::string> content;
  table.VisitAll([&](const Field& field) { content.emplace(field.name(), field.value()); });
  return content;
}

TEST(FieldTable, KeepsSmallAndLargeFieldsAndValues) {
  FieldTable table(nullptr);
  const std::string long_name(300, 'n');
  const std::string long_value(70'000, 'v');
  EXPECT_TRUE(table.Set("", ""));
  EXPECT_TRUE(table.Set("a", long_value));
  EXPECT_TRUE(table.Set(long_name, "short"));
  EXPECT_FALSE(table.Set("a", "now short"));
  EXPECT_FALSE(table.Set("a", "again as long"));
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(table.Find("")->value(), "");
  EXPECT_EQ(table.Find("a")->value(), "again as long");
  EXPECT_EQ(table.Find(long_name)->value(), "short");
  EXPECT_EQ(table.Find("b"), nullptr);
  EXPECT_TRUE(table.Erase("a"));
  EXPECT_FALSE(table.Erase("a"));
}

TEST(FieldTable, DoesWhatAMapDoes) {
  Prng random(TestSeed());
  FieldTable table(nullptr);
  std::map<std::string, std::string> model;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "field" + std::to_string(random.Below(500));
    if (random.Below(3) == 0) {
      EXPECT_EQ(table.Erase(name), model.erase(name) == 1);
    } else {
      const std::string value(random.Below(200), static_cast<char>('a' + random.Below(26)));
      EXPECT_EQ(table.Set(name, value), model.insert_or_assign(name, value).second);
    }
  }
  EXPECT_EQ(ContentOf(table), model);
  const std::unique_ptr<FieldTable> copy(table.Clone());
  EXPECT_EQ(ContentOf(*copy), model);
}

TEST(FieldTable, ScanMeetsEveryFieldThatStays) {
  FieldTable table(nullptr);
  for (int i = 0; i < 1000; ++i) table.Set(std::to_string(i), "v");
  std::set<std::string> seen;
  uint64_t cursor = 0;
  int added = 1000;
  do {
    cursor = table.Scan(cursor, [&](const Field& field) { seen.emplace(field.name()); });
    table.Set(std::to_string(added++), "v");
  } while (cursor != 0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.contains(std::to_string(i))) << i;
}

TEST(FieldTable, RandomDistinctGivesDifferentFields) {
  Prng random(TestSeed());
  FieldTable table(nullptr);
  for (int i = 0; i < 100; ++i) table.Set(std::to_string(i), "v");
  for (size_t count : {size_t{1}, size_t{10}, size_t{50}, size_t{99}, size_t{100}, size_t{200}}) {
    const auto chosen = table.RandomDistinct(random, count);
    EXPECT_EQ(chosen.size(), std::min<size_t>(count, 100));
    EXPECT_EQ(std::set<const Field*>(chosen.begin(), chosen.end()).size(), chosen.size());
  }
}

// What a table says of its fields that expire, by walking over all of them.
std::map<std::string, int64_t> ExpiriesOf(const FieldTable& table) {
  std::map<std::string, int64_t> expiries;
  table.VisitAll([&](const Field& field) {
    if (field.has_expiry()) expiries.emplace(field.name(), field.expiry_ms());
  });
  return expiries;
}

TEST(FieldTable, AFieldKeepsLosesAndChangesItsExpiry) {
  FieldTable table(nullptr);
  table.Set("a", "1", 1000);
  EXPECT_EQ(table.Find("a")->expiry_ms(), 1000);
  table.Set("a", "2", kKeepFieldExpiry);
  EXPECT_EQ(table.Find("a")->expiry_ms(), 1000);
  table.Set("a", std::string(300, 'x'), kKeepFieldExpiry);
  EXPECT_EQ(table.Find("a")->expiry_ms(), 1000);
  EXPECT_EQ(table.Find("a")->value(), std::string(300, 'x'));
  EXPECT_TRUE(table.SetExpiry("a", 500));
  EXPECT_EQ(table.NextExpiry(), 500);
  table.Set("a", "3");
  EXPECT_EQ(table.Find("a")->expiry_ms(), kNoFieldExpiry);
  EXPECT_EQ(table.NextExpiry(), kNeverMs);
  EXPECT_TRUE(table.SetExpiry("a", 700));
  EXPECT_EQ(table.Find("a")->value(), "3");
  EXPECT_TRUE(table.SetExpiry("a", kNoFieldExpiry));
  EXPECT_EQ(table.Find("a")->value(), "3");
  EXPECT_EQ(table.NextExpiry(), kNeverMs);
  EXPECT_FALSE(table.SetExpiry("b", 700));
  table.Set("b", "", kKeepFieldExpiry);
  EXPECT_FALSE(table.Find("b")->has_expiry());
}

TEST(FieldTable, ExpiryLeavesLargeFieldsAsTheyAre) {
  FieldTable table(nullptr);
  const std::string name(300, 'n');
  const std::string value(70'000, 'v');
  table.Set(name, value);
  table.SetExpiry(name, 5);
  EXPECT_EQ(table.Find(name)->value(), value);
  EXPECT_EQ(table.Find(name)->expiry_ms(), 5);
  table.SetExpiry(name, kNoFieldExpiry);
  EXPECT_EQ(table.Find(name)->value(), value);
}

TEST(FieldTable, KnowsItsExpiriesInOrderWhateverHappens) {
  Prng random(TestSeed());
  FieldTable table(nullptr);
  std::map<std::string, int64_t> model;  // kNoFieldExpiry too
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "field" + std::to_string(random.Below(300));
    const std::string value(random.Below(100), 'v');
    const auto time = static_cast<int64_t>(1 + random.Below(50));
    switch (random.Below(6)) {
      case 0:
        EXPECT_EQ(table.Erase(name), model.erase(name) == 1);
        break;
      case 1:
        table.Set(name, value);
        model[name] = kNoFieldExpiry;
        break;
      case 2:
        table.Set(name, value, time);
        model[name] = time;
        break;
      case 3:
        table.Set(name, value, kKeepFieldExpiry);
        model.emplace(name, kNoFieldExpiry);
        break;
      case 4:
        EXPECT_EQ(table.SetExpiry(name, time), model.contains(name));
        if (model.contains(name)) model[name] = time;
        break;
      default:
        EXPECT_EQ(table.SetExpiry(name, kNoFieldExpiry), model.contains(name));
        if (model.contains(name)) model[name] = kNoFieldExpiry;
    }
  }
  EXPECT_EQ(table.size(), model.size());
  std::erase_if(model, [](const auto& field) { return field.second == kNoFieldExpiry; });
  EXPECT_EQ(ExpiriesOf(table), model);
  const std::unique_ptr<FieldTable> copy(table.Clone());
  for (int64_t ms = 0; ms <= 60; ms += 7) {
    const auto expired = std::ranges::count_if(model, [&](const auto& field) { return field.second < ms; });
    EXPECT_EQ(table.CountExpiring(ms, 1000), static_cast<size_t>(expired));
    const auto taken = table.TakeExpiring(ms, 1000);
    EXPECT_EQ(taken.size(), static_cast<size_t>(expired));
    for (const std::string& name : taken) EXPECT_EQ(model.erase(name), 1u);
  }
  EXPECT_EQ(table.NextExpiry(), kNeverMs);
  EXPECT_EQ(copy->TakeExpiring(kNeverMs, 10).size(), 10u);
}

class RecordingCuts : public ds::CutObserver {
 public:
  void CaptureBucket(const void*, const ds::Bucket&, uint8_t) override { ++captured; }
  int captured = 0;
};

TEST(FieldTable, AnnouncesAChangeInPlaceToARunningCut) {
  RecordingCuts observer;
  ds::CutState cuts;
  cuts.observer = &observer;
  FieldTable table(&cuts);
  table.Set("a", "1");
  cuts.active = 1;
  cuts.captured ^= 1;
  table.Set("a", "2");
  EXPECT_EQ(observer.captured, 1);
  table.Set("a", "3");
  EXPECT_EQ(observer.captured, 1);
}

TEST(FieldTable, AnnouncesAChangeOfExpiryToARunningCut) {
  RecordingCuts observer;
  ds::CutState cuts;
  cuts.observer = &observer;
  FieldTable table(&cuts);
  table.Set("a", "1");
  table.Set("b", "1", 5);
  const auto begin_cut = [&] {
    cuts.active = 1;
    cuts.captured ^= 1;
    return observer.captured;
  };
  int before = begin_cut();
  table.SetExpiry("a", 10);
  EXPECT_EQ(observer.captured, before + 1);
  before = begin_cut();
  table.SetExpiry("b", 10);
  EXPECT_EQ(observer.captured, before + 1);
  before = begin_cut();
  table.SetExpiry("a", kNoFieldExpiry);
  EXPECT_EQ(observer.captured, before + 1);
  before = begin_cut();
  table.TakeExpiring(20, 10);
  EXPECT_EQ(observer.captured, before + 1);
}

TEST(FieldTable, AMillionSmallFieldsTakeAtMostSixtyBytesEach) {
#ifdef HEARTH_SANITIZED
  GTEST_SKIP() << "the sanitizers' allocator has other sizes";
#endif
  const auto scope = RegisterThreadMemory();
  const size_t before = AllocatedBytes();
  FieldTable table(nullptr);
  constexpr int kFields = 1'000'000;
  for (int i = 0; i < kFields; ++i) {
    const std::string digits = std::to_string(1'000'000 + i);
    table.Set("field" + digits, "value" + digits);
  }
  const double each = static_cast<double>(AllocatedBytes() - before) / kFields;
  RecordProperty("bytes_per_field", std::to_string(each));
  EXPECT_LE(each, 60);
  EXPECT_NEAR(static_cast<double>(table.MemoryBytes(5)) / kFields, each, 1);
}

}  // namespace
}  // namespace hearth::keyspace
