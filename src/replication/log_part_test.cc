#include "replication/log_part.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "env/testing/faulty_disk.h"

namespace hearth::replication {
namespace {

std::string TextOf(const LogPart& part) {
  std::string text;
  const Status status = part.Read([&](std::string_view bytes) -> Status {
    text += bytes;
    return {};
  });
  EXPECT_TRUE(status);
  return text;
}

TEST(LogPart, IsReadFromMemoryHoweverTheLogGoesOn) {
  log::WriteLog write_log(1000);
  std::string all;
  for (int i = 0; i < 300; ++i) {
    const std::string bytes(1000, static_cast<char>('a' + i % 26));
    write_log.Append(bytes);
    all += bytes;
    if (i == 0) write_log.SetRetainBytes(10'000'000);
  }
  const auto part = LogPart::From(1500, write_log, nullptr);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->begin(), 1500u);
  EXPECT_EQ(part->end(), 301'000u);
  // What is logged later is not of it, and what leaves the log stays.
  write_log.SetRetainBytes(0);
  for (int i = 0; i < 300; ++i) write_log.Append(std::string(1000, 'z'));
  std::string read;
  std::thread([&] { read = TextOf(*part); }).join();
  EXPECT_EQ(read, all.substr(500));
}

TEST(LogPart, MayBeEmpty) {
  log::WriteLog write_log(1000);
  const auto part = LogPart::From(1000, write_log, nullptr);
  ASSERT_TRUE(part);
  EXPECT_EQ(TextOf(*part), "");
}

TEST(LogPart, WhatHasLeftTheLogIsNotToBeHad) {
  log::WriteLog write_log(1000);
  for (int i = 0; i < 300; ++i) write_log.Append(std::string(1000, 'z'));
  EXPECT_GT(write_log.first_offset(), 1000u);
  EXPECT_FALSE(LogPart::From(1000, write_log, nullptr));
}

TEST(LogPart, WhatHasLeftMemoryComesFromDisk) {
  env::FaultyDisk disk;
  Logger logger;
  logger.SetLevel(LogLevel::kNothing);
  log::Segments segments(disk, logger, {"log", 10'000'000});
  ASSERT_TRUE(segments.Begin(std::string(40, 'a'), 1000));
  log::WriteLog write_log(1000);
  std::string all;
  for (int i = 0; i < 300; ++i) {
    const std::string bytes(1000, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(segments.Append(write_log.end_offset(), bytes));
    write_log.Append(bytes);
    all += bytes;
  }
  ASSERT_GT(write_log.first_offset(), 1500u);
  const auto part = LogPart::From(1500, write_log, &segments);
  ASSERT_TRUE(part);
  EXPECT_EQ(TextOf(*part), all.substr(500));
  EXPECT_FALSE(LogPart::From(500, write_log, &segments));
}

TEST(LogPart, AnErrorOfWhoReadsEndsTheReading) {
  log::WriteLog write_log;
  write_log.SetRetainBytes(10'000'000);
  for (int i = 0; i < 300; ++i) write_log.Append(std::string(1000, 'z'));
  const auto part = LogPart::From(0, write_log, nullptr);
  ASSERT_TRUE(part);
  int calls = 0;
  EXPECT_FALSE(part->Read([&](std::string_view) -> Status {
    ++calls;
    return Fail("enough");
  }));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace hearth::replication
