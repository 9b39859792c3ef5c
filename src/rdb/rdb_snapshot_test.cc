#include "rdb/rdb_snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/crc64.h"
#include "base/test_seed.h"
#include "rdb/testing/sample_values.h"
#include "rdb/testing/string_sink.h"

namespace hearth::rdb {
namespace {

using keyspace::CaptureChunk;
using keyspace::CaptureWriter;
using keyspace::Entry;
using keyspace::Key;
using testing::StringSink;
using namespace std::string_literals;
using namespace std::string_view_literals;

std::string MakeFile(RdbSnapshot::Options options, const CaptureChunk& chunk) {
  StringSink sink;
  SnapshotOutput output(
      sink, options.settings.rdbchecksum ? SnapshotOutput::Checksum::kYes : SnapshotOutput::Checksum::kNo);
  RdbSnapshot snapshot(std::move(options));
  snapshot.Begin(output);
  snapshot.Take(chunk, output);
  snapshot.End(output);
  output.WriteAll();
  return sink.bytes;
}

// What stands between the auxiliary fields and the end.
std::string_view Body(std::string_view file) {
  const std::string_view last_aux = "aof-base\xc0";
  const size_t start = file.find(last_aux) + last_aux.size() + 1;
  return file.substr(start, file.size() - start - 9);
}

TEST(RdbSnapshot, AnEmptyKeyspaceMakesAHeaderAndAnEnd) {
  RdbSnapshot::Options options{.now_ms = 1'700'000'000'000, .used_memory = 1000};
  const std::string file = MakeFile(options, {});
  const std::string_view expected =
      "REDIS0010\xfa\x09redis-ver\x05"
      "7.2.4\xfa\x0aredis-bits\xc0\x40\xfa\x05"
      "ctime\xc2\x00\xf1\x53\x65\xfa\x08used-mem\xc1\xe8\x03\xfa\x08"
      "aof-base\xc0\x00\xff"sv;
  ASSERT_EQ(file.substr(0, file.size() - 8), expected);
  EXPECT_EQ(LoadLittle<uint64_t>(file.data() + expected.size()), Crc64(0, expected));
}

TEST(RdbSnapshot, WithoutChecksumTheFileEndsWithZero) {
  RdbSnapshot::Options options;
  options.settings.rdbchecksum = false;
  const std::string file = MakeFile(options, {});
  EXPECT_EQ(file.substr(file.size() - 9), "\xff\0\0\0\0\0\0\0\0"s);
}

TEST(RdbSnapshot, ReplicationAndFunctionsStandBeforeTheKeys) {
  RdbSnapshot::Options options{.has_field_expiries = true, .is_aof_base = true};
  options.replication = {3, std::string(40, 'a'), 12345};
  options.settings.rdbcompression = false;
  options.functions = {"#!lua name=a", "#!lua name=b"};
  const std::string file = MakeFile(options, {});
  EXPECT_TRUE(file.starts_with("REDIS0012"));
  const std::string expected = "\xfa\x0erepl-stream-db\xc0\x03\xfa\x07repl-id\x28"s + std::string(40, 'a') +
                               "\xfa\x0brepl-offset\xc1\x39\x30\xfa\x08"
                               "aof-base\xc0\x01\xf5\x0c#!lua name=a\xf5\x0c#!lua name=b\xff"s;
  EXPECT_NE(file.find(expected), std::string::npos);
}

class RdbSnapshotTest : public ::testing::Test {
 protected:
  const Entry& Find(std::string_view key, int database = 0) {
    return *fixture_.keyspace.database(database).Find(Key(key));
  }
  std::string BodyOf(const CaptureChunk& chunk) {
    return std::string(
        Body(MakeFile({.settings = fixture_.settings, .now_ms = fixture_.keyspace.now_ms()}, chunk)));
  }

  Prng random_{TestSeed()};
  keyspace::TestingKeyspace fixture_;
};

TEST_F(RdbSnapshotTest, DatabasesAreSelectedAndTheirSizesSaidOnce) {
  fixture_.keyspace.database(0).SetString(Key("a"), "x");
  fixture_.keyspace.database(2).SetString(Key("b"), "y", 0x112233445566);
  const CaptureChunk chunk = testing::Capture([&](CaptureWriter& writer) {
    writer.Whole(0, Find("a"));
    writer.Whole(2, *fixture_.keyspace.database(2).Find(Key("b"), keyspace::Database::Touch::kNo));
    writer.Whole(0, Find("a"));
  });
  RdbSnapshot::Options options;
  options.databases = {{1, 0}, {0, 0}, {70, 1}};
  EXPECT_EQ(Body(MakeFile(options, chunk)),
            "\xfe\0\xfb\x01\0\0\x01"
            "a\x01x"
            "\xfe\x02\xfb\x40\x46\x01\xfc\x66\x55\x44\x33\x22\x11\0\0\0\x01"
            "b\x01y"
            "\xfe\0\0\x01"
            "a\x01x"s);
}

TEST_F(RdbSnapshotTest, IdleTimesAndFrequenciesAreWrittenUnderTheirPolicies) {
  using settings::MaxmemoryPolicy;
  fixture_.settings.maxmemory_policy = MaxmemoryPolicy::kAllkeysLru;
  fixture_.db().SetString(Key("a"), "x");
  const CaptureChunk idle = testing::CaptureWhole(Find("a"));
  fixture_.keyspace.set_now_ms(fixture_.keyspace.now_ms() + 70'000);
  EXPECT_EQ(BodyOf(idle),
            "\xfe\0\xf8\x40\x46\0\x01"
            "a\x01x"s);
  fixture_.settings.maxmemory_policy = MaxmemoryPolicy::kVolatileLfu;
  fixture_.db().SetString(Key("b"), "x");
  const Entry* fresh = fixture_.db().Find(Key("b"), keyspace::Database::Touch::kNo);
  EXPECT_EQ(BodyOf(testing::CaptureWhole(*fresh)),
            "\xfe\0\xf9\x05\0\x01"
            "b\x01x"s);
}

// Takes records, each under a key and the digit of its database, off the front of `body`, where they may
// stand in any order; gives their keys.
std::vector<std::string> TakeApart(std::string_view body, std::map<std::string, std::string> records) {
  std::vector<std::string> keys;
  char database = ' ';
  while (!body.empty()) {
    if (body[0] == '\xfe') {
      database = static_cast<char>('0' + body[1]);
      body.remove_prefix(2);
    }
    const auto found = std::ranges::find_if(records, [&](const auto& record) {
      return record.first.back() == database && body.starts_with(record.second);
    });
    if (found == records.end()) return {"not a key"};
    body.remove_prefix(found->second.size());
    keys.push_back(found->first);
    records.erase(found);
  }
  std::ranges::sort(keys);
  return keys;
}

// Large values in pieces that mix with each other and with whole keys, in two databases.
TEST_F(RdbSnapshotTest, MixedPiecesEndUpInWholeKeys) {
  testing::AddSamples(fixture_.db(), random_);
  testing::AddSamples(fixture_.keyspace.database(1), random_);
  std::vector<std::pair<int, std::string>> large;
  std::vector<std::pair<int, std::string>> small;
  for (int database : {0, 1}) {
    for (const char* key : {"quicklist", "hash table", "set table", "stream", "raw"}) {
      large.emplace_back(database, key);
    }
    for (const char* key : {"int", "list", "hash", "set", "intset", "zset", "empty"}) {
      small.emplace_back(database, key);
    }
  }
  std::map<std::string, std::string> records;
  for (const auto* keys : {&large, &small}) {
    for (const auto& [database, key] : *keys) {
      const std::string body = BodyOf(testing::CaptureWhole(Find(key, database), database));
      records[key + std::to_string(database)] = body.substr(2);  // without SELECTDB
    }
  }
  for (int round = 0; round < 20; ++round) {
    // Each large value is a script of chunks: begin, pieces, end; what comes next is drawn from all scripts.
    std::vector<std::vector<CaptureChunk>> scripts;
    uint64_t id = 0;
    for (const auto& [database, key] : large) {
      ++id;
      const Entry& entry = Find(key, database);
      scripts.push_back(
          {testing::Capture([&](CaptureWriter& writer) { writer.Begin(id, database, entry); }),
           testing::Capture([&](CaptureWriter& writer) { testing::AddPieces(writer, id, entry); }),
           testing::Capture([&](CaptureWriter& writer) { writer.End(id); })});
    }
    for (const auto& [database, key] : small)
      scripts.push_back({testing::CaptureWhole(Find(key, database), database)});
    CaptureChunk all;
    while (!scripts.empty()) {
      auto& script = scripts[random_.Below(scripts.size())];
      all.insert(all.end(), script.front().begin(), script.front().end());
      script.erase(script.begin());
      std::erase_if(scripts, [](const auto& left) { return left.empty(); });
    }
    std::vector<std::string> wanted;
    for (const auto& [key, record] : records) wanted.push_back(key);
    ASSERT_EQ(TakeApart(BodyOf(all), records), wanted);
  }
}

}  // namespace
}  // namespace hearth::rdb
