// Which snapshots (cuts) are running, as every hash table sees them.
//
// A cut k (0..6) owns bit k of every head bucket. The bucket is captured for the cut when its bit equals
// bit k of `captured`. Starting a cut flips that bit and sets bit k of `active`: one store, and every bucket
// in every table is uncaptured, without a visit. A new bucket is born captured. When the cut has walked all
// buckets they are all captured again, and the bit is free for the next cut.
//
// One CutState a server, owned by the keyspace; tables hold a pointer to it. Engine thread only.
#pragma once

#include <cstdint>

#include "ds/bucket_array.h"

namespace hearth::ds {

// Told before a bucket that some cut has not captured changes in any way.
class CutObserver {
 public:
  // `table` is the HashTable that owns `head`; `cuts` has a bit for each cut that still lacks the bucket.
  // The items of `head` and its overflow buckets must be copied before this returns.
  virtual void CaptureBucket(const void* table, const Bucket& head, uint8_t cuts) = 0;

 protected:
  ~CutObserver() = default;
};

struct CutState {
  uint8_t active = 0;
  uint8_t captured = 0;
  CutObserver* observer = nullptr;

  uint8_t Uncaptured(const Bucket& head) const { return (head.meta ^ captured) & active; }

  void MarkCaptured(Bucket& head, uint8_t cuts) const {
    head.meta = static_cast<uint8_t>((head.meta & ~cuts) | (captured & cuts));
  }
};

}  // namespace hearth::ds
