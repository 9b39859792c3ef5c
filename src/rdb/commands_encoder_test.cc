#include "rdb/commands_encoder.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "base/numbers.h"
#include "base/test_seed.h"
#include "rdb/command_snapshot.h"
#include "rdb/testing/sample_values.h"
#include "rdb/testing/string_sink.h"

namespace hearth::rdb {
namespace {

using keyspace::CaptureChunk;
using keyspace::CaptureWriter;
using keyspace::Entry;
using keyspace::Key;
using keyspace::WriteHandle;
using testing::StringSink;
using Words = std::vector<std::string>;

// The commands in RESP.
std::vector<Words> Parse(std::string_view bytes) {
  const auto take_number = [&](char mark) {
    EXPECT_EQ(bytes.front(), mark);
    const size_t end = bytes.find("\r\n");
    const auto number = static_cast<size_t>(*ParseInt64(bytes.substr(1, end - 1)));
    bytes.remove_prefix(end + 2);
    return number;
  };
  std::vector<Words> commands;
  while (!bytes.empty()) {
    Words words(take_number('*'));
    for (std::string& word : words) {
      const size_t size = take_number('$');
      word = bytes.substr(0, size);
      bytes.remove_prefix(size + 2);
    }
    commands.push_back(std::move(words));
  }
  return commands;
}

class CommandsEncoderTest : public ::testing::Test {
 protected:
  const Entry& Find(std::string_view key) { return *fixture_.db().Find(Key(key)); }
  std::string Encode(const CaptureChunk& chunk, CommandSnapshot::Options options = {}) {
    StringSink sink;
    SnapshotOutput output(sink, SnapshotOutput::Checksum::kNo);
    CommandSnapshot snapshot(std::move(options));
    snapshot.Begin(output);
    snapshot.Take(chunk, output);
    snapshot.End(output);
    output.WriteAll();
    return sink.bytes;
  }
  // Of one key in database 0, without the SELECT.
  std::vector<Words> Whole(std::string_view key) {
    auto commands = Parse(Encode(testing::CaptureWhole(Find(key))));
    EXPECT_EQ(commands[0], (Words{"SELECT", "0"}));
    commands.erase(commands.begin());
    return commands;
  }
  std::vector<Words> Pieces(std::string_view key) {
    const Entry& entry = Find(key);
    auto commands = Parse(Encode(testing::Capture([&](CaptureWriter& writer) {
      writer.Begin(4, 0, entry);
      testing::AddPieces(writer, 4, entry);
      writer.End(4);
    })));
    commands.erase(commands.begin());
    return commands;
  }

  Prng random_{TestSeed()};
  keyspace::TestingKeyspace fixture_;
};

TEST_F(CommandsEncoderTest, StringsAreSetAndExpire) {
  fixture_.db().SetString(Key("a"), "-5");
  fixture_.db().SetString(Key("b"), "text", 2'000'000'000'000);
  EXPECT_EQ(Whole("a"), (std::vector<Words>{{"SET", "a", "-5"}}));
  EXPECT_EQ(Whole("b"), (std::vector<Words>{{"SET", "b", "text"}, {"PEXPIREAT", "b", "2000000000000"}}));
}

TEST_F(CommandsEncoderTest, CollectionsComeInBatches) {
  testing::AddSet(fixture_.db(), "ints", 150, "1");
  const auto commands = Whole("ints");
  ASSERT_EQ(commands.size(), 3u);
  EXPECT_EQ(commands[0].size(), 2 + kItemsPerCommand);
  EXPECT_EQ(commands[2].size(), 2 + 150 - 2 * kItemsPerCommand);
  EXPECT_EQ(commands[0][0], "SADD");
  std::set<std::string> members;
  for (const Words& words : commands) members.insert(words.begin() + 2, words.end());
  EXPECT_EQ(members.size(), 150u);
}

TEST_F(CommandsEncoderTest, ScoresStandBeforeMembersAndFieldsBeforeValues) {
  testing::AddSortedSet(fixture_.db(), "z", 2);
  EXPECT_EQ(Whole("z"), (std::vector<Words>{{"ZADD", "z", "0", "member0", "1.75", "member1"}}));
  WriteHandle handle = keyspace::HashValue::Create(fixture_.db(), Key("h"), {});
  keyspace::HashValue(handle).Set("a", "1");
  EXPECT_EQ(Whole("h"), (std::vector<Words>{{"HMSET", "h", "a", "1"}}));
  keyspace::HashValue(handle).Set("b", "2", 3'000'000'000'000);
  EXPECT_EQ(Whole("h"), (std::vector<Words>{{"HMSET", "h", "b", "2", "a", "1"},
                                            {"HPEXPIREAT", "h", "3000000000000", "FIELDS", "1", "b"}}));
}

// All words of the commands with this name, in order, without their keys.
Words Items(const std::vector<Words>& commands, std::string_view name) {
  Words items;
  for (const Words& words : commands) {
    if (words[0] == name) items.insert(items.end(), words.begin() + 2, words.end());
  }
  return items;
}

TEST_F(CommandsEncoderTest, ListsKeepTheirOrderWholeAndInPieces) {
  fixture_.settings.list_compress_depth = 1;
  testing::AddList(fixture_.db(), "l", 700, 70, random_);
  testing::AddList(fixture_.db(), "plain", 3, 20'000, random_);
  for (const char* key : {"l", "plain"}) {
    Words elements;
    keyspace::ListReader(Find(key)).Walk(0, false, [&](const auto& element) {
      elements.push_back(element.ToString());
      return true;
    });
    EXPECT_EQ(Items(Whole(key), "RPUSH"), elements);
    EXPECT_EQ(Items(Pieces(key), "RPUSH"), elements);
  }
}

TEST_F(CommandsEncoderTest, PiecesMakeWhatTheWholeMakes) {
  testing::AddSamples(fixture_.db(), random_, true);
  for (const auto& [key, name] : {std::pair{"hash table", "HMSET"},
                                  {"expiring hash table", "HMSET"},
                                  {"set table", "SADD"},
                                  {"skiplist", "ZADD"}}) {
    EXPECT_EQ(Items(Pieces(key), name), Items(Whole(key), name)) << key;
  }
  EXPECT_EQ(Pieces("raw"), Whole("raw"));
  EXPECT_EQ(Items(Pieces("expiring hash table"), "HPEXPIREAT").size(), 4u * 300);
}

TEST_F(CommandsEncoderTest, StreamsAreAddedInOrderWithTheirGroups) {
  WriteHandle handle = keyspace::StreamValue::Create(fixture_.db(), Key("x"));
  keyspace::StreamValue stream(handle);
  const std::string_view pairs[] = {"f", "1"};
  stream.Append({1, 0}, pairs);
  stream.Append({2, 5}, pairs);
  stream.Append({3, 0}, pairs);
  stream.Delete({2, 5});
  keyspace::ConsumerGroup& group = *stream.CreateGroup("g", {1, 0}, -1);
  keyspace::Consumer& consumer = stream.CreateConsumer(group, "c", 5);
  stream.Deliver(group, consumer, {1, 0}, 7000);
  EXPECT_EQ(Whole("x"),
            (std::vector<Words>{{"XADD", "x", "1-0", "f", "1"},
                                {"XADD", "x", "3-0", "f", "1"},
                                {"XSETID", "x", "3-0", "ENTRIESADDED", "3", "MAXDELETEDID", "2-5"},
                                {"XGROUP", "CREATE", "x", "g", "1-0", "ENTRIESREAD", "-1"},
                                {"XGROUP", "CREATECONSUMER", "x", "g", "c"},
                                {"XCLAIM", "x", "g", "c", "0", "1-0", "TIME", "7000", "RETRYCOUNT", "1",
                                 "JUSTID", "FORCE"}}));
  testing::AddStream(fixture_.db(), "long", 1000, random_);
  EXPECT_EQ(Pieces("long"), Whole("long"));
}

TEST_F(CommandsEncoderTest, BlocksOfAStreamMayComeBeforeTheirTurn) {
  testing::AddStream(fixture_.db(), "x", 1000, random_);
  const Entry& entry = Find("x");
  const auto& blocks = static_cast<const keyspace::Stream*>(entry.container())->log.blocks();
  const std::string bytes = Encode(testing::Capture([&](CaptureWriter& writer) {
    writer.Begin(4, 0, entry);
    // The last and the third are going to change, and the others come when it is their turn.
    const auto third = blocks.Next(blocks.Next(blocks.First()));
    writer.AddBlock(4, blocks.ValueAt(blocks.Last()), false);
    writer.AddBlock(4, blocks.ValueAt(third), false);
    for (auto at = blocks.First(); at; at = blocks.Next(at)) {
      const ds::StreamId id = blocks.IdAt(at);
      if (id == blocks.IdAt(third) || id == blocks.IdAt(blocks.Last())) continue;
      writer.AddBlock(4, blocks.ValueAt(at), true);
    }
    testing::AddPendingEntries(writer, 4, entry);
    writer.End(4);
  }));
  auto commands = Parse(bytes);
  commands.erase(commands.begin());
  EXPECT_EQ(commands, Whole("x"));
}

TEST_F(CommandsEncoderTest, AnEmptyStreamIsKept) {
  WriteHandle handle = keyspace::StreamValue::Create(fixture_.db(), Key("x"));
  EXPECT_EQ(Whole("x"),
            (std::vector<Words>{{"XADD", "x", "MAXLEN", "0", "0-1", "x", "y"},
                                {"XSETID", "x", "0-0", "ENTRIESADDED", "0", "MAXDELETEDID", "0-0"}}));
}

TEST_F(CommandsEncoderTest, ValuesOfSeveralDatabasesMayMix) {
  fixture_.db().SetString(Key("a"), std::string(500, 'a'));
  fixture_.keyspace.database(2).SetString(Key("b"), "b");
  const Entry& large = Find("a");
  const std::string bytes = Encode(testing::Capture([&](CaptureWriter& writer) {
                                     writer.Begin(1, 0, large);
                                     testing::AddPieces(writer, 1, large);
                                     writer.Whole(2, *fixture_.keyspace.database(2).Find(Key("b")));
                                     writer.End(1);
                                   }),
                                   {.timestamp_seconds = 1700, .functions = {"code"}});
  constexpr std::string_view kTime = "#TS:1700\r\n";
  ASSERT_TRUE(bytes.starts_with(kTime));
  const auto commands = Parse(std::string_view(bytes).substr(kTime.size()));
  EXPECT_EQ(commands.front(), (Words{"FUNCTION", "LOAD", "code"}));
  EXPECT_EQ(commands[commands.size() - 2], (Words{"SELECT", "0"}));
  EXPECT_EQ(commands.back(), (Words{"SET", "a", std::string(500, 'a')}));
}

}  // namespace
}  // namespace hearth::rdb
