#include "aof/reader.h"

#include <gtest/gtest.h>

#include "base/numbers.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "env/testing/faulty_disk.h"

namespace hearth::aof {
namespace {

std::string Command(const std::vector<std::string>& args) {
  std::string text = "*" + ToString(static_cast<int64_t>(args.size())) + "\r\n";
  for (const std::string& arg : args)
    text += "$" + ToString(static_cast<int64_t>(arg.size())) + "\r\n" + arg + "\r\n";
  return text;
}

class ReaderTest : public ::testing::Test {
 protected:
  // The items of a file, one a line, and how it ends.
  std::string Read(const std::string& bytes, uint64_t start = 0) {
    disk_.Put("file", bytes);
    file_ = std::move(*disk_.Open("file", env::OpenMode::kRead));
    auto reader = Reader::Open(*file_, start);
    if (!reader) return reader.error().message;
    std::string items;
    for (;;) {
      const auto kind = reader->Next();
      if (!kind) return items + "error: " + kind.error().message;
      if (*kind == Reader::Kind::kEnd)
        return items + "end " + ToString(static_cast<int64_t>(reader->offset()));
      if (*kind == Reader::Kind::kTruncated)
        return items + "truncated " + ToString(static_cast<int64_t>(reader->offset()));
      if (*kind == Reader::Kind::kAnnotation) items += std::string(reader->annotation());
      for (const std::string_view arg : reader->args()) items += "[" + std::string(arg) + "]";
      items += "\n";
    }
  }

  env::FaultyDisk disk_;
  std::unique_ptr<env::File> file_;
};

TEST_F(ReaderTest, ReadsCommandsAndAnnotations) {
  EXPECT_EQ(Read("#TS:17\r\n" + Command({"SET", "a", ""}) + "#x\n" + Command({"FLUSHALL"})),
            "#TS:17\n[SET][a][]\n#x\n[FLUSHALL]\nend 55");
  EXPECT_EQ(Read(""), "end 0");
  EXPECT_EQ(Read("REDIS" + Command({"PING"}), 5), "[PING]\nend 19");
}

TEST_F(ReaderTest, EveryCutIsATruncationAtTheLastWholeCommand) {
  const std::string first = Command({"SET", "key", "value\r\n*1"});
  const std::string second = "#TS:1\r\n";
  const std::string third = Command({"DEL", "key"});
  const std::string all = first + second + third;
  for (size_t size = 0; size < all.size(); ++size) {
    const size_t sound = size < first.size()                   ? 0
                         : size < first.size() + second.size() ? first.size()
                                                               : first.size() + second.size();
    const std::string end =
        std::string(size == sound ? "end " : "truncated ") + ToString(static_cast<int64_t>(sound));
    const std::string got = Read(all.substr(0, size));
    EXPECT_TRUE(got.ends_with(end)) << size << ": " << got;
  }
}

TEST_F(ReaderTest, SaysAtWhichByteTheFileIsWrong) {
  const std::string good = Command({"PING"});
  EXPECT_EQ(Read(good + "x"), "[PING]\nerror: Expected '*', found 'x', at byte 14");
  EXPECT_EQ(Read(std::string("\0\0", 2)), "error: Expected '*', found byte 0x00, at byte 0");
  EXPECT_EQ(Read("*0\r\n"), "error: Invalid number of arguments at byte 1");
  EXPECT_EQ(Read("*x\r\n"), "error: Invalid number of arguments at byte 1");
  EXPECT_EQ(Read("*1\r\n$-1\r\n"), "error: Invalid length of an argument at byte 5");
  EXPECT_EQ(Read("*1\r\n:1\r\n"), "error: Expected '$', found ':', at byte 4");
  EXPECT_EQ(Read("*1\r\n$1\r\nabc\r\n"), "error: Expected CR LF behind an argument at byte 9");
  EXPECT_EQ(Read("*1\n"), "error: Expected CR LF behind a number at byte 2");
  EXPECT_EQ(Read("*" + std::string(100, '1')), "error: Number without an end at byte 0");
  EXPECT_EQ(Read("#" + std::string(5000, '1') + "\n"), "error: Annotation without an end at byte 0");
}

TEST_F(ReaderTest, HugeClaimsCostNothing) {
  EXPECT_EQ(Read("*1\r\n$4000000000000000000\r\nabc"), "truncated 0");
  EXPECT_EQ(Read("*4000000000000000000\r\n$1\r\na\r\n"), "truncated 0");
  EXPECT_EQ(Read("*1\r\n$9223372036854775807\r\nabc"), "error: Invalid length of an argument at byte 5");
}

TEST_F(ReaderTest, ReadsLargeFilesPiecewise) {
  Prng prng(TestSeed());
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 400; ++i) {
    const std::string value(prng.Below(prng.Below(20) == 0 ? 600'000 : 2000),
                            static_cast<char>('a' + i % 26));
    bytes += Command({"SET", ToString(i), value});
    expected += "[SET][" + ToString(i) + "][" + value + "]\n";
  }
  expected += "end " + ToString(static_cast<int64_t>(bytes.size()));
  EXPECT_TRUE(Read(bytes) == expected);
}

TEST(Annotations, OfTimeHaveSeconds) {
  EXPECT_EQ(TimestampOf("#TS:1700000000"), 1700000000);
  EXPECT_EQ(TimestampOf("#TS:"), std::nullopt);
  EXPECT_EQ(TimestampOf("#TS:1x"), std::nullopt);
  EXPECT_EQ(TimestampOf("#other"), std::nullopt);
}

}  // namespace
}  // namespace hearth::aof
