#include "aof/manifest.h"

#include <gtest/gtest.h>

namespace hearth::aof {
namespace {

constexpr std::string_view kName = "appendonly.aof";

std::string ErrorOf(std::string_view text) {
  const auto manifest = Manifest::Parse(text);
  return manifest ? "parsed" : manifest.error().message;
}

void ExpectError(std::string_view text, std::string_view part) {
  EXPECT_NE(ErrorOf(text).find(part), std::string::npos) << ErrorOf(text);
}

// As a Redis 7.0.15 wrote it.
constexpr std::string_view kOfRedis =
    "file appendonly.aof.2.base.rdb seq 2 type b\n"
    "file appendonly.aof.1.incr.aof seq 1 type h\n"
    "file appendonly.aof.2.incr.aof seq 2 type i\n";

TEST(Manifest, ReadsAndWritesWhatRedisWrites) {
  const auto manifest = Manifest::Parse(kOfRedis);
  ASSERT_TRUE(manifest.has_value());
  EXPECT_EQ(manifest->base(), (ManifestFile{"appendonly.aof.2.base.rdb", 2}));
  EXPECT_EQ(manifest->history().size(), 1u);
  EXPECT_EQ(manifest->increments().size(), 1u);
  EXPECT_EQ(manifest->Format(), kOfRedis);
}

TEST(Manifest, TakesKeysInAnyOrderAndCaseAndComments) {
  const auto manifest = Manifest::Parse(
      "# a comment\r\n"
      "  TYPE b Seq 3 file \"with space.aof\" color blue  \r\n"
      "type i file x seq 9\n");
  ASSERT_TRUE(manifest.has_value());
  EXPECT_EQ(manifest->base()->name, "with space.aof");
  EXPECT_EQ(manifest->Format(), "file \"with space.aof\" seq 3 type b\nfile x seq 9 type i\n");
}

TEST(Manifest, SaysWhatIsWrongAndWhere) {
  ExpectError("", "Found an empty AOF manifest");
  ExpectError("file a seq 1 type b\n\n", "Invalid AOF manifest file format, at line 2");
  ExpectError("file a seq 1\n", "Invalid AOF manifest file format");
  ExpectError("file a seq 1 type b extra\n", "Invalid AOF manifest file format");
  ExpectError("file a seq zero type b\n", "Invalid AOF manifest file format");
  ExpectError("file a seq 0 type b\n", "Invalid AOF manifest file format");
  ExpectError("file \"a seq 1 type b\n", "Invalid AOF manifest file format");
  ExpectError("seq 1 type b seq 1\n", "Invalid AOF manifest file format");
  ExpectError("file .. seq 1 type b\n", "Invalid AOF manifest file format");
  ExpectError("file a seq 1 type x\n", "Unknown AOF file type, at line 1");
  ExpectError("file a/b seq 1 type b\n", "File can't be a path, just a filename");
  ExpectError("file a seq 1 type b\nfile b seq 2 type b\n",
              "Found duplicate base file information, at line 2");
  ExpectError("file a seq 2 type i\nfile b seq 2 type i\n",
              "Found a non-monotonic sequence number, at line 2");
  ExpectError("file a seq 1 type b", "too long line");
  ExpectError("#" + std::string(2000, 'x') + "\n", "too long line");
}

TEST(Manifest, GoesThroughTheLifeOfAnAof) {
  Manifest manifest;
  EXPECT_FALSE(manifest.HasData());
  EXPECT_EQ(manifest.ReplaceBase(kName, true), "appendonly.aof.1.base.rdb");
  EXPECT_EQ(manifest.AddIncrement(kName), "appendonly.aof.1.incr.aof");
  EXPECT_EQ(manifest.AddIncrement(kName), "appendonly.aof.2.incr.aof");
  EXPECT_EQ(manifest.ReplaceBase(kName, false), "appendonly.aof.2.base.aof");
  EXPECT_EQ(manifest.Format(),
            "file appendonly.aof.2.base.aof seq 2 type b\n"
            "file appendonly.aof.1.base.rdb seq 1 type h\n"
            "file appendonly.aof.1.incr.aof seq 1 type h\n"
            "file appendonly.aof.2.incr.aof seq 2 type i\n");
  EXPECT_EQ(Manifest::Parse(manifest.Format()), manifest);
  manifest.ForgetHistory();
  EXPECT_EQ(manifest.Format(),
            "file appendonly.aof.2.base.aof seq 2 type b\n"
            "file appendonly.aof.2.incr.aof seq 2 type i\n");
}

TEST(Manifest, TakesAnOldFileAsItsBase) {
  Manifest manifest;
  manifest.SetOldBase(kName);
  EXPECT_EQ(manifest.Format(), "file appendonly.aof seq 1 type b\n");
  EXPECT_EQ(manifest.AddIncrement(kName), "appendonly.aof.1.incr.aof");
  EXPECT_EQ(manifest.ReplaceBase(kName, true), "appendonly.aof.2.base.rdb");
}

TEST(Manifest, QuotesNamesThatNeedIt) {
  Manifest manifest;
  manifest.AddIncrement("odd \"name\"\n");
  const std::string text = manifest.Format();
  EXPECT_EQ(text, "file \"odd \\\"name\\\"\\n.1.incr.aof\" seq 1 type i\n");
  EXPECT_EQ(Manifest::Parse(text), manifest);
}

}  // namespace
}  // namespace hearth::aof
