#include "base/text.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth {
namespace {

struct GlobCase {
  const char* pattern;
  const char* text;
  bool matches;
};

TEST(GlobMatch, KnowsStarsMarksAndClasses) {
  const GlobCase cases[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", false},
      {"*", "abc", true},
      {"a*c", "abbc", true},
      {"a*c", "abbd", false},
      {"h?llo", "hello", true},
      {"h?llo", "hllo", false},
      {"h[ae]llo", "hallo", true},
      {"h[^e]llo", "hello", false},
      {"h[a-b]llo", "hbllo", true},
      {"h[b-a]llo", "hbllo", true},
      {"\\*", "*", true},
      {"\\*", "a", false},
      {"a\\", "a\\", true},
      {"**a**", "bab", true},
      {"*a*b*", "xaxbx", true},
      {"news.*", "news.art", true},
      {"[\\]]", "]", true},
  };
  for (const auto& c : cases)
    EXPECT_EQ(GlobMatch(c.pattern, c.text), c.matches) << c.pattern << " " << c.text;
}

// Verdicts of a real Redis 7.0 (KEYS with the pattern over a database that holds just the text).
const GlobCase kOddPatterns[] = {
    {"*\\", "BbB\\", true},
    {"[ba**-b", "b", true},
    {"*[[bA\\-", "bB-", true},
    {"[[AA[?-*", "-", true},
    {"[^]", "-", true},
    {"*A[*?\\\\", "-A\\", true},
    {"**?\?\\\\", "a\\B\\", true},
    {"[^Ab", "\\", true},
    {"[^", "-", true},
    {"\\A?", "A\\", true},
    {"[ba\\b^-a", "b", true},
    {"?\\", "a\\", true},
    {"*[[a-A*", "B\\]", true},
    {"*[Ab^-\\[", "A]\\", true},
    {"[A^A\\", "A", true},
    {"[^*aa\\*-", "B", true},
    {"[aab^]?", "aB", true},
    {"[A[aA", "a", true},
    {"\\", "\\", true},
    {"*[^aAb", "-", true},
    {"[^a\\", "-", true},
    {"[\\\\*^\\\\b", "b", true},
    {"[--\\]", "B", true},
    {"*[aA[^]*", "AB", true},
    {"[^*]***", "Aa", true},
    {"[[\\", "\\", true},
    {"*[^\\Ab?", "]]aAB", true},
    {"[^^^-a?[", "b", true},
    {"**[?a-[", "\\]", true},
    {"**[^*\\", "-b", true},
    {"*[\\b\\\\\\[", "A\\]-b", true},
    {"*[a^--A?", "-B", true},
    {"*\\]", "]", true},
    {"?\\a", "-a", true},
    {"*?[^", "\\\\BA-", true},
    {"^\\bA]a[\\", "A]\\ba", false},
    {"b][?*-", "b]B]", false},
    {"[a", "-\\A]B", false},
    {"b[b]^[A[", "-", false},
    {"\\*[A", "b", false},
    {"[a?[\\", "\\]]", false},
    {"b^b[]b?b", "bA", false},
    {"^[", "A-", false},
    {"\\AaA[^", "abb", false},
    {"?Ab-a][A", "abbaA", false},
    {"[]][[", "B\\]-", false},
    {"-]-[^\\\\A", "BB-", false},
    {"*\\A[^^?", "b]b", false},
    {"?[", "B\\", false},
    {"]?[", "ab]ab", false},
    {"A^^b[*^", "-bBb", false},
    {"[*\\a\\Aa*", "]-AB", false},
    {"ab\\ab[^a", "]A", false},
    {"\\-][b*A", "]A", false},
    {"a?bA*?[]", "B-A]]", false},
    {"[A", "]A", false},
    {"[b^ab-Ab", "A]Ba", false},
    {"][*b", "--", false},
    {"[^b", "-AAbA", false},
    {"^A[[[b[?", "B]BB", false},
    {"[\\bb[", "Aa", false},
    {"]][?[^", "\\]", false},
    {"^[[b", "B", false},
    {"[b-^^", "-A\\", false},
    {"^[[\\A", "A", false},
    {"[", "Aaa", false},
    {"[\\", "]--", false},
    {"b?[aab\\\\", "A", false},
    {"*[][A", "A-", false},
    {"[-b", "b-]]A", false},
};

TEST(GlobMatch, AgreesWithRedisOnOddPatterns) {
  for (const auto& c : kOddPatterns)
    EXPECT_EQ(GlobMatch(c.pattern, c.text), c.matches) << c.pattern << " " << c.text;
}

TEST(GlobMatch, CanIgnoreCase) {
  EXPECT_TRUE(GlobMatch("MAX*", "maxmemory", true));
  EXPECT_TRUE(GlobMatch("[A-C]x", "bX", true));
  EXPECT_FALSE(GlobMatch("MAX*", "maxmemory"));
}

TEST(GlobMatch, ManyStarsStayCheap) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "a*";
  EXPECT_FALSE(GlobMatch(pattern + "b", std::string(20000, 'a')));
}

TEST(ToLower, FoldsAsciiOnly) {
  EXPECT_EQ(ToLower("AbZ\xc4"), "abz\xc4");
  EXPECT_EQ(ToUpper("aBz\xe4"), "ABZ\xe4");
  EXPECT_TRUE(EqualsIgnoreCase("GeT", "gEt"));
  EXPECT_FALSE(EqualsIgnoreCase("get", "gets"));
  EXPECT_FALSE(EqualsIgnoreCase("@", "`"));
}

TEST(SplitArguments, HonoursQuotesAndEscapes) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(SplitArguments("set a 1"), (Words{"set", "a", "1"}));
  EXPECT_EQ(SplitArguments("  a\t b \r\n"), (Words{"a", "b"}));
  EXPECT_EQ(SplitArguments(""), Words{});
  EXPECT_EQ(SplitArguments(R"("a b" 'c d' "\x41\n\"" 'it\'s' "")"),
            (Words{"a b", "c d", "A\n\"", "it's", ""}));
  EXPECT_EQ(SplitArguments(R"(a"b c")"), (Words{"ab c"}));
  EXPECT_EQ(SplitArguments(R"('\n')"), (Words{"\\n"}));
  EXPECT_EQ(SplitArguments("\v\fa\fb\v 'c'\fd"), (Words{"a\fb\v", "c", "d"}));
  for (const char* bad : {"\"open", "'open", "\"a\"b", "'a'b", "\"a\\\""}) {
    EXPECT_FALSE(SplitArguments(bad).has_value()) << bad;
  }
}

TEST(Quote, IsReadBackBySplitArguments) {
  EXPECT_EQ(Quote("a\"\\\n\x01 z"), "\"a\\\"\\\\\\n\\x01 z\"");
  Prng prng(TestSeed());
  for (int i = 0; i < 2000; ++i) {
    std::string text(prng.Below(20), ' ');
    for (char& c : text) c = static_cast<char>(prng.Next());
    EXPECT_EQ(SplitArguments(Quote(text)), std::vector<std::string>{text});
  }
}

}  // namespace
}  // namespace hearth
