#include "keyspace/value_relocation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/memory.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "keyspace/defragmenter.h"
#include "keyspace/hash_value.h"
#include "keyspace/list_value.h"
#include "keyspace/set_value.h"
#include "keyspace/sorted_set_value.h"
#include "keyspace/stream_value.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

constexpr std::string_view kName = "big";

std::string TextOf(const ds::ListpackValue& value) {
  ds::NumberBuffer digits;
  return std::string(value.View(digits));
}

// Everything that the value holds: in its own order where it has one, else sorted.
std::vector<std::string> ContentsOf(TestingKeyspace& t) {
  std::vector<std::string> contents;
  const Entry* entry = t.db().Find(Key(kName));
  if (entry == nullptr) return contents;
  switch (entry->type()) {
    case Type::kList:
      ListReader(*entry).Walk(0, false, [&](const Element& element) {
        contents.push_back(TextOf(element));
        return true;
      });
      return contents;
    case Type::kSortedSet: {
      const SortedSetReader reader(*entry);
      reader.Walk({0, reader.Length()}, false, [&](const Element& member, double score) {
        contents.push_back(TextOf(member) + " " + std::to_string(score));
        return true;
      });
      return contents;
    }
    case Type::kStream: {
      ds::StreamRange range(StreamOf(*entry).log, StreamId::Min(), StreamId::Max());
      while (range.Next()) {
        contents.push_back(std::to_string(range.id().ms));
        range.ForEachField([&](const ds::ListpackValue& field, const ds::ListpackValue& value) {
          contents.push_back(TextOf(field) + " " + TextOf(value));
        });
      }
      return contents;
    }
    case Type::kSet:
      SetReader(*entry).ForEach([&](const Element& member) { contents.push_back(TextOf(member)); });
      break;
    default:
      HashReader(*entry, t.keyspace)
          .ForEachWithExpiry([&](const Element& field, const Element& value, int64_t expiry_ms) {
            contents.push_back(TextOf(field) + " " + TextOf(value) + " " + std::to_string(expiry_ms));
          });
  }
  std::ranges::sort(contents);
  return contents;
}

// One change, the same in whatever keyspace it is made.
struct Change {
  uint64_t number;   // names a part
  uint64_t choice;   // what is done
  std::string text;  // of some length
};

std::string PartName(const Change& change) { return "part " + std::to_string(change.number); }

void ChangeList(Database& database, const Change& change) {
  WriteHandle handle = database.FindForWrite(Key(kName));
  if (!handle) handle = ListValue::Create(database, Key(kName));
  ListValue list(handle);
  const std::string_view text = change.text;
  const std::string_view texts[] = {text, text, text};
  if (change.choice < 4 || list.Length() < 10) return list.Push(ListEnd::kTail, texts);
  if (change.choice < 6) return list.Push(ListEnd::kHead, texts);
  if (change.choice < 8) return list.Drop(change.choice % 2 == 0 ? ListEnd::kTail : ListEnd::kHead, 5);
  list.Set(static_cast<int64_t>(change.number % list.Length()), text);
}

void ChangeHash(Database& database, const Change& change) {
  WriteHandle handle = database.FindForWrite(Key(kName));
  if (!handle) handle = HashValue::Create(database, Key(kName), {});
  HashValue hash(handle);
  const std::string name = PartName(change);
  if (change.choice < 6) {
    hash.Set(name, change.text, change.choice == 0 ? 2'000'000'000'000 : kNoFieldExpiry);
  } else if (change.choice < 9) {
    hash.Erase(name);
  } else {
    hash.SetExpiry(name, 2'000'000'000'000 + static_cast<int64_t>(change.text.size()));
  }
}

void ChangeSet(Database& database, const Change& change) {
  WriteHandle handle = database.FindForWrite(Key(kName));
  const std::string name = PartName(change) + std::string(change.number % 300, 'x');
  if (!handle) handle = SetValue::Create(database, Key(kName), name, 1);
  SetValue set(handle);
  change.choice < 6 ? set.Add(name) : set.Remove(name);
}

void ChangeSortedSet(Database& database, const Change& change) {
  WriteHandle handle = database.FindForWrite(Key(kName));
  const std::string name = PartName(change) + std::string(change.number % 300, 'x');
  if (!handle) handle = SortedSetValue::Create(database, Key(kName), name.size(), 1);
  SortedSetValue set(handle);
  if (change.choice >= 7) {
    set.Remove(name);
    return;
  }
  set.Update(name, [&](std::optional<double>) -> std::optional<double> {
    return static_cast<double>(change.text.size() % 40);
  });
}

void ChangeStream(Database& database, const Change& change) {
  WriteHandle handle = database.FindForWrite(Key(kName));
  if (!handle) handle = StreamValue::Create(database, Key(kName));
  StreamValue stream(handle);
  const uint64_t last = stream->log.last_id().ms;
  if (change.choice < 8 || stream->log.length() < 10) {
    const std::string_view pair[] = {"field", change.text};
    stream.Append({last + 1, 0}, pair);
  } else {
    stream.Delete({last - change.number % 1000 % last, 0});
  }
}

using ChangeValue = void (*)(Database& database, const Change& change);

// Moves what it is handed, and leaves nothing of use behind.
class RestlessMover final : public ds::BlockMover {
 public:
  explicit RestlessMover(Prng& prng) : prng_(prng) {}

  void* MoveBlock(void* block) override {
    if (prng_.Below(3) == 0) return block;
    const size_t size = AllocationSize(block);
    void* moved = AllocateDensely(size);
    std::memcpy(moved, block, size);
    std::memset(block, 0xee, size);
    FreeToPages(block);
    ++moved_;
    return moved;
  }
  size_t moved() const { return moved_; }

 private:
  Prng& prng_;
  size_t moved_ = 0;
};

class ValueRelocationTest : public ::testing::TestWithParam<ChangeValue> {
 protected:
  ValueRelocationTest() {
    for (TestingKeyspace* t : {&moved_, &still_}) {
      t->settings.list_max_listpack_size = 8;
      t->settings.stream_node_max_bytes = 700;
    }
  }

  // Blocks of other allocators cannot be moved by what base/memory.h has.
  static bool CanMove() { return ReadFragmentation().used_bytes != 0; }

  void ChangeBoth() {
    const Change change{prng_.Below(4000), prng_.Below(10), std::string(prng_.Below(150), 't')};
    GetParam()(moved_.db(), change);
    GetParam()(still_.db(), change);
  }

  Prng prng_{TestSeed()};
  TestingKeyspace moved_;
  TestingKeyspace still_;
};

TEST_P(ValueRelocationTest, AValueThatIsMovedWhileItChangesIsLikeOneThatIsNot) {
  if (!CanMove()) GTEST_SKIP() << "this allocator tells nothing about its pages";
  for (int i = 0; i < 8000; ++i) ChangeBoth();
  RestlessMover mover(prng_);
  for (int walk = 0; walk < 5; ++walk) {
    ValueRelocation relocation;
    for (size_t steps = 0;; ++steps) {
      ASSERT_LT(steps, 100'000u);
      const Entry* entry = moved_.db().Find(Key(kName));
      ASSERT_TRUE(ValueRelocation::HasParts(*entry));
      if (!relocation.Step(*entry, mover)) break;
      for (uint64_t changes = prng_.Below(4); changes > 0; --changes) ChangeBoth();
    }
    ASSERT_EQ(ContentsOf(moved_), ContentsOf(still_));
  }
  EXPECT_GT(mover.moved(), 200u);
}

TEST_P(ValueRelocationTest, APassGivesBackWhatALargeValueLeft) {
  if (!CanMove()) GTEST_SKIP() << "this allocator tells nothing about its pages";
  constexpr uint64_t kParts = 30'000;
  const auto add = [&](uint64_t number, const std::string& text) {
    GetParam()(moved_.db(), {number, 1, text});
  };
  // Parts of other values lie between those of this one, and go.
  std::vector<std::vector<char>> others;
  for (uint64_t i = 0; i < kParts; ++i) {
    add(i, std::string(20 + prng_.Below(100), 't'));
    for (int n = 0; n < 4; ++n) others.emplace_back(20 + prng_.Below(150));
    // The blocks of lists and streams.
    if (i % 8 == 0) others.emplace_back(500 + prng_.Below(700));
  }
  const std::vector<std::string> contents = ContentsOf(moved_);
  others = {};
  const FragmentationFigures before = ReadFragmentation();
  int64_t now_us = 1;
  Defragmenter defragmenter(moved_.keyspace, [&now_us] { return now_us += 10; });
  defragmenter.RunPass();
  const FragmentationFigures after = ReadFragmentation();
  EXPECT_GT(moved_.keyspace.stats().defrag_hits, 100u);
  EXPECT_LT(after.gap_bytes, before.gap_bytes * 2 / 3);
  EXPECT_EQ(ContentsOf(moved_), contents);
}

INSTANTIATE_TEST_SUITE_P(Types, ValueRelocationTest,
                         ::testing::Values(&ChangeList, &ChangeHash, &ChangeSet, &ChangeSortedSet,
                                           &ChangeStream));

TEST(ValueRelocation, AListGoesOnBehindANodeThatHasGone) {
  if (ReadFragmentation().used_bytes == 0) GTEST_SKIP() << "this allocator tells nothing about its pages";
  Prng prng(TestSeed());
  RestlessMover mover(prng);
  TestingKeyspace t;
  t.settings.list_max_listpack_size = 1;
  for (int i = 0; i < 100; ++i) {
    const std::string text = std::to_string(i);
    const std::string_view element = text;
    WriteHandle handle = t.db().FindForWrite(Key(kName));
    if (!handle) handle = ListValue::Create(t.db(), Key(kName));
    ListValue(handle).Push(ListEnd::kTail, {&element, 1});
  }
  ValueRelocation relocation;
  const Entry* entry = t.db().Find(Key(kName));
  ASSERT_TRUE(relocation.Step(*entry, mover));
  // It stands within these now.
  {
    WriteHandle handle = t.db().FindForWrite(Key(kName));
    ListValue(handle).Drop(ListEnd::kHead, 50);
  }
  int steps = 0;
  while (relocation.Step(*t.db().Find(Key(kName)), mover)) ++steps;
  EXPECT_LT(steps, 10);
  // And here at the last.
  ASSERT_TRUE(relocation.Step(*t.db().Find(Key(kName)), mover));
  {
    WriteHandle handle = t.db().FindForWrite(Key(kName));
    ListValue(handle).Drop(ListEnd::kTail, 45);
  }
  EXPECT_FALSE(relocation.Step(*t.db().Find(Key(kName)), mover));
  EXPECT_EQ(ContentsOf(t), (std::vector<std::string>{"50", "51", "52", "53", "54"}));
}

}  // namespace
}  // namespace hearth::keyspace
