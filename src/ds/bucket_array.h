// The buckets of a hash table: cache lines of seven slots, addressed by linear hashing (Litwin 1980).
//
// Linear hashing grows a table by one bucket at a time: with n = 2^L + p buckets, the first p buckets have
// been split by one more hash bit than the others. There is never a second table, growing never pauses for
// longer than it takes to split one bucket, and memory follows the number of items instead of the next power
// of two.
//
// Buckets live in fixed-size segments behind a directory, so that growing moves no bucket. The first segment
// alone starts small and doubles, so that a table of ten items takes two cache lines.
//
// Pictures: docs/formats/hash_table.md. Owned by one HashTable; not thread-safe.
#pragma once

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"

namespace hearth::ds {

// One cache line. Occupied slots are packed to the front. When `has_overflow`, the last slot points to
// another bucket that continues this one. The cut bits (low seven of `meta`) have a meaning in head buckets
// only: see cut_state.h.
struct alignas(64) Bucket {
  static constexpr int kSlots = 7;
  static constexpr uint8_t kOverflowBit = 0x80;
  static constexpr uint8_t kCutBits = 0x7f;

  uint8_t tags[kSlots];
  uint8_t meta;
  void* slots[kSlots];

  bool has_overflow() const { return meta & kOverflowBit; }
  Bucket* overflow() const { return static_cast<Bucket*>(slots[kSlots - 1]); }
  // Slots that hold items when all are taken.
  int item_slots() const { return has_overflow() ? kSlots - 1 : kSlots; }

  // Bit i is set where tag i matches; slots without an item may match, so the caller checks for null.
  unsigned Match(uint8_t tag) const {
    const __m128i line = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(tags));
    const int equal = _mm_movemask_epi8(_mm_cmpeq_epi8(line, _mm_set1_epi8(static_cast<char>(tag))));
    return static_cast<unsigned>(equal) & (has_overflow() ? 0x3fu : 0x7fu);
  }
};
static_assert(sizeof(Bucket) == 64);

class BucketArray {
 public:
  BucketArray() = default;
  BucketArray(BucketArray&& other) noexcept { Swap(other); }
  BucketArray& operator=(BucketArray&& other) noexcept {
    BucketArray taken(std::move(other));
    Swap(taken);
    return *this;
  }
  // Frees the buckets, overflow ones included; the items are the table's matter.
  ~BucketArray();

  size_t count() const { return count_; }
  Bucket& operator[](size_t index) const {
    return segments_[index >> kSegmentShift][index & (kSegmentBuckets - 1)];
  }

  // The bucket of a hash. There must be at least one bucket.
  size_t IndexOf(uint64_t hash) const {
    const size_t wide = hash & wide_mask_;
    return wide < count_ ? wide : wide & (wide_mask_ >> 1);
  }

  // The mask that addresses a bucket not yet split in this round; the wide one addresses the split ones.
  uint64_t narrow_mask() const { return wide_mask_ >> 1; }
  uint64_t wide_mask() const { return wide_mask_; }
  // The bucket that Grow() would split next, and that Shrink() merged the last one into.
  size_t split_index() const { return count_ - narrow_mask() - 1; }
  bool is_split(size_t narrow_index) const { return narrow_index < split_index(); }

  // Adds an empty bucket at index count(). Its items are the caller's to move from the one at the old
  // split_index().
  void Grow();
  // Drops the last bucket, which the caller has emptied.
  void Shrink();

  size_t MemoryBytes() const;
  void Swap(BucketArray& other) noexcept;

  static Bucket* NewBuckets(size_t count);
  static void FreeBuckets(Bucket* buckets);

 private:
  // 64 KB a segment: clearing a new one takes a few microseconds, and the directory of a billion items is 1.4
  // MB.
  static constexpr size_t kSegmentShift = 10;
  static constexpr size_t kSegmentBuckets = size_t{1} << kSegmentShift;

  std::vector<Bucket*> segments_;
  size_t count_ = 0;
  uint64_t wide_mask_ = 0;
  size_t first_segment_capacity_ = 0;
};

}  // namespace hearth::ds
