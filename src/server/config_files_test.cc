#include "server/config_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace hearth::server {

namespace {

class ConfigFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("config_files_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "conf.d");
    start_ = std::filesystem::current_path();
  }
  void TearDown() override {
    std::filesystem::current_path(start_);
    std::filesystem::remove_all(folder_);
  }
  void Write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  std::string Path(const std::string& name) { return (folder_ / name).string(); }

  std::filesystem::path folder_;
  std::filesystem::path start_;
  std::unique_ptr<env::Disk> disk_ = env::MakeSystemDisk();
  ConfigFiles files_{*disk_};
};

TEST_F(ConfigFilesTest, ReadsAndSaysWhyItCannot) {
  Write("a.conf", "port 1\n");
  EXPECT_EQ(files_.Read(Path("a.conf")).value(), "port 1\n");
  EXPECT_EQ(files_.Read(Path("missing")).error().message, "No such file or directory");
}

TEST_F(ConfigFilesTest, MatchesPatternsInOrderOfName) {
  Write("conf.d/2.conf", "");
  Write("conf.d/1.conf", "");
  Write("conf.d/.3.conf", "");
  Write("conf.d/4.txt", "");
  const std::vector<std::string> expected = {Path("conf.d/1.conf"), Path("conf.d/2.conf")};
  EXPECT_EQ(files_.Match(Path("conf.d/*.conf")), expected);
  EXPECT_EQ(files_.Match(Path("*.d/?.conf")), expected);
  EXPECT_EQ(files_.Match(Path("*")), std::vector<std::string>()) << "a folder is no file";
  ASSERT_TRUE(files_.EnterFolder(Path("conf.d")));
  EXPECT_EQ(files_.Match("[12].conf"), (std::vector<std::string>{"1.conf", "2.conf"}));
}

TEST_F(ConfigFilesTest, ReplacingKeepsALink) {
  Write("real.conf", "old");
  std::filesystem::create_symlink(folder_ / "real.conf", folder_ / "link.conf");
  ASSERT_TRUE(files_.Replace(Path("link.conf"), "new"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link.conf"));
  EXPECT_EQ(files_.Read(Path("real.conf")).value(), "new");
}

TEST_F(ConfigFilesTest, EntersFolders) {
  EXPECT_EQ(files_.EnterFolder(Path("nowhere")).error().message, "No such file or directory");
  ASSERT_TRUE(files_.EnterFolder(Path("conf.d")));
  EXPECT_EQ(files_.CurrentFolder(), std::filesystem::canonical(folder_ / "conf.d").string());
}

}  // namespace

}  // namespace hearth::server
