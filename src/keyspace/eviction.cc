#include "keyspace/eviction.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "keyspace/access.h"

namespace hearth::keyspace {
namespace {

using settings::MaxmemoryPolicy;

bool IsVolatileOnly(MaxmemoryPolicy policy) {
  return policy == MaxmemoryPolicy::kVolatileLru || policy == MaxmemoryPolicy::kVolatileLfu ||
         policy == MaxmemoryPolicy::kVolatileRandom || policy == MaxmemoryPolicy::kVolatileTtl;
}

}  // namespace

Eviction::Eviction(Keyspace& keyspace, std::function<size_t()> used_bytes, std::function<int64_t()> now_us)
    : keyspace_(keyspace), used_bytes_(std::move(used_bytes)), now_us_(std::move(now_us)) {}

// maxmemory-eviction-tenacity: up to 10 linear up to half a millisecond, then geometric, 100 without limit.
int64_t Eviction::TimeLimitMicros() const {
  const int64_t tenacity = keyspace_.settings().maxmemory_eviction_tenacity;
  if (tenacity <= 10) return 50 * tenacity;
  if (tenacity < 100) return static_cast<int64_t>(500.0 * std::pow(1.15, static_cast<double>(tenacity - 10)));
  return std::numeric_limits<int64_t>::max();
}

Eviction::Outcome Eviction::Run() {
  const size_t limit = static_cast<size_t>(keyspace_.settings().maxmemory);
  if (limit == 0 || used_bytes_() <= limit) return Outcome::kEnough;
  if (keyspace_.settings().maxmemory_policy == MaxmemoryPolicy::kNoeviction) return Outcome::kImpossible;
  const int64_t start_us = now_us_();
  const int64_t time_limit_us = TimeLimitMicros();
  for (int evicted = 1; used_bytes_() > limit; ++evicted) {
    if (!EvictOne()) {
      // What the free worker still holds will come back.
      return keyspace_.free_worker().pending() > 0 ? Outcome::kGoesOn : Outcome::kImpossible;
    }
    if (evicted % 16 == 0 && now_us_() - start_us > time_limit_us) {
      return used_bytes_() > limit ? Outcome::kGoesOn : Outcome::kEnough;
    }
  }
  return Outcome::kEnough;
}

bool Eviction::EvictOne() {
  const MaxmemoryPolicy policy = keyspace_.settings().maxmemory_policy;
  const bool volatile_only = IsVolatileOnly(policy);
  if (policy == MaxmemoryPolicy::kAllkeysRandom || policy == MaxmemoryPolicy::kVolatileRandom) {
    return EvictRandom(volatile_only);
  }
  return EvictBest(volatile_only);
}

// Any of several neighbours is taken, so that evicting does not empty one run of buckets after the other.
bool Eviction::EvictRandom(bool volatile_only) {
  constexpr int kNeighbours = 8;
  for (int i = 0; i < keyspace_.database_count(); ++i) {
    Database& database = keyspace_.database(next_random_database_);
    next_random_database_ = (next_random_database_ + 1) % keyspace_.database_count();
    if ((volatile_only ? database.expiring_count() : database.size()) == 0) continue;
    // A sample looks at a few buckets only, which may all be empty.
    const Entry* entries[kNeighbours];
    int count = 0;
    while (count == 0) count = database.Sample(entries, kNeighbours, volatile_only);
    const Entry* const entry = entries[keyspace_.random().Below(static_cast<size_t>(count))];
    database.Evict(Key(std::string(entry->key())));
    return true;
  }
  return false;
}

uint64_t Eviction::Score(const Entry& entry) const {
  const settings::Settings& settings = keyspace_.settings();
  if (settings.maxmemory_policy == MaxmemoryPolicy::kVolatileTtl) {
    return std::numeric_limits<uint64_t>::max() - static_cast<uint64_t>(entry.expiry_ms());
  }
  if (IsLfuPolicy(settings)) return 255u - Frequency(entry.access(), settings, keyspace_.now_ms());
  return static_cast<uint64_t>(IdleMs(entry.access(), keyspace_.now_ms()));
}

void Eviction::FillPool(Database& database, bool volatile_only) {
  constexpr int kMaxSamples = 64;
  const Entry* samples[kMaxSamples];
  const int wanted = static_cast<int>(std::min<int64_t>(kMaxSamples, keyspace_.settings().maxmemory_samples));
  const int count = database.Sample(samples, wanted, volatile_only);
  for (int i = 0; i < count; ++i) {
    const uint64_t score = Score(*samples[i]);
    if (pool_.size() == kPoolSize && score <= pool_.front().score) continue;
    const std::string_view key = samples[i]->key();
    const bool is_known = std::any_of(pool_.begin(), pool_.end(), [&](const Candidate& candidate) {
      return candidate.database == database.index() && candidate.key == key;
    });
    if (is_known) continue;
    if (pool_.size() == kPoolSize) pool_.erase(pool_.begin());
    const auto place =
        std::upper_bound(pool_.begin(), pool_.end(), score,
                         [](uint64_t s, const Candidate& candidate) { return s < candidate.score; });
    pool_.insert(place, Candidate{score, database.index(), std::string(key)});
  }
}

bool Eviction::EvictBest(bool volatile_only) {
  for (;;) {
    size_t keys = 0;
    for (int i = 0; i < keyspace_.database_count(); ++i) {
      Database& database = keyspace_.database(i);
      const size_t count = volatile_only ? database.expiring_count() : database.size();
      if (count == 0) continue;
      keys += count;
      FillPool(database, volatile_only);
    }
    if (keys == 0) return false;
    while (!pool_.empty()) {
      const Candidate best = std::move(pool_.back());
      pool_.pop_back();
      Database& database = keyspace_.database(best.database);
      const Key key(best.key);
      // The key may have gone, or lost its expiry, since it was sampled.
      const auto position = database.keys().Find(key.text, key.hash);
      if (!position || (volatile_only && !position.item()->has_expiry())) continue;
      database.Evict(key);
      return true;
    }
  }
}

}  // namespace hearth::keyspace
