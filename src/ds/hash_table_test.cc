#include "ds/hash_table.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"

namespace hearth::ds {
namespace {

struct Word {
  std::string key;
  int value = 0;
};

struct WordTraits {
  using Item = Word;
  static std::string_view KeyOf(const Word* word) { return word->key; }
  static uint64_t HashOf(const Word* word) { return Hash(word->key); }
};
using Table = HashTable<WordTraits>;

uint64_t Seed() {
  const char* text = std::getenv("HEARTH_SEED");
  const uint64_t seed = text ? std::strtoull(text, nullptr, 10) : std::random_device{}();
  std::printf("HEARTH_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

std::string Key(uint64_t i) { return "key:" + std::to_string(i); }

// Owns the words of a table.
struct Words {
  explicit Words(const CutState* cuts = nullptr) : table(cuts) {}
  ~Words() {
    table.VisitAll([](Word* word) { delete word; });
  }
  void Put(const std::string& key, int value) {
    if (auto position = table.Find(key, Hash(key))) {
      table.WillChange(Hash(key));
      position.item()->value = value;
    } else {
      table.Insert(new Word{key, value}, Hash(key));
    }
  }
  bool Remove(const std::string& key) {
    auto position = table.Find(key, Hash(key));
    if (!position) return false;
    delete table.Erase(position, Hash(key));
    return true;
  }
  Table table;
};

TEST(HashTable, BehavesLikeAMapUnderRandomOperations) {
  Prng random(Seed());
  Words words;
  std::unordered_map<std::string, int> model;
  for (int phase = 0; phase < 6; ++phase) {
    const bool growing = phase % 2 == 0;
    for (int i = 0; i < 30000; ++i) {
      const std::string key = Key(random.Below(20000));
      if (random.Below(10) < (growing ? 8 : 2)) {
        words.Put(key, i);
        model[key] = i;
      } else {
        EXPECT_EQ(words.Remove(key), model.erase(key) == 1);
      }
    }
    ASSERT_EQ(words.table.size(), model.size());
    for (const auto& [key, value] : model) {
      auto position = words.table.Find(key, Hash(key));
      ASSERT_TRUE(position) << key;
      ASSERT_EQ(position.item()->value, value);
    }
    size_t visited = 0;
    words.table.VisitAll([&](Word*) { ++visited; });
    ASSERT_EQ(visited, model.size());
  }
}

TEST(HashTable, ShrinksAsItEmpties) {
  Words words;
  for (int i = 0; i < 50000; ++i) words.Put(Key(i), i);
  const size_t buckets = words.table.bucket_count();
  for (int i = 0; i < 49990; ++i) words.Remove(Key(i));
  EXPECT_LT(words.table.bucket_count(), buckets / 100);
  for (int i = 49990; i < 50000; ++i) EXPECT_TRUE(words.table.Find(Key(i), Hash(Key(i))));
}

TEST(HashTable, TakesAboutFourteenBytesAnItemAtAnySize) {
  Words words;
  for (int i = 0; i < 300000; ++i) {
    words.Put(Key(i), i);
    if (i > 100000 && i % 25000 == 0) {
      EXPECT_LT(static_cast<double>(words.table.MemoryBytes()) / i, 14.5) << i;
    }
  }
}

TEST(HashTable, ScanSeesEveryLastingItemWhileTheTableGrowsAndShrinks) {
  Prng random(Seed());
  for (int round = 0; round < 60; ++round) {
    Words words;
    const int lasting = 1 + static_cast<int>(random.Below(2000));
    for (int i = 0; i < lasting; ++i) words.Put(Key(i), 0);
    std::set<std::string> seen;
    uint64_t cursor = 0;
    int churn = 0;
    do {
      cursor = words.table.Scan(cursor, [&](Word* word) { seen.insert(word->key); });
      const bool growing = random.Below(2) == 0;
      for (int i = 0; i < 40; ++i) {
        if (growing) {
          words.Put("extra:" + std::to_string(churn++), 0);
        } else if (churn > 0) {
          words.Remove("extra:" + std::to_string(--churn));
        }
      }
    } while (cursor != 0);
    for (int i = 0; i < lasting; ++i) ASSERT_TRUE(seen.contains(Key(i))) << "round " << round << " key " << i;
  }
}

TEST(HashTable, FairRandomFavoursNoItem) {
  Prng random(Seed());
  Words words;
  constexpr int kItems = 60;
  for (int i = 0; i < kItems; ++i) words.Put(Key(i), i);
  std::vector<int> counts(kItems);
  constexpr int kDraws = 120000;
  for (int i = 0; i < kDraws; ++i) ++counts[words.table.FairRandom(random)->value];
  // Chi-squared with 59 degrees of freedom stays under 130 but for one run in ten million.
  double chi = 0;
  for (int count : counts) {
    const double expected = static_cast<double>(kDraws) / kItems;
    chi += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi, 130);
}

// Copies buckets as they were, for one cut or several.
class Recorder : public CutObserver {
 public:
  void CaptureBucket(const void*, const Bucket& head, uint8_t cuts) override {
    for (int cut = 0; cut < 7; ++cut) {
      if ((cuts >> cut & 1) == 0) continue;
      for (const Bucket* bucket = &head;; bucket = bucket->overflow()) {
        for (int i = 0; i < bucket->item_slots() && bucket->slots[i]; ++i) {
          const Word* word = static_cast<const Word*>(bucket->slots[i]);
          EXPECT_TRUE(captured[cut].emplace(word->key, word->value).second)
              << "captured twice: " << word->key;
        }
        if (!bucket->has_overflow()) break;
      }
    }
  }
  std::map<std::string, int> captured[7];
};

TEST(HashTable, OverlappingCutsEachSeeTheStateAtTheirStart) {
  Prng random(Seed());
  CutState cuts;
  Recorder recorder;
  cuts.observer = &recorder;
  Words words(&cuts);
  std::map<std::string, int> model;
  std::map<std::string, int> expected[7];
  size_t walked[7] = {};
  int finished = 0;
  for (int step = 0; step < 200000; ++step) {
    const std::string key = Key(random.Below(step % 50000 < 25000 ? 3000 : 300));
    if (random.Below(10) < (step % 40000 < 20000 ? 7 : 2)) {
      words.Put(key, step);
      model[key] = step;
    } else {
      words.Remove(key);
      model.erase(key);
    }
    const int cut = static_cast<int>(random.Below(7));
    const uint8_t bit = static_cast<uint8_t>(1 << cut);
    if ((cuts.active & bit) == 0) {
      if (random.Below(500) != 0) continue;
      cuts.active |= bit;
      cuts.captured ^= bit;
      expected[cut] = model;
      recorder.captured[cut].clear();
      walked[cut] = 0;
    } else if (walked[cut] < words.table.bucket_count()) {
      words.table.Capture(walked[cut]++, bit);
    } else {
      ASSERT_EQ(recorder.captured[cut], expected[cut]) << "cut " << cut << " at step " << step;
      cuts.active &= static_cast<uint8_t>(~bit);
      ++finished;
    }
  }
  EXPECT_GT(finished, 50);
}

}  // namespace
}  // namespace hearth::ds
