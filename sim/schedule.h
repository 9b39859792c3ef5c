// The time of a simulated world: what is to happen, in the order of its moments. Nothing waits: time jumps
// from one event to the next, and what is due at one moment runs in the order in which it was asked for. So a
// history is the same whenever it is played from the same seed.
//
// One for each history; one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace hearth::sim {

using Action = std::move_only_function<void()>;

inline constexpr int64_t kMillisecond = 1'000;
inline constexpr int64_t kSecond = 1'000'000;

class Schedule {
 public:
  // Microseconds since the world began, by nobody's clock.
  int64_t now_us() const { return now_us_; }
  uint64_t event_count() const { return event_count_; }

  void At(int64_t at_us, Action action) {
    uint32_t slot;
    if (free_.empty()) {
      slot = static_cast<uint32_t>(actions_.size());
      actions_.push_back(std::move(action));
    } else {
      slot = free_.back();
      free_.pop_back();
      actions_[slot] = std::move(action);
    }
    heap_.push_back({std::max(at_us, now_us_), next_number_++, slot});
    std::push_heap(heap_.begin(), heap_.end(), IsLater());
  }
  void After(int64_t delay_us, Action action) { At(now_us_ + delay_us, std::move(action)); }

  // Runs the next event, unless there is none up to `end_us`; then that is the time, and the answer false.
  bool RunOne(int64_t end_us) {
    if (heap_.empty() || heap_.front().at_us > end_us) {
      now_us_ = std::max(now_us_, end_us);
      return false;
    }
    std::pop_heap(heap_.begin(), heap_.end(), IsLater());
    const Event event = heap_.back();
    heap_.pop_back();
    HEARTH_ASSERT(event.at_us >= now_us_);
    now_us_ = event.at_us;
    ++event_count_;
    Action action = std::move(actions_[event.slot]);
    free_.push_back(event.slot);
    action();
    return true;
  }

 private:
  struct Event {
    int64_t at_us;
    uint64_t number;
    uint32_t slot;
  };
  struct IsLater {
    bool operator()(const Event& a, const Event& b) const {
      return a.at_us != b.at_us ? a.at_us > b.at_us : a.number > b.number;
    }
  };

  int64_t now_us_ = 0;
  uint64_t next_number_ = 0;
  uint64_t event_count_ = 0;
  std::vector<Event> heap_;
  std::vector<Action> actions_;  // by slot
  std::vector<uint32_t> free_;
};

}  // namespace hearth::sim
