#include "engine/slowlog.h"

#include <gtest/gtest.h>

#include "engine/testing/engine_fixture.h"
#include "engine/testing/test_commands.h"

namespace hearth::engine {
namespace {

TEST(SlowlogTest, KeepsTheNewestFirstAndNoMoreThanAllowed) {
  Slowlog slowlog;
  const std::string_view args[] = {"get", "k"};
  for (int i = 0; i < 5; ++i) slowlog.Add(100 + i, i, args, "127.0.0.1:1", "me", 3);
  ASSERT_EQ(slowlog.entries().size(), 3u);
  EXPECT_EQ(slowlog.entries()[0].id, 4u);
  EXPECT_EQ(slowlog.entries()[2].id, 2u);
  EXPECT_EQ(slowlog.entries()[0].at_seconds, 104);
  EXPECT_EQ(slowlog.entries()[0].args, (std::vector<std::string>{"get", "k"}));
  EXPECT_EQ(slowlog.entries()[0].client_address, "127.0.0.1:1");
  slowlog.Trim(1);
  EXPECT_EQ(slowlog.entries().size(), 1u);
  slowlog.Clear();
  slowlog.Add(1, 1, args, "", "", 3);
  EXPECT_EQ(slowlog.entries()[0].id, 5u) << "numbers go on";
}

TEST(SlowlogTest, ShortensWhatIsLong) {
  Slowlog slowlog;
  const std::string element(200, 'x');
  std::vector<std::string_view> args(40, element);
  args[0] = "rpush";
  slowlog.Add(1, 1, args, "", "", 1);
  const auto& kept = slowlog.entries()[0].args;
  ASSERT_EQ(kept.size(), 32u);
  EXPECT_EQ(kept[1], std::string(128, 'x') + "... (72 more bytes)");
  EXPECT_EQ(kept[31], "... (9 more arguments)");
}

TEST(SlowlogTest, TakesInCommandsByTheThreshold) {
  EngineFixture fixture;
  testing::BindCommands(fixture.engine);
  fixture.settings.slowlog_log_slower_than = 0;
  fixture.engine.RefreshChecks();
  fixture.Do("SET k v");
  ASSERT_EQ(fixture.engine.slowlog().entries().size(), 1u);
  EXPECT_EQ(fixture.engine.slowlog().entries()[0].args[0], "SET");
  fixture.settings.slowlog_log_slower_than = -1;
  fixture.engine.RefreshChecks();
  fixture.Do("SET k v");
  EXPECT_EQ(fixture.engine.slowlog().entries().size(), 1u);
}

}  // namespace
}  // namespace hearth::engine
