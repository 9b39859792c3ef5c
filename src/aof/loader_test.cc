#include "aof/loader.h"

#include <gtest/gtest.h>

#include "aof/testing/command_line.h"
#include "base/numbers.h"
#include "env/testing/faulty_disk.h"
#include "env/testing/manual_clock.h"

namespace hearth::aof {
namespace {

using testing::Line;

class Recorder final : public LoadSink {
 public:
  Result<uint64_t> LoadSnapshot(const std::string& path) override {
    log += "snapshot of " + path + "\n";
    return snapshot_end;
  }
  Status Apply(int database, std::span<const std::string_view> args) override {
    log += ToString(database) + ":";
    for (const std::string_view arg : args) log += " " + std::string(arg);
    log += "\n";
    if (args[0] == "BAD") return Fail("unknown command");
    return {};
  }
  void BeginUnit() override { log += "(\n"; }
  void EndUnit() override { log += ")\n"; }
  void OnProgress(uint64_t loaded_bytes) override {
    EXPECT_GE(loaded_bytes, progress);
    progress = loaded_bytes;
  }

  std::string log;
  uint64_t snapshot_end = 0;
  uint64_t progress = 0;
};

class LoaderTest : public ::testing::Test {
 protected:
  LoaderTest() { log_.SetLevel(LogLevel::kNothing); }

  Result<LoadSummary> Load(bool load_truncated = true) {
    sink_.log.clear();
    sink_.progress = 0;
    return Loader(disk_, clock_, log_, sink_).Load(files_, load_truncated);
  }
  void Add(const std::string& name, std::string bytes, bool is_base = false) {
    files_.push_back({"dir/" + name, name, is_base});
    disk_.Put("dir/" + name, std::move(bytes));
  }

  env::FaultyDisk disk_;
  env::ManualClock clock_;
  Logger log_;
  Recorder sink_;
  std::vector<Folder::DataFile> files_;
};

TEST_F(LoaderTest, LoadsFilesInOrderEachFromDatabaseZero) {
  Add("a.base.rdb", "REDIS0010", true);
  sink_.snapshot_end = 9;
  Add("a.1.incr", "#TS:5\r\n" + Line("SELECT 3") + Line("SET a 1"));
  Add("a.2.incr", Line("SET b 2") + Line("select 7") + Line("DEL b"));
  const auto summary = Load();
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(sink_.log, "snapshot of dir/a.base.rdb\n3: SET a 1\n0: SET b 2\n7: DEL b\n");
  EXPECT_EQ(summary->commands, 3u);
  EXPECT_EQ(summary->last_timestamp, 5);
  EXPECT_EQ(summary->last_database, 7);
  EXPECT_EQ(summary->bytes,
            9 + disk_.Contents("dir/a.1.incr").size() + disk_.Contents("dir/a.2.incr").size());
  EXPECT_EQ(sink_.progress, summary->bytes);
}

TEST_F(LoaderTest, ACommandsTailMayFollowAnRdbPreamble) {
  Add("appendonly.aof", "REDIS-SNAPSHOT" + Line("SET a 1"), true);
  sink_.snapshot_end = 14;
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(sink_.log, "snapshot of dir/appendonly.aof\n0: SET a 1\n");
}

TEST_F(LoaderTest, ATransactionComesAsAWhole) {
  Add("f",
      Line("MULTI") + Line("SET a 1") + Line("SELECT 2") + Line("SET b 1") + Line("EXEC") + Line("DEL c"));
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(sink_.log, "(\n0: SET a 1\n2: SET b 1\n)\n2: DEL c\n");
}

TEST_F(LoaderTest, CutsTheLastFileBackToTheLastWholeCommand) {
  const std::string good = Line("SET a 1");
  Add("first", good);
  Add("last", good + "*2\r\n$3\r\nDEL\r\n$1\r\n");
  const auto refused = Load(false);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("dir/last"), std::string::npos);
  EXPECT_NE(refused.error().message.find("byte 27"), std::string::npos);
  const auto summary = Load();
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->cut_bytes, 17u);
  EXPECT_EQ(disk_.Contents("dir/last"), good);
  EXPECT_EQ(sink_.log, "0: SET a 1\n0: SET a 1\n");
}

TEST_F(LoaderTest, CutsAnUnfinishedTransactionOff) {
  const std::string good = Line("SELECT 4") + Line("SET a 1");
  for (const std::string& rest : {Line("MULTI"), Line("MULTI") + Line("SELECT 5") + Line("SET b 1"),
                                  Line("MULTI") + Line("SET b 1") + "*1\r\n$4\r\nEXE"}) {
    files_.clear();
    Add("f", good + rest);
    EXPECT_FALSE(Load(false).has_value());
    const auto summary = Load();
    ASSERT_TRUE(summary.has_value());
    EXPECT_EQ(summary->last_database, 4);
    EXPECT_EQ(disk_.Contents("dir/f"), good);
    EXPECT_EQ(sink_.log, "4: SET a 1\n");
  }
}

TEST_F(LoaderTest, OnlyTheLastFileMayBeTruncated) {
  Add("first", "*1\r\n");
  Add("last", Line("SET a 1"));
  const auto loaded = Load();
  ASSERT_FALSE(loaded.has_value());
  EXPECT_NE(loaded.error().message.find("first is not the last file"), std::string::npos);
  EXPECT_EQ(disk_.Contents("dir/first"), "*1\r\n");
}

TEST_F(LoaderTest, EmptyFilesBehindATruncatedOneAreNoneThatFollow) {
  const std::string good = Line("SELECT 4") + Line("SET a 1");
  Add("last", good + "*1\r\n");
  Add("next", "");
  Add("after", "");
  const auto summary = Load();
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->cut_bytes, 4u);
  EXPECT_EQ(disk_.Contents("dir/last"), good);
  EXPECT_EQ(sink_.log, "4: SET a 1\n");
}

TEST_F(LoaderTest, OtherFaultsAreErrorsThatNameFileAndByte) {
  const std::string good = Line("SET a 1");
  const std::pair<std::string, std::string> cases[] = {
      {good + "garbage", "dir/f: Expected '*', found 'g', at byte 27"},
      {good + Line("BAD x"), "command at byte 27 of the AOF file dir/f failed: unknown command"},
      {good + Line("EXEC"), "EXEC without MULTI"},
      {Line("MULTI") + Line("MULTI"), "MULTI inside a transaction"},
      {Line("SELECT x"), "SELECT without a database's number"},
  };
  for (const auto& [bytes, message] : cases) {
    files_.clear();
    Add("f", bytes);
    const auto loaded = Load();
    ASSERT_FALSE(loaded.has_value());
    EXPECT_NE(loaded.error().message.find(message), std::string::npos) << loaded.error().message;
    EXPECT_EQ(disk_.Contents("dir/f"), bytes);
  }
}

TEST_F(LoaderTest, AMissingFileIsFoundBeforeAnythingIsLoaded) {
  Add("f", Line("SET a 1"));
  files_.push_back({"dir/gone", "gone", false});
  const auto loaded = Load();
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().message, "The AOF file gone doesn't exist");
  EXPECT_EQ(sink_.log, "");
}

}  // namespace
}  // namespace hearth::aof
