#include "server/dataset_digest.h"

#include <gtest/gtest.h>

#include "keyspace/string_value.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::server {
namespace {

using keyspace::Key;
using keyspace::TestingKeyspace;

TEST(DatasetDigest, OfNothingIsZero) {
  TestingKeyspace data;
  EXPECT_EQ(DatasetDigest(data.keyspace), std::string(40, '0'));
}

// What redis-server 7.0.15 answers.
TEST(DatasetDigest, IsThatOfRedis) {
  TestingKeyspace data;
  data.db().SetString(Key("a"), "hello");
  EXPECT_EQ(ValueDigest(*data.db().Find(Key("a"))), "36b23a1456b2dce2c3ed252c456761301dba8060");
  data.db().SetString(Key("n"), "12345");
  EXPECT_EQ(ValueDigest(*data.db().Find(Key("n"))), "e1cf90774e995ae03de66e8109dc5cb9d9c2dc83");
}

TEST(DatasetDigest, TellsDatabasesKeysValuesAndExpiriesApart) {
  TestingKeyspace data;
  data.db().SetString(Key("a"), "1");
  const std::string plain = DatasetDigest(data.keyspace);
  data.db().SetExpiry(Key("a"), 2'000'000'000'000);
  const std::string expiring = DatasetDigest(data.keyspace);
  EXPECT_NE(expiring, plain);
  data.db().SetExpiry(Key("a"), 2'000'000'000'001);
  EXPECT_EQ(DatasetDigest(data.keyspace), expiring);
  data.db().SetString(Key("a"), "2");
  EXPECT_NE(DatasetDigest(data.keyspace), plain);
  data.db().Remove(Key("a"));
  data.keyspace.database(1).SetString(Key("a"), "1");
  EXPECT_NE(DatasetDigest(data.keyspace), plain);
  data.keyspace.SwapDatabases(0, 1);
  EXPECT_EQ(DatasetDigest(data.keyspace), plain);
}

TEST(DatasetDigest, DoesNotDependOnTheOrderOfComing) {
  TestingKeyspace one, other;
  for (int i = 0; i < 100; ++i) one.db().SetString(Key("key" + std::to_string(i)), std::to_string(i));
  for (int i = 99; i >= 0; --i) other.db().SetString(Key("key" + std::to_string(i)), std::to_string(i));
  EXPECT_EQ(DatasetDigest(one.keyspace), DatasetDigest(other.keyspace));
}

}  // namespace
}  // namespace hearth::server
