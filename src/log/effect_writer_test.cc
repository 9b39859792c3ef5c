#include "log/effect_writer.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "base/numbers.h"

namespace hearth::log {
namespace {

class EffectWriterTest : public ::testing::Test {
 protected:
  void Append(int database, std::initializer_list<std::string_view> args) {
    writer_.Append(database, {args.begin(), args.size()});
  }
  // Everything since the last call, line ends as spaces.
  std::string Take() {
    std::string text = TakeRaw();
    std::string words;
    for (const char c : text) {
      if (c == '\r') continue;
      words += c == '\n' ? ' ' : c;
    }
    return words;
  }
  std::string TakeRaw() {
    std::vector<LogSpan> spans;
    cursor_.MoveTo(cursor_.Collect(UINT64_MAX / 2, spans));
    std::string text;
    for (const LogSpan& span : spans) text += span.bytes;
    return text;
  }

  WriteLog log_;
  LogCursor cursor_ = log_.CursorAtEnd(LogCursor::Sees::kCommands);
  EffectWriter writer_{log_};
};

// What a Redis 7.0.15 wrote to its incremental file for the same commands.
TEST_F(EffectWriterTest, WritesWhatRedisWrites) {
  writer_.BeginUnit();
  Append(0, {"SET", "a", "1"});
  Append(0, {"SET", "b", "2"});
  writer_.EndUnit();
  Append(3, {"SET", "c", "3"});
  writer_.BeginUnit();
  Append(3, {"SET", "q", "1"});
  Append(0, {"SET", "w", "1"});
  writer_.EndUnit();
  Append(5, {"SET", "zz", "1"});
  Append(5, {"SET", "e", "v", "PXAT", "1795271246756"});
  EXPECT_EQ(Take(),
            "*2 $6 SELECT $1 0 *1 $5 MULTI *3 $3 SET $1 a $1 1 *3 $3 SET $1 b $1 2 *1 $4 EXEC "
            "*2 $6 SELECT $1 3 *3 $3 SET $1 c $1 3 *1 $5 MULTI *3 $3 SET $1 q $1 1 *2 $6 SELECT $1 0 "
            "*3 $3 SET $1 w $1 1 *1 $4 EXEC *2 $6 SELECT $1 5 *3 $3 SET $2 zz $1 1 "
            "*5 $3 SET $1 e $1 v $4 PXAT $13 1795271246756 ");
}

TEST_F(EffectWriterTest, SaysTheDatabaseAgainWhenAsked) {
  Append(0, {"DEL", "k"});
  Append(0, {"DEL", "k"});
  EXPECT_EQ(Take(), "*2 $6 SELECT $1 0 *2 $3 DEL $1 k *2 $3 DEL $1 k ");
  EXPECT_EQ(writer_.database(), 0);
  writer_.ForgetDatabase();
  EXPECT_EQ(writer_.database(), -1);
  Append(0, {"DEL", "k"});
  EXPECT_EQ(Take(), "*2 $6 SELECT $1 0 *2 $3 DEL $1 k ");
  writer_.set_database(12);
  Append(12, {"DEL", "k"});
  EXPECT_EQ(Take(), "*2 $3 DEL $1 k ");
}

TEST_F(EffectWriterTest, AUnitWithoutEffectsLeavesNoTrace) {
  writer_.BeginUnit();
  writer_.EndUnit();
  EXPECT_EQ(Take(), "");
}

TEST_F(EffectWriterTest, ArgumentsOfAnySizeComeOutWhole) {
  for (const size_t size : {0, 1, 4000, 4070, 4071, 4096, 70'000, 1'000'000}) {
    std::string value(size, 'v');
    for (size_t i = 0; i < size; i += 7) value[i] = static_cast<char>(i);
    writer_.ForgetDatabase();
    Append(0, {"SET", value, "tail"});
    const std::string length = ToString(static_cast<int64_t>(size));
    EXPECT_EQ(TakeRaw(), "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$" + length + "\r\n" + value +
                             "\r\n$4\r\ntail\r\n");
  }
}

}  // namespace
}  // namespace hearth::log
