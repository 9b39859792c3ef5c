// A hash table of pointers to items that carry their own key: the keyspace, large hashes and sets.
//
// Lookups touch one cache line and the item. The table grows and shrinks by one bucket at a time
// (bucket_array.h) and carries cut bits (cut_state.h): every change of a bucket that a running cut lacks is
// announced first.
//
// Traits gives:  using Item = ...;                        the table stores Item*, and never frees one
//                static std::string_view KeyOf(const Item*);
//                static uint64_t HashOf(const Item*);
//
// SCAN. The cursor counts through bucket numbers with their bits reversed, so that the highest bit changes
// first: a bucket's split sibling comes directly after it. When the table grows or shrinks between two calls,
// the buckets already visited are exactly those whose low bits are below the cursor in that order, under
// either mask. So an item that is in the table during the whole scan is seen at least once. Limitations: an
// item may be seen twice when the table shrinks between two calls; each call returns whole buckets, so a call
// may give more items than asked for.
//
// Not thread-safe. Item addresses are stable; a Position is valid until the table changes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/prefetch.h"
#include "base/prng.h"
#include "ds/block_mover.h"
#include "ds/bucket_array.h"
#include "ds/cut_state.h"

namespace hearth::ds {

// Reverses the order of the bits of a word.
inline uint64_t ReverseBits(uint64_t v) {
  v = ((v >> 1) & 0x5555555555555555u) | ((v & 0x5555555555555555u) << 1);
  v = ((v >> 2) & 0x3333333333333333u) | ((v & 0x3333333333333333u) << 2);
  v = ((v >> 4) & 0x0f0f0f0f0f0f0f0fu) | ((v & 0x0f0f0f0f0f0f0f0fu) << 4);
  return __builtin_bswap64(v);
}

// What a walker of a running cut needs of a table, whatever its items are.
struct WalkedTable {
  void* table;
  size_t (*bucket_count_of)(const void* table);
  void (*capture)(void* table, size_t index, uint8_t cuts);
  void (*mark_captured)(void* table, uint8_t cuts);

  size_t bucket_count() const { return bucket_count_of(table); }
  void Capture(size_t index, uint8_t cuts) const { capture(table, index, cuts); }
  void MarkCaptured(uint8_t cuts) const { mark_captured(table, cuts); }
};

template <typename Traits>
class HashTable {
 public:
  using Item = typename Traits::Item;

  struct Position {
    Bucket* bucket = nullptr;
    int slot = 0;
    explicit operator bool() const { return bucket != nullptr; }
    Item* item() const { return static_cast<Item*>(bucket->slots[slot]); }
  };

  // `cuts` may be null for a table that no snapshot ever walks; it outlives the table otherwise.
  explicit HashTable(const CutState* cuts = nullptr) : cuts_(cuts) {}
  HashTable(HashTable&& other) noexcept : cuts_(other.cuts_) { Swap(other); }
  HashTable& operator=(HashTable&& other) noexcept {
    HashTable taken(std::move(other));
    Swap(taken);
    return *this;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t bucket_count() const { return buckets_.count(); }
  const Bucket& bucket(size_t index) const { return buckets_[index]; }
  size_t MemoryBytes() const { return buckets_.MemoryBytes() + overflow_count_ * sizeof(Bucket); }

  // For a batch of lookups, three passes over all of it before the first lookup: each asks for what the next
  // one reads. Items may straddle a cache line; two lines of each are asked for.
  void PrefetchBucket(uint64_t hash) const {
    if (size_ != 0) Prefetch(&buckets_[buckets_.IndexOf(hash)]);
  }
  void PrefetchItem(uint64_t hash) const {
    if (size_ == 0) return;
    const Bucket& head = buckets_[buckets_.IndexOf(hash)];
    PrefetchMatches(head, hash);
    if (head.has_overflow()) Prefetch(head.overflow());
  }
  void PrefetchOverflow(uint64_t hash) const {
    if (size_ == 0) return;
    const Bucket& head = buckets_[buckets_.IndexOf(hash)];
    if (head.has_overflow()) PrefetchMatches(*head.overflow(), hash);
  }

  Position Find(std::string_view key, uint64_t hash) const {
    if (size_ == 0) return {};
    Bucket* bucket = &buckets_[buckets_.IndexOf(hash)];
    const uint8_t tag = TagOf(hash);
    for (;;) {
      for (unsigned match = bucket->Match(tag); match != 0; match &= match - 1) {
        const int slot = __builtin_ctz(match);
        const Item* item = static_cast<const Item*>(bucket->slots[slot]);
        if (item != nullptr && Traits::KeyOf(item) == key) return {bucket, slot};
      }
      if (!bucket->has_overflow()) return {};
      bucket = bucket->overflow();
    }
  }

  // Makes the buckets that so many items will need; for a table that is empty. They go again, one by one, if
  // the items do not come.
  void Reserve(size_t items) {
    if (size_ != 0 || items == 0) return;
    while (items * 2 > buckets_.count() * kGrowItemsPerTwoBuckets) {
      buckets_.Grow();
      SetBornCaptured(buckets_[buckets_.count() - 1]);
    }
  }

  // `item`'s key must not be in the table; `hash` is its hash.
  void Insert(Item* item, uint64_t hash) {
    if (buckets_.count() == 0) {
      buckets_.Grow();
      SetBornCaptured(buckets_[0]);
    }
    Bucket& head = buckets_[buckets_.IndexOf(hash)];
    BeforeChange(head);
    InsertIntoChain(head, item, TagOf(hash));
    ++size_;
    if (resize_pauses_ == 0) GrowToLoad();
  }

  // Takes the item out of the table and gives it back. `hash` is the item's.
  Item* Erase(Position position, uint64_t hash) {
    Bucket& head = buckets_[buckets_.IndexOf(hash)];
    BeforeChange(head);
    Item* item = position.item();
    RemoveFromChain(head, position);
    --size_;
    if (resize_pauses_ == 0) ShrinkToLoad();
    return item;
  }

  // Puts `item`, which has the same key, in the place of the one at `position`; gives back the old one.
  Item* Replace(Position position, Item* item, uint64_t hash) {
    BeforeChange(buckets_[buckets_.IndexOf(hash)]);
    return static_cast<Item*>(std::exchange(position.bucket->slots[position.slot], item));
  }

  // The item with this hash has moved from `from`, where there is nothing any more, while no cut runs.
  void Readdress(uint64_t hash, const Item* from, Item* to) {
    for (Bucket* bucket = &buckets_[buckets_.IndexOf(hash)];; bucket = bucket->overflow()) {
      for (int i = 0; i < bucket->item_slots(); ++i) {
        if (bucket->slots[i] != from) continue;
        bucket->slots[i] = to;
        return;
      }
      HEARTH_ASSERT(bucket->has_overflow());
    }
  }

  // To be called before the item with this hash changes in place.
  void WillChange(uint64_t hash) {
    if (cuts_ != nullptr && cuts_->active != 0) BeforeChange(buckets_[buckets_.IndexOf(hash)]);
  }

  // Visits all items of one bucket, whose index is below bucket_count().
  template <typename Visit>
  void VisitBucket(size_t index, Visit&& visit) const {
    ForEachInChain(buckets_[index], visit);
  }

  template <typename Visit>
  void VisitAll(Visit&& visit) const {
    for (size_t i = 0; i < buckets_.count(); ++i) ForEachInChain(buckets_[i], visit);
  }

  // One step of SCAN: visits one bucket's items and gives the next cursor, 0 at the end. `visit` must not
  // change the table.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const {
    if (size_ == 0) return 0;
    const uint64_t mask = ScanMask(cursor);
    ForEachInChain(buckets_[cursor & mask], visit);
    return NextCursor(cursor, mask);
  }

  // One step of the same kind, while no cut runs: `move_item(Item*)` gives where the item is from now on, and
  // the chain's own buckets are moved.
  template <typename MoveItem>
  uint64_t Relocate(uint64_t cursor, BlockMover& mover, MoveItem&& move_item) {
    if (size_ == 0) return 0;
    HEARTH_ASSERT(cuts_ == nullptr || cuts_->active == 0);
    const uint64_t mask = ScanMask(cursor);
    for (Bucket* bucket = &buckets_[cursor & mask];; bucket = bucket->overflow()) {
      for (int i = 0; i < bucket->item_slots() && bucket->slots[i] != nullptr; ++i) {
        bucket->slots[i] = move_item(static_cast<Item*>(bucket->slots[i]));
      }
      if (!bucket->has_overflow()) break;
      bucket->slots[Bucket::kSlots - 1] = mover.Moved(bucket->overflow());
    }
    return NextCursor(cursor, mask);
  }

  // Announces and marks as captured one bucket for the cuts in `cuts`: the walker's step.
  void Capture(size_t index, uint8_t cuts) {
    Bucket& head = buckets_[index];
    const uint8_t missing = cuts_->Uncaptured(head.meta) & cuts;
    if (missing == 0) return;
    cuts_->observer->CaptureBucket(this, head, missing);
    head.meta = cuts_->WithCaptured(head.meta, missing);
  }
  // For one whose items have all been captured at once.
  void MarkCaptured(uint8_t cuts) {
    for (size_t i = 0; i < buckets_.count(); ++i) {
      buckets_[i].meta = cuts_->WithCaptured(buckets_[i].meta, cuts);
    }
  }
  // The table without its type, for walkers of many kinds of tables.
  WalkedTable Walked() {
    return {
        this, [](const void* table) { return static_cast<const HashTable*>(table)->bucket_count(); },
        [](void* table, size_t index, uint8_t cuts) { static_cast<HashTable*>(table)->Capture(index, cuts); },
        [](void* table, uint8_t cuts) { static_cast<HashTable*>(table)->MarkCaptured(cuts); }};
  }

  // A uniformly random item; the table must not be empty. Rejection over (bucket, place) pairs: every
  // item is one pair, so none is favoured however the chains are filled.
  Item* FairRandom(Prng& random) const {
    HEARTH_ASSERT(size_ != 0);
    const uint64_t places = Bucket::kSlots * (1 + deepest_chain_);
    for (;;) {
      const Bucket& head = buckets_[random.Below(buckets_.count())];
      if (Item* item = ItemAt(head, static_cast<int>(random.Below(places)))) return item;
    }
  }

  // Up to `count` items from consecutive buckets at a random place: quick and clustered, for sampling
  // policies. Returns how many were written to `items`.
  int SampleNeighbours(Prng& random, Item** items, int count) const {
    if (size_ == 0) return 0;
    int found = 0;
    size_t index = random.Below(buckets_.count());
    const size_t steps = std::min<size_t>(buckets_.count(), static_cast<size_t>(count) * 10);
    for (size_t step = 0; step < steps && found < count; ++step) {
      ForEachInChain(buckets_[index], [&](Item* item) {
        if (found < count) items[found++] = item;
      });
      if (++index == buckets_.count()) index = 0;
    }
    return found;
  }

  // While one exists, the table neither grows nor shrinks, so that bucket indexes stay what they are.
  class ResizePause {
   public:
    explicit ResizePause(HashTable& table) : table_(table) { ++table_.resize_pauses_; }
    ~ResizePause() { --table_.resize_pauses_; }
    ResizePause(const ResizePause&) = delete;
    ResizePause& operator=(const ResizePause&) = delete;

   private:
    HashTable& table_;
  };

  void Swap(HashTable& other) noexcept {
    buckets_.Swap(other.buckets_);
    std::swap(cuts_, other.cuts_);
    std::swap(size_, other.size_);
    std::swap(overflow_count_, other.overflow_count_);
    std::swap(deepest_chain_, other.deepest_chain_);
  }

 private:
  // Seven items a bucket: about 13 bytes of table fall on an item, overflow buckets counted; more load saves
  // little and lengthens the chains. Shrinking starts far below, so that the two do not alternate.
  static constexpr size_t kGrowItemsPerTwoBuckets = 14;
  static constexpr size_t kShrinkItemsPerTwoBuckets = 3;

  uint64_t ScanMask(uint64_t cursor) const {
    const uint64_t mask = buckets_.narrow_mask();
    return buckets_.is_split(cursor & mask) ? buckets_.wide_mask() : mask;
  }
  static uint64_t NextCursor(uint64_t cursor, uint64_t mask) {
    return ReverseBits(ReverseBits(cursor | ~mask) + 1);
  }

  static uint8_t TagOf(uint64_t hash) { return static_cast<uint8_t>(hash >> 56); }

  void BeforeChange(Bucket& head) {
    if (cuts_ == nullptr) return;
    const uint8_t missing = cuts_->Uncaptured(head.meta);
    if (__builtin_expect(missing != 0, 0)) {
      cuts_->observer->CaptureBucket(this, head, missing);
      head.meta = cuts_->WithCaptured(head.meta, missing);
    }
  }

  void SetBornCaptured(Bucket& head) {
    if (cuts_ != nullptr) head.meta |= cuts_->NewBits();
  }

  static void PrefetchMatches(const Bucket& bucket, uint64_t hash) {
    for (unsigned match = bucket.Match(TagOf(hash)); match != 0; match &= match - 1) {
      // A slot without an item may match; nothing may be added to its null pointer, but to a number.
      const auto item = reinterpret_cast<uintptr_t>(bucket.slots[__builtin_ctz(match)]);
      Prefetch(reinterpret_cast<const void*>(item));
      Prefetch(reinterpret_cast<const void*>(item + sizeof(Bucket)));
    }
  }

  template <typename Visit>
  static void ForEachInChain(const Bucket& head, Visit&& visit) {
    for (const Bucket* bucket = &head;;) {
      for (int i = 0; i < bucket->item_slots() && bucket->slots[i] != nullptr; ++i) {
        visit(static_cast<Item*>(bucket->slots[i]));
      }
      if (!bucket->has_overflow()) return;
      bucket = bucket->overflow();
    }
  }

  static Item* ItemAt(const Bucket& head, int place) {
    const Bucket* bucket = &head;
    while (place >= bucket->item_slots()) {
      if (!bucket->has_overflow()) return nullptr;
      place -= bucket->item_slots();
      bucket = bucket->overflow();
    }
    return static_cast<Item*>(bucket->slots[place]);
  }

  void InsertIntoChain(Bucket& head, Item* item, uint8_t tag) {
    Bucket* bucket = &head;
    size_t depth = 0;
    for (; bucket->has_overflow(); bucket = bucket->overflow()) ++depth;
    int slot = 0;
    while (slot < Bucket::kSlots && bucket->slots[slot] != nullptr) ++slot;
    if (slot == Bucket::kSlots) {
      Bucket* more = BucketArray::NewBuckets(1);
      ++overflow_count_;
      more->slots[0] = bucket->slots[Bucket::kSlots - 1];
      more->tags[0] = bucket->tags[Bucket::kSlots - 1];
      bucket->slots[Bucket::kSlots - 1] = more;
      bucket->meta |= Bucket::kOverflowBit;
      bucket = more;
      slot = 1;
      deepest_chain_ = std::max<size_t>(deepest_chain_, depth + 1);
    }
    bucket->slots[slot] = item;
    bucket->tags[slot] = tag;
  }

  // The chain's last item fills the hole, so that slots stay packed.
  void RemoveFromChain(Bucket& head, Position hole) {
    Bucket* parent = nullptr;
    Bucket* last = &head;
    while (last->has_overflow()) {
      parent = last;
      last = last->overflow();
    }
    int slot = Bucket::kSlots - 1;
    while (last->slots[slot] == nullptr) --slot;
    hole.bucket->slots[hole.slot] = last->slots[slot];
    hole.bucket->tags[hole.slot] = last->tags[slot];
    last->slots[slot] = nullptr;
    if (parent != nullptr && last->slots[1] == nullptr) {
      // One item is left: it fits into the slot that held the pointer to its bucket.
      parent->slots[Bucket::kSlots - 1] = last->slots[0];
      parent->tags[Bucket::kSlots - 1] = last->tags[0];
      parent->meta &= static_cast<uint8_t>(~Bucket::kOverflowBit);
      BucketArray::FreeBuckets(last);
      --overflow_count_;
    }
  }

  // At most two splits an insertion: enough to catch up after a pause, and bounded.
  void GrowToLoad() {
    for (int i = 0; i < 2 && size_ * 2 > buckets_.count() * kGrowItemsPerTwoBuckets; ++i) SplitNext();
  }

  // At most two merges a removal: a table that empties shrinks about as fast as it loses items.
  void ShrinkToLoad() {
    for (int i = 0; i < 2 && buckets_.count() > 1; ++i) {
      if (size_ * 2 >= buckets_.count() * kShrinkItemsPerTwoBuckets) return;
      MergeLast();
    }
  }

  void SplitNext() {
    const size_t from = buckets_.split_index();
    buckets_.Grow();
    const size_t to = buckets_.count() - 1;
    Bucket& low = buckets_[from];
    Bucket& high = buckets_[to];
    // Both halves keep the cut bits: an uncaptured bucket becomes two uncaptured ones, and the walker, which
    // goes upwards, meets the new one later.
    const Bucket old = low;
    const uint8_t cut_bits = old.meta & Bucket::kCutBits;
    low = Bucket{.meta = cut_bits};
    high.meta = cut_bits;
    Redistribute(old, [&](Item* item, uint8_t tag) {
      InsertIntoChain(buckets_.IndexOf(Traits::HashOf(item)) == to ? high : low, item, tag);
    });
    PrefetchNextSplit();
  }

  void MergeLast() {
    const size_t last = buckets_.count() - 1;
    Bucket& high = buckets_[last];
    BeforeChange(high);
    const Bucket old = high;
    high = Bucket{};
    buckets_.Shrink();
    Bucket& low = buckets_[buckets_.split_index()];
    BeforeChange(low);
    Redistribute(old, [&](Item* item, uint8_t tag) { InsertIntoChain(low, item, tag); });
  }

  // Hands every item of a detached chain to `put` and frees the chain's overflow buckets.
  template <typename Put>
  void Redistribute(const Bucket& detached, Put&& put) {
    Bucket current = detached;
    for (;;) {
      for (int i = 0; i < current.item_slots() && current.slots[i] != nullptr; ++i) {
        Prefetch(current.slots[i]);
      }
      for (int i = 0; i < current.item_slots() && current.slots[i] != nullptr; ++i) {
        put(static_cast<Item*>(current.slots[i]), current.tags[i]);
      }
      if (!current.has_overflow()) return;
      Bucket* next = current.overflow();
      current = *next;
      BucketArray::FreeBuckets(next);
      --overflow_count_;
    }
  }

  // The next splits are known: their buckets, and the keys that must be hashed again, are asked for ahead of
  // time.
  void PrefetchNextSplit() const {
    const size_t next = buckets_.split_index();
    const Bucket& bucket = buckets_[next];
    for (int i = 0; i < bucket.item_slots() && bucket.slots[i] != nullptr; ++i) {
      Prefetch(bucket.slots[i]);
    }
    if (next + 1 < buckets_.count()) Prefetch(&buckets_[next + 1]);
  }

  BucketArray buckets_;
  const CutState* cuts_;
  size_t size_ = 0;
  size_t overflow_count_ = 0;
  size_t deepest_chain_ = 0;
  int resize_pauses_ = 0;
};

}  // namespace hearth::ds
