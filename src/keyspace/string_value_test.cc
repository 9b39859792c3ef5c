#include "keyspace/string_value.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/test_seed.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

class StringValueTest : public testing::Test {
 protected:
  std::string TextOf(const std::string& key) {
    const Entry* entry = space_.db().Find(Key(key));
    IntDigits digits;
    return entry == nullptr ? "(absent)" : std::string(StringText(*entry, digits));
  }
  Encoding EncodingOf(const std::string& key) { return space_.db().Find(Key(key))->encoding(); }
  WriteHandle Open(std::string_view key) { return space_.db().FindForWrite(Key(key)); }

  TestingKeyspace space_;
};

TEST_F(StringValueTest, AppendingMakesAnIntRaw) {
  space_.db().SetString(Key("k"), "12");
  WriteHandle handle = Open("k");
  StringValue(handle).Append("3");
  EXPECT_EQ(TextOf("k"), "123");
  EXPECT_EQ(EncodingOf("k"), Encoding::kRaw);
  EXPECT_EQ(StringInteger(*handle), 123);
}

TEST_F(StringValueTest, AShortTextStaysInlineAndIsRaw) {
  space_.db().SetString(Key("k"), "abc");
  WriteHandle handle = Open("k");
  StringValue(handle).Append("d");
  EXPECT_TRUE(handle->is_inline());
  EXPECT_EQ(TextOf("k"), "abcd");
  EXPECT_EQ(EncodingOf("k"), Encoding::kRaw);
}

TEST_F(StringValueTest, AGrowingTextKeepsItsKeyAndExpiry) {
  const std::string long_key(300, 'k');
  for (const std::string& key : {std::string("k"), long_key}) {
    space_.db().SetString(Key(key), "abc", space_.keyspace.now_ms() + 1000);
    const std::string more(600, 'x');
    {
      WriteHandle handle = Open(key);
      StringValue(handle).Append(more);
      StringValue(handle).Append(more);
    }
    EXPECT_EQ(TextOf(key), "abc" + more + more);
    EXPECT_EQ(space_.db().Find(Key(key))->expiry_ms(), space_.keyspace.now_ms() + 1000);
  }
  EXPECT_EQ(space_.db().expiring_count(), 2u);
}

TEST_F(StringValueTest, OverwritingPastTheEndFillsWithZeros) {
  space_.db().SetString(Key("k"), "ab");
  WriteHandle handle = Open("k");
  EXPECT_EQ(StringValue(handle).Overwrite(4, "c"), 5u);
  EXPECT_EQ(TextOf("k"), std::string("ab\0\0c", 5));
}

TEST_F(StringValueTest, CreateMakesARawStringAndReportsIt) {
  {
    WriteHandle handle = StringValue::Create(space_.db(), Key("k"), 3);
    StringValue(handle).Overwrite(1, "yz");
  }
  EXPECT_EQ(TextOf("k"), std::string("\0yz", 3));
  EXPECT_EQ(EncodingOf("k"), Encoding::kRaw);
  EXPECT_EQ(space_.observer.Take(), (std::vector<std::string>{"added 0 k", "changed 0 k"}));
}

TEST_F(StringValueTest, SetTextNeverBecomesAnInt) {
  for (const char* before : {"1", "abc"}) {
    space_.db().SetString(Key("k"), before);
    WriteHandle handle = Open("k");
    StringValue(handle).SetText("17");
    EXPECT_EQ(EncodingOf("k"), Encoding::kEmbstr);
    EXPECT_EQ(TextOf("k"), "17");
  }
}

TEST_F(StringValueTest, AChangeIsReportedOnceAtTheEndOfTheHandle) {
  space_.db().SetString(Key("k"), "1");
  space_.observer.Take();
  const uint64_t before = space_.keyspace.change_count();
  {
    WriteHandle handle = Open("k");
    StringValue(handle).SetInteger(2);
    EXPECT_TRUE(space_.observer.Take().empty());
  }
  EXPECT_EQ(space_.observer.Take(), std::vector<std::string>{"changed 0 k"});
  EXPECT_EQ(space_.keyspace.change_count(), before + 1);
}

TEST_F(StringValueTest, RandomEditsAgreeWithAPlainString) {
  Prng random(TestSeed());
  std::map<std::string, std::string> model;
  for (int i = 0; i < 20000; ++i) {
    const std::string key = "k" + std::to_string(random.Below(8));
    const std::string text(random.Below(40), static_cast<char>('a' + random.Below(26)));
    const bool is_there = model.contains(key);
    switch (random.Below(6)) {
      case 0:
        space_.db().SetString(Key(key), model[key] = text,
                              random.Below(2) ? Database::kKeepExpiry : INT64_MAX);
        break;
      case 1:
        space_.db().SetString(Key(key), model[key] = std::to_string(random.Below(1000)));
        break;
      case 2:
        space_.db().Remove(Key(key));
        model.erase(key);
        break;
      default: {
        if (!is_there) break;
        WriteHandle handle = Open(key);
        const size_t offset = random.Below(random.Below(10) == 0 ? 2000 : 60);
        if (random.Below(2)) {
          StringValue(handle).Append(text);
          model[key] += text;
        } else if (!text.empty()) {
          StringValue(handle).Overwrite(offset, text);
          if (model[key].size() < offset + text.size()) model[key].resize(offset + text.size());
          model[key].replace(offset, text.size(), text);
        }
      }
    }
    ASSERT_EQ(TextOf(key), model.contains(key) ? model[key] : "(absent)") << "step " << i;
  }
}

}  // namespace
}  // namespace hearth::keyspace
