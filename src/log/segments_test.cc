#include "log/segments.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "env/testing/faulty_disk.h"

namespace hearth::log {
namespace {

const std::string kFirstId(40, 'a');
const std::string kSecondId(40, 'b');
constexpr uint64_t kAllowance = 1024 * 1024;

std::string Letters(Prng& prng, size_t size) {
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>('a' + prng.Below(26));
  return text;
}

class SegmentsTest : public ::testing::Test {
 protected:
  SegmentsTest() { log_.SetLevel(LogLevel::kNothing); }

  std::unique_ptr<Segments> Make(uint64_t max_bytes = kAllowance) {
    return std::make_unique<Segments>(disk_, log_, Segments::Options{"log", max_bytes});
  }
  // Everything from `offset` to the end, or the error.
  std::string Read(Segments& segments, uint64_t offset) {
    SegmentReader reader(segments);
    std::string all;
    std::string piece;
    for (;;) {
      if (const Status read = reader.Read(offset, piece); !read) return read.error().message;
      if (piece.empty()) return all;
      offset += piece.size();
      all += piece;
    }
  }
  static std::vector<std::string> NamesOf(const Segments::Recovered& recovered) {
    std::vector<std::string> names;
    for (const auto& name : recovered.names)
      names.push_back(name.id.substr(0, 1) + " until " + std::to_string(name.end_offset));
    return names;
  }
  std::string LastPath() { return "log/" + disk_.List("log").value().back(); }

  env::FaultyDisk disk_;
  Logger log_;
};

TEST_F(SegmentsTest, GivesBackWhatWasAppendedAfterARestart) {
  {
    auto segments = Make();
    EXPECT_FALSE(segments->Recover().value().has_value());
    ASSERT_TRUE(segments->Begin(kFirstId, 1000).has_value());
    ASSERT_TRUE(segments->Append(1000, "hello ").has_value());
    ASSERT_TRUE(segments->Append(1006, "world").has_value());
    EXPECT_EQ(Read(*segments, 1003), "lo world");
    ASSERT_TRUE(segments->Close("a note").has_value());
  }
  auto segments = Make();
  const auto recovered = segments->Recover().value();
  ASSERT_TRUE(recovered.has_value());
  EXPECT_EQ(recovered->start_offset, 1000u);
  EXPECT_EQ(recovered->end_offset, 1011u);
  EXPECT_EQ(NamesOf(*recovered), (std::vector<std::string>{"a until 1011"}));
  EXPECT_TRUE(recovered->is_complete);
  EXPECT_EQ(recovered->end_note, "a note");
  ASSERT_TRUE(segments->Append(1011, "!").has_value());
  EXPECT_EQ(Read(*segments, 1000), "hello world!");
  EXPECT_FALSE(Make()->Recover().value()->is_complete);
  EXPECT_NE(Read(*segments, 999).find("does not reach back"), std::string::npos);
  EXPECT_NE(Read(*segments, 1013).find("does not reach back"), std::string::npos);
}

TEST_F(SegmentsTest, StaysWithinItsAllowanceByTheOldestSegments) {
  Prng prng(TestSeed());
  auto segments = Make();
  ASSERT_TRUE(segments->Begin(kFirstId, 0).has_value());
  std::string all;
  while (all.size() < 5 * kAllowance) {
    const std::string piece = Letters(prng, 1 + prng.Below(20'000));
    ASSERT_TRUE(segments->Append(all.size(), piece).has_value());
    all += piece;
    ASSERT_LE(segments->disk_bytes(), kAllowance);
  }
  EXPECT_GT(all.size() - segments->start_offset(), kAllowance * 3 / 4);
  EXPECT_TRUE(Read(*segments, segments->start_offset()) == all.substr(segments->start_offset()));
  segments->SetMaxBytes(kAllowance / 2);
  EXPECT_LE(segments->disk_bytes(), kAllowance / 2);
  auto again = Make();
  const auto recovered = again->Recover().value();
  EXPECT_EQ(recovered->start_offset, segments->start_offset());
  EXPECT_EQ(recovered->end_offset, all.size());
  const uint64_t from = recovered->start_offset + prng.Below(all.size() - recovered->start_offset);
  EXPECT_TRUE(Read(*again, from) == all.substr(from));
}

TEST_F(SegmentsTest, CanBeCutAtAnyOffsetAndGoesOnFromThere) {
  Prng prng(TestSeed());
  std::string all;
  const auto fill = [&](Segments& segments) {
    while (all.size() < kAllowance / 2) {
      const std::string piece = Letters(prng, 1 + prng.Below(30'000));
      ASSERT_TRUE(segments.Append(all.size(), piece).has_value());
      all += piece;
    }
  };
  {
    auto segments = Make();
    ASSERT_TRUE(segments->Begin(kFirstId, 0).has_value());
    fill(*segments);
    ASSERT_TRUE(segments->Close({}).has_value());
  }
  for (int round = 0; round < 40; ++round) {
    auto segments = Make();
    ASSERT_EQ(segments->Recover().value()->end_offset, all.size());
    const uint64_t offset = round == 0 ? all.size() : prng.Below(all.size() + 1);
    ASSERT_TRUE(segments->CutAt(offset).has_value());
    all.resize(offset);
    EXPECT_EQ(segments->end_offset(), offset);
    EXPECT_TRUE(Read(*segments, 0) == all);
    auto again = Make();
    const auto recovered = again->Recover().value();
    ASSERT_EQ(recovered->end_offset, offset);
    EXPECT_FALSE(recovered->is_complete);
    fill(*again);
    EXPECT_TRUE(Read(*again, 0) == all);
  }
}

TEST_F(SegmentsTest, AnOrderlyEndInTheMiddleIsNotReadAsLog) {
  auto segments = Make();
  ASSERT_TRUE(segments->Begin(kFirstId, 5).has_value());
  ASSERT_TRUE(segments->Append(5, "before").has_value());
  ASSERT_TRUE(segments->Close("nobody reads this").has_value());
  ASSERT_TRUE(segments->Append(11, "after").has_value());
  EXPECT_EQ(Read(*segments, 5), "beforeafter");
  const auto recovered = Make()->Recover().value();
  EXPECT_EQ(recovered->end_offset, 16u);
  EXPECT_FALSE(recovered->is_complete);
}

TEST_F(SegmentsTest, RemembersTheIdBefore) {
  auto segments = Make();
  ASSERT_TRUE(segments->Begin(kFirstId, 10).has_value());
  ASSERT_TRUE(segments->Append(10, "old").has_value());
  ASSERT_TRUE(segments->ChangeId(kSecondId).has_value());
  ASSERT_TRUE(segments->Append(13, "new").has_value());
  EXPECT_EQ(Read(*segments, 11), "ldnew");
  const auto recovered = Make()->Recover().value();
  EXPECT_EQ(recovered->start_offset, 10u);
  EXPECT_EQ(NamesOf(*recovered), (std::vector<std::string>{"a until 13", "b until 16"}));
}

TEST_F(SegmentsTest, AnEmptySegmentTakesTheNewId) {
  auto segments = Make();
  ASSERT_TRUE(segments->Begin(kFirstId, 10).has_value());
  ASSERT_TRUE(segments->ChangeId(kSecondId).has_value());
  ASSERT_TRUE(segments->Append(10, "x").has_value());
  const auto recovered = Make()->Recover().value();
  EXPECT_EQ(NamesOf(*recovered), (std::vector<std::string>{"b until 11"}));
}

TEST_F(SegmentsTest, EveryTornTailIsCutOffAtTheLastWholeRecord) {
  auto segments = Make();
  ASSERT_TRUE(segments->Begin(kFirstId, 0).has_value());
  ASSERT_TRUE(segments->Append(0, "first").has_value());
  const size_t sound = disk_.Contents(LastPath()).size();
  ASSERT_TRUE(segments->Append(5, "second").has_value());
  const std::string path = LastPath();
  const std::string whole = disk_.Contents(path);
  for (size_t size = 0; size < whole.size(); ++size) {
    disk_.Put(path, whole.substr(0, size));
    auto torn = Make();
    const auto recovered = torn->Recover().value();
    ASSERT_EQ(recovered.has_value(), size >= kSegmentHeaderBytes) << size;
    if (!recovered) continue;
    EXPECT_EQ(recovered->end_offset, size >= sound ? 5u : 0u);
    ASSERT_TRUE(torn->Append(recovered->end_offset, "more").has_value());
    EXPECT_EQ(Read(*torn, 0), size >= sound ? "firstmore" : "more");
  }
}

TEST_F(SegmentsTest, AFlippedBitIsNeverReadAsLog) {
  Prng prng(TestSeed());
  auto segments = Make();
  ASSERT_TRUE(segments->Begin(kFirstId, 0).has_value());
  std::string all;
  for (int i = 0; i < 50; ++i) {
    const std::string piece = Letters(prng, 1 + prng.Below(50));
    ASSERT_TRUE(segments->Append(all.size(), piece).has_value());
    all += piece;
  }
  const std::string path = LastPath();
  const std::string whole = disk_.Contents(path);
  for (int round = 0; round < 300; ++round) {
    std::string broken = whole;
    broken[prng.Below(broken.size())] ^= static_cast<char>(1 << prng.Below(8));
    disk_.Put(path, broken);
    const std::string read = Read(*segments, 0);
    EXPECT_TRUE(read == all || read.find("damaged") != std::string::npos) << read;
    auto again = Make();
    const auto recovered = again->Recover().value();
    if (recovered) {
      EXPECT_TRUE(all.starts_with(Read(*again, 0)));
    }
  }
}

TEST_F(SegmentsTest, KeepsOnlyTheNewestUnbrokenChain) {
  Prng prng(TestSeed());
  auto segments = Make();
  ASSERT_TRUE(segments->Begin(kFirstId, 0).has_value());
  uint64_t offset = 0;
  while (disk_.List("log").value().size() < 5) {
    ASSERT_TRUE(segments->Append(offset, Letters(prng, 10'000)).has_value());
    offset += 10'000;
  }
  const auto names = disk_.List("log").value();
  ASSERT_TRUE(disk_.Remove("log/" + names[2]).has_value());
  const auto recovered = Make()->Recover().value();
  EXPECT_EQ(recovered->start_offset, ParseSegmentName(names[3]));
  EXPECT_EQ(disk_.List("log").value(), (std::vector<std::string>{names[3], names[4]}));
}

TEST_F(SegmentsTest, AfterAFullDiskTheSameBytesCanBeAppendedAgain) {
  auto segments = Make();
  ASSERT_TRUE(segments->Begin(kFirstId, 0).has_value());
  ASSERT_TRUE(segments->Append(0, "first").has_value());
  for (uint64_t space = 0; space < 30; ++space) {
    disk_.SetSpace(space);
    EXPECT_FALSE(segments->Append(5, "second").has_value());
    EXPECT_EQ(segments->end_offset(), 5u);
    EXPECT_EQ(Read(*segments, 0), "first");
  }
  disk_.SetSpace(UINT64_MAX);
  ASSERT_TRUE(segments->Append(5, "second").has_value());
  EXPECT_EQ(Read(*segments, 0), "firstsecond");
  EXPECT_EQ(Read(*Make(), 0).find("first"), std::string::npos);
  auto again = Make();
  EXPECT_EQ(again->Recover().value()->end_offset, 11u);
}

TEST_F(SegmentsTest, ComesThroughCrashesWithAPrefixThatReachesTheLastSync) {
  Prng prng(TestSeed());
  std::string all;
  uint64_t synced = 0;
  auto segments = Make();
  ASSERT_TRUE(segments->Begin(kFirstId, 0).has_value());
  ASSERT_TRUE(segments->Sync().has_value());
  for (int round = 0; round < 400; ++round) {
    const std::string piece = Letters(prng, 1 + prng.Below(6000));
    ASSERT_TRUE(segments->Append(all.size(), piece).has_value());
    all += piece;
    if (prng.Below(5) == 0) {
      ASSERT_TRUE(segments->Sync().has_value());
      synced = all.size();
    }
    if (prng.Below(15) != 0) continue;
    disk_.Crash(prng);
    segments = Make();
    const auto recovered = segments->Recover().value();
    ASSERT_TRUE(recovered.has_value());
    ASSERT_GE(recovered->end_offset, synced);
    ASSERT_LE(recovered->end_offset, all.size());
    all.resize(recovered->end_offset);
    synced = all.size();
    ASSERT_TRUE(Read(*segments, recovered->start_offset) == all.substr(recovered->start_offset));
    ASSERT_TRUE(segments->Sync().has_value());
  }
}

TEST(SegmentNames, SortAsTheirOffsets) {
  EXPECT_EQ(SegmentName(1024), "00000000000000001024.log");
  EXPECT_EQ(ParseSegmentName("00000000000000001024.log"), 1024u);
  EXPECT_EQ(ParseSegmentName("00000000000000000000.log"), 0u);
  EXPECT_EQ(ParseSegmentName("18446744073709551615.log"), UINT64_MAX);
  EXPECT_EQ(ParseSegmentName("99999999999999999999.log"), std::nullopt);
  EXPECT_EQ(ParseSegmentName("0000000000000000102x.log"), std::nullopt);
  EXPECT_EQ(ParseSegmentName("notes.txt"), std::nullopt);
}

}  // namespace
}  // namespace hearth::log
