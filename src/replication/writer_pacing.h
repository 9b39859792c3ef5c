// When writers rest for a replica: it is about to lose its place in the log, since neither memory nor disk
// may hold more for it, and a full copy would cost everybody more than a little waiting.
//
// Writers rest while what the replica has still to be given is near what may be held, in short turns: as soon
// as it has taken a little they go on. That is bounded: when it takes nothing at all, or writers have rested
// for the time that the settings give it, they rest no more, and the replica is dropped as ever. All is
// forgiven once it has caught up.
//
// One for each replica, owned by it; plain data with the time as an input. Engine thread only.
#pragma once

#include <cstdint>

namespace hearth::replication {

class WriterPacing {
 public:
  // Without a sign of life for so long, waiting is of no use.
  static constexpr int64_t kStillMs = 3000;

  struct Place {
    uint64_t used = 0;      // bytes of the log that it has still to be given
    uint64_t allowed = 0;   // so many may be held for it; 0 for no bound
    uint64_t progress = 0;  // a number that changes when it takes anything, or speaks
  };

  // Whether writers rest for it now. `budget_ms`: so long in all, 0 for never.
  bool Step(int64_t now_ms, const Place& place, int64_t budget_ms);
  bool rests() const { return rests_; }
  // Writers have rested for it in vain.
  bool has_given_up() const { return has_given_up_; }
  // Once for each time that it falls behind: whether this is news for the log.
  bool TakeNews();

 private:
  bool rests_ = false;
  bool has_given_up_ = false;
  bool is_news_ = false;
  bool has_told_ = false;
  uint64_t seen_progress_ = 0;
  int64_t moved_ms_ = 0;
  int64_t stepped_ms_ = 0;
  int64_t rested_ms_ = 0;
};

}  // namespace hearth::replication
