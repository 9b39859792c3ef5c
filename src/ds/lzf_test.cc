#include "ds/lzf.h"

#include <gtest/gtest.h>
#include <liblzf/lzf.h>

#include <optional>
#include <random>
#include <string>

#include "base/test_seed.h"

namespace hearth::ds {
namespace {

// The allocator's checkers see what goes beyond the room. Nothing if it is refused.
std::optional<std::string> Unpack(std::string_view packed, size_t size, size_t slack) {
  std::string text(size + slack, '\0');
  const auto copy = std::string(packed);
  if (!UnpackLzf(copy, text.data(), size, text.size())) return std::nullopt;
  text.resize(size);
  return text;
}

std::string Pack(const std::string& text) {
  std::string packed(text.size() * 2 + 64, '\0');
  packed.resize(lzf_compress(text.data(), static_cast<unsigned>(text.size()), packed.data(),
                             static_cast<unsigned>(packed.size())));
  return packed;
}

// Pieces of what has gone before, at any distance, and new bytes.
std::string RepetitiveText(std::mt19937_64& random, size_t size) {
  std::string text;
  while (text.size() < size) {
    const size_t piece = 1 + random() % (random() % 8 == 0 ? 300 : 40);
    if (text.empty() || random() % 2 == 0) {
      for (size_t i = 0; i < piece; ++i) text += static_cast<char>(random());
    } else {
      const size_t distance = 1 + random() % std::min<size_t>(text.size(), random() % 2 == 0 ? 20 : 8192);
      for (size_t i = 0; i < piece; ++i) text += text[text.size() - distance];
    }
  }
  text.resize(size);
  return text;
}

TEST(LzfTest, TextsComeBack) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 2000; ++round) {
    const std::string text = RepetitiveText(random, 1 + random() % 3000);
    const std::string packed = Pack(text);
    ASSERT_FALSE(packed.empty());
    for (const size_t slack : {size_t{0}, size_t{7}, kLzfSlackBytes}) {
      ASSERT_EQ(Unpack(packed, text.size(), slack), text);
    }
  }
}

TEST(LzfTest, RunsAndReferencesAreReadAsTheFormatHasThem) {
  EXPECT_EQ(Unpack(std::string("\x02xyz", 4), 3, kLzfSlackBytes), "xyz");
  // Three bytes, of which the first two are repeated: lengths begin at 3, distances at 1.
  EXPECT_EQ(Unpack(std::string("\x01xy\x20\x01", 5), 5, kLzfSlackBytes), "xyxyx");
  // 9 + 4 times the byte before.
  EXPECT_EQ(Unpack(std::string("\0a\xe0\x04\0", 5), 14, kLzfSlackBytes), std::string(14, 'a'));
  EXPECT_EQ(Unpack("", 0, 0), "");
}

TEST(LzfTest, WhatDoesNotGiveTheSizeIsRefused) {
  const std::string packed("\x02xyz\x20\x02", 6);
  EXPECT_EQ(Unpack(packed, 6, kLzfSlackBytes), "xyzxyz");
  for (const size_t size : {0, 2, 3, 5, 7}) EXPECT_EQ(Unpack(packed, size, kLzfSlackBytes), std::nullopt);
  for (size_t cut = 1; cut < packed.size(); ++cut) {
    EXPECT_EQ(Unpack(std::string_view(packed).substr(0, cut), 6, kLzfSlackBytes), std::nullopt);
  }
  // Before the beginning.
  EXPECT_EQ(Unpack(std::string("\x02xyz\x20\x03", 6), 6, kLzfSlackBytes), std::nullopt);
  EXPECT_EQ(Unpack(std::string("\x20\0", 2), 3, kLzfSlackBytes), std::nullopt);
  // A length without its second byte, and one without its distance.
  EXPECT_EQ(Unpack(std::string("\x02xyz\xe0", 5), 6, kLzfSlackBytes), std::nullopt);
  EXPECT_EQ(Unpack(std::string("\x02xyz\xe0\0", 6), 12, kLzfSlackBytes), std::nullopt);
}

TEST(LzfTest, AnyBytesAreUnpackedOrRefusedWithinTheirRoom) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 5000; ++round) {
    std::string packed = Pack(RepetitiveText(random, 1 + random() % 500));
    for (int change = 0; change < 3; ++change) packed[random() % packed.size()] = static_cast<char>(random());
    (void)Unpack(packed, random() % 600, random() % 2 == 0 ? 0 : kLzfSlackBytes);
  }
}

}  // namespace
}  // namespace hearth::ds
