#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>
#include <vector>

namespace hearth {
namespace {

class LogTest : public testing::Test {
 protected:
  LogTest() { EXPECT_TRUE(logger_.SetFile(path_).has_value()); }
  ~LogTest() override { std::remove(path_.c_str()); }

  std::string Content() const {
    std::ostringstream content;
    content << std::ifstream(path_).rdbuf();
    return content.str();
  }

  const std::string path_ = testing::TempDir() + "hearth_log_test_" + std::to_string(getpid());
  Logger logger_;
};

TEST_F(LogTest, LinesHaveTheFormatThatReadersOfRedisLogsKnow) {
  logger_.SetRole('S');
  logger_.Warning("disk {} is {}% full", "sda", 97);
  const std::regex line(
      "[0-9]+:S [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} # disk sda is 97% "
      "full\n");
  EXPECT_TRUE(std::regex_match(Content(), line)) << Content();
}

struct CountsFormatting {
  int* count;
};

}  // namespace
}  // namespace hearth

template <>
struct fmt::formatter<hearth::CountsFormatting> : fmt::formatter<int> {
  auto format(const hearth::CountsFormatting& value, fmt::format_context& context) const {
    return fmt::formatter<int>::format(++*value.count, context);
  }
};

namespace hearth {
namespace {

TEST_F(LogTest, FormatsNothingBelowTheLevel) {
  int formatted = 0;
  logger_.Verbose("{}", CountsFormatting{&formatted});
  EXPECT_EQ(formatted, 0);
  logger_.SetLevel(LogLevel::kVerbose);
  logger_.Verbose("{}", CountsFormatting{&formatted});
  EXPECT_EQ(formatted, 1);
  logger_.SetLevel(LogLevel::kNothing);
  logger_.Warning("{}", CountsFormatting{&formatted});
  EXPECT_EQ(formatted, 1);
}

TEST_F(LogTest, GoesOnInANewFileAfterRotation) {
  logger_.Notice("one");
  const std::string rotated = path_ + ".1";
  ASSERT_EQ(std::rename(path_.c_str(), rotated.c_str()), 0);
  logger_.Notice("two");
  EXPECT_EQ(Content().find("one"), std::string::npos);
  EXPECT_NE(Content().find("two"), std::string::npos);
  std::remove(rotated.c_str());
}

TEST_F(LogTest, KeepsTheOldFileIfTheNewOneCannotBeOpened) {
  const Status status = logger_.SetFile("/nonexistent-folder/log");
  ASSERT_FALSE(status.has_value());
  EXPECT_NE(status.error().message.find("/nonexistent-folder/log"), std::string::npos);
  logger_.Notice("still here");
  EXPECT_NE(Content().find("still here"), std::string::npos);
}

TEST_F(LogTest, RawTextHasNoPrefix) {
  logger_.Raw("=== REPORT ===\n");
  EXPECT_EQ(Content(), "=== REPORT ===\n");
}

TEST_F(LogTest, LinesOfThreadsDoNotMix) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 50; ++i) logger_.Notice("{}", std::string(300, 'x'));
    });
  }
  for (auto& thread : threads) thread.join();
  std::istringstream lines(Content());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_TRUE(line.ends_with(" * " + std::string(300, 'x')));
  EXPECT_EQ(count, 200);
}

TEST(ParseLogLevel, KnowsTheNamesOfTheConfiguration) {
  EXPECT_EQ(ParseLogLevel("Verbose").value(), LogLevel::kVerbose);
  EXPECT_EQ(ParseLogLevel("nothing").value(), LogLevel::kNothing);
  EXPECT_FALSE(ParseLogLevel("loud").has_value());
}

}  // namespace
}  // namespace hearth
