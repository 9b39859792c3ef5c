// Makes room when the process holds more than maxmemory, by one of the eight policies.
//
// LRU, LFU and TTL policies sample: each round takes maxmemory-samples keys from every database and keeps the
// best candidates in a small pool over the rounds, so that the choice gets close to the true order at the
// cost of a few lookups (the approach that Redis documents for its approximated LRU).
//
// Owned by the engine; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "keyspace/keyspace.h"

namespace hearth::keyspace {

class Eviction {
 public:
  // `used_bytes` gives the memory that counts against maxmemory; `now_us` a monotonic time.
  Eviction(Keyspace& keyspace, std::function<size_t()> used_bytes, std::function<int64_t()> now_us);

  enum class Outcome {
    kEnough,      // below the limit
    kGoesOn,      // above, but the time of this turn is used up; call again soon
    kImpossible,  // above, and the policy leaves nothing to evict
  };
  Outcome Run();

 private:
  struct Candidate {
    uint64_t score;  // the higher, the better to evict
    int database;
    std::string key;
  };
  static constexpr size_t kPoolSize = 16;

  // Evicts one key; false if the policy finds none.
  bool EvictOne();
  bool EvictRandom(bool volatile_only);
  bool EvictBest(bool volatile_only);
  void FillPool(Database& database, bool volatile_only);
  uint64_t Score(const Entry& entry) const;
  int64_t TimeLimitMicros() const;

  Keyspace& keyspace_;
  std::function<size_t()> used_bytes_;
  std::function<int64_t()> now_us_;
  std::vector<Candidate> pool_;  // ascending score
  int next_random_database_ = 0;
};

}  // namespace hearth::keyspace
