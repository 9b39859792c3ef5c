#include "rdb/loader.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "keyspace/testing_keyspace.h"
#include "rdb/aux_fields.h"
#include "rdb/load_pipeline.h"
#include "rdb/reader.h"
#include "rdb/testing/describe.h"
#include "rdb/testing/rdb_bytes.h"

namespace hearth::rdb {
namespace {

using testing::Describe;
using testing::Little;
using testing::RdbBytes;

constexpr int64_t kNowMs = 1'000'000'000'000;

// Gives its bytes in pieces, of which the last is gone when the next one comes.
class PiecewiseSource final : public ByteSource {
 public:
  PiecewiseSource(std::string bytes, size_t piece_bytes, bool knows_size)
      : bytes_(std::move(bytes)), piece_bytes_(piece_bytes), knows_size_(knows_size) {}
  Result<std::string_view> NextBlock() override {
    piece_ = std::make_unique<std::string>(bytes_.substr(at_, piece_bytes_));
    at_ += piece_->size();
    return std::string_view(*piece_);
  }
  uint64_t BytesLeft() const override { return knows_size_ ? bytes_.size() - at_ : kUnknownSize; }

 private:
  const std::string bytes_;
  const size_t piece_bytes_;
  const bool knows_size_;
  size_t at_ = 0;
  std::unique_ptr<std::string> piece_;
};

// Writes down what it gets.
class Notes final : public LoadSink {
 public:
  Status OnAux(std::string_view name, std::string_view value) override {
    return Note("aux " + std::string(name) + "=" + std::string(value));
  }
  Status OnFunction(std::string_view code) override { return Note("function " + std::string(code)); }
  Status OnDatabase(int index) override { return Note("db " + std::to_string(index)); }
  Status OnResize(uint64_t keys, uint64_t expiring) override {
    return Note("resize " + std::to_string(keys) + " " + std::to_string(expiring));
  }
  Status OnKey(LoadedKey key) override {
    EXPECT_EQ(key.hash, Hash(key.entry->key()));
    std::string line = std::string(key.entry->key()) + ": " + Describe(*key.entry);
    if (key.entry->has_expiry()) line += " until " + std::to_string(key.entry->expiry_ms());
    return Note(line);
  }

  std::vector<std::string> lines;

 private:
  Status Note(std::string line) {
    lines.push_back(std::move(line));
    return {};
  }
};

class LoaderTest : public ::testing::Test {
 protected:
  LoadOptions Options() const {
    return {.decoding = {settings_, nullptr, true}, .database_count = 16, .now_ms = kNowMs};
  }
  // "ok", or the reason why not.
  std::string Load(const std::string& bytes, const LoadOptions& options) {
    MemorySource source(bytes);
    notes_.lines.clear();
    const auto summary = LoadRdb(source, options, notes_);
    if (!summary) return summary.error().message;
    summary_ = *summary;
    return "ok";
  }
  std::string Load(const std::string& bytes) { return Load(bytes, Options()); }

  static RdbBytes Header(std::string_view version = "0011") { return RdbBytes().Raw("REDIS").Raw(version); }

  settings::Settings settings_;
  Notes notes_;
  LoadSummary summary_;
};

using Lines = std::vector<std::string>;

TEST_F(LoaderTest, EverythingComesInItsOrder) {
  RdbBytes bytes = Header();
  bytes.Op(Opcode::kAux).Strings({"redis-ver", "7.2.6"}).Op(Opcode::kFunction2).String("code");
  bytes.Op(Opcode::kSelectDb).Length(0).Op(Opcode::kResizeDb).Length(2).Length(1);
  bytes.Op(Opcode::kSlotInfo).Length(5).Length(2).Length(1);
  bytes.Op(Opcode::kExpireTimeMs)
      .Raw(Little<int64_t>(kNowMs + 5))
      .Type(ValueType::kString)
      .Strings({"a", "1"});
  bytes.Type(ValueType::kString).Strings({"b", "two"}).Op(Opcode::kSelectDb).Length(3);
  bytes.Op(Opcode::kExpireTime).Raw(Little<int32_t>(2'000'000'000));
  bytes.Type(ValueType::kList).String("c").Length(1).String("x");
  EXPECT_EQ(Load(bytes.Sealed()), "ok");
  EXPECT_EQ(notes_.lines, (Lines{"aux redis-ver=7.2.6", "function code", "db 0", "resize 2 1",
                                 "a: string int 1 until 1000000000005", "b: string embstr two", "db 3",
                                 "c: list listpack x until 2000000000000"}));
  EXPECT_EQ(summary_.version, 11);
  EXPECT_EQ(summary_.keys, 3u);
  EXPECT_EQ(summary_.bytes, bytes.Sealed().size());
  EXPECT_TRUE(summary_.has_checksum);
}

TEST_F(LoaderTest, VersionsBeforeTheChecksumEndWithoutOne) {
  const std::string bytes = Header("0004")
                                .Op(Opcode::kSelectDb)
                                .Length(0)
                                .Type(ValueType::kString)
                                .Strings({"a", "b"})
                                .Op(Opcode::kEof)
                                .bytes();
  EXPECT_EQ(Load(bytes), "ok");
  EXPECT_EQ(summary_.bytes, bytes.size());
}

TEST_F(LoaderTest, OtherFilesAndVersionsAreRefused) {
  EXPECT_EQ(Load("*3\r\n$3\r\nSET\r\n"), "at byte 9: this is no RDB file: it does not begin with REDIS");
  EXPECT_EQ(Load(Header("0000").Sealed()), "at byte 9: the RDB version is 0; 1 to 12 can be read");
  EXPECT_EQ(Load(Header("0013").Sealed()), "at byte 9: the RDB version is 13; 1 to 12 can be read");
  EXPECT_EQ(Load(Header("00 9").Sealed()), "at byte 9: the version is no number");
  EXPECT_EQ(Load("REDIS"), "at byte 5: the data ends early");
}

TEST_F(LoaderTest, TheChecksumIsHeldToTheBytes) {
  std::string bytes = Header().Type(ValueType::kString).Strings({"a", "b"}).Sealed();
  bytes[13] = 'c';
  EXPECT_NE(Load(bytes).find("the checksum is"), std::string::npos);
  LoadOptions options = Options();
  options.checks_sum = false;
  EXPECT_EQ(Load(bytes, options), "ok");
  // None was computed.
  for (size_t i = bytes.size() - 8; i < bytes.size(); ++i) bytes[i] = '\0';
  EXPECT_EQ(Load(bytes), "ok");
  EXPECT_FALSE(summary_.has_checksum);
}

TEST_F(LoaderTest, EveryCutIsAnErrorWithItsPlace) {
  RdbBytes bytes = Header();
  bytes.Op(Opcode::kAux).Strings({"n", "v"}).Op(Opcode::kSelectDb).Length(0).Op(Opcode::kIdle).Length(100);
  bytes.Type(ValueType::kHash).String("h").Length(2).Strings({"f", "1", "g", "2"});
  bytes.Op(Opcode::kFreq).Byte(3).Type(ValueType::kZset2).String("z").Length(1).String("m").Double(1);
  const std::string whole = bytes.Sealed();
  EXPECT_EQ(Load(whole), "ok");
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string reason = Load(whole.substr(0, size));
    EXPECT_TRUE(reason.starts_with("at byte ")) << size << ": " << reason;
  }
}

TEST_F(LoaderTest, BrokenValuesNameTheirKey) {
  const std::string bytes = Header().Type(ValueType::kSetIntset).String("my set").String("nonsense").Sealed();
  EXPECT_EQ(Load(bytes), "at byte 26: an intset is broken (in the value of key \"my set\")");
  EXPECT_EQ(Load(Header().Byte(99).Sealed()), "at byte 10: no record begins with byte 99");
}

TEST_F(LoaderTest, EmptyCollectionsAreSkippedAndTakeTheirExpiryAlong) {
  RdbBytes bytes = Header();
  bytes.Op(Opcode::kExpireTimeMs)
      .Raw(Little<int64_t>(kNowMs + 5))
      .Type(ValueType::kSet)
      .String("e")
      .Length(0);
  bytes.Type(ValueType::kString).Strings({"a", "b"});
  EXPECT_EQ(Load(bytes.Sealed()), "ok");
  EXPECT_EQ(notes_.lines, Lines{"a: string embstr b"});
  EXPECT_EQ(summary_.empty_keys, 1u);
}

TEST_F(LoaderTest, ExpiredKeysGoIfThatIsAsked) {
  RdbBytes bytes = Header();
  bytes.Op(Opcode::kExpireTimeMs)
      .Raw(Little<int64_t>(kNowMs - 1))
      .Type(ValueType::kString)
      .Strings({"a", "b"});
  bytes.Op(Opcode::kExpireTimeMs).Raw(Little<int64_t>(-5)).Type(ValueType::kString).Strings({"c", "d"});
  EXPECT_EQ(Load(bytes.Sealed()), "ok");
  EXPECT_EQ(notes_.lines, (Lines{"a: string embstr b until 999999999999", "c: string embstr d until 0"}));
  LoadOptions options = Options();
  options.drops_expired = true;
  EXPECT_EQ(Load(bytes.Sealed(), options), "ok");
  EXPECT_TRUE(notes_.lines.empty());
  EXPECT_EQ(summary_.expired_keys, 2u);
}

TEST_F(LoaderTest, ExpiredKeysOfAHistoryStayBecauseReplicasHaveThemToo) {
  RdbBytes bytes = Header();
  bytes.Op(Opcode::kAux).Strings({"repl-id", std::string(40, 'a')});
  bytes.Op(Opcode::kExpireTimeMs).Raw(Little<int64_t>(5)).Type(ValueType::kString).Strings({"a", "b"});
  LoadOptions options = Options();
  options.drops_expired = true;
  EXPECT_EQ(Load(bytes.Sealed(), options), "ok");
  EXPECT_EQ(summary_.keys, 1u);
  EXPECT_EQ(summary_.expired_keys, 0u);
}

TEST_F(LoaderTest, ModuleFieldsAreSkipped) {
  RdbBytes bytes = Header();
  bytes.Op(Opcode::kModuleAux).Length(12345678901234).Length(2).Length(kModuleAuxBefore);
  bytes.Length(1).Length(5).Length(2).Length(6).Length(3).Raw("four").Length(4).Double(8).Length(5).String(
      "text");
  bytes.Length(0).Type(ValueType::kString).Strings({"a", "b"});
  EXPECT_EQ(Load(bytes.Sealed()), "ok");
  EXPECT_EQ(notes_.lines, Lines{"a: string embstr b"});
}

TEST_F(LoaderTest, DatabasesThatAreNotThereAreRefused) {
  EXPECT_NE(Load(Header().Op(Opcode::kSelectDb).Length(16).Sealed()).find("there are 16 here"),
            std::string::npos);
}

TEST_F(LoaderTest, AnnouncedSizesAreHeldToTheFile) {
  const std::string bytes =
      Header().Op(Opcode::kResizeDb).Length(uint64_t{1} << 40).Length(uint64_t{1} << 40).Sealed();
  EXPECT_EQ(Load(bytes), "ok");
  EXPECT_EQ(notes_.lines, Lines{"resize 2 2"});
}

TEST_F(LoaderTest, AnyPiecesGiveTheSame) {
  RdbBytes bytes = Header();
  bytes.Op(Opcode::kAux).Strings({"name", "value"}).Op(Opcode::kSelectDb).Length(1);
  bytes.Type(ValueType::kHash).String("hash").Length(2).Strings({"field", "value", "other", "12"});
  bytes.Type(ValueType::kListZiplist).String("list").String(testing::Ziplist({"a", "#300"}));
  bytes.Type(ValueType::kString).String(std::string(100, 'k')).String(std::string(5000, 'v'));
  const std::string whole = bytes.Sealed();
  ASSERT_EQ(Load(whole), "ok");
  const Lines expected = notes_.lines;
  for (const size_t piece : {1, 2, 3, 7, 64, 1000}) {
    for (const bool knows_size : {true, false}) {
      PiecewiseSource source(whole, piece, knows_size);
      Notes notes;
      const auto summary = LoadRdb(source, Options(), notes);
      ASSERT_TRUE(summary) << summary.error().message;
      EXPECT_EQ(notes.lines, expected);
      EXPECT_EQ(summary->bytes, whole.size());
    }
  }
}

TEST_F(LoaderTest, BitFlipsNeverCrash) {
  RdbBytes bytes = Header();
  bytes.Op(Opcode::kSelectDb).Length(1).Type(ValueType::kSetIntset).String("s");
  bytes.String(testing::IntsetBytes<int16_t>({1, 2, 3}));
  bytes.Type(ValueType::kHashZipmap).String("h").String(testing::Zipmap({"f", "v"}, 1));
  bytes.Type(ValueType::kZsetZiplist).String("z").String(testing::Ziplist({"m", "#3"}));
  const std::string whole = bytes.Sealed();
  LoadOptions options = Options();
  options.checks_sum = false;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string broken = whole;
      broken[at] = static_cast<char>(broken[at] ^ 1 << bit);
      const std::string result = Load(broken, options);
      EXPECT_TRUE(result == "ok" || result.starts_with("at byte ")) << result;
    }
  }
}

TEST(AuxFieldsTest, KeepsWhatItKnows) {
  AuxFields fields;
  EXPECT_TRUE(TakeAuxField("redis-ver", "7.0.15", &fields));
  EXPECT_TRUE(TakeAuxField("repl-id", "abc", &fields));
  EXPECT_TRUE(TakeAuxField("repl-offset", "77", &fields));
  EXPECT_TRUE(TakeAuxField("repl-stream-db", "-1", &fields));
  EXPECT_TRUE(TakeAuxField("aof-base", "1", &fields));
  EXPECT_TRUE(TakeAuxField("lua", "return 1", &fields));
  EXPECT_FALSE(TakeAuxField("something", "else", &fields));
  EXPECT_EQ(fields.writer_version, "7.0.15");
  EXPECT_EQ(fields.replication_id, "abc");
  EXPECT_EQ(fields.replication_offset, 77);
  EXPECT_EQ(fields.replication_database, -1);
  EXPECT_TRUE(fields.is_aof_base);
}

// ---- the pipeline

class LoadPipelineTest : public ::testing::Test {
 protected:
  static std::string Numbered(int count, std::string_view prefix = "key") {
    RdbBytes bytes = RdbBytes().Raw("REDIS0010");
    bytes.Op(Opcode::kAux).Strings({"redis-ver", "7.0.15"}).Op(Opcode::kSelectDb).Length(2);
    bytes.Op(Opcode::kResizeDb).Length(static_cast<uint64_t>(count)).Length(0);
    for (int i = 0; i < count; ++i) {
      bytes.Type(ValueType::kString)
          .String(std::string(prefix) + std::to_string(i))
          .String(std::to_string(i));
    }
    return bytes.Sealed();
  }
  std::unique_ptr<LoadPipeline> Start(std::string_view bytes, std::function<void()> on_ready = nullptr) {
    const LoadOptions options{
        .decoding = {t_.settings, &t_.keyspace.cuts(), false}, .database_count = 4, .now_ms = kNowMs};
    return std::make_unique<LoadPipeline>(std::make_unique<MemorySource>(bytes), options,
                                          std::move(on_ready));
  }

  keyspace::TestingKeyspace t_;
};

TEST_F(LoadPipelineTest, BringsEveryKeyIntoItsDatabase) {
  constexpr int kKeys = 20000;
  const std::string bytes = Numbered(kKeys);
  const auto pipeline = Start(bytes);
  Lines fields;
  while (auto batch = pipeline->TakeBatch()) {
    for (const auto& [name, value] : batch->aux_fields) fields.push_back(name + "=" + value);
    ASSERT_TRUE(InsertBatch(*batch, t_.keyspace, OnDuplicate::kFail));
  }
  EXPECT_TRUE(pipeline->IsOver());
  const auto summary = pipeline->Finish();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->keys, static_cast<uint64_t>(kKeys));
  EXPECT_EQ(fields, Lines{"redis-ver=7.0.15"});
  keyspace::Database& database = t_.keyspace.database(2);
  EXPECT_EQ(database.size(), static_cast<size_t>(kKeys));
  for (int i = 0; i < kKeys; ++i) {
    const keyspace::Entry* entry = database.Find(keyspace::Key("key" + std::to_string(i)));
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->int_value(), i);
  }
  EXPECT_TRUE(t_.observer.Take().empty());
}

TEST_F(LoadPipelineTest, SaysWhereAKeyComesTwice) {
  RdbBytes bytes = RdbBytes().Raw("REDIS0010");
  for (const char* value : {"old", "new"}) bytes.Type(ValueType::kString).Strings({"k", value});
  const std::string sealed = bytes.Sealed();
  for (const OnDuplicate what : {OnDuplicate::kFail, OnDuplicate::kReplace}) {
    t_.db().Clear(false);
    const auto pipeline = Start(sealed);
    auto batch = pipeline->TakeBatch();
    ASSERT_TRUE(batch);
    const Status status = InsertBatch(*batch, t_.keyspace, what);
    if (what == OnDuplicate::kFail) {
      ASSERT_FALSE(status);
      EXPECT_EQ(status.error().message, "at byte 16: the key \"k\" is there already");
    } else {
      ASSERT_TRUE(status);
      EXPECT_EQ(t_.db().Find(keyspace::Key("k"))->text(), "new");
    }
  }
}

TEST_F(LoadPipelineTest, ABrokenFileGivesWhatStandsBeforeAndThenTheReason) {
  std::string bytes = Numbered(5000);
  bytes.resize(bytes.size() - 20);
  const auto pipeline = Start(bytes);
  size_t keys = 0;
  while (auto batch = pipeline->TakeBatch()) keys += batch->keys.size();
  EXPECT_GT(keys, 4000u);
  const auto summary = pipeline->Finish();
  ASSERT_FALSE(summary);
  EXPECT_TRUE(summary.error().message.starts_with("at byte ")) << summary.error().message;
}

// Gives nothing until it is let go.
class HeldSource final : public ByteSource {
 public:
  explicit HeldSource(std::string_view bytes) : bytes_(bytes) {}
  Result<std::string_view> NextBlock() override {
    held_.wait(true);
    return bytes_.NextBlock();
  }
  uint64_t BytesLeft() const override { return bytes_.BytesLeft(); }
  void LetGo() {
    held_ = false;
    held_.notify_all();
  }

 private:
  MemorySource bytes_;
  std::atomic<bool> held_ = true;
};

TEST_F(LoadPipelineTest, NobodyHasToWaitForTheWorker) {
  const std::string bytes = Numbered(10);
  auto source = std::make_unique<HeldSource>(bytes);
  HeldSource& held = *source;
  const LoadOptions options{.decoding = {t_.settings, &t_.keyspace.cuts(), false}, .now_ms = kNowMs};
  LoadPipeline pipeline(std::move(source), options, nullptr);
  EXPECT_FALSE(pipeline.TakeBatchWithin(std::chrono::milliseconds(1)));
  EXPECT_FALSE(pipeline.IsOver());
  held.LetGo();
  EXPECT_TRUE(pipeline.TakeBatch());
  EXPECT_EQ(pipeline.bytes_read(), bytes.size());
  while (pipeline.TakeBatch()) continue;
  EXPECT_TRUE(pipeline.Finish());
}

TEST_F(LoadPipelineTest, CanBeLeftAtAnyTime) {
  const std::string bytes = Numbered(50000);
  for (int batches = 0; batches < 4; ++batches) {
    const auto pipeline = Start(bytes);
    for (int i = 0; i < batches; ++i) EXPECT_TRUE(pipeline->TakeBatch());
  }
}

TEST_F(LoadPipelineTest, CallsWhenThereIsSomethingToTake) {
  std::mutex mutex;
  std::condition_variable called;
  int calls = 0;
  const std::string bytes = Numbered(3000);
  const auto pipeline = Start(bytes, [&] {
    const std::lock_guard lock(mutex);
    ++calls;
    called.notify_one();
  });
  size_t keys = 0;
  while (!pipeline->IsOver()) {
    {
      std::unique_lock lock(mutex);
      ASSERT_TRUE(called.wait_for(lock, std::chrono::seconds(20), [&] { return calls > 0; }));
      calls = 0;
    }
    while (auto batch = pipeline->TryTakeBatch()) keys += batch->keys.size();
  }
  EXPECT_EQ(keys, 3000u);
}

}  // namespace
}  // namespace hearth::rdb
