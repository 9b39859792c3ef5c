// Keys that caching clients have read, each with the ids of those who have to hear of its next change.
//
// Keys have no database here: clients are told names alone. A client that has gone, or that tracks no longer,
// stays until the key changes; whoever sends looks. Owned by Tracking; engine thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/prng.h"
#include "ds/hash_table.h"

namespace hearth::engine {

class TrackedKeys {
 public:
  TrackedKeys() = default;
  ~TrackedKeys();
  TrackedKeys(const TrackedKeys&) = delete;
  TrackedKeys& operator=(const TrackedKeys&) = delete;

  size_t key_count() const { return keys_.size(); }
  // Pairs of a key and a client.
  size_t item_count() const { return item_count_; }

  void Add(std::string_view key, uint64_t client_id);
  // Forgets the key and gives the ids of its clients, in order; none if it is not there.
  std::vector<uint64_t> Take(std::string_view key);
  // One of the keys, all alike; there must be one.
  std::string_view Random(Prng& random) const { return keys_.FairRandom(random)->key; }

  // O(1): the memory comes back by FreeSome.
  void Clear();
  // Frees a little of what was cleared.
  void FreeSome();

 private:
  struct Tracked {
    std::string key;
    std::vector<uint64_t> client_ids;  // in order
  };
  struct Traits {
    using Item = Tracked;
    static std::string_view KeyOf(const Item* item) { return item->key; }
    static uint64_t HashOf(const Item* item) { return Hash(item->key); }
  };
  using Table = ds::HashTable<Traits>;
  struct Cleared {
    Table keys;
    size_t next_bucket = 0;
  };

  static size_t FreeBucket(Cleared& cleared);

  Table keys_;
  size_t item_count_ = 0;
  std::vector<Cleared> cleared_;
};

}  // namespace hearth::engine
