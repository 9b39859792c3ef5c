#include "keyspace/table_builders.h"

#include <gtest/gtest.h>

#include <string>

#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

std::string Name(int i) { return "name" + std::to_string(i); }

TEST(TableBuildersTest, EveryFieldIsThere) {
  TestingKeyspace t;
  // Less than, as much as and more than was expected, in a table and in what waits before it.
  for (const int count : {1, 15, 16, 17, 5000}) {
    FieldTableBuilder builder(&t.keyspace.cuts(), 1000);
    for (int i = 0; i < count; ++i) ASSERT_TRUE(builder.Add(Name(i), std::to_string(i)));
    const auto table = builder.Build();
    ASSERT_NE(table, nullptr);
    EXPECT_EQ(table->size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      ASSERT_NE(table->Find(Name(i)), nullptr);
      EXPECT_EQ(table->Find(Name(i))->value(), std::to_string(i));
    }
  }
}

TEST(TableBuildersTest, EveryMemberIsThere) {
  TestingKeyspace t;
  for (const int count : {1, 15, 16, 17, 5000}) {
    MemberTableBuilder builder(&t.keyspace.cuts(), 1000);
    for (int i = 0; i < count; ++i) ASSERT_TRUE(builder.Add(Name(i)));
    const auto table = builder.Build();
    ASSERT_NE(table, nullptr);
    EXPECT_EQ(table->size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) EXPECT_TRUE(table->Has(Name(i)));
  }
}

TEST(TableBuildersTest, NothingComesTwice) {
  TestingKeyspace t;
  for (const int between : {0, 1, 5, 16, 100}) {
    FieldTableBuilder fields(&t.keyspace.cuts(), 1000);
    MemberTableBuilder members(&t.keyspace.cuts(), 1000);
    ASSERT_TRUE(fields.Add("twice", "1"));
    ASSERT_TRUE(members.Add("twice"));
    for (int i = 0; i < between; ++i) {
      ASSERT_TRUE(fields.Add(Name(i), "1"));
      ASSERT_TRUE(members.Add(Name(i)));
    }
    // It may be noticed late, but not too late.
    fields.Add("twice", "2");
    members.Add("twice");
    EXPECT_EQ(fields.Build(), nullptr);
    EXPECT_EQ(members.Build(), nullptr);
  }
}

TEST(TableBuildersTest, ABuilderThatIsLeftFreesWhatItHas) {
  TestingKeyspace t;
  FieldTableBuilder fields(&t.keyspace.cuts(), 10);
  MemberTableBuilder members(&t.keyspace.cuts(), 10);
  for (int i = 0; i < 20; ++i) {
    fields.Add(Name(i), "value");
    members.Add(Name(i));
  }
}

}  // namespace
}  // namespace hearth::keyspace
