#include "replication/written_keys.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::replication {
namespace {

TEST(WrittenKeys, KnowsAKeyInItsDatabase) {
  WrittenKeys keys(16);
  EXPECT_TRUE(keys.Add(3, "a"));
  EXPECT_TRUE(keys.Add(3, "a"));
  EXPECT_TRUE(keys.Has(3, "a"));
  EXPECT_FALSE(keys.Has(2, "a"));
  EXPECT_FALSE(keys.Has(3, "b"));
  EXPECT_FALSE(keys.Has(-1, "a"));
  EXPECT_FALSE(keys.Has(16, "a"));
  EXPECT_EQ(keys.size(), 1u);
}

TEST(WrittenKeys, TakesNoKeyOfADatabaseThatThereIsNot) {
  WrittenKeys keys(2);
  EXPECT_FALSE(keys.Add(2, "a"));
  EXPECT_FALSE(keys.Add(-1, "a"));
}

TEST(WrittenKeys, GoesThroughTextAndBack) {
  WrittenKeys keys(16);
  const std::string odd[] = {"", " ", "7:7 :", std::string("\0\r\n", 3), std::string(100'000, 'x')};
  for (const std::string& key : odd) {
    keys.Add(0, key);
    keys.Add(15, key + "!");
  }
  WrittenKeys again(16);
  for (const std::string& piece : keys.Encode()) EXPECT_TRUE(again.Decode(piece));
  EXPECT_EQ(again.size(), keys.size());
  for (const std::string& key : odd) {
    EXPECT_TRUE(again.Has(0, key));
    EXPECT_TRUE(again.Has(15, key + "!"));
  }
}

TEST(WrittenKeys, TextIsInPiecesOfABoundedSize) {
  WrittenKeys keys(16);
  for (int i = 0; i < 20'000; ++i) keys.Add(0, "key:" + std::to_string(i));
  const auto pieces = keys.Encode();
  EXPECT_GT(pieces.size(), 3u);
  for (const std::string& piece : pieces) EXPECT_LT(piece.size(), WrittenKeys::kMaxPieceBytes + 100);
}

TEST(WrittenKeys, WhatIsNoSuchTextIsRefused) {
  for (const char* text : {"", "x", "x 1:a", "16 1:a", "-1 1:a", "0 2:a", "0 1:a1:b", "0 :a", "0 -1:a",
                           "0 1a", "0  1:a", "0 99999999999999999999:a"}) {
    WrittenKeys keys(16);
    EXPECT_FALSE(keys.Decode(text)) << text;
  }
  WrittenKeys keys(16);
  EXPECT_TRUE(keys.Decode("0"));
  EXPECT_TRUE(keys.Decode("0 0: 1: "));
  EXPECT_EQ(keys.size(), 2u);
}

TEST(WrittenKeys, IsBounded) {
  WrittenKeys keys(1);
  EXPECT_TRUE(keys.Add(0, std::string(WrittenKeys::kMaxBytes, 'x')));
  EXPECT_FALSE(keys.Add(0, "y"));
  WrittenKeys more(1);
  more.Add(0, "y");
  EXPECT_FALSE(keys.AddAll(more));
  EXPECT_TRUE(more.AddAll(keys) || more.bytes() <= WrittenKeys::kMaxBytes);
}

}  // namespace
}  // namespace hearth::replication
