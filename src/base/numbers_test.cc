#include "base/numbers.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth {
namespace {

TEST(ParseInt64, TakesCanonicalFormsOnly) {
  EXPECT_EQ(ParseInt64("0"), 0);
  EXPECT_EQ(ParseInt64("-1"), -1);
  EXPECT_EQ(ParseInt64("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(ParseInt64("-9223372036854775808"), INT64_MIN);
  for (const char* bad : {"", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1.0", "9223372036854775808",
                          "-9223372036854775809", "99999999999999999999999", "0x1", "1e3"}) {
    EXPECT_FALSE(ParseInt64(bad).has_value()) << bad;
  }
}

TEST(ParseUint64, ReachesTwoToThe64) {
  EXPECT_EQ(ParseUint64("18446744073709551615"), UINT64_MAX);
  EXPECT_FALSE(ParseUint64("18446744073709551616").has_value());
  EXPECT_FALSE(ParseUint64("-1").has_value());
  EXPECT_FALSE(ParseUint64("99999999999999999999").has_value());
}

TEST(FormatInt64, ReadsBackEqual) {
  Prng prng(TestSeed());
  for (int i = 0; i < 10000; ++i) {
    const auto value = static_cast<int64_t>(prng.Next() >> prng.Below(64));
    EXPECT_EQ(ParseInt64(ToString(value)), value);
    EXPECT_EQ(ParseInt64(ToString(-value)), -value);
  }
  EXPECT_EQ(ToString(INT64_MIN), "-9223372036854775808");
}

TEST(ParseDouble, TakesWhatClientsOfRedisWrite) {
  const std::pair<const char*, double> cases[] = {
      {"1", 1},
      {"3.0", 3},
      {"+3", 3},
      {"0x10", 16},
      {"0x1p3", 8},
      {"5.", 5},
      {".5", 0.5},
      {"1E5", 1e5},
      {"00012", 12},
      {"0X1P-2", 0.25},
      {"-1.5", -1.5},
      {"1e-310", 1e-310},
      {"4.9e-324", 4.9e-324},
      {"0e-999", 0},
      {"0.000", 0},
      {"1.7976931348623157e308", 1.7976931348623157e308},
  };
  for (const auto& [text, value] : cases) EXPECT_EQ(ParseDouble(text), value) << text;
  for (const char* text : {"inf", "+inf", "Infinity", "INF"}) EXPECT_EQ(ParseDouble(text), INFINITY) << text;
  EXPECT_EQ(ParseDouble("-inf"), -INFINITY);
  EXPECT_TRUE(std::signbit(*ParseDouble("-0")));
}

TEST(ParseDouble, RefusesWhatRedisRefuses) {
  for (const char* bad : {"",    "nan", "-nan", "NaN", "nan(1)", "1e400", "-1e400", "1e-400", "2e-324",
                          " 3",  "3 ",  ".",    "1e",  "1e+",    "0x",    "0x.",    "1_0",    "infx",
                          "+-1", "++1", "-+1",  "--1", "+",      "-",     "e5",     "abc"}) {
    EXPECT_FALSE(ParseDouble(bad).has_value()) << bad;
    if (std::string_view(bad).find("e400") == std::string_view::npos &&
        std::string_view(bad).find("e-") == std::string_view::npos &&
        std::string_view(bad).find("324") == std::string_view::npos) {
      EXPECT_FALSE(ParseLongDouble(bad).has_value()) << bad;
    }
  }
  EXPECT_FALSE(ParseDouble(std::string_view("1\0", 2)).has_value());
  EXPECT_FALSE(ParseDouble(std::string(5000, '1') + "x").has_value());
}

TEST(ParseLongDouble, HasTheWiderRange) {
  EXPECT_EQ(ParseLongDouble("1e400"), 1e400L);
  EXPECT_EQ(ParseLongDouble("9007199254740993"), 9007199254740993.0L);
  EXPECT_FALSE(ParseLongDouble("1e5000").has_value());
  EXPECT_EQ(ParseLongDouble(std::string(400, '0') + "7"), 7.0L);
}

TEST(FormatDouble, ShowsTheShortestExactDigits) {
  const std::pair<double, const char*> cases[] = {
      {3, "3"},
      {0.1, "0.1"},
      {-1.5, "-1.5"},
      {1e21, "1e+21"},
      {1e17, "100000000000000000"},
      {0, "0"},
      {-0.0, "-0"},
      {1e19, "1e+19"},
      {1e-7, "1e-7"},
      {0.00001, "0.00001"},
      {123456.789, "123456.789"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {0.3, "0.3"},
      {1234567890.1234567, "1.2345678901234567e+9"},
      {INFINITY, "inf"},
      {-INFINITY, "-inf"},
      {NAN, "nan"},
      {9007199254740992, "9007199254740992"},
      {-1e20, "-1e+20"},
      {1.25e19, "1.25e+19"},
      {1.2345678901234567, "1.2345678901234567"},
      {0.0001, "0.0001"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(FormatDouble(value), text);
}

TEST(FormatDouble, ReadsBackEqual) {
  Prng prng(TestSeed());
  for (int i = 0; i < 100000; ++i) {
    const double value = std::bit_cast<double>(prng.Next());
    if (!std::isfinite(value)) continue;
    EXPECT_EQ(ParseDouble(FormatDouble(value)), value) << FormatDouble(value);
  }
}

TEST(FormatLongDouble, NeverShowsAnExponent) {
  EXPECT_EQ(FormatLongDouble(3.0L), "3");
  EXPECT_EQ(FormatLongDouble(0.1L), "0.1");
  EXPECT_EQ(FormatLongDouble(1e-5L), "0.00001");
  EXPECT_EQ(FormatLongDouble(*ParseLongDouble("123456.789")), "123456.78900000000000148");
  EXPECT_EQ(FormatLongDouble(-1e-310L), "0");
  EXPECT_EQ(FormatLongDouble(1e21L), "1000000000000000000000");
  EXPECT_EQ(FormatLongDouble(std::numeric_limits<long double>::max()).size(), 4933u);
}

TEST(ParseMemory, KnowsTheUnitsOfTheConfiguration) {
  const std::pair<const char*, int64_t> cases[] = {
      {"1gb", 1 << 30},   {"10K", 10000}, {"100", 100},           {"1kb", 1024}, {"1m", 1000000},
      {"5G", 5000000000}, {"10b", 10},    {"-5mb", -5 * 1048576}, {"0", 0},      {"1g", 1000000000}};
  for (const auto& [text, bytes] : cases) EXPECT_EQ(ParseMemory(text), bytes) << text;
  for (const char* bad :
       {"", "k", "abc", "1.5k", "1e3", "9gbx", " 5", "99999999999gb", "9223372036854775808", "-", "1 gb"}) {
    EXPECT_FALSE(ParseMemory(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace hearth
