#include "persistence/persistence.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "engine/testing/test_commands.h"
#include "env/net.h"
#include "env/testing/faulty_disk.h"
#include "env/testing/manual_clock.h"
#include "settings/testing/memory_source.h"

namespace hearth::persistence {
namespace {

using replication::History;

// One run of a server on a disk that outlives it. Destroying it without Stop is a crash that lost nothing of
// what the system was given.
class Life {
 public:
  Life(env::FaultyDisk& disk, uint64_t seed, const std::vector<std::string>& options) : disk_(disk) {
    log_.SetLevel(LogLevel::kNothing);
    std::vector<std::string> all = {"--appendfsync", "always"};
    all.insert(all.end(), options.begin(), options.end());
    EXPECT_TRUE(configuration_.Load({.options = all}, {}, {}).has_value());
    engine = std::make_unique<engine::Engine>(
        engine::Engine::Parts{configuration_.settings(), clock_, env::TickScale(1000.0), log_, seed});
    engine::testing::BindCommands(*engine);
    persistence = std::make_unique<Persistence>(
        Persistence::Parts{configuration_, *engine, loop_, disk_, clock_, log_, [] { return true; }, [] {}});
    client_ = &engine->clients().Add(1, nullptr, output_, engine->now_ms());
    EXPECT_TRUE(persistence->Start().has_value());
  }
  ~Life() {
    engine->clients().Remove(*client_);
    persistence.reset();
  }

  void Do(std::string_view line) {
    const std::vector<std::string> words = *SplitArguments(line);
    const std::vector<std::string_view> args(words.begin(), words.end());
    engine->Run(*client_, args, engine->commands().FindId(args[0]), 0);
    output_.Clear();
    persistence->BeforeWait();
  }
  void Stop() {
    persistence->BeforeWait();
    EXPECT_TRUE(persistence->Stop(Persistence::FinalSave::kIfConfigured).has_value());
  }
  void Set(const std::string& name, const std::string& value) {
    const std::vector<std::pair<std::string, std::string>> pairs = {{name, value}};
    EXPECT_TRUE(configuration_.Set(pairs, {}).has_value());
  }
  void FinishRewrite() {
    while (persistence->append_only().is_rewriting()) {
      persistence->BeforeWait();
      persistence->Tick();
    }
  }
  uint64_t offset() { return persistence->write_log().end_offset(); }
  const History& history() { return persistence->history(); }
  // The log on disk from `offset` on.
  std::string Tail(uint64_t from) {
    log::SegmentReader reader(*persistence->segments());
    std::string all;
    for (std::string piece;; from += piece.size()) {
      if (!reader.Read(from, piece)) return "cannot be read";
      if (piece.empty()) return all;
      all += piece;
    }
  }
  engine::Client& client() { return *client_; }

 private:
  env::FaultyDisk& disk_;
  Logger log_;
  env::ManualClock clock_;
  settings::MemorySource source_;
  settings::Configuration configuration_{source_};
  std::unique_ptr<env::Poller> poller_ = std::move(*env::MakeSystemPoller());
  net::EventLoop loop_{*poller_, clock_};
  resp::ChunkPool pool_;
  resp::OutputBuffer output_{pool_};

 public:
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<Persistence> persistence;

 private:
  engine::Client* client_ = nullptr;
};

class PersistenceTest : public ::testing::TestWithParam<bool> {
 protected:
  // A run with RDB alone, or with an append-only file as well.
  std::unique_ptr<Life> Begin(std::vector<std::string> options = {}) {
    options.push_back("--save");
    options.push_back(GetParam() ? "" : "3600 1");
    if (GetParam()) options.insert(options.end(), {"--appendonly", "yes"});
    return std::make_unique<Life>(disk_, ++seed_, options);
  }
  static bool UsesFile() { return GetParam(); }

  env::FaultyDisk disk_;
  uint64_t seed_ = 0;
};

INSTANTIATE_TEST_SUITE_P(, PersistenceTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "AppendOnly" : "Snapshots"; });

TEST_P(PersistenceTest, AServerWithoutReplicationKeepsNoLogOnDisk) {
  {
    auto life = Begin();
    life->Do("SET a 1");
    EXPECT_EQ(life->persistence->segments(), nullptr);
    life->Stop();
  }
  EXPECT_TRUE(disk_.List("/home/write-log").value().empty());
  auto life = Begin();
  EXPECT_FALSE(life->persistence->is_log_wanted());
  EXPECT_EQ(life->history().previous(), nullptr);
  EXPECT_EQ(life->history().id.size(), replication::kIdDigits);
}

TEST_P(PersistenceTest, AnOrderlyRestartOfAPrimaryKeepsItsPlaceAndTail) {
  std::string id;
  uint64_t start = 0;
  uint64_t end = 0;
  {
    auto life = Begin();
    life->Do("SET before 1");
    start = life->offset();
    life->persistence->WantLog(true);
    id = life->history().id;
    life->Do("SET a 1");
    life->Do("SET b 2");
    end = life->offset();
    life->Stop();
  }
  std::string second_id;
  {
    auto life = Begin();
    EXPECT_EQ(life->offset(), end);
    second_id = life->history().id;
    EXPECT_EQ(life->history(), (History{.id = second_id, .former = {{id, end}}}));
    EXPECT_NE(second_id, id);
    EXPECT_TRUE(life->persistence->is_log_wanted());
    life->Do("SET c 3");
    EXPECT_EQ(life->client().last_write_offset, life->offset());
    EXPECT_GT(life->offset(), end);
    life->Stop();
  }
  auto life = Begin();
  ASSERT_NE(life->history().previous(), nullptr);
  EXPECT_EQ(life->history().previous()->id, second_id);
  // Whoever was away all the time can still go on.
  EXPECT_TRUE(life->history().Holds(id, end));
  EXPECT_FALSE(life->history().Holds(id, end + 1));
  const std::string tail = life->Tail(start);
  EXPECT_EQ(tail.size(), life->offset() - start);
  EXPECT_NE(tail.find("$1\r\na\r\n"), std::string::npos);
  EXPECT_NE(tail.find("$1\r\nc\r\n"), std::string::npos);
}

TEST_P(PersistenceTest, AReplicaGoesOnUnderTheSameIdAndDatabase) {
  const std::string id(40, 'e');
  const std::vector<std::string> options = {"--replicaof", "127.0.0.1 1"};
  {
    auto life = Begin(options);
    life->persistence->BeginHistory(id, 5000, 3);
    life->FinishRewrite();
    // As the stream of its primary would.
    life->engine->keyspace().database(3).SetString(keyspace::Key("a"), "1");
    life->persistence->write_log().Append("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
    life->persistence->BeforeWait();
    life->Stop();
  }
  auto life = Begin(options);
  EXPECT_EQ(life->history(), History{.id = id});
  EXPECT_EQ(life->offset(), 5027u);
  EXPECT_EQ(life->persistence->effects().database(), 3);
  EXPECT_EQ(life->Tail(5000), "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_NE(life->engine->keyspace().database(3).Find(keyspace::Key("a")), nullptr);
}

TEST_P(PersistenceTest, ACrashClaimsNoMoreThanTheDatasetHas) {
  std::string id;
  uint64_t saved = 0;
  {
    auto life = Begin();
    life->persistence->WantLog(true);
    id = life->history().id;
    life->Do("SET a 1");
    saved = life->offset();
    ASSERT_TRUE(life->persistence->snapshots().SaveNow().has_value());
    life->Do("SET b 2");
  }
  auto life = Begin();
  if (UsesFile()) {
    // All is there, but nothing says where it is.
    EXPECT_NE(life->engine->keyspace().database(0).Find(keyspace::Key("b")), nullptr);
    EXPECT_FALSE(life->history().Holds(id, 1));
    EXPECT_FALSE(life->persistence->is_log_wanted());
    return;
  }
  EXPECT_EQ(life->offset(), saved);
  EXPECT_TRUE(life->history().Holds(id, saved));
  EXPECT_FALSE(life->history().Holds(id, saved + 1));
  EXPECT_EQ(life->Tail(0).size(), saved);
}

TEST_P(PersistenceTest, AFileThatWentOnAfterTheOrderlyEndIsNotAtThatPlace) {
  if (!UsesFile()) GTEST_SKIP() << "an RDB file says its place itself";
  std::string id;
  {
    auto life = Begin();
    life->persistence->WantLog(true);
    id = life->history().id;
    life->Do("SET a 1");
    life->Stop();
  }
  const std::string path = "/home/appendonlydir/appendonly.aof.1.incr.aof";
  disk_.Put(path, disk_.Contents(path) + "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n");
  auto life = Begin();
  EXPECT_FALSE(life->history().Holds(id, 1));
}

TEST_P(PersistenceTest, WithoutRoomOnDiskAnRdbFileStillSaysThePlace) {
  std::string id;
  uint64_t end = 0;
  const std::vector<std::string> options = {"--repl-backlog-disk-size", "0"};
  {
    auto life = Begin(options);
    life->persistence->WantLog(true);
    id = life->history().id;
    life->Do("SET a 1");
    end = life->offset();
    life->Stop();
  }
  EXPECT_TRUE(disk_.List("/home/write-log").value().empty());
  auto life = Begin(options);
  EXPECT_EQ(life->history().Holds(id, end), !UsesFile());
  EXPECT_EQ(life->persistence->segments(), nullptr);
}

TEST_P(PersistenceTest, TheDiskAllowanceCanBeTurnedOffAndOn) {
  auto life = Begin();
  life->persistence->WantLog(true);
  life->Do("SET a 1");
  life->Set("repl-backlog-disk-size", "0");
  EXPECT_EQ(life->persistence->segments(), nullptr);
  EXPECT_TRUE(disk_.List("/home/write-log").value().empty());
  const uint64_t end = life->offset();
  life->Set("repl-backlog-disk-size", "1mb");
  life->Do("SET b 2");
  life->Stop();
  auto again = Begin();
  EXPECT_EQ(again->offset(), life->offset());
  EXPECT_EQ(again->Tail(end).size(), again->offset() - end);
  EXPECT_EQ(again->Tail(0), "cannot be read");
}

TEST_P(PersistenceTest, FreeingTheBacklogForgetsTheHistory) {
  auto life = Begin();
  life->persistence->WantLog(true);
  const std::string id = life->history().id;
  life->Do("SET a 1");
  life->persistence->WantLog(false);
  EXPECT_NE(life->history().id, id);
  life->Do("SET b 2");
  life->Stop();
  EXPECT_TRUE(disk_.List("/home/write-log").value().empty());
  auto again = Begin();
  EXPECT_FALSE(again->history().Holds(id, 0));
}

TEST_P(PersistenceTest, APromotedReplicaKeepsTheNameThatItsSiblingsKnow) {
  auto life = Begin();
  life->persistence->SetIsReplica(true);
  life->persistence->BeginHistory(std::string(40, 'e'), 700);
  life->FinishRewrite();
  life->persistence->write_log().Append("*1\r\n$4\r\nPING\r\n");
  life->persistence->ContinueAs(std::string(40, 'f'));
  life->persistence->SetIsReplica(false);
  EXPECT_TRUE(life->history().Holds(std::string(40, 'e'), 714));
  EXPECT_FALSE(life->history().Holds(std::string(40, 'e'), 715));
  life->Do("SET a 1");
  EXPECT_GT(life->offset(), 714u);
}

TEST_P(PersistenceTest, AFullSyncBeginsTheFileAnewWithTheNewDataset) {
  if (!UsesFile()) GTEST_SKIP() << "there is no such file";
  {
    auto life = Begin();
    life->Do("SET old 1");
    life->engine->keyspace().database(0).Clear(false);
    life->engine->keyspace().database(0).SetString(keyspace::Key("new"), "1");
    life->persistence->BeginHistory(std::string(40, 'e'), 100);
    EXPECT_EQ(life->persistence->append_only().synced_offset(), 0u);
    life->Do("SET later 1");
    life->FinishRewrite();
    life->Do("SET latest 1");
    life->persistence->append_only().Flush();
    EXPECT_EQ(life->persistence->append_only().synced_offset(), life->offset());
  }
  auto life = Begin();
  keyspace::Database& database = life->engine->keyspace().database(0);
  EXPECT_EQ(database.size(), 3u);
  EXPECT_EQ(database.Find(keyspace::Key("old")), nullptr);
}

TEST_P(PersistenceTest, AnOrderlyEndRightAfterAFullSyncKeepsTheNewDataset) {
  const std::string id(40, 'e');
  {
    auto life = Begin({"--replicaof", "127.0.0.1 1"});
    life->engine->keyspace().database(0).SetString(keyspace::Key("new"), "1");
    life->persistence->BeginHistory(id, 100);
    life->Stop();
  }
  auto life = Begin({"--replicaof", "127.0.0.1 1"});
  EXPECT_NE(life->engine->keyspace().database(0).Find(keyspace::Key("new")), nullptr);
  EXPECT_EQ(life->history().id, id);
  EXPECT_EQ(life->offset(), 100u);
}

TEST_P(PersistenceTest, AnOlderBackupDoesNotHoldWhatCameLater) {
  std::string id;
  {
    auto life = Begin();
    life->persistence->WantLog(true);
    life->Do("SET a 1");
    life->Stop();
  }
  env::FaultyDisk backup;
  for (const char* folder : {"/home", "/home/appendonlydir", "/home/write-log"}) {
    const auto names = disk_.List(folder).value();
    for (const std::string& name : names) {
      const std::string path = std::string(folder) + "/" + name;
      backup.Put(path, disk_.Contents(path));
    }
    ASSERT_TRUE(backup.MakeDir(folder).has_value());
  }
  uint64_t end = 0;
  {
    auto life = Begin();
    id = life->history().id;
    life->Do("SET b 2");
    end = life->offset();
    life->Stop();
  }
  Life life(backup, 99, {"--save", GetParam() ? "" : "3600 1", "--appendonly", GetParam() ? "yes" : "no"});
  life.Do("SET c 3");
  EXPECT_EQ(life.offset(), end);
  EXPECT_FALSE(life.history().Holds(id, end));
}

}  // namespace
}  // namespace hearth::persistence
