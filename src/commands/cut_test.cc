// Cuts against what they must equal: random commands run while cuts begin, go on in small steps and end; each
// must have captured every key as it was when the cut began.
#include "keyspace/cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/test_seed.h"
#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

using keyspace::CaptureChunk;
using keyspace::CapturedKey;
using keyspace::CapturedParts;
using keyspace::Encoding;
using keyspace::StreamId;

// Everything that was captured, as one text for each key that tells its value, whatever the order of coming.
class Collector : public keyspace::CaptureHandler {
 public:
  void OnWhole(const CapturedKey& key, CapturedParts parts) override {
    Value value = ValueOf(key);
    if (key.type == Type::kStream) value.text += Describe(parts.StreamHead());
    TakeParts(value, parts, true);
    Store(value);
  }
  void OnBegin(uint64_t id, const CapturedKey& key, CapturedParts parts) override {
    Value value = ValueOf(key);
    if (key.type == Type::kStream) value.text += Describe(parts.StreamHead());
    ASSERT_TRUE(open_.emplace(id, value).second);
  }
  void OnPiece(uint64_t id, CapturedParts parts) override { TakeParts(open_.at(id), parts, false); }
  void OnEnd(uint64_t id) override {
    Store(open_.at(id));
    open_.erase(id);
    ++large_values;
  }

  std::map<std::string, std::string> keys;
  int large_values = 0;

 private:
  using Type = keyspace::Type;

  struct Value {
    std::string name;
    std::string text;
    Type type;
    Encoding encoding;
    uint64_t part_count;
    std::vector<std::string> parts;
    // Lists.
    std::map<uint64_t, std::vector<std::pair<uint64_t, std::string>>> after;
    // Streams: of the last block that said it was next.
    keyspace::StreamId next_after;
  };

  static Value ValueOf(const CapturedKey& key) {
    return {std::to_string(key.database) + " " + std::string(key.key),
            std::string(TypeName(key.type)) + " " + std::string(EncodingName(key.encoding)) + " " +
                std::to_string(key.expiry_ms) + " ",
            key.type,
            key.encoding,
            key.part_count,
            {},
            {}};
  }

  static std::string Describe(const keyspace::CapturedStreamHead& head) {
    std::string text = std::to_string(head.counters.length) + " " + std::to_string(head.counters.last_id.ms);
    for (const auto& group : head.groups) {
      text += " " + std::string(group.name) + " " + std::to_string(group.last_id.ms);
      for (const auto& consumer : group.consumers) text += " " + std::string(consumer.name);
    }
    return text;
  }

  void TakeParts(Value& value, CapturedParts parts, bool is_whole) {
    while (parts.HasMore()) {
      std::string part = Part(value, parts, is_whole);
      if (!part.empty()) value.parts.push_back(std::move(part));
    }
  }

  std::string Part(Value& value, CapturedParts& parts, bool is_whole) {
    if (value.encoding == Encoding::kInt) return std::to_string(parts.Integer());
    if (value.type == Type::kString) {
      if (is_whole) return std::string(parts.Text());
      const auto piece = parts.PieceOfText();
      EXPECT_EQ(piece.offset, value.parts.empty() ? 0 : value.parts[0].size());
      if (value.parts.empty()) return std::string(piece.bytes);
      value.parts[0] += piece.bytes;
      return "";
    }
    if (value.encoding == Encoding::kQuicklist) {
      const auto node = parts.Node();
      std::string bytes(node.bytes);
      // Names of nodes, so that the order can be told.
      value.after[node.after].emplace_back(node.self, std::move(bytes));
      return "";
    }
    if (value.encoding == Encoding::kSkiplist) {
      const auto scored = parts.Scored();
      return std::string(scored.member) + "=" + std::to_string(scored.score);
    }
    if (value.type == Type::kHash && value.encoding == Encoding::kHashTable) {
      const auto field = parts.FieldAndValue();
      return std::string(field.name) + "=" + std::string(field.value);
    }
    if (value.type == Type::kStream && parts.NextIsPending()) {
      const auto pending = parts.Pending();
      return "pending " + std::to_string(pending.group) + "-" + std::to_string(pending.id.ms) + "-" +
             std::to_string(pending.consumer) + "-" + std::to_string(pending.delivery_count);
    }
    if (value.type == Type::kStream) {
      const auto block = parts.Block();
      EXPECT_LT(value.next_after, block.first_id) << "a block came behind one that said it was next";
      if (block.is_next) value.next_after = block.first_id;
      return std::to_string(block.first_id.ms) + ":" + std::string(block.pack);
    }
    return std::string(parts.Text());
  }

  static void Place(Value& value, uint64_t after, size_t& nodes) {
    for (const auto& [self, bytes] : value.after[after]) {
      value.text += bytes;
      ++nodes;
      if (self != 0) Place(value, self, nodes);
    }
  }

  void Store(Value& value) {
    size_t nodes = 0;
    if (value.encoding == Encoding::kQuicklist) {
      Place(value, 0, nodes);
      EXPECT_EQ(nodes, value.part_count);
    } else if (value.type != Type::kString) {
      std::ranges::sort(value.parts);
    }
    for (const std::string& part : value.parts) value.text += part + ",";
    EXPECT_TRUE(keys.emplace(value.name, value.text).second) << value.name << " came twice";
  }

  std::map<uint64_t, Value> open_;
};

class Sink : public keyspace::CutSink {
 public:
  void Take(CaptureChunk& chunk) override { keyspace::ReadCapture(chunk, collector); }
  bool IsBehind() const override { return false; }
  void OnCaptured() override { is_over = true; }

  Collector collector;
  bool is_over = false;
};

class CutTest : public testing::Test {
 protected:
  CutTest() : random_(TestSeed()), fixture_(random_.Next()) {
    engine::CommandTable& table = fixture_.engine.commands();
    for (auto* family :
         {RegisterStrings, RegisterKeys, RegisterExpiry, RegisterDatabases, RegisterLists, RegisterHashes,
          RegisterSets, RegisterSortedSets, RegisterStreams, RegisterConnection}) {
      family(table);
    }
    // Small limits make large values of few parts.
    fixture_.settings.list_max_listpack_size = 2;
    fixture_.settings.stream_node_max_entries = 2;
    fixture_.settings.hash_max_listpack_entries = 4;
    fixture_.settings.set_max_listpack_entries = 4;
    fixture_.settings.set_max_intset_entries = 4;
    fixture_.settings.zset_max_listpack_entries = 4;
  }

  keyspace::Keyspace& keyspace() { return fixture_.engine.keyspace(); }

  std::map<std::string, std::string> Now() {
    Collector collector;
    keyspace::CaptureWriter writer([&](CaptureChunk& chunk) { keyspace::ReadCapture(chunk, collector); });
    for (int i = 0; i < keyspace().database_count(); ++i) {
      keyspace().database(i).keys().VisitAll([&](const keyspace::Entry* entry) { writer.Whole(i, *entry); });
    }
    writer.Flush();
    return collector.keys;
  }

  std::string Key(const char* family) { return family + std::to_string(random_.Below(5)); }
  std::string Small() { return std::to_string(random_.Below(3000)); }
  std::string Index() { return std::to_string(static_cast<int64_t>(random_.Below(1400)) - 700); }

  // Many parts at once, so that values become large.
  std::vector<std::string> Many(std::vector<std::string> words, size_t each) {
    const size_t count = random_.Below(3) == 0 ? 1500 : 20;
    for (size_t i = 0; i < count * each; ++i) words.push_back(Small());
    return words;
  }

  void Change() {
    switch (random_.Below(40)) {
      case 0:
        return Run(Many({"RPUSH", Key("l")}, 1));
      case 1:
        return Run(Many({"LPUSH", Key("l")}, 1));
      case 2:
        return Run({"LSET", Key("l"), Index(), Small()});
      case 3:
        return Run({"LINSERT", Key("l"), "BEFORE", Small(), Small()});
      case 4:
        return Run({"LREM", Key("l"), Index(), Small()});
      case 5:
        return Run({"LPOP", Key("l"), std::to_string(random_.Below(300))});
      case 6:
        return Run({"RPOP", Key("l"), std::to_string(random_.Below(300))});
      case 7:
        return Run({"LTRIM", Key("l"), std::to_string(random_.Below(50)), Index()});
      case 8:
        return Run({"LMOVE", Key("l"), Key("l"), "LEFT", "RIGHT"});
      case 9:
        return Run(Many({"HSET", Key("h")}, 2));
      case 10:
        return Run(Many({"HDEL", Key("h")}, 1));
      case 11:
        return Run({"HINCRBY", Key("h"), Small(), "1"});
      case 12:
        return Run(Many({"SADD", Key("s")}, 1));
      case 13:
        return Run(Many({"SREM", Key("s")}, 1));
      case 14:
        return Run({"SPOP", Key("s"), std::to_string(random_.Below(100))});
      case 15:
        return Run(Many({"ZADD", Key("z")}, 2));
      case 16:
        return Run({"ZINCRBY", Key("z"), Small(), Small()});
      case 17:
        return Run({"ZREMRANGEBYRANK", Key("z"), "0", std::to_string(random_.Below(100))});
      case 18:
        return Run({"ZPOPMAX", Key("z"), std::to_string(random_.Below(100))});
      case 19:
        return Run({"ZUNIONSTORE", Key("z"), "2", Key("z"), Key("s")});
      case 20:
        return Run({"SET", Key("t"), std::string(random_.Below(4) * 1'000'000 + 3, 'a')});
      case 21:
        return Run({"APPEND", Key("t"), std::string(random_.Below(2) * 2'000'000 + 5, 'b')});
      case 22:
        return Run({"SETRANGE", Key("t"), std::to_string(random_.Below(3'000'000)), "xyz"});
      case 23:
        return AddToStream();
      case 24:
        return Run({"XTRIM", Key("x"), "MAXLEN", std::to_string(random_.Below(2000))});
      case 25:
        return Run({"XDEL", Key("x"), std::to_string(1 + random_.Below(clock_)) + "-1"});
      case 26:
        return Run({"XGROUP", "CREATE", Key("x"), "g", "0"});
      case 27:
      case 35:
      case 36:
      case 37:
        return ChangeGroup();
      case 28:
        return Run({"RENAME", Any(), Any()});
      case 29:
        return Run({"COPY", Any(), Any(), "REPLACE"});
      case 30:
        return Run({"MOVE", Any(), std::to_string(random_.Below(4))});
      case 31:
        return Run({"UNLINK", Any()});
      case 32:
        return Run({"SWAPDB", std::to_string(random_.Below(4)), std::to_string(random_.Below(4))});
      case 33:
        return Run({"SELECT", std::to_string(random_.Below(4))});
      case 34:
        return random_.Below(20) == 0 ? Run({"FLUSHDB"}) : Run({"INCR", "n" + Small()});
      default:
        return Run({"PEXPIREAT", Any(), std::to_string(4'000'000'000'000 + random_.Below(1000))});
    }
  }

  void ChangeGroup() {
    const std::string key = Key("x");
    const std::string consumer = "c" + std::to_string(random_.Below(4));
    const auto id = [this] { return std::to_string(1 + random_.Below(clock_)) + "-1"; };
    switch (random_.Below(8)) {
      case 0:
        return Run({"XACK", key, "g", id(), id(), id()});
      case 1:
        return Run({"XCLAIM", key, "g", consumer, "0", id(), id(), id(), "FORCE"});
      case 2:
        return Run({"XAUTOCLAIM", key, "g", consumer, "0", id(), "COUNT", "20"});
      case 3:
        return Run({"XREADGROUP", "GROUP", "g", consumer, "COUNT", "20", "STREAMS", key, id()});
      case 4:
        return Run({"XGROUP", "DELCONSUMER", key, "g", consumer});
      case 5:
        return random_.Below(3) == 0 ? Run({"XGROUP", "DESTROY", key, "g"})
                                     : Run({"XGROUP", "SETID", key, "g", id()});
      default:
        const std::string count = random_.Below(3) == 0 ? "2000" : "3";
        return Run({"XREADGROUP", "GROUP", "g", consumer, "COUNT", count, "STREAMS", key, ">"});
    }
  }

  void AddToStream() {
    const std::string key = Key("x");
    for (int i = 0; i < (random_.Below(3) == 0 ? 1200 : 5); ++i) {
      Run({"XADD", key, std::to_string(clock_++) + "-1", "f", Small()});
    }
  }

  std::string Any() {
    constexpr const char* kFamilies[] = {"l", "h", "s", "z", "t", "x"};
    return Key(kFamilies[random_.Below(6)]);
  }
  void Run(const std::vector<std::string>& words) { fixture_.Run(words); }

  using Keys = std::map<std::string, std::string>;

  static void ExpectEqual(const Keys& got, const Keys& expected) {
    for (const auto& [key, value] : expected) {
      const auto found = got.find(key);
      ASSERT_NE(found, got.end()) << key << " is missing";
      if (found->second == value) continue;
      const size_t at = static_cast<size_t>(
          std::mismatch(value.begin(), value.end(), found->second.begin(), found->second.end()).first -
          value.begin());
      FAIL() << key << " differs at " << at << " of " << value.size() << ": " << value.substr(at, 80)
             << " became " << found->second.substr(std::min(at, found->second.size()), 80) << " in "
             << value.substr(0, 60);
    }
  }

  struct Running {
    Sink sink;
    std::map<std::string, std::string> expected;
  };

  Prng random_;
  engine::EngineFixture fixture_;
  uint64_t clock_ = 1;
};

TEST_F(CutTest, CapturesEveryKeyAsItWasWhenItBegan) {
  std::vector<std::unique_ptr<Running>> running;
  int ended = 0;
  int large_values = 0;
  const auto check_ended = [&] {
    std::erase_if(running, [&](const auto& cut) {
      if (!cut->sink.is_over) return false;
      EXPECT_EQ(cut->sink.collector.keys.size(), cut->expected.size());
      ExpectEqual(cut->sink.collector.keys, cut->expected);
      large_values += cut->sink.collector.large_values;
      ++ended;
      return true;
    });
  };
  for (int step = 0; (step < 4000 || ended <= 3) && step < 40000 && !HasFailure(); ++step) {
    Change();
    if (random_.Below(150) == 0 && running.size() < 3) {
      auto begun = std::make_unique<Running>();
      begun->expected = Now();
      ASSERT_NE(keyspace().cutter().Begin(begun->sink), nullptr);
      running.push_back(std::move(begun));
    }
    int left = static_cast<int>(random_.Below(4));
    if (left > 0) keyspace().cutter().Run([&] { return --left <= 0; });
    check_ended();
  }
  while (keyspace().cutter().Run([] { return false; })) {
  }
  check_ended();
  EXPECT_TRUE(running.empty());
  EXPECT_GT(ended, 3);
  EXPECT_GT(large_values, 3);
}

TEST_F(CutTest, AnAbandonedOneLeavesItsBitToTheNext) {
  for (int round = 0; round < 8; ++round) {
    for (int i = 0; i < 60; ++i) Change();
    auto abandoned = std::make_unique<Sink>();
    keyspace::Cut* cut = keyspace().cutter().Begin(*abandoned);
    ASSERT_NE(cut, nullptr);
    int left = 3;
    keyspace().cutter().Run([&] { return --left <= 0; });
    if (!abandoned->is_over) keyspace().cutter().Abandon(*cut);
    abandoned.reset();
    for (int i = 0; i < 60; ++i) Change();
    while (keyspace().cutter().Run([] { return false; })) {
    }
    EXPECT_FALSE(keyspace().cutter().any());
    const auto expected = Now();
    Sink sink;
    keyspace().cutter().Begin(sink);
    while (keyspace().cutter().Run([] { return false; })) {
    }
    ASSERT_TRUE(sink.is_over);
    ExpectEqual(sink.collector.keys, expected);
  }
}

}  // namespace
}  // namespace hearth::commands
