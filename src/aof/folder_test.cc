#include "aof/folder.h"

#include <gtest/gtest.h>

#include "env/testing/faulty_disk.h"

namespace hearth::aof {
namespace {

class FolderTest : public ::testing::Test {
 protected:
  FolderTest() { log_.SetLevel(LogLevel::kNothing); }

  Folder Make() { return Folder(disk_, log_, {"dir", "sub", "a.aof"}); }
  std::string ManifestText() { return disk_.Contents("dir/sub/a.aof.manifest"); }
  void RemoveHistory(Folder& folder) {
    ASSERT_TRUE(
        folder.RemoveHistory([this](const std::string& path) { EXPECT_TRUE(disk_.Remove(path).has_value()); })
            .has_value());
  }
  std::vector<std::string> Names() { return *disk_.List("dir/sub"); }

  env::FaultyDisk disk_;
  Logger log_;
};

TEST_F(FolderTest, ARewriteReplacesBaseAndOlderIncrements) {
  Folder folder = Make();
  ASSERT_TRUE(folder.Load().has_value());
  EXPECT_TRUE(folder.IsNew());
  disk_.Put(folder.TemporaryBasePath(), "REDIS base 1");
  ASSERT_TRUE(folder.InstallBase(true).has_value());
  ASSERT_TRUE(folder.OpenIncrement().value()->Append("one").has_value());
  EXPECT_EQ(folder.Files().size(), 2u);
  EXPECT_EQ(folder.TotalBytes().value(), 15u);
  EXPECT_EQ(folder.BaseBytes().value(), 12u);

  ASSERT_TRUE(folder.AddIncrement("on background rewrite").value()->Append("two").has_value());
  EXPECT_EQ(folder.Files().size(), 3u);
  disk_.Put(folder.TemporaryBasePath(), "REDIS base 2");
  ASSERT_TRUE(folder.InstallBase(true).has_value());
  EXPECT_EQ(ManifestText(),
            "file a.aof.2.base.rdb seq 2 type b\nfile a.aof.1.base.rdb seq 1 type h\n"
            "file a.aof.1.incr.aof seq 1 type h\nfile a.aof.2.incr.aof seq 2 type i\n");
  RemoveHistory(folder);
  EXPECT_EQ(Names(), (std::vector<std::string>{"a.aof.2.base.rdb", "a.aof.2.incr.aof", "a.aof.manifest"}));

  Folder again = Make();
  ASSERT_TRUE(again.Load().has_value());
  EXPECT_EQ(again.manifest(), folder.manifest());
  EXPECT_EQ(again.OpenIncrement().value()->path(), "dir/sub/a.aof.2.incr.aof");
}

TEST_F(FolderTest, ATemporaryIncrementIsNamedOnlyWhenTheBaseIsThere) {
  Folder folder = Make();
  ASSERT_TRUE(folder.AddTemporaryIncrement().value()->Append("later").has_value());
  EXPECT_EQ(Names(), std::vector<std::string>{"temp-a.aof.incr"});
  disk_.Put(folder.TemporaryBasePath(), "base");
  ASSERT_TRUE(folder.InstallBase(false).has_value());
  EXPECT_EQ(ManifestText(), "file a.aof.1.base.aof seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n");
  EXPECT_EQ(disk_.Contents("dir/sub/a.aof.1.incr.aof"), "later");
  ASSERT_TRUE(folder.AddTemporaryIncrement().has_value());
  folder.DropTemporaryIncrement();
  EXPECT_EQ(Names(), (std::vector<std::string>{"a.aof.1.base.aof", "a.aof.1.incr.aof", "a.aof.manifest"}));
}

TEST_F(FolderTest, MovesAnOldSingleFileIntoTheFolder) {
  disk_.Put("dir/a.aof", "*1\r\n$4\r\nPING\r\n");
  Folder folder = Make();
  ASSERT_TRUE(folder.Load().has_value());
  EXPECT_EQ(ManifestText(), "file a.aof seq 1 type b\n");
  EXPECT_EQ(disk_.Contents("dir/sub/a.aof"), "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(disk_.Contents("dir/a.aof"), "");
  EXPECT_EQ(folder.OpenIncrement().value()->path(), "dir/sub/a.aof.1.incr.aof");
}

TEST_F(FolderTest, FinishesAMoveThatWasInterrupted) {
  disk_.Put("dir/a.aof", "data");
  disk_.Put("dir/sub/a.aof.manifest", "file a.aof seq 1 type b\n");
  Folder folder = Make();
  ASSERT_TRUE(folder.Load().has_value());
  EXPECT_EQ(disk_.Contents("dir/sub/a.aof"), "data");
  // A file of that name that appears later is none of its business.
  disk_.Put("dir/a.aof", "stranger");
  ASSERT_TRUE(Make().Load().has_value());
  EXPECT_EQ(disk_.Contents("dir/a.aof"), "stranger");
}

TEST_F(FolderTest, ABrokenManifestIsAnErrorThatNamesIt) {
  disk_.Put("dir/sub/a.aof.manifest", "nonsense\n");
  Folder folder = Make();
  const Status loaded = folder.Load();
  ASSERT_FALSE(loaded.has_value());
  EXPECT_NE(loaded.error().message.find("dir/sub/a.aof.manifest"), std::string::npos);
  EXPECT_NE(loaded.error().message.find("line 1"), std::string::npos);
  disk_.Put("dir/sub/a.aof.manifest", "file gone seq 1 type i\n");
  ASSERT_TRUE(folder.Load().has_value());
  EXPECT_NE(folder.TotalBytes().error().message.find("gone"), std::string::npos);
}

TEST_F(FolderTest, AFailedInstallLeavesTheOldFilesInForce) {
  Folder folder = Make();
  disk_.Put(folder.TemporaryBasePath(), "base 1");
  ASSERT_TRUE(folder.InstallBase(true).has_value());
  ASSERT_TRUE(folder.OpenIncrement().has_value());
  const std::string before = ManifestText();
  ASSERT_TRUE(folder.AddIncrement("on background rewrite").has_value());
  disk_.Put(folder.TemporaryBasePath(), "base 2");
  disk_.FailSyncs(true);
  EXPECT_FALSE(folder.InstallBase(true).has_value());
  disk_.FailSyncs(false);
  EXPECT_EQ(disk_.Contents("dir/sub/a.aof.2.base.rdb"), "");
  Folder again = Make();
  ASSERT_TRUE(again.Load().has_value());
  EXPECT_EQ(again.manifest(), folder.manifest());
  EXPECT_EQ(again.Files().size(), 3u);
  EXPECT_TRUE(again.TotalBytes().has_value());
  EXPECT_NE(ManifestText(), before);
}

TEST_F(FolderTest, AFullDiskNeverBreaksTheManifest) {
  Folder folder = Make();
  ASSERT_TRUE(folder.OpenIncrement().has_value());
  const std::string before = ManifestText();
  disk_.SetSpace(10);
  EXPECT_FALSE(folder.AddIncrement("on background rewrite").has_value());
  EXPECT_EQ(ManifestText(), before);
  EXPECT_EQ(folder.manifest().increments().size(), 1u);
}

}  // namespace
}  // namespace hearth::aof
