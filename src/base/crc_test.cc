#include <gtest/gtest.h>

#include <string>

#include "base/crc16.h"
#include "base/crc64.h"
#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth {
namespace {

TEST(Crc16, MatchesTheCheckValueOfXmodem) {
  EXPECT_EQ(Crc16("123456789"), 0x31c3);
  EXPECT_EQ(Crc16(""), 0);
}

TEST(KeySlot, CountsOnlyTheHashTag) {
  const std::pair<const char*, int> cases[] = {
      {"", 0},
      {"a", 15495},
      {"{a}b", 15495},
      {"{}a", 10875},
      {"a{b}c", 3300},
      {"{a", 10276},
      {"{a}{b}", 15495},
      {"foo{}{bar}", 8363},
      {"foo{{bar}}zap", 4015},
      {"foo{bar}{zap}", 5061},
      {"123456789", 12739},
      {"}a{b}", 3300},
  };
  for (const auto& [key, slot] : cases) EXPECT_EQ(KeySlot(key), slot) << key;
}

TEST(Crc64, MatchesTheCheckValueOfRdb) {
  EXPECT_EQ(Crc64(0, "123456789"), 0xe9c6d914c4b8d9cau);
  EXPECT_EQ(Crc64(0, ""), 0u);
}

TEST(Crc64, IsTheSameInPieces) {
  Prng prng(TestSeed());
  std::string bytes(1000, ' ');
  for (char& c : bytes) c = static_cast<char>(prng.Next());
  for (int i = 0; i < 200; ++i) {
    const size_t cut = prng.Below(bytes.size() + 1);
    const std::string_view text = bytes;
    EXPECT_EQ(Crc64(Crc64(0, text.substr(0, cut)), text.substr(cut)), Crc64(0, text));
  }
}

TEST(Crc64, IsTheSameWithAndWithoutCarrylessMultiplication) {
  Prng prng(TestSeed());
  std::string bytes(2000, ' ');
  for (char& c : bytes) c = static_cast<char>(prng.Next());
  for (int i = 0; i < 2000; ++i) {
    const size_t start = prng.Below(bytes.size() + 1);
    const std::string_view text = std::string_view(bytes).substr(start, prng.Below(bytes.size() - start + 1));
    const uint64_t before = prng.Next();
    ASSERT_EQ(Crc64(before, text), Crc64Portable(before, text)) << start << " " << text.size();
  }
}

}  // namespace
}  // namespace hearth
