// All databases of a server and what they share: time, running cuts, the free worker, counters.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "ds/cut_state.h"
#include "keyspace/cutter.h"
#include "keyspace/database.h"
#include "keyspace/free_worker.h"
#include "keyspace/observer.h"
#include "settings/settings.h"

namespace hearth::keyspace {

// What becomes of a key whose time is over when somebody looks at it.
enum class ExpiredKeys : uint8_t {
  kRemove,  // a primary: it is removed and reported
  kHide,    // a replica: it is absent for readers; the primary's DEL removes it
  kIgnore,  // applying a primary's stream, or loading: it is a key like any other
};

// Plain counters for INFO; reset by CONFIG RESETSTAT.
struct KeyspaceStats {
  uint64_t expired_keys = 0;
  uint64_t expired_subkeys = 0;  // fields of hashes
  uint64_t evicted_keys = 0;
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t expire_cycle_cpu_us = 0;
  uint64_t expired_time_cap_reached = 0;
  double expired_stale_perc = 0;
  uint64_t defrag_hits = 0;        // allocations moved
  uint64_t defrag_misses = 0;      // and looked at, but left
  uint64_t defrag_key_hits = 0;    // keys of which something was moved
  uint64_t defrag_key_misses = 0;  // and of which nothing was
};

// The longest that removing one key has held up the engine since somebody looked, in env::Ticks(): for
// LATENCY.
struct RemovalTimes {
  uint64_t expiry_ticks = 0;
  uint64_t eviction_ticks = 0;
};

// Owned by the server's composition root. Engine thread only.
class Keyspace {
 public:
  // `settings` and `observer` outlive the keyspace.
  Keyspace(const settings::Settings& settings, KeyspaceObserver& observer, int database_count, uint64_t seed);
  ~Keyspace();

  int database_count() const { return static_cast<int>(databases_.size()); }
  Database& database(int index) { return *databases_[index]; }

  // Exchanges the contents of two databases. O(1).
  void SwapDatabases(int a, int b);

  // Unix milliseconds as of the current command; expiry and eviction go by it.
  int64_t now_ms() const { return now_ms_; }
  void set_now_ms(int64_t now_ms) { now_ms_ = now_ms; }

  ExpiredKeys expired_keys() const { return expired_keys_; }
  void set_expired_keys(ExpiredKeys what) { expired_keys_ = what; }

  // While off, the observer's OnChanged and OnAdded are not called; they cost a virtual call a write.
  bool reports_changes() const { return reports_changes_; }
  void set_reports_changes(bool on) { reports_changes_ = on; }
  bool reports_added() const { return reports_added_; }
  void set_reports_added(bool on) { reports_added_ = on; }

  // While on, removals of expired and evicted keys are timed.
  bool times_removals() const { return times_removals_; }
  void set_times_removals(bool on) { times_removals_ = on; }
  RemovalTimes& removal_times() { return removal_times_; }

  // List elements of so many bytes get a node of their own. Tests make that less.
  static constexpr uint32_t kLargeElementBytes = uint32_t{1} << 29;
  uint32_t large_element_bytes() const { return large_element_bytes_; }
  void set_large_element_bytes(uint32_t bytes) { large_element_bytes_ = bytes; }

  // Grows with every change of a key. The engine compares it across a command to see whether it wrote.
  uint64_t change_count() const { return change_count_; }
  void CountChanges(uint64_t changes) { change_count_ += changes; }

  const settings::Settings& settings() const { return settings_; }
  KeyspaceObserver& observer() { return observer_; }
  KeyspaceStats& stats() { return stats_; }
  FreeWorker& free_worker() { return free_worker_; }
  Prng& random() { return random_; }
  ds::CutState& cuts() { return cuts_; }
  Cutter& cutter() { return cutter_; }

 private:
  const settings::Settings& settings_;
  KeyspaceObserver& observer_;
  ds::CutState cuts_;
  Prng random_;
  FreeWorker free_worker_;
  KeyspaceStats stats_;
  int64_t now_ms_ = 0;
  uint64_t change_count_ = 0;
  ExpiredKeys expired_keys_ = ExpiredKeys::kRemove;
  bool reports_changes_ = false;
  bool reports_added_ = false;
  bool times_removals_ = false;
  uint32_t large_element_bytes_ = kLargeElementBytes;
  RemovalTimes removal_times_;
  std::vector<std::unique_ptr<Database>> databases_;
  Cutter cutter_;
};

}  // namespace hearth::keyspace
