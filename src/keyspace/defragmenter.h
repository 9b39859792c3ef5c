// Active defragmentation: moves keys and their values out of pages that are mostly gaps, so that the
// allocator can give those back.
//
// A pass walks all databases, bucket by bucket. It asks the allocator of each block whether it lies among
// more gaps than others of its size (base/memory.h), and moves those that do into the fullest pages with
// room. What is moved: entries, values that are one block (texts, listpacks, intsets), and after the rest of
// their bucket the parts of larger values, a few at a time (value_relocation.h). While a snapshot is being
// taken, nothing is moved.
//
// Limitations: what the groups of a stream have pending, the indexes of streams and of expiring fields, and
// the tables of buckets stay where they are.
//
// How much of the time a pass may take follows from the share of gaps, between active-defrag-cycle-min and
// -max percent; it is spent in short slices between turns of the loop.
//
// Owned by the composition root; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ds/block_mover.h"
#include "keyspace/keyspace.h"
#include "keyspace/value_relocation.h"

namespace hearth::keyspace {

class Defragmenter final : private ds::BlockMover {
 public:
  // `now_us`: a monotonic time.
  Defragmenter(Keyspace& keyspace, std::function<int64_t()> now_us);

  // Every `period_us`: looks whether there is reason for a pass, and gives a running one the time of this
  // period.
  void Begin(int64_t period_us);
  // Goes on for at most one slice. True if there is time left in this period, and something to do with it.
  bool RunSlice();

  // The percentage of the time that is spent on it, 0 while there is no pass.
  int64_t running_percent() const { return percent_; }
  int64_t current_us() const { return started_us_ == 0 ? 0 : now_us_() - started_us_; }
  int64_t total_us() const { return total_us_ + current_us(); }
  // CONFIG RESETSTAT.
  void ResetTimes();

  // A whole pass at once, without regard to settings or time: for tests.
  void RunPass();

 private:
  static constexpr int64_t kSliceMicros = 500;
  static constexpr int64_t kLookAgainMicros = 1'000'000;

  // The percentage that the settings want, by the gaps that there are now; 0 for none.
  int64_t WantedPercent() const;
  void StartPass(int64_t percent);
  void EndPass();
  // One bucket, or some parts of a large value. False at the end of the last database.
  bool Step();
  void StepInValue();
  void* MoveBlock(void* block) override;
  void Move(Database& database, Entry* entry);
  // Moves what hangs on the entry's word, if that is one block. True if it did.
  bool MoveValue(Entry& entry);

  Keyspace& keyspace_;
  const std::function<int64_t()> now_us_;
  int64_t percent_ = 0;
  int64_t budget_us_ = 0;
  int64_t next_look_us_ = 0;
  int64_t started_us_ = 0;  // this pass, 0 if there is none
  int64_t total_us_ = 0;    // of passes that are over
  int database_ = 0;
  uint64_t cursor_ = 0;
  std::vector<Entry*> entries_;  // of the bucket at hand
  // Keys of that bucket with large values; the relocation is that of the last one.
  std::vector<std::string> large_;
  int database_of_large_ = 0;
  ValueRelocation relocation_;
};

}  // namespace hearth::keyspace
