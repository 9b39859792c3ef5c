#include "resp/reply_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth::resp {
namespace {

// One line per value: enough to compare trees.
std::string Show(const Reply& reply) {
  std::string text =
      std::to_string(static_cast<int>(reply.kind)) + "(" + std::to_string(reply.integer) + reply.text;
  for (const Reply& element : reply.elements) text += "," + Show(element);
  return text + ")";
}

std::vector<std::string> ParseInPieces(std::string_view input, size_t piece_size, bool* failed) {
  ReplyParser parser;
  std::vector<std::string> replies;
  *failed = false;
  while (!input.empty()) {
    std::string_view piece = input.substr(0, piece_size);
    input.remove_prefix(piece.size());
    while (!piece.empty()) {
      const auto complete = parser.Feed(piece);
      if (!complete) {
        *failed = true;
        return replies;
      }
      if (*complete) replies.push_back(Show(parser.TakeReply()));
    }
  }
  return replies;
}

Reply ParseOne(std::string_view input) {
  ReplyParser parser;
  const auto complete = parser.Feed(input);
  EXPECT_TRUE(complete.has_value() && *complete);
  EXPECT_TRUE(input.empty());
  return parser.TakeReply();
}

TEST(ReplyParser, ReadsEveryType) {
  EXPECT_EQ(ParseOne("+OK\r\n").text, "OK");
  EXPECT_TRUE(ParseOne("-ERR no\r\n").is_error());
  EXPECT_EQ(ParseOne(":-42\r\n").integer, -42);
  EXPECT_EQ(ParseOne("$3\r\na\r\n\r\n").text, "a\r\n");
  EXPECT_TRUE(ParseOne("$-1\r\n").is_null());
  EXPECT_TRUE(ParseOne("*-1\r\n").is_null());
  EXPECT_TRUE(ParseOne("_\r\n").is_null());
  EXPECT_EQ(ParseOne("#t\r\n").integer, 1);
  EXPECT_EQ(ParseOne(",1.5\r\n").number, 1.5);
  EXPECT_EQ(ParseOne("(12345678901234567890\r\n").text, "12345678901234567890");
  EXPECT_EQ(ParseOne("=6\r\ntxt:hi\r\n").text, "hi");
  EXPECT_EQ(ParseOne("!5\r\nERR x\r\n").kind, Reply::Kind::kError);
  EXPECT_EQ(ParseOne("%1\r\n+a\r\n:1\r\n").elements.size(), 2u);
  EXPECT_EQ(ParseOne("~2\r\n:1\r\n:2\r\n").kind, Reply::Kind::kSet);
  EXPECT_EQ(ParseOne(">1\r\n+x\r\n").kind, Reply::Kind::kPush);
  EXPECT_EQ(ParseOne("*0\r\n").elements.size(), 0u);
}

TEST(ReplyParser, DropsAttributesAndKeepAliveNewlines) {
  EXPECT_EQ(ParseOne("\n\n|1\r\n+key\r\n*1\r\n:5\r\n+OK\r\n").text, "OK");
}

TEST(ReplyParser, GivesTheSameTreeHoweverTheInputIsCut) {
  const std::string input =
      "*3\r\n*2\r\n:1\r\n$5\r\nhello\r\n%1\r\n+k\r\n_\r\n=7\r\ntxt:abc\r\n+OK\r\n\n-ERR x\r\n";
  bool failed = false;
  const auto whole = ParseInPieces(input, input.size(), &failed);
  ASSERT_FALSE(failed);
  ASSERT_EQ(whole.size(), 3u);
  for (size_t size = 1; size < input.size(); ++size) {
    EXPECT_EQ(ParseInPieces(input, size, &failed), whole) << size;
    EXPECT_FALSE(failed);
  }
}

TEST(ReplyParser, RefusesWhatIsNotTheProtocol) {
  for (const char* input : {"hello\r\n", ":x\r\n", "$-2\r\n", "$3\r\nabcd\r\n", "*-3\r\n", "#x\r\n", "+no\n",
                            "=2\r\nab\r\n", "\r\n", "%99999999999\r\n"}) {
    bool failed = false;
    ParseInPieces(input, 100, &failed);
    EXPECT_TRUE(failed) << input;
  }
}

TEST(ReplyParser, BoundsDepthElementsAndBulks) {
  const ReplyLimits limits{.max_depth = 3, .max_bulk_bytes = 10, .max_elements = 5};
  for (std::string text :
       {"*1\r\n*1\r\n*1\r\n*1\r\n", "$11\r\n", "*6\r\n", "*3\r\n*3\r\n:1\r\n:1\r\n:1\r\n:1\r\n"}) {
    ReplyParser parser(limits);
    std::string_view input = text;
    EXPECT_FALSE(parser.Feed(input).has_value()) << text;
  }
}

}  // namespace
}  // namespace hearth::resp
