#include "ds/intset.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "base/test_seed.h"

namespace hearth::ds {
namespace {

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// What SADD got and the intset that DUMP showed, from Redis 7.0.15.
TEST(Intset, HasTheBytesOfRedis) {
  const std::pair<std::vector<int64_t>, const char*> cases[] = {
      {{1, 2, 3}, "0200000003000000010002000300"},
      {{-1, 32767, -32768}, "02000000030000000080ffffff7f"},
      {{1, 40000, -5}, "0400000003000000fbffffff01000000409c0000"},
      {{5, -6000000000, 7}, "080000000300000000445f9afeffffff05000000000000000700000000000000"},
  };
  for (const auto& [values, hex] : cases) {
    Intset set;
    for (int64_t value : values) EXPECT_TRUE(set.Add(value));
    EXPECT_EQ(set.View().Raw(), FromHex(hex));
    EXPECT_TRUE(ValidateIntset(FromHex(hex), true));
  }
}

TEST(Intset, StaysWideAfterTheWideValueIsGone) {
  Intset set;
  for (int64_t value : {int64_t{1}, int64_t{6000000000}, int64_t{2}}) set.Add(value);
  EXPECT_TRUE(set.Remove(6000000000));
  EXPECT_EQ(set.View().Raw(), FromHex("080000000200000001000000000000000200000000000000"));
}

TEST(Intset, BehavesLikeASortedSet) {
  Prng prng(TestSeed());
  for (int round = 0; round < 20; ++round) {
    Intset set;
    std::set<int64_t> model;
    for (int i = 0; i < 1500; ++i) {
      const unsigned narrow = round % 2 == 0 ? 54 : static_cast<unsigned>(prng.Below(60));
      const int64_t value = static_cast<int64_t>(prng.Next()) >> narrow;
      if (prng.Below(3) == 0) {
        ASSERT_EQ(set.Remove(value), model.erase(value) == 1);
      } else {
        ASSERT_EQ(set.Add(value), model.insert(value).second);
      }
      ASSERT_EQ(set.Contains(value), model.contains(value));
      ASSERT_EQ(set.Contains(value + 1), model.contains(value + 1));
    }
    ASSERT_TRUE(ValidateIntset(set.View().Raw(), true));
    ASSERT_EQ(set.Length(), model.size());
    size_t index = 0;
    for (int64_t value : model) ASSERT_EQ(set.Get(index++), value);
    ASSERT_EQ(set.View().Min(), *model.begin());
    ASSERT_EQ(set.View().Max(), *model.rbegin());
    ASSERT_TRUE(model.contains(set.View().Random(prng)));
  }
}

TEST(Intset, HoldsTheLimitsOfItsWidths) {
  Intset set;
  for (int64_t value : {int64_t{INT64_MIN}, int64_t{INT64_MAX}, int64_t{INT32_MIN}, int64_t{INT16_MAX} + 1})
    set.Add(value);
  EXPECT_EQ(set.View().Min(), INT64_MIN);
  EXPECT_EQ(set.View().Max(), INT64_MAX);
  Intset narrow;
  narrow.Add(1);
  EXPECT_FALSE(narrow.Contains(int64_t{1} << 40));
  EXPECT_FALSE(narrow.Remove(int64_t{1} << 40));
  EXPECT_EQ(narrow.View().Width(), 2u);
}

TEST(Intset, SurvivesReleaseAndAdopt) {
  Intset set;
  set.Add(5);
  Intset adopted = Intset::Adopt(set.Release());
  adopted.Add(3);
  const Intset copy = Intset::Copy(adopted.View().Raw());
  EXPECT_EQ(copy.Get(0), 3);
  EXPECT_EQ(copy.Get(1), 5);
}

TEST(ValidateIntset, RefusesBrokenBytes) {
  EXPECT_FALSE(ValidateIntset("", true));
  EXPECT_FALSE(ValidateIntset(FromHex("0300000000000000"), true));
  EXPECT_FALSE(ValidateIntset(FromHex("02000000020000000100"), true));
  EXPECT_FALSE(ValidateIntset(FromHex("020000000200000001000100"), true));
  EXPECT_FALSE(ValidateIntset(FromHex("020000000200000002000100"), true));
  EXPECT_TRUE(ValidateIntset(FromHex("020000000200000002000100"), false));
  EXPECT_FALSE(ValidateIntset(FromHex("08000000ffffffff0100"), true));
  EXPECT_TRUE(ValidateIntset(FromHex("0200000000000000"), true));
}

}  // namespace
}  // namespace hearth::ds
