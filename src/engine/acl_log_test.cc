#include "engine/acl_log.h"

#include <gtest/gtest.h>

namespace hearth::engine {
namespace {

AclLogEntry Entry(std::string object) {
  return {.reason = AclReason::kKey, .object = std::move(object), .user = "bob", .client = "id=1"};
}

TEST(AclLog, CountsUpWhatIsAlikeAndPutsItFirst) {
  AclLog log;
  log.Add(Entry("a"), 1000, 10);
  log.Add(Entry("b"), 2000, 10);
  log.Add(Entry("a"), 61'000, 10);
  ASSERT_EQ(log.entries().size(), 2u);
  EXPECT_EQ(log.entries()[0].object, "a");
  EXPECT_EQ(log.entries()[0].count, 2u);
  EXPECT_EQ(log.entries()[0].id, 0u);
  EXPECT_EQ(log.entries()[0].created_ms, 1000);
  EXPECT_EQ(log.entries()[0].updated_ms, 61'000);
}

TEST(AclLog, BeginsANewEntryAfterAMinute) {
  AclLog log;
  log.Add(Entry("a"), 1000, 10);
  log.Add(Entry("a"), 61'001, 10);
  EXPECT_EQ(log.entries().size(), 2u);
  EXPECT_EQ(log.entries()[0].id, 1u);
}

TEST(AclLog, KeepsAsManyAsItMay) {
  AclLog log;
  for (int i = 0; i < 20; ++i) log.Add(Entry(std::to_string(i)), 1000, 3);
  ASSERT_EQ(log.entries().size(), 3u);
  EXPECT_EQ(log.entries()[2].object, "17");
  log.Add(Entry("x"), 1000, 0);
  EXPECT_TRUE(log.entries().empty());
}

}  // namespace
}  // namespace hearth::engine
