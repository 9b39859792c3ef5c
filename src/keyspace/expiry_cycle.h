// Removes keys whose time is over before anybody asks for them.
//
// Each cycle scans the indexes of expiring keys, bucket by bucket, from where the last one stopped, and goes
// on as long as it finds a good share of expired keys and has time left. A slow cycle runs `hz` times a
// second with a quarter of that period; a fast one, of at most a millisecond, runs between turns of the loop
// while the last slow cycle had to stop for want of time. Slices are short, so that even a million keys that
// expire in one second delay no command by more than one slice.
//
// Owned by the engine; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "keyspace/keyspace.h"

namespace hearth::keyspace {

class ExpiryCycle {
 public:
  // `now_us`: a monotonic time.
  ExpiryCycle(Keyspace& keyspace, std::function<int64_t()> now_us);

  // Removes expired keys for at most one slice. True if there is more to do at once: the time of the slow
  // cycle is not used up and the keys found last were largely expired.
  bool RunSlice();

  // The slow cycle begins: `budget_us` is what all its slices together may take.
  void Begin(int64_t budget_us);

  // For tests: no active expiry at all (DEBUG SET-ACTIVE-EXPIRE 0).
  void set_enabled(bool enabled) { is_enabled_ = enabled; }

 private:
  static constexpr int64_t kSliceMicros = 1000;

  struct Progress {
    size_t sampled = 0;
    size_t expired = 0;
  };
  Progress ScanSome(Database& database);
  // Goes on with the next database, which continues where its last scan stopped. False if all had their turn.
  bool NextDatabase();

  Keyspace& keyspace_;
  std::function<int64_t()> now_us_;
  bool is_enabled_ = true;
  int64_t budget_left_us_ = 0;
  int database_ = 0;
  int databases_left_ = 0;         // of this cycle
  std::vector<uint64_t> cursors_;  // of each database's scan
};

}  // namespace hearth::keyspace
