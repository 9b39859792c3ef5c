// What is written is what is read: every type and encoding through a file, captured whole and in pieces.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/test_seed.h"
#include "rdb/loader.h"
#include "rdb/rdb_snapshot.h"
#include "rdb/testing/describe.h"
#include "rdb/testing/sample_values.h"
#include "rdb/testing/string_sink.h"

namespace hearth::rdb {
namespace {

using keyspace::CaptureChunk;
using keyspace::CaptureWriter;
using keyspace::Entry;
using testing::StringSink;
using Contents = std::map<std::string, std::string>;

std::string DescribeWithExpiry(const Entry& entry) {
  return testing::Describe(entry) + " until " + std::to_string(entry.expiry_ms());
}

class Collector final : public LoadSink {
 public:
  Status OnAux(std::string_view, std::string_view) override { return {}; }
  Status OnFunction(std::string_view) override { return {}; }
  Status OnDatabase(int index) override {
    database_ = index;
    return {};
  }
  Status OnResize(uint64_t, uint64_t) override { return {}; }
  Status OnKey(LoadedKey key) override {
    EXPECT_EQ(database_, 0);
    const bool is_new =
        contents.emplace(std::string(key.entry->key()), DescribeWithExpiry(*key.entry)).second;
    EXPECT_TRUE(is_new);
    return {};
  }

  Contents contents;

 private:
  int database_ = -1;
};

class RoundTripTest : public ::testing::TestWithParam<bool> {
 protected:
  RoundTripTest() {
    fixture_.settings.list_compress_depth = 1;
    testing::AddSamples(fixture_.db(), random_, GetParam());
  }
  Contents Original() {
    Contents contents;
    fixture_.db().keys().VisitAll(
        [&](Entry* entry) { contents.emplace(entry->key(), DescribeWithExpiry(*entry)); });
    return contents;
  }
  Contents Through(const CaptureChunk& chunk) {
    StringSink sink;
    SnapshotOutput output(sink, SnapshotOutput::Checksum::kYes);
    RdbSnapshot snapshot({.settings = fixture_.settings, .has_field_expiries = GetParam()});
    snapshot.Begin(output);
    snapshot.Take(chunk, output);
    snapshot.End(output);
    output.WriteAll();
    MemorySource source(sink.bytes);
    Collector collector;
    const auto summary =
        LoadRdb(source, {.decoding = {.settings = fixture_.settings}, .now_ms = fixture_.keyspace.now_ms()},
                collector);
    EXPECT_TRUE(summary) << summary.error().message;
    return collector.contents;
  }

  Prng random_{TestSeed()};
  keyspace::TestingKeyspace fixture_;
};

TEST_P(RoundTripTest, WholeValues) {
  EXPECT_EQ(Through(testing::Capture([&](CaptureWriter& writer) {
              fixture_.db().keys().VisitAll([&](Entry* entry) { writer.Whole(0, *entry); });
            })),
            Original());
}

TEST_P(RoundTripTest, ValuesInPieces) {
  using keyspace::Encoding;
  EXPECT_EQ(Through(testing::Capture([&](CaptureWriter& writer) {
              uint64_t id = 0;
              fixture_.db().keys().VisitAll([&](Entry* entry) {
                const Encoding encoding = entry->encoding();
                if (encoding == Encoding::kInt || encoding == Encoding::kListpack ||
                    encoding == Encoding::kListpackEx || encoding == Encoding::kIntset) {
                  return writer.Whole(0, *entry);
                }
                writer.Begin(++id, 0, *entry);
                testing::AddPieces(writer, id, *entry);
                writer.End(id);
              });
            })),
            Original());
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutFieldExpiries, RoundTripTest, ::testing::Bool());

}  // namespace
}  // namespace hearth::rdb
