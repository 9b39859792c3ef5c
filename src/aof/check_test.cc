#include "aof/check.h"

#include <gtest/gtest.h>

#include "aof/testing/command_line.h"
#include "env/testing/faulty_disk.h"

namespace hearth::aof {
namespace {

using testing::Line;

class CheckTest : public ::testing::Test {
 protected:
  FileCheck Check(const std::string& bytes, std::optional<int64_t> until = std::nullopt) {
    disk_.Put("f", bytes);
    return CheckFile(disk_, "f", snapshot_, until).value();
  }

  env::FaultyDisk disk_;
  SnapshotChecker snapshot_ = [](const std::string&) -> Result<uint64_t> { return 9; };
};

TEST_F(CheckTest, ASoundFileIsSoundToItsEnd) {
  const FileCheck check =
      Check("#TS:10\r\n" + Line("SELECT 0") + Line("MULTI") + Line("SET a 1") + Line("EXEC") + "#TS:12\r\n");
  EXPECT_TRUE(check.is_sound());
  EXPECT_EQ(check.sound_bytes, check.file_bytes);
  EXPECT_EQ(check.commands, 4u);
  EXPECT_EQ(check.first_timestamp, 10);
  EXPECT_EQ(check.last_timestamp, 12);
  EXPECT_TRUE(Check("").is_sound());
}

TEST_F(CheckTest, SaysWhereATornFileIsSound) {
  const std::string good = Line("SET a 1");
  const FileCheck torn = Check(good + "*2\r\n$3\r\nDE");
  EXPECT_EQ(torn.sound_bytes, good.size());
  EXPECT_FALSE(torn.is_damaged);
  EXPECT_EQ(torn.problem, "The file ends inside of what begins at byte 27");
  const FileCheck open = Check(good + Line("MULTI") + good);
  EXPECT_EQ(open.sound_bytes, good.size());
  EXPECT_EQ(open.problem, "The transaction that begins at byte 27 has no EXEC");
}

TEST_F(CheckTest, SaysWhatIsDamaged) {
  const std::string good = Line("SET a 1");
  const FileCheck check = Check(good + "junk");
  EXPECT_TRUE(check.is_damaged);
  EXPECT_EQ(check.sound_bytes, good.size());
  EXPECT_NE(check.problem.find("at byte 27"), std::string::npos);
  EXPECT_EQ(Check(Line("EXEC")).problem, "EXEC without MULTI at byte 0");
  EXPECT_EQ(Check(Line("MULTI") + Line("MULTI")).problem, "MULTI inside a transaction at byte 15");
}

TEST_F(CheckTest, TheSnapshotIsSomebodyElsesToCheck) {
  const std::string tail = Line("SET a 1");
  const FileCheck check = Check("REDIS0011" + tail);
  EXPECT_TRUE(check.has_snapshot);
  EXPECT_EQ(check.sound_bytes, 9 + tail.size());
  snapshot_ = [](const std::string&) -> Result<uint64_t> { return Fail("bad type at byte 7"); };
  const FileCheck broken = Check("REDIS0011" + tail);
  EXPECT_EQ(broken.problem, "bad type at byte 7");
  EXPECT_TRUE(broken.is_damaged);
  EXPECT_EQ(broken.sound_bytes, 0u);
}

TEST_F(CheckTest, FindsWhereATimeEnds) {
  const std::string first = "#TS:10\r\n" + Line("SET a 1");
  const std::string second = "#TS:11\r\n" + Line("SET b 1");
  EXPECT_EQ(Check(first + second, 10).time_cut, first.size());
  EXPECT_EQ(Check(first + second, 9).time_cut, 0u);
  EXPECT_EQ(Check(first + second, 11).time_cut, std::nullopt);
  EXPECT_EQ(Check(first + Line("MULTI") + second + Line("EXEC"), 10).time_cut, first.size());
}

TEST_F(CheckTest, TellsAManifestFromData) {
  disk_.Put("m", "# note\nfile a seq 1 type b\n");
  disk_.Put("d", "#TS:1\r\n*1\r\n$4\r\nPING\r\n");
  EXPECT_TRUE(IsManifest(disk_, "m").value());
  EXPECT_FALSE(IsManifest(disk_, "d").value());
  EXPECT_FALSE(IsManifest(disk_, "gone").has_value());
}

}  // namespace
}  // namespace hearth::aof
