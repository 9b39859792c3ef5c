// Puts many items into a hash table whose buckets lie too far apart for the caches: each item waits until
// some more have come, while its bucket, and then what the bucket continues with, is fetched.
//
// Whoever fills a table owns it, on any one thread; the table outlives it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "ds/hash_table.h"

namespace hearth::ds {

template <typename Traits>
class TableFiller {
 public:
  using Item = typename Traits::Item;

  // `free` gets items that cannot be put in.
  TableFiller(HashTable<Traits>& table, void (*free)(Item*)) : table_(table), free_(free) {}
  ~TableFiller() { Finish(); }
  TableFiller(const TableFiller&) = delete;
  TableFiller& operator=(const TableFiller&) = delete;

  // Takes the item. False if it, or rather one of the few before it, has a key that is in the table already.
  bool Add(Item* item, uint64_t hash) {
    table_.PrefetchBucket(hash);
    table_.PrefetchItem(waiting_[(next_ + kAhead / 2) % kAhead].hash);
    return Put(std::exchange(waiting_[next_++ % kAhead], {item, hash}));
  }

  // Puts in all that wait. False if one of them has a key that is in the table already.
  bool Finish() {
    bool are_new = true;
    for (size_t i = 0; i < kAhead; ++i) are_new &= Put(std::exchange(waiting_[next_++ % kAhead], {}));
    return are_new;
  }

 private:
  struct Waiting {
    Item* item = nullptr;
    uint64_t hash = 0;
  };
  // Far enough for the memory to answer meanwhile, and no more lines than it can be asked for at once.
  static constexpr size_t kAhead = 16;

  bool Put(const Waiting& waiting) {
    if (waiting.item == nullptr) return true;
    if (table_.Find(Traits::KeyOf(waiting.item), waiting.hash)) {
      free_(waiting.item);
      return false;
    }
    table_.Insert(waiting.item, waiting.hash);
    return true;
  }

  HashTable<Traits>& table_;
  void (*const free_)(Item*);
  std::array<Waiting, kAhead> waiting_{};
  size_t next_ = 0;
};

}  // namespace hearth::ds
