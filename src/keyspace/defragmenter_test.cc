#include "keyspace/defragmenter.h"

#include <gtest/gtest.h>

#include <string>

#include "base/memory.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "keyspace/hash_value.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

std::string ValueOf(int i) {
  return "value " + std::string(static_cast<size_t>(i % 900), 'v') + std::to_string(i);
}

class DefragmenterTest : public ::testing::Test {
 protected:
  // Many keys, of which most go again at random: their pages are mostly gaps.
  void FillWithGaps(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = "key:" + std::to_string(i);
      const int64_t expiry = i % 3 == 0 ? t_.keyspace.now_ms() + 1'000'000 : Database::kNoExpiry;
      t_.db().SetString(Key(name), ValueOf(i), expiry);
    }
    for (int i = 0; i < count; ++i) {
      if (IsGone(i)) t_.db().Remove(Key("key:" + std::to_string(i)));
    }
  }
  bool IsGone(int i) const { return Hash(std::to_string(i) + std::to_string(salt_)) % 4 != 0; }

  TestingKeyspace t_;
  Prng prng_{TestSeed()};
  const uint64_t salt_ = prng_.Next();
  int64_t now_us_ = 1;
  Defragmenter defragmenter_{t_.keyspace, [this] { return now_us_ += 10; }};
};

TEST_F(DefragmenterTest, APassKeepsEveryKeyAndValue) {
  constexpr int kCount = 20'000;
  FillWithGaps(kCount);
  defragmenter_.RunPass();
  for (int i = 0; i < kCount; ++i) {
    const Entry* entry = t_.db().Find(Key("key:" + std::to_string(i)));
    ASSERT_EQ(entry == nullptr, IsGone(i)) << i;
    if (entry == nullptr) continue;
    EXPECT_EQ(entry->text(), ValueOf(i));
    EXPECT_EQ(entry->has_expiry(), i % 3 == 0);
  }
  // The index of expiring keys holds the moved entries: removing them by it leaves nothing behind.
  size_t expiring = t_.db().expiring_count();
  t_.keyspace.set_now_ms(t_.keyspace.now_ms() + 2'000'000);
  for (int i = 0; i < kCount; i += 3) expiring -= t_.db().RemoveIfExpired(Key("key:" + std::to_string(i)));
  EXPECT_EQ(expiring, 0u);
  EXPECT_EQ(t_.db().expiring_count(), 0u);
}

TEST_F(DefragmenterTest, APassClosesMostGaps) {
  constexpr int kCount = 60'000;
  FillWithGaps(kCount);
  const FragmentationFigures before = ReadFragmentation();
  if (before.used_bytes == 0) GTEST_SKIP() << "this allocator tells nothing about its pages";
  defragmenter_.RunPass();
  const FragmentationFigures after = ReadFragmentation();
  EXPECT_GT(t_.keyspace.stats().defrag_hits, 0u);
  EXPECT_GT(t_.keyspace.stats().defrag_key_hits, 0u);
  EXPECT_LT(after.gap_bytes, before.gap_bytes * 2 / 3);
}

TEST_F(DefragmenterTest, MovesHashesOfWhichFieldsExpire) {
  const int64_t at_ms = t_.keyspace.now_ms() + 1000;
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "hash:" + std::to_string(i);
    WriteHandle handle = HashValue::Create(t_.db(), Key(name), {});
    HashValue hash(handle);
    hash.Set("field", "v", at_ms);
    hash.Set("other", "w", kNoFieldExpiry);
  }
  for (int i = 0; i < 5000; ++i) {
    if (IsGone(i)) t_.db().Remove(Key("hash:" + std::to_string(i)));
  }
  const size_t hashes = t_.db().field_expiring_count();
  ASSERT_GT(hashes, 0u);
  defragmenter_.RunPass();
  EXPECT_EQ(t_.db().field_expiring_count(), hashes);
  t_.keyspace.set_now_ms(at_ms + 1);
  size_t expired = 0;
  while (const size_t some = t_.db().ExpireFieldsOfFirst(10)) expired += some;
  EXPECT_EQ(expired, hashes);
  EXPECT_EQ(t_.db().field_expiring_count(), 0u);
}

TEST_F(DefragmenterTest, RunsOnlyWhenThereIsReason) {
  FillWithGaps(5000);
  defragmenter_.Begin(100'000);
  EXPECT_EQ(defragmenter_.running_percent(), 0) << "activedefrag is off";
  t_.settings.activedefrag = true;
  now_us_ += 2'000'000;
  defragmenter_.Begin(100'000);
  EXPECT_EQ(defragmenter_.running_percent(), 0) << "less than active-defrag-ignore-bytes";
  t_.settings.active_defrag_ignore_bytes = 1;
  t_.settings.active_defrag_threshold_lower = 1;
  now_us_ += 2'000'000;
  defragmenter_.Begin(100'000);
  if (ReadFragmentation().used_bytes == 0) GTEST_SKIP() << "this allocator tells nothing about its pages";
  EXPECT_GE(defragmenter_.running_percent(), t_.settings.active_defrag_cycle_min);
  EXPECT_LE(defragmenter_.running_percent(), t_.settings.active_defrag_cycle_max);
  for (int period = 0; period < 10'000 && defragmenter_.running_percent() != 0; ++period) {
    while (defragmenter_.RunSlice()) {
    }
    t_.settings.active_defrag_ignore_bytes = 1 << 30;  // no second pass
    defragmenter_.Begin(100'000);
  }
  EXPECT_EQ(defragmenter_.running_percent(), 0);
  EXPECT_GT(defragmenter_.total_us(), 0);
  t_.settings.activedefrag = false;
  defragmenter_.Begin(100'000);
  EXPECT_EQ(defragmenter_.current_us(), 0);
}

}  // namespace
}  // namespace hearth::keyspace
