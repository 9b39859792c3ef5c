#include "rdb/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "base/crc64.h"
#include "base/test_seed.h"
#include "rdb/encode_payload.h"
#include "rdb/testing/sample_values.h"

namespace hearth::rdb {
namespace {

using keyspace::CapturedKey;
using keyspace::CapturedParts;
using keyspace::CaptureWriter;
using keyspace::Entry;
using keyspace::Key;
using keyspace::WriteHandle;

std::string Length(uint64_t length) {
  std::string bytes;
  PutLength(bytes, length);
  return bytes;
}

std::string String(std::string_view text, Compression compression = Compression::kYes) {
  std::string bytes;
  PutString(bytes, text, compression);
  return bytes;
}

using namespace std::string_literals;

TEST(EncodePrimitives, LengthsTakeTheShortestForm) {
  EXPECT_EQ(Length(0), "\0"s);
  EXPECT_EQ(Length(63), "\x3f"s);
  EXPECT_EQ(Length(64), "\x40\x40"s);
  EXPECT_EQ(Length(16383), "\x7f\xff"s);
  EXPECT_EQ(Length(16384), "\x80\0\0\x40\0"s);
  EXPECT_EQ(Length(0xffffffff), "\x80\xff\xff\xff\xff"s);
  EXPECT_EQ(Length(0x100000000), "\x81\0\0\0\x01\0\0\0\0"s);
}

TEST(EncodePrimitives, CanonicalIntegersOf32BitsAreStoredAsNumbers) {
  EXPECT_EQ(String("0"), "\xc0\0"s);
  EXPECT_EQ(String("-128"), "\xc0\x80"s);
  EXPECT_EQ(String("128"), "\xc1\x80\0"s);
  EXPECT_EQ(String("-32769"), "\xc2\xff\x7f\xff\xff"s);
  EXPECT_EQ(String("2147483647"), "\xc2\xff\xff\xff\x7f"s);
  EXPECT_EQ(String("-2147483648"), "\xc2\0\0\0\x80"s);
  for (const char* text : {"", "01", "+1", "-0", " 1", "2147483648", "12345678901"}) {
    EXPECT_EQ(String(text), static_cast<char>(std::string_view(text).size()) + std::string(text));
  }
  std::string bytes;
  PutIntegerString(bytes, 12345678901);
  EXPECT_EQ(bytes,
            "\x0b"
            "12345678901");
}

TEST(EncodePrimitives, StringsAreCompressedWhereThatSavesFourBytes) {
  const std::string repeated(100, 'a');
  const std::string compressed = String(repeated);
  EXPECT_EQ(compressed[0], '\xc3');
  EXPECT_LT(compressed.size(), 20u);
  EXPECT_EQ(String(repeated, Compression::kNo), "\x40\x64" + repeated);
  EXPECT_EQ(String(std::string(20, 'a')), "\x14" + std::string(20, 'a'));
  EXPECT_EQ(String("abcdefghijklmnopqrstuvwxyz"),
            "\x1a"
            "abcdefghijklmnopqrstuvwxyz");
}

// Encodes the first value of a capture by the pieces it comes in.
class PieceReader final : public keyspace::CaptureHandler {
 public:
  explicit PieceReader(const EncodeOptions& options) : options_(options) {}

  void OnWhole(const CapturedKey& key, CapturedParts parts) override {
    EncodeWhole(key, TypeOfWhole(key, parts, options_), parts, options_, bytes);
  }
  void OnBegin(uint64_t, const CapturedKey& key, CapturedParts parts) override {
    encoder_.emplace(key, TypeOfPieces(key, options_), parts, options_, bytes);
  }
  void OnPiece(uint64_t, CapturedParts parts) override { encoder_->Add(parts, bytes); }
  void OnEnd(uint64_t) override { encoder_->End(bytes); }

  std::string bytes;

 private:
  const EncodeOptions options_;
  std::optional<PieceEncoder> encoder_;
};

class EncoderTest : public ::testing::Test {
 protected:
  EncoderTest() { testing::AddSamples(fixture_.db(), random_); }

  const Entry& Find(std::string_view key) { return *fixture_.db().Find(Key(key)); }
  std::string Encode(const keyspace::CaptureChunk& chunk, const EncodeOptions& options = {}) {
    PieceReader reader(options);
    keyspace::ReadCapture(chunk, reader);
    return reader.bytes;
  }
  std::string EncodePieces(const Entry& entry, const std::function<void(CaptureWriter&)>& add) {
    return Encode(testing::Capture([&](CaptureWriter& writer) {
      writer.Begin(9, 0, entry);
      add(writer);
      writer.End(9);
    }));
  }

  Prng random_{TestSeed()};
  keyspace::TestingKeyspace fixture_;
};

TEST_F(EncoderTest, PiecesInOrderMakeTheSameBytesAsTheWhole) {
  for (const char* key : {"quicklist", "plain list", "hash table", "set table", "stream", "raw"}) {
    const Entry& entry = Find(key);
    EXPECT_EQ(EncodePieces(entry, [&](CaptureWriter& writer) { testing::AddPieces(writer, 9, entry); }),
              Encode(testing::CaptureWhole(entry)))
        << key;
  }
}

TEST_F(EncoderTest, ASkiplistIsWrittenFromItsHighestMemberDown) {
  testing::AddSortedSet(fixture_.db(), "two", 2);
  WriteHandle handle = fixture_.db().FindForWrite(Key("two"));
  keyspace::SortedSetValue(handle).Expand();
  EXPECT_EQ(Encode(testing::CaptureWhole(*handle)),
            "\x02\x07member1\0\0\0\0\0\0\xfc\x3f\x07member0\0\0\0\0\0\0\0\0"s);
}

// Captures the nodes of a list as a cut does: a walk from the front, and before it, here and there, nodes
// that change before their turn.
void AddNodesAsACutDoes(CaptureWriter& writer, const ds::Quicklist& list, Prng& random) {
  std::vector<const ds::QuicklistNode*> nodes;
  for (const auto* node = list.FirstNode(); node != nullptr; node = node->next) nodes.push_back(node);
  std::vector<bool> is_captured(nodes.size());
  const auto capture = [&](size_t i) {
    is_captured[i] = true;
    // The nearest node before it that is not captured is what its place depends on.
    size_t before = i;
    while (before > 0 && is_captured[before - 1]) --before;
    const uint64_t after = before == 0 ? 0 : reinterpret_cast<uint64_t>(nodes[before - 1]);
    writer.AddNode(9, reinterpret_cast<uint64_t>(nodes[i]), after, *nodes[i]);
  };
  for (size_t changes = random.Below(nodes.size()); changes > 0; --changes) {
    const size_t i = random.Below(nodes.size());
    if (!is_captured[i]) capture(i);
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!is_captured[i]) capture(i);
  }
}

TEST_F(EncoderTest, ListNodesFindTheirPlacesInWhateverOrderTheyAreCaptured) {
  testing::AddList(fixture_.db(), "long", 3000, 200, random_);
  const Entry& entry = Find("long");
  const auto& list = *static_cast<const ds::Quicklist*>(entry.container());
  ASSERT_GT(list.NodeCount(), 30u);
  const std::string whole = Encode(testing::CaptureWhole(entry));
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(EncodePieces(entry, [&](CaptureWriter& writer) { AddNodesAsACutDoes(writer, list, random_); }),
              whole);
  }
}

TEST_F(EncoderTest, AListCapturedFromItsEndIsPutTogether) {
  const Entry& entry = Find("quicklist");
  const auto& list = *static_cast<const ds::Quicklist*>(entry.container());
  const std::string bytes = EncodePieces(entry, [&](CaptureWriter& writer) {
    for (const auto* node = list.LastNode(); node != nullptr; node = node->previous) {
      writer.AddNode(9, reinterpret_cast<uint64_t>(node), reinterpret_cast<uint64_t>(node->previous), *node);
    }
  });
  EXPECT_EQ(bytes, Encode(testing::CaptureWhole(entry)));
}

TEST_F(EncoderTest, TextPiecesMayComeInAnyOrder) {
  const Entry& entry = Find("raw");
  const std::string bytes = EncodePieces(entry, [&](CaptureWriter& writer) {
    writer.AddText(9, 600, entry.text().substr(600));
    writer.AddText(9, 0, entry.text().substr(0, 600));
  });
  EXPECT_EQ(bytes, Encode(testing::CaptureWhole(entry)));
}

TEST_F(EncoderTest, BlocksOfAStreamArePutInOrder) {
  const Entry& entry = Find("stream");
  const auto& blocks = static_cast<const keyspace::Stream*>(entry.container())->log.blocks();
  const std::string bytes = EncodePieces(entry, [&](CaptureWriter& writer) {
    for (auto at = blocks.Last(); at; at = blocks.Previous(at)) {
      writer.AddBlock(9, blocks.ValueAt(at), !blocks.Previous(at));
    }
    testing::AddPendingEntries(writer, 9, entry);
  });
  EXPECT_EQ(bytes, Encode(testing::CaptureWhole(entry)));
}

TEST_F(EncoderTest, BlocksThatComeInTurnAreNotKept) {
  const Entry& entry = Find("stream");
  const auto& blocks = static_cast<const keyspace::Stream*>(entry.container())->log.blocks();
  const auto second = blocks.Next(blocks.First());
  struct Handler : keyspace::CaptureHandler {
    void OnWhole(const CapturedKey&, CapturedParts) override {}
    void OnBegin(uint64_t, const CapturedKey& key, CapturedParts parts) override {
      encoder.emplace(key, ValueType::kStreamListpacks2, parts, EncodeOptions{}, bytes);
    }
    void OnPiece(uint64_t, CapturedParts parts) override {
      encoder->Add(parts, bytes);
      sizes.push_back(bytes.size());
    }
    void OnEnd(uint64_t) override {}
    std::optional<PieceEncoder> encoder;
    std::string bytes;
    std::vector<size_t> sizes;
  } handler;
  keyspace::ReadCapture(testing::Capture([&](CaptureWriter& writer) {
                          writer.Begin(9, 0, entry);
                          const auto add = [&](auto at, bool is_next) {
                            writer.AddBlock(9, blocks.ValueAt(at), is_next);
                            writer.EndPiece();
                          };
                          add(blocks.First(), true);
                          add(blocks.Next(second), false);
                          add(second, true);
                          add(blocks.Last(), true);
                        }),
                        handler);
  ASSERT_EQ(handler.sizes.size(), 4u);
  EXPECT_EQ(handler.sizes[1], handler.sizes[0]);
  EXPECT_GT(handler.sizes[2], handler.sizes[1]);
  EXPECT_GT(handler.sizes[3], handler.sizes[2]);
}

TEST_F(EncoderTest, FilesGetTheFormsThatOlderReleasesRead) {
  const CapturedKey set{.type = keyspace::Type::kSet, .encoding = keyspace::Encoding::kListpack};
  const CapturedKey stream{.type = keyspace::Type::kStream, .encoding = keyspace::Encoding::kStream};
  const EncodeOptions payload{.forms = EncodeOptions::Forms::kOf72};
  EXPECT_EQ(TypeOfPieces(set, {}), ValueType::kSet);
  EXPECT_EQ(TypeOfPieces(set, payload), ValueType::kSetListpack);
  EXPECT_EQ(TypeOfPieces(stream, {}), ValueType::kStreamListpacks2);
  EXPECT_EQ(TypeOfPieces(stream, payload), ValueType::kStreamListpacks3);
  testing::AddSet(fixture_.db(), "pair", 2, "m");
  EXPECT_EQ(Encode(testing::CaptureWhole(Find("pair"))), "\x02\x02m0\x02m1");
}

TEST_F(EncoderTest, PayloadsEndWithVersionAndChecksum) {
  fixture_.db().SetString(Key("k"), "hi");
  const std::string payload = EncodePayload(Find("k"), Compression::kYes);
  ASSERT_EQ(payload.size(), 4 + kPayloadFooterBytes);
  EXPECT_EQ(payload.substr(0, 6), "\0\x02hi\x0b\0"s);
  EXPECT_EQ(LoadLittle<uint64_t>(payload.data() + 6), Crc64(0, std::string_view(payload).substr(0, 6)));
}

TEST_F(EncoderTest, HashesSayWhenTheirFieldsExpire) {
  constexpr int64_t kExpiryMs = 3'000'000'000'000;
  WriteHandle handle = keyspace::HashValue::Create(fixture_.db(), Key("h"), {});
  keyspace::HashValue hash(handle);
  hash.Set("a", "1", kExpiryMs);
  hash.Set("b", "2");
  const std::string small = EncodePayload(*handle, Compression::kYes);
  EXPECT_EQ(small[0], static_cast<char>(ValueType::kHashListpackEx));
  EXPECT_EQ(LoadLittle<int64_t>(small.data() + 1), kExpiryMs);
  EXPECT_EQ(LoadLittle<uint16_t>(small.data() + small.size() - 10), 12);
  hash.SetExpiry("a", keyspace::kNoFieldExpiry);
  // What does not expire stands behind.
  EXPECT_EQ(EncodePayload(*handle, Compression::kYes).substr(0, 10),
            "\x04\x02\x01"
            "b\xc0\x02\x01"
            "a\xc0\x01"s);

  testing::AddHash(fixture_.db(), "large", 600, 5, random_, kExpiryMs);
  const Entry& large = Find("large");
  const std::string whole = EncodePayload(large, Compression::kYes);
  EXPECT_EQ(whole[0], static_cast<char>(ValueType::kHashMetadata));
  EXPECT_EQ(LoadLittle<int64_t>(whole.data() + 1), kExpiryMs);
  // In pieces the least expiry is not known: each stands for itself.
  const std::string pieces = Encode(testing::Capture([&](CaptureWriter& writer) {
                                      writer.Begin(9, 0, large);
                                      testing::AddPieces(writer, 9, large);
                                      writer.End(9);
                                    }),
                                    {.may_have_field_expiries = true});
  EXPECT_EQ(LoadLittle<int64_t>(pieces.data()), 1);
  EXPECT_NE(pieces.find(Length(kExpiryMs) + "\x06"
                                            "field0"),
            std::string::npos);
}

}  // namespace
}  // namespace hearth::rdb
