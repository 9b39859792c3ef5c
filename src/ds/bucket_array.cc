#include "ds/bucket_array.h"

#include <cstdlib>
#include <cstring>
#include <utility>

namespace hearth::ds {

Bucket* BucketArray::NewBuckets(size_t count) {
  void* memory = std::aligned_alloc(sizeof(Bucket), count * sizeof(Bucket));
  HEARTH_ASSERT(memory != nullptr);
  std::memset(memory, 0, count * sizeof(Bucket));
  return static_cast<Bucket*>(memory);
}

void BucketArray::FreeBuckets(Bucket* buckets) { std::free(buckets); }

BucketArray::~BucketArray() {
  for (size_t i = 0; i < count_; ++i) {
    const Bucket& head = (*this)[i];
    if (!head.has_overflow()) continue;
    for (Bucket* bucket = head.overflow(); bucket != nullptr;) {
      Bucket* next = bucket->has_overflow() ? bucket->overflow() : nullptr;
      FreeBuckets(bucket);
      bucket = next;
    }
  }
  for (Bucket* segment : segments_) FreeBuckets(segment);
}

void BucketArray::Grow() {
  if (count_ == 0) {
    segments_.push_back(NewBuckets(1));
    first_segment_capacity_ = 1;
    count_ = 1;
    wide_mask_ = 1;
    return;
  }
  if (count_ < kSegmentBuckets) {
    if (count_ == first_segment_capacity_) {
      Bucket* larger = NewBuckets(first_segment_capacity_ * 2);
      std::memcpy(larger, segments_[0], count_ * sizeof(Bucket));
      FreeBuckets(segments_[0]);
      segments_[0] = larger;
      first_segment_capacity_ *= 2;
    }
  } else if ((count_ & (kSegmentBuckets - 1)) == 0) {
    segments_.push_back(NewBuckets(kSegmentBuckets));
  }
  ++count_;
  // A full round is over when the buckets fill the wide mask; the next split takes one more bit.
  if (count_ == wide_mask_ + 1) wide_mask_ = wide_mask_ * 2 + 1;
}

void BucketArray::Shrink() {
  HEARTH_ASSERT(count_ > 1);
  if (count_ == wide_mask_ / 2 + 1) wide_mask_ /= 2;
  --count_;
  std::memset(&(*this)[count_], 0, sizeof(Bucket));
  if (count_ >= kSegmentBuckets && (count_ & (kSegmentBuckets - 1)) == 0) {
    FreeBuckets(segments_.back());
    segments_.pop_back();
  } else if (count_ < kSegmentBuckets && count_ * 4 <= first_segment_capacity_) {
    Bucket* smaller = NewBuckets(first_segment_capacity_ / 2);
    std::memcpy(smaller, segments_[0], count_ * sizeof(Bucket));
    FreeBuckets(segments_[0]);
    segments_[0] = smaller;
    first_segment_capacity_ /= 2;
  }
}

size_t BucketArray::MemoryBytes() const {
  const size_t heads = segments_.size() > 1 ? segments_.size() * kSegmentBuckets : first_segment_capacity_;
  return heads * sizeof(Bucket) + segments_.capacity() * sizeof(Bucket*);
}

void BucketArray::Swap(BucketArray& other) noexcept {
  std::swap(segments_, other.segments_);
  std::swap(count_, other.count_);
  std::swap(wide_mask_, other.wide_mask_);
  std::swap(first_segment_capacity_, other.first_segment_capacity_);
}

}  // namespace hearth::ds
