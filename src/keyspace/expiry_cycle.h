// Removes keys and fields of hashes whose time is over before anybody asks for them.
//
// Hashes stand in each database's index in the order of their next field to expire, so that fields need no
// search: half of a slice, at most, is spent on removing them, a bounded number from one hash at a time.
//
// For keys, each cycle scans the indexes of expiring keys, bucket by bucket, from where the last one stopped,
// and goes on as long as it finds a good share of expired keys and has time left. A slow cycle runs `hz`
// times a second with a quarter of that period; a fast one, of at most a millisecond, runs between turns of
// the loop while the last slow cycle had to stop for want of time. Slices are short, so that even a million
// keys that expire in one second delay no command by more than one slice.
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

  // Removes what has expired for at most one slice. True if there is more to do at once: the time of the slow
  // cycle is not used up, and the keys found last were largely expired or fields have been left.
  bool RunSlice();

  // The slow cycle begins: `budget_us` is what all its slices together may take.
  void Begin(int64_t budget_us);

  // For tests: no active expiry at all (DEBUG SET-ACTIVE-EXPIRE 0).
  void set_enabled(bool enabled) { is_enabled_ = enabled; }

 private:
  // A client that asks again upon each reply gets one a slice: much longer ones would make it fall behind.
  static constexpr int64_t kSliceMicros = 200;
  static constexpr size_t kFieldsAtOnce = 64;

  struct Progress {
    size_t sampled = 0;
    size_t expired = 0;
  };
  Progress ScanSome(Database& database);
  // Removes fields until `end_us`. True if there are more to be removed.
  bool ExpireFields(int64_t end_us);
  // Removes keys until `end_us`. True if there is more to do at once.
  bool ExpireKeys(int64_t end_us);
  // Goes on with the next database, which continues where its last scan stopped. False if all had their turn.
  bool NextDatabase();

  Keyspace& keyspace_;
  std::function<int64_t()> now_us_;
  bool is_enabled_ = true;
  int64_t budget_left_us_ = 0;
  int database_ = 0;
  int databases_left_ = 0;         // of this cycle
  bool has_fields_left_ = false;   // of this cycle
  int field_database_ = 0;         // whose fields are looked at next
  std::vector<uint64_t> cursors_;  // of each database's scan
};

}  // namespace hearth::keyspace
