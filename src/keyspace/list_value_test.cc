#include "keyspace/list_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"
#include "keyspace/container.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

using Texts = std::vector<std::string>;

class ListValueTest : public testing::Test {
 protected:
  const Entry* Find() { return keyspace_.db().Find(key_); }
  void Push(ListEnd end, const Texts& texts) {
    WriteHandle handle = keyspace_.db().FindForWrite(key_);
    if (!handle) handle = ListValue::Create(keyspace_.db(), key_);
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    ListValue(handle).Push(end, views);
  }
  Texts Content(bool backward = false) {
    Texts content;
    if (Find() == nullptr) return content;
    ListReader(*Find()).Walk(backward ? -1 : 0, backward, [&](const ListReader::Element& element) {
      content.push_back(element.ToString());
      return true;
    });
    return content;
  }
  template <typename Act>
  auto Change(Act&& act) {
    WriteHandle handle = keyspace_.db().FindForWrite(key_);
    ListValue list(handle);
    return act(list);
  }

  TestingKeyspace keyspace_;
  const Key key_{"list"};
};

TEST_F(ListValueTest, BecomesAQuicklistBeyondTheLimitAndAListpackAgainBelowHalfOfIt) {
  keyspace_.settings.list_max_listpack_size = 8;
  Push(ListEnd::kTail, {"1", "2", "3", "4", "5", "6", "7", "8"});
  EXPECT_EQ(Find()->encoding(), Encoding::kListpack);
  Push(ListEnd::kTail, {"9"});
  EXPECT_EQ(Find()->encoding(), Encoding::kQuicklist);
  Change([](ListValue& list) { list.Drop(ListEnd::kTail, 4); });
  EXPECT_EQ(Find()->encoding(), Encoding::kQuicklist);
  Change([](ListValue& list) { list.Drop(ListEnd::kHead, 1); });
  EXPECT_EQ(Find()->encoding(), Encoding::kListpack);
  EXPECT_EQ(Content(), (Texts{"2", "3", "4", "5"}));
}

TEST_F(ListValueTest, LimitsOfBytesGoByTheSizesBeforeThePush) {
  keyspace_.settings.list_max_listpack_size = -1;
  Push(ListEnd::kTail, {std::string(4000, 'a')});
  EXPECT_EQ(Find()->encoding(), Encoding::kListpack);
  Push(ListEnd::kHead, {std::string(200, 'b')});
  EXPECT_EQ(Find()->encoding(), Encoding::kQuicklist);
  EXPECT_EQ(Content(), (Texts{std::string(200, 'b'), std::string(4000, 'a')}));
  Change([](ListValue& list) { list.Drop(ListEnd::kTail, 1); });
  EXPECT_EQ(Find()->encoding(), Encoding::kListpack);
}

TEST_F(ListValueTest, CountsWhatItChanges) {
  const auto changes = [&] { return keyspace_.keyspace.change_count(); };
  uint64_t before = changes();
  Push(ListEnd::kTail, {"a", "b", "c"});
  EXPECT_EQ(changes() - before, 3u);
  before = changes();
  keyspace_.observer.Take();
  Change([](ListValue& list) { list.Keep(0, 3); });
  EXPECT_EQ(changes(), before);
  EXPECT_EQ(keyspace_.observer.Take(), (Texts{"changed 0 list"}));
  Change([](ListValue& list) { list.Drop(ListEnd::kHead, 3); });
  EXPECT_EQ(changes() - before, 3u);
  EXPECT_EQ(Find(), nullptr);
}

TEST_F(ListValueTest, RotatesAListOfOneElement) {
  for (int limit : {-2, 1}) {
    keyspace_.settings.list_max_listpack_size = limit;
    Push(ListEnd::kTail, {"only"});
    Change([](ListValue& list) { list.Rotate(ListEnd::kTail, ListEnd::kHead); });
    EXPECT_EQ(Content(), (Texts{"only"}));
    Change([](ListValue& list) { list.Drop(ListEnd::kHead, 1); });
  }
}

// Applies one random operation to the list and to a vector; checks what it returns.
class Model {
 public:
  explicit Model(Prng& random) : random_(random) {}

  std::string Word() {
    if (random_.Below(20) == 0) return std::string(random_.Below(300), 'z');
    return std::to_string(random_.Below(12));
  }
  int64_t Index() {
    const auto length = static_cast<int64_t>(texts.size());
    return static_cast<int64_t>(random_.Below(static_cast<uint64_t>(2 * length + 4))) - length - 2;
  }

  void Edit(ListValue& list) {
    switch (random_.Below(5)) {
      case 0: {
        const int64_t index = Index();
        const std::string word = Word();
        const auto length = static_cast<int64_t>(texts.size());
        const bool fits = index >= -length && index < length;
        EXPECT_EQ(list.Set(index, word), fits);
        if (fits) texts[static_cast<size_t>(index < 0 ? index + length : index)] = word;
        return;
      }
      case 1: {
        const std::string pivot = Word();
        const std::string word = Word();
        const bool after = random_.Below(2) == 0;
        const auto at = std::find(texts.begin(), texts.end(), pivot);
        EXPECT_EQ(list.Insert(pivot, after, word), at != texts.end());
        if (at != texts.end()) texts.insert(at + after, word);
        return;
      }
      case 2:
        return Remove(list);
      case 3: {
        const size_t start = random_.Below(3);
        if (start + 3 > texts.size()) return;
        const size_t count = texts.size() - start - random_.Below(3);
        list.Keep(start, count);
        texts =
            Texts(texts.begin() + static_cast<long>(start), texts.begin() + static_cast<long>(start + count));
        return;
      }
      default: {
        const ListEnd from = random_.Below(2) == 0 ? ListEnd::kHead : ListEnd::kTail;
        list.Rotate(from, from == ListEnd::kHead ? ListEnd::kTail : ListEnd::kHead);
        std::rotate(texts.begin(), from == ListEnd::kHead ? texts.begin() + 1 : texts.end() - 1, texts.end());
      }
    }
  }

  Texts texts;

 private:
  void Remove(ListValue& list) {
    const std::string word = Word();
    const size_t limit = random_.Below(3);
    const bool backward = random_.Below(2) == 0;
    size_t removed = 0;
    if (backward) std::reverse(texts.begin(), texts.end());
    std::erase_if(texts, [&](const std::string& text) {
      const bool takes = text == word && (limit == 0 || removed < limit);
      removed += takes;
      return takes;
    });
    if (backward) std::reverse(texts.begin(), texts.end());
    EXPECT_EQ(list.Remove(word, limit, backward), removed);
  }

  Prng& random_;
};

TEST_F(ListValueTest, DoesWhatAVectorDoesUnderEveryLimit) {
  Prng random(TestSeed());
  for (int limit : {-5, -1, 1, 4, 32}) {
    keyspace_.settings.list_max_listpack_size = limit;
    keyspace_.settings.list_compress_depth = static_cast<int64_t>(random.Below(3));
    Model model(random);
    keyspace_.db().Remove(key_);
    for (int i = 0; i < 3000; ++i) {
      if (Find() == nullptr || random.Below(4) == 0) {
        Texts words(1 + random.Below(4));
        for (std::string& word : words) word = model.Word();
        const bool at_head = random.Below(2) == 0;
        Push(at_head ? ListEnd::kHead : ListEnd::kTail, words);
        if (at_head) std::reverse(words.begin(), words.end());
        model.texts.insert(at_head ? model.texts.begin() : model.texts.end(), words.begin(), words.end());
      } else {
        Change([&](ListValue& list) { model.Edit(list); });
      }
      ASSERT_EQ(Content(), model.texts) << "limit " << limit << ", step " << i;
      if (i % 50 == 0) {
        Texts reversed = Content(true);
        std::reverse(reversed.begin(), reversed.end());
        ASSERT_EQ(reversed, model.texts);
      }
      ASSERT_EQ(Find() == nullptr ? 0 : ContainerSize(*Find()), model.texts.size());
    }
  }
}

TEST_F(ListValueTest, CopiesAreDeep) {
  for (int limit : {-2, 1}) {
    keyspace_.settings.list_max_listpack_size = limit;
    keyspace_.db().Remove(key_);
    keyspace_.db().Remove(Key("copy"));
    Push(ListEnd::kTail, {"a", "b"});
    keyspace_.db().Copy(key_, keyspace_.db(), Key("copy"));
    Change([](ListValue& list) { list.Drop(ListEnd::kHead, 2); });
    const Entry* copy = keyspace_.db().Find(Key("copy"));
    EXPECT_EQ(ListReader(*copy).Peek(ListEnd::kTail).ToString(), "b");
    EXPECT_GT(ValueBytes(*copy, 5), 0u);
    EXPECT_EQ(ContainerFreeEffort(*copy), limit == 1 ? 2u : 1u);
  }
}

}  // namespace
}  // namespace hearth::keyspace
