#include "sentinel/state_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/process.h"
#include "settings/testing/memory_source.h"

namespace hearth::sentinel {
namespace {

constexpr std::string_view kText =
    "# mine\nsentinel down-after-milliseconds m 77\nsentinel monitor m 127.0.0.1 1 2\n";

// A configuration in a folder of the test's own.
class StateFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("hearth-state-" + std::to_string(env::ProcessId()) + "-" +
               std::to_string(std::filesystem::hash_value(
                   std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()))));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    ASSERT_TRUE(env::ReplaceFile(*disk_, Path("s.conf"), kText));
    source_.files[Path("s.conf")] = std::string(kText);
    settings::LoadOptions options;
    options.is_sentinel = true;
    ASSERT_TRUE(configuration_.Load({.file = Path("s.conf")}, "", options));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  Result<std::unique_ptr<Machine>> Load() {
    return StateFile(configuration_, *disk_, log_).Load({"", 1, {}}, {});
  }

  std::filesystem::path folder_;
  std::unique_ptr<env::Disk> disk_ = env::MakeSystemDisk();
  settings::MemorySource source_;
  settings::Configuration configuration_{source_};
  Logger log_;
};

TEST_F(StateFileTest, LinesAreLoadedWhateverTheirOrder) {
  const auto machine = Load();
  ASSERT_TRUE(machine) << machine.error().message;
  EXPECT_EQ((*machine)->primaries().at("m").settings.down_after_ms, 77);
}

TEST_F(StateFileTest, TheStateGoesIntoTheConfigurationInItsPlace) {
  StateFile file(configuration_, *disk_, log_);
  ASSERT_TRUE(file.Save({"sentinel monitor m 127.0.0.1 9 2", "sentinel down-after-milliseconds m 78"}));
  EXPECT_TRUE(source_.files[Path("s.conf")].starts_with(
      "# mine\nsentinel down-after-milliseconds m 78\nsentinel monitor m 127.0.0.1 9 2\n"));
  EXPECT_TRUE(file.separate_path().empty());
}

TEST_F(StateFileTest, WithoutTheConfigurationTheStateHasAFileOfItsOwnAndIsFoundThere) {
  std::filesystem::remove(Path("s.conf"));
  std::filesystem::create_directory(Path("s.conf"));  // what cannot be opened for writing, even by root
  StateFile file(configuration_, *disk_, log_);
  ASSERT_TRUE(file.Save({"sentinel monitor m 127.0.0.1 5 3"}));
  EXPECT_EQ(file.separate_path(), Path("s.conf.state"));
  ASSERT_TRUE(file.Save({"sentinel monitor m 127.0.0.1 6 3"}));
  const auto machine = Load();
  ASSERT_TRUE(machine) << machine.error().message;
  EXPECT_EQ((*machine)->primaries().at("m").instance.address.port, 6);
  EXPECT_EQ(source_.files[Path("s.conf")], kText);
}

TEST_F(StateFileTest, TheSeparateFileGoesOnceTheConfigurationCanBeWritten) {
  ASSERT_TRUE(env::ReplaceFile(*disk_, Path("s.conf.state"), "# x\nsentinel monitor m 127.0.0.1 5 3\n"));
  StateFile file(configuration_, *disk_, log_);
  ASSERT_TRUE(file.Save({"sentinel monitor m 127.0.0.1 5 3"}));
  EXPECT_FALSE(std::filesystem::exists(Path("s.conf.state")));
}

TEST_F(StateFileTest, ABadLineIsNamed) {
  ASSERT_TRUE(env::ReplaceFile(*disk_, Path("s.conf.state"), "# x\nsentinel monitor m\n"));
  const auto machine = Load();
  ASSERT_FALSE(machine);
  EXPECT_NE(machine.error().message.find("at line 2 of " + Path("s.conf.state")), std::string::npos)
      << machine.error().message;
  ASSERT_TRUE(env::ReplaceFile(*disk_, Path("s.conf.state"), "port 5\n"));
  EXPECT_FALSE(Load());
}

}  // namespace
}  // namespace hearth::sentinel
