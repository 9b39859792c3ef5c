#include "rdb/decode_value.h"

#include <gtest/gtest.h>

#include <limits>

#include "ds/listpack.h"
#include "rdb/testing/describe.h"
#include "rdb/testing/rdb_bytes.h"

namespace hearth::rdb {
namespace {

using testing::Big64;
using testing::Describe;
using testing::IntsetBytes;
using testing::Little;
using testing::RdbBytes;
using testing::Ziplist;
using testing::Zipmap;

class DecodeValueTest : public ::testing::Test {
 protected:
  // The value in words, "empty", or the reason why not.
  std::string Decode(ValueType type, const std::string& bytes, bool deep = true) {
    MemorySource source(bytes);
    Reader reader(source);
    keyspace::FreshEntry entry;
    if (!DecodeEntry(reader, type, {"key"}, {settings_, &cuts_, deep}, &entry)) return reader.error().message;
    EXPECT_EQ(reader.offset(), bytes.size());
    return entry == nullptr ? "empty" : Describe(*entry);
  }
  std::string Decode(ValueType type, const RdbBytes& bytes, bool deep = true) {
    return Decode(type, bytes.bytes(), deep);
  }
  // The same of a value that is one string.
  std::string DecodePacked(ValueType type, const std::string& packed, bool deep = true) {
    return Decode(type, RdbBytes().String(packed), deep);
  }
  static std::string Pack(std::initializer_list<std::string_view> elements) {
    ds::Listpack pack;
    for (std::string_view element : elements) pack.Append(element);
    return std::string(pack.View().Raw());
  }

  settings::Settings settings_;
  ds::CutState cuts_;
};

TEST_F(DecodeValueTest, StringsTakeTheEncodingThatSetWouldGive) {
  EXPECT_EQ(Decode(ValueType::kString, RdbBytes().String("hello")), "string embstr hello");
  EXPECT_EQ(Decode(ValueType::kString, RdbBytes().String("12345")), "string int 12345");
  EXPECT_EQ(Decode(ValueType::kString, RdbBytes().Byte(0xc0).Byte(0x80)), "string int -128");
  EXPECT_EQ(Decode(ValueType::kString, RdbBytes().Byte(0xc1).Raw(Little<int16_t>(-30000))),
            "string int -30000");
  EXPECT_EQ(Decode(ValueType::kString, RdbBytes().Byte(0xc2).Raw(Little<int32_t>(1 << 30))),
            "string int 1073741824");
  const std::string longer(45, 'x');
  EXPECT_EQ(Decode(ValueType::kString, RdbBytes().String(longer)), "string raw " + longer);
  EXPECT_EQ(Decode(ValueType::kString, RdbBytes().String("")), "string embstr ");
}

TEST_F(DecodeValueTest, LengthsInEveryForm) {
  const std::string text(70000, 'y');
  EXPECT_EQ(Decode(ValueType::kString, RdbBytes().String(text)), "string raw " + text);
  const RdbBytes wide = RdbBytes().Byte(kLength64).Raw(Big64(3)).Raw("abc");
  EXPECT_EQ(Decode(ValueType::kString, wide), "string embstr abc");
  EXPECT_EQ(Decode(ValueType::kString, RdbBytes().Byte(0x82)), "at byte 1: no length begins with byte 130");
}

TEST_F(DecodeValueTest, CompressedStrings) {
  // A literal "ab", and six more bytes from two back.
  const RdbBytes packed =
      RdbBytes().Byte(0xc3).Length(5).Length(8).Raw(std::string("\x01"
                                                                "ab"
                                                                "\x80\x01",
                                                                5));
  EXPECT_EQ(Decode(ValueType::kString, packed), "string embstr abababab");
  const RdbBytes wrong_size =
      RdbBytes().Byte(0xc3).Length(5).Length(9).Raw(std::string("\x01"
                                                                "ab"
                                                                "\x80\x01",
                                                                5));
  EXPECT_EQ(Decode(ValueType::kString, wrong_size), "at byte 8: a compressed string cannot be unpacked");
  const RdbBytes bomb = RdbBytes().Byte(0xc3).Length(3).Length(1 << 30).Raw("abc");
  EXPECT_NE(Decode(ValueType::kString, bomb).find("cannot make 1073741824"), std::string::npos);
}

TEST_F(DecodeValueTest, LengthsThatTheInputDoesNotHoldAreRefused) {
  const RdbBytes huge = RdbBytes().Byte(kLength64).Raw(Big64(uint64_t{1} << 60));
  EXPECT_NE(Decode(ValueType::kString, huge).find("0 bytes are left"), std::string::npos);
  for (const ValueType type : {ValueType::kList, ValueType::kSet, ValueType::kZset, ValueType::kZset2,
                               ValueType::kHash, ValueType::kListQuicklist, ValueType::kListQuicklist2,
                               ValueType::kStreamListpacks3, ValueType::kHashMetadataPreGa}) {
    EXPECT_NE(Decode(type, huge).find("parts are announced"), std::string::npos) << static_cast<int>(type);
  }
}

TEST_F(DecodeValueTest, ListsOfEveryAge) {
  EXPECT_EQ(Decode(ValueType::kList, RdbBytes().Length(3).Strings({"a", "2", "c"})), "list listpack a 2 c");
  EXPECT_EQ(DecodePacked(ValueType::kListZiplist, Ziplist({"a", "#2", "c"})), "list listpack a 2 c");
  EXPECT_EQ(Decode(ValueType::kListQuicklist,
                   RdbBytes().Length(2).String(Ziplist({"a"})).String(Ziplist({"#-5", "#70000"}))),
            "list quicklist a -5 70000");
  EXPECT_EQ(Decode(ValueType::kListQuicklist2,
                   RdbBytes().Length(2).Length(2).String(Pack({"a", "b"})).Length(1).String("plain")),
            "list quicklist a b plain");
  EXPECT_EQ(Decode(ValueType::kListQuicklist2, RdbBytes().Length(1).Length(2).String(Pack({"a", "b"}))),
            "list listpack a b");
  EXPECT_EQ(Decode(ValueType::kListQuicklist2, RdbBytes().Length(1).Length(3).String("x")),
            "at byte 2: a list has a node of unknown kind");
}

TEST_F(DecodeValueTest, EmptyCollectionsAreNoValues) {
  for (const ValueType type : {ValueType::kList, ValueType::kSet, ValueType::kZset, ValueType::kZset2,
                               ValueType::kHash, ValueType::kListQuicklist, ValueType::kListQuicklist2}) {
    EXPECT_EQ(Decode(type, RdbBytes().Length(0)), "empty");
  }
  EXPECT_EQ(DecodePacked(ValueType::kListZiplist, Ziplist({})), "empty");
  EXPECT_EQ(DecodePacked(ValueType::kHashZipmap, Zipmap({})), "empty");
  EXPECT_EQ(DecodePacked(ValueType::kSetIntset, IntsetBytes<int16_t>({})), "empty");
  EXPECT_EQ(DecodePacked(ValueType::kSetListpack, Pack({})), "empty");
  EXPECT_EQ(Decode(ValueType::kListQuicklist, RdbBytes().Length(1).String(Ziplist({}))), "empty");
}

TEST_F(DecodeValueTest, EveryFormOfAZiplistElement) {
  const std::string medium(200, 'm');
  const std::string large(20000, 'l');
  const std::string list = Ziplist({"#0", "#12", "#13", "#-128", "#-30000", "#-8388608", "#8388607",
                                    "#-2147483648", "#9223372036854775807", "short", medium, large, "last"});
  EXPECT_EQ(DecodePacked(ValueType::kListZiplist, list).substr(5),
            "quicklist 0 12 13 -128 -30000 -8388608 8388607 -2147483648 9223372036854775807 short " + medium +
                " " + large + " last");
}

TEST_F(DecodeValueTest, BrokenZiplistsAreRefused) {
  const std::string sound = Ziplist({"one", "#2", "three"});
  for (size_t at = 0; at < sound.size(); ++at) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string broken = sound;
      broken[at] = static_cast<char>(broken[at] ^ flip);
      // The bytes of texts and numbers may be anything.
      const std::string result = DecodePacked(ValueType::kListZiplist, broken);
      if (result.find("broken") == std::string::npos) {
        EXPECT_EQ(result.substr(0, 5), "list ") << at << ": " << result;
      }
    }
    EXPECT_NE(DecodePacked(ValueType::kListZiplist, sound.substr(0, at)).find("broken"), std::string::npos);
  }
}

TEST_F(DecodeValueTest, SetsOfEveryAge) {
  EXPECT_EQ(Decode(ValueType::kSet, RdbBytes().Length(2).Strings({"3", "1"})), "set intset 1 3");
  EXPECT_EQ(Decode(ValueType::kSet, RdbBytes().Length(3).Strings({"3", "b", "1"})), "set listpack 1 3 b");
  EXPECT_EQ(Decode(ValueType::kSet, RdbBytes().Length(2).Strings({"3", std::string(65, 'x')})),
            "set hashtable 3 " + std::string(65, 'x'));
  EXPECT_EQ(DecodePacked(ValueType::kSetIntset, IntsetBytes<int32_t>({-70000, 5})), "set intset -70000 5");
  EXPECT_EQ(DecodePacked(ValueType::kSetListpack, Pack({"b", "a", "7"})), "set listpack 7 a b");
  settings_.set_max_intset_entries = 1;
  settings_.set_max_listpack_entries = 1;
  EXPECT_EQ(DecodePacked(ValueType::kSetIntset, IntsetBytes<int64_t>({1, 2})), "set hashtable 1 2");
  EXPECT_EQ(DecodePacked(ValueType::kSetListpack, Pack({"b", "a"})), "set hashtable a b");
  EXPECT_EQ(Decode(ValueType::kSet, RdbBytes().Length(2).Strings({"1", "2"})), "set hashtable 1 2");
}

TEST_F(DecodeValueTest, NothingIsInACollectionTwice) {
  EXPECT_NE(Decode(ValueType::kSet, RdbBytes().Length(2).Strings({"1", "1"})).find("twice"),
            std::string::npos);
  EXPECT_NE(Decode(ValueType::kSet, RdbBytes().Length(2).Strings({"a", "a"})).find("twice"),
            std::string::npos);
  EXPECT_NE(DecodePacked(ValueType::kSetListpack, Pack({"a", "1", "a"})).find("twice"), std::string::npos);
  EXPECT_NE(DecodePacked(ValueType::kSetIntset, IntsetBytes<int16_t>({2, 2})).find("broken"),
            std::string::npos);
  EXPECT_NE(Decode(ValueType::kHash, RdbBytes().Length(2).Strings({"f", "1", "f", "2"})).find("twice"),
            std::string::npos);
  EXPECT_NE(DecodePacked(ValueType::kHashListpack, Pack({"f", "1", "f", "2"})).find("twice"),
            std::string::npos);
  EXPECT_NE(DecodePacked(ValueType::kHashZipmap, Zipmap({"f", "1", "f", "2"})).find("twice"),
            std::string::npos);
  EXPECT_NE(DecodePacked(ValueType::kZsetListpack, Pack({"m", "1", "m", "2"})).find("twice"),
            std::string::npos);
  EXPECT_NE(Decode(ValueType::kZset2, RdbBytes().Length(2).String("m").Double(1).String("m").Double(2))
                .find("twice"),
            std::string::npos);
  settings_.zset_max_listpack_entries = 0;
  EXPECT_NE(Decode(ValueType::kZset2, RdbBytes().Length(2).String("m").Double(1).String("m").Double(2))
                .find("twice"),
            std::string::npos);
}

TEST_F(DecodeValueTest, SortedSetsOfEveryAge) {
  const RdbBytes texts = RdbBytes()
                             .Length(4)
                             .String("b")
                             .Byte(1)
                             .Raw("2")
                             .String("inf")
                             .Byte(254)
                             .String("a")
                             .Byte(3)
                             .Raw("1.5")
                             .String("-inf")
                             .Byte(255);
  EXPECT_EQ(Decode(ValueType::kZset, texts), "zset listpack -inf=-inf a=1.5 b=2 inf=inf");
  const RdbBytes doubles =
      RdbBytes().Length(3).String("c").Double(3).String("b").Double(2).String("a").Double(2);
  EXPECT_EQ(Decode(ValueType::kZset2, doubles), "zset listpack a=2 b=2 c=3");
  EXPECT_EQ(DecodePacked(ValueType::kZsetZiplist, Ziplist({"x", "1.25", "y", "#3"})),
            "zset listpack x=1.25 y=3");
  EXPECT_EQ(DecodePacked(ValueType::kZsetListpack, Pack({"x", "1.25", "y", "3"})),
            "zset listpack x=1.25 y=3");
  settings_.zset_max_listpack_entries = 2;
  EXPECT_EQ(Decode(ValueType::kZset2, doubles), "zset skiplist a=2 b=2 c=3");
  settings_.zset_max_listpack_entries = 1;
  EXPECT_EQ(DecodePacked(ValueType::kZsetListpack, Pack({"x", "1.25", "y", "3"})),
            "zset skiplist x=1.25 y=3");
}

TEST_F(DecodeValueTest, SortedSetsOfAnyOrderAreSorted) {
  RdbBytes bytes;
  bytes.Length(1000);
  for (int i = 0; i < 1000; ++i) bytes.String("m" + std::to_string(i)).Double(i * 7919 % 1000);
  const std::string text = Decode(ValueType::kZset2, bytes);
  EXPECT_EQ(text.substr(0, 23), "zset skiplist m0=0 m679");
  EXPECT_NE(text.find("=998 m"), std::string::npos);
}

TEST_F(DecodeValueTest, SortedSetsWithoutScoresOrOrderAreRefused) {
  EXPECT_NE(Decode(ValueType::kZset, RdbBytes().Length(1).String("m").Byte(253)).find("no number"),
            std::string::npos);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(Decode(ValueType::kZset2, RdbBytes().Length(1).String("m").Double(nan)).find("no number"),
            std::string::npos);
  EXPECT_NE(DecodePacked(ValueType::kZsetListpack, Pack({"m"})).find("without a score"), std::string::npos);
  EXPECT_NE(DecodePacked(ValueType::kZsetListpack, Pack({"m", "x"})).find("order"), std::string::npos);
  EXPECT_NE(DecodePacked(ValueType::kZsetListpack, Pack({"m", "2", "n", "1"})).find("order"),
            std::string::npos);
}

TEST_F(DecodeValueTest, HashesOfEveryAge) {
  EXPECT_EQ(Decode(ValueType::kHash, RdbBytes().Length(2).Strings({"f", "1", "g", "two"})),
            "hash listpack f=1 g=two");
  EXPECT_EQ(DecodePacked(ValueType::kHashZipmap, Zipmap({"f", "1", "g", std::string(300, 'z')}, 3)),
            "hash hashtable f=1 g=" + std::string(300, 'z'));
  EXPECT_EQ(DecodePacked(ValueType::kHashZipmap, Zipmap({"f", "1", "g", "2"}, 2)), "hash listpack f=1 g=2");
  EXPECT_EQ(DecodePacked(ValueType::kHashZiplist, Ziplist({"f", "#1", "g", "two"})),
            "hash listpack f=1 g=two");
  EXPECT_EQ(DecodePacked(ValueType::kHashListpack, Pack({"f", "1", "g", "two"})), "hash listpack f=1 g=two");
  EXPECT_NE(DecodePacked(ValueType::kHashListpack, Pack({"f"})).find("without a value"), std::string::npos);
  const std::string wide(65, 'w');
  EXPECT_EQ(Decode(ValueType::kHash, RdbBytes().Length(2).Strings({"f", "1", "g", wide})),
            "hash hashtable f=1 g=" + wide);
  settings_.hash_max_listpack_entries = 1;
  EXPECT_EQ(DecodePacked(ValueType::kHashListpack, Pack({"f", "1", "g", "two"})), "hash hashtable f=1 g=two");
}

TEST_F(DecodeValueTest, HashesWithFieldExpiries) {
  EXPECT_EQ(Decode(ValueType::kHashMetadataPreGa,
                   RdbBytes().Length(2).Length(0).Strings({"f", "1"}).Length(5000).Strings({"g", "2"})),
            "hash listpackex f=1 g=2@5000");
  const RdbBytes relative = RdbBytes()
                                .Raw(Little<int64_t>(4000))
                                .Length(2)
                                .Length(0)
                                .Strings({"f", "1"})
                                .Length(1001)
                                .Strings({"g", "2"});
  EXPECT_EQ(Decode(ValueType::kHashMetadata, relative), "hash listpackex f=1 g=2@5000");
  EXPECT_EQ(DecodePacked(ValueType::kHashListpackExPreGa, Pack({"g", "2", "5000", "f", "1", "0"})),
            "hash listpackex f=1 g=2@5000");
  const std::string triples = Pack({"g", "2", "5000", "f", "1", "0"});
  EXPECT_EQ(Decode(ValueType::kHashListpackEx, RdbBytes().Raw(Little<int64_t>(5000)).String(triples)),
            "hash listpackex f=1 g=2@5000");
  EXPECT_NE(
      DecodePacked(ValueType::kHashListpackExPreGa, Pack({"f", "1", "0", "g", "2", "5000"})).find("time"),
      std::string::npos);
  EXPECT_NE(DecodePacked(ValueType::kHashListpackExPreGa, Pack({"f", "1", "x"})).find("time"),
            std::string::npos);
  EXPECT_NE(DecodePacked(ValueType::kHashListpackExPreGa, Pack({"f", "1", "0", "f", "2", "0"})).find("twice"),
            std::string::npos);
  settings_.hash_max_listpack_entries = 1;
  EXPECT_EQ(Decode(ValueType::kHashMetadata, relative), "hash hashtable f=1 g=2@5000");
  EXPECT_EQ(DecodePacked(ValueType::kHashListpackExPreGa, triples), "hash hashtable f=1 g=2@5000");
}

TEST_F(DecodeValueTest, ModulesAreNamed) {
  // "hellotype", version 3.
  uint64_t id = 0;
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (char letter : std::string_view("hellotype")) id = id << 6 | kLetters.find(letter);
  EXPECT_NE(Decode(ValueType::kModule2, RdbBytes().Length(id << 10 | 3)).find("\"hellotype\" (version 3)"),
            std::string::npos);
}

// ---- streams

class DecodeStreamTest : public DecodeValueTest {
 protected:
  // One block with the entries 100-1 (f=1) and 100-2 (g=2), and 100-1 deleted if asked for.
  static std::string Block(bool with_deleted = false) {
    ds::Listpack pack;
    pack.Append(int64_t{with_deleted ? 1 : 2});
    pack.Append(int64_t{with_deleted ? 1 : 0});
    for (std::string_view text : {"1", "f", "0"}) pack.Append(text);
    pack.Append(kStreamEntrySameFields | (with_deleted ? kStreamEntryDeleted : 0));
    for (std::string_view text : {"0", "0", "1", "4"}) pack.Append(text);
    for (std::string_view text : {"0", "0", "1", "1", "g", "2", "6"}) pack.Append(text);
    return std::string(pack.View().Raw());
  }
  static RdbBytes WithBlock(const std::string& block, uint64_t length = 2) {
    RdbBytes bytes;
    bytes.Length(1).String(Big64(100) + Big64(1)).String(block);
    bytes.Length(length).Length(100).Length(2);
    return bytes;
  }
};

TEST_F(DecodeStreamTest, TheOldestFormHasNoCounters) {
  EXPECT_EQ(Decode(ValueType::kStreamListpacks, WithBlock(Block()).Length(0)),
            "stream stream length 2 last 100-2 first 100-1 deleted 0-0 added 2 (100-1 f=1) (100-2 g=2)");
  EXPECT_EQ(Decode(ValueType::kStreamListpacks, WithBlock(Block(true), 1).Length(0)),
            "stream stream length 1 last 100-2 first 100-2 deleted 0-0 added 1 (100-2 g=2)");
}

TEST_F(DecodeStreamTest, GroupsAndConsumers) {
  const auto with_group = [](RdbBytes bytes, bool has_active) {
    bytes.Length(1).String("group").Length(100).Length(1);
    if (has_active) bytes.Length(1);
    bytes.Length(1).Id(100, 1).Raw(Little<int64_t>(777)).Length(3);
    bytes.Length(2).String("alice").Raw(Little<int64_t>(800));
    if (has_active) bytes.Raw(Little<int64_t>(801));
    bytes.Length(1).Id(100, 1).String("bob").Raw(Little<int64_t>(900));
    if (has_active) bytes.Raw(Little<int64_t>(-1));
    return bytes.Length(0);
  };
  EXPECT_EQ(
      Decode(ValueType::kStreamListpacks, with_group(WithBlock(Block()), false)),
      "stream stream length 2 last 100-2 first 100-1 deleted 0-0 added 2 (100-1 f=1) (100-2 g=2) group group "
      "last 100-1 read 1 consumer alice 800 800 [ 100-1 777 3 ] consumer bob 900 900 [ ]");
  RdbBytes third = WithBlock(Block());
  third.Length(100).Length(1).Length(99).Length(5).Length(7);
  EXPECT_EQ(Decode(ValueType::kStreamListpacks3, with_group(third, true)),
            "stream stream length 2 last 100-2 first 100-1 deleted 99-5 added 7 (100-1 f=1) (100-2 g=2) "
            "group group "
            "last 100-1 read 1 consumer alice 800 801 [ 100-1 777 3 ] consumer bob 900 -1 [ ]");
}

TEST_F(DecodeStreamTest, AnEmptyStreamIsAValue) {
  EXPECT_EQ(Decode(ValueType::kStreamListpacks, RdbBytes().Length(0).Length(0).Length(5).Length(6).Length(0)),
            "stream stream length 0 last 5-6 first 0-0 deleted 0-0 added 0");
}

TEST_F(DecodeStreamTest, WhatDoesNotAgreeIsRefused) {
  EXPECT_NE(Decode(ValueType::kStreamListpacks, WithBlock(Block(), 3).Length(0)).find("counters"),
            std::string::npos);
  EXPECT_NE(Decode(ValueType::kStreamListpacks, WithBlock("broken").Length(0)).find("broken"),
            std::string::npos);
  RdbBytes no_consumer = WithBlock(Block());
  no_consumer.Length(1)
      .String("g")
      .Length(100)
      .Length(1)
      .Length(1)
      .Id(100, 1)
      .Raw(Little<int64_t>(7))
      .Length(1);
  EXPECT_NE(Decode(ValueType::kStreamListpacks, no_consumer.Length(0)).find("no consumer"),
            std::string::npos);
  RdbBytes stray = WithBlock(Block());
  stray.Length(1).String("g").Length(100).Length(1).Length(0);
  stray.Length(1).String("c").Raw(Little<int64_t>(7)).Length(1).Id(100, 1);
  EXPECT_NE(Decode(ValueType::kStreamListpacks, stray).find("pending with a consumer"), std::string::npos);
  RdbBytes twice = RdbBytes().Length(2);
  twice.String(Big64(100) + Big64(1)).String(Block()).String(Big64(100) + Big64(1)).String(Block());
  EXPECT_NE(Decode(ValueType::kStreamListpacks, twice).find("order"), std::string::npos);
}

}  // namespace
}  // namespace hearth::rdb
