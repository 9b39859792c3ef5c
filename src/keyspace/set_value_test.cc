#include "keyspace/set_value.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/test_seed.h"
#include "keyspace/container.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

class SetValueTest : public testing::Test {
 protected:
  // Adds to the set under "s", which is made if need be.
  bool Add(std::string_view member) {
    WriteHandle handle = db().FindForWrite(key_);
    if (!handle) handle = SetValue::Create(db(), key_, member, 1);
    return SetValue(handle).Add(member);
  }
  bool Remove(std::string_view member) {
    WriteHandle handle = db().FindForWrite(key_);
    return handle && SetValue(handle).Remove(member);
  }
  const Entry* entry() { return db().Find(key_); }
  std::set<std::string> Members() {
    std::set<std::string> members;
    if (entry() == nullptr) return members;
    SetReader(*entry()).ForEach([&](const Element& member) { members.insert(member.ToString()); });
    return members;
  }
  Database& db() { return testing_.db(); }

  TestingKeyspace testing_;
  const Key key_{"s"};
};

TEST_F(SetValueTest, ChangesItsEncodingAsItGrows) {
  for (int i = 0; i < 512; ++i) Add(std::to_string(i));
  EXPECT_EQ(entry()->encoding(), Encoding::kIntset);
  Add("512");
  EXPECT_EQ(entry()->encoding(), Encoding::kHashTable);
  EXPECT_EQ(Members().size(), 513u);

  db().Remove(key_);
  for (int i = 0; i < 100; ++i) Add(std::to_string(i));
  Add("text");
  EXPECT_EQ(entry()->encoding(), Encoding::kListpack);
  for (int i = 0; i < 27; ++i) Add("more" + std::to_string(i));
  EXPECT_EQ(entry()->encoding(), Encoding::kListpack);
  Add("the 129th");
  EXPECT_EQ(entry()->encoding(), Encoding::kHashTable);
  EXPECT_EQ(Members().size(), 129u);

  db().Remove(key_);
  Add("1");
  Add(std::string(65, 'x'));
  EXPECT_EQ(entry()->encoding(), Encoding::kHashTable);
}

TEST_F(SetValueTest, AnEmptiedSetIsRemoved) {
  Add("1");
  Add("a");
  EXPECT_TRUE(Remove("1"));
  EXPECT_FALSE(Remove("1"));
  EXPECT_TRUE(Remove("a"));
  EXPECT_EQ(entry(), nullptr);
}

TEST_F(SetValueTest, BehavesAsAPlainSet) {
  Prng random(TestSeed());
  for (const uint64_t names : {10u, 130u, 2000u}) {
    std::set<std::string> model;
    for (int step = 0; step < 8000; ++step) {
      std::string member = std::to_string(random.Below(names));
      if (random.Below(3) == 0) member.append(random.Below(70), 'x');
      if (random.Below(1000) == 0) {
        db().Remove(key_);
        model.clear();
      }
      if (random.Below(2) == 0) {
        EXPECT_EQ(Add(member), model.insert(member).second);
      } else {
        EXPECT_EQ(Remove(member), model.erase(member) == 1);
      }
      if (!model.empty()) {
        EXPECT_EQ(SetReader(*entry()).Has(member), model.contains(member));
      }
    }
    EXPECT_EQ(Members(), model);
    db().Remove(key_);
  }
}

TEST_F(SetValueTest, DrawsEveryMemberWithEqualChance) {
  Prng random(TestSeed());
  for (const int size : {7, 300}) {
    for (const char* prefix : {"", "m"}) {
      db().Remove(key_);
      for (int i = 0; i < size; ++i) Add(prefix + std::to_string(i));
      std::map<std::string, int> drawn;
      const int draws = size * 400;
      for (int i = 0; i < draws; ++i) ++drawn[SetReader(*entry()).Random(random).ToString()];
      for (int i = 0; i < draws / 3; ++i) {
        for (const Element& member : SetReader(*entry()).DrawDistinct(random, 3)) ++drawn[member.ToString()];
      }
      EXPECT_EQ(drawn.size(), static_cast<size_t>(size));
      // 800 draws each on average, a standard deviation of about 28: seven of them.
      for (const auto& [member, count] : drawn) EXPECT_NEAR(count, 800, 200) << member;
    }
  }
}

TEST_F(SetValueTest, DistinctDrawsAreDistinct) {
  Prng random(TestSeed());
  for (const int size : {5, 100, 1000}) {
    db().Remove(key_);
    for (int i = 0; i < size; ++i) Add("m" + std::to_string(i));
    for (const size_t count : {1, 3, 5, 400, 5000}) {
      std::set<std::string> drawn;
      for (const Element& member : SetReader(*entry()).DrawDistinct(random, count)) {
        drawn.insert(member.ToString());
      }
      EXPECT_EQ(drawn.size(), std::min(count, static_cast<size_t>(size)));
    }
  }
}

TEST_F(SetValueTest, CopiesAreIndependent) {
  for (const auto& member : {std::string("1"), std::string("a"), std::string(300, 'y')}) {
    db().Remove(Key("copy"));
    Add(member);
    db().Copy(key_, db(), Key("copy"));
    Add("another");
    const SetReader copy(*db().Find(Key("copy")));
    EXPECT_TRUE(copy.Has(member));
    EXPECT_FALSE(copy.Has("another"));
    EXPECT_GT(ValueBytes(*entry(), 0), 0u);
    Remove("another");
  }
}

}  // namespace
}  // namespace hearth::keyspace
