// Timers of one event loop: a binary heap by due time with O(log n) cancellation. Times are the loop's
// microseconds.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace hearth::net {

// Slot in the low half, generation in the high one; 0 is no timer.
using TimerId = uint64_t;

class TimerHeap {
 public:
  // `period_micros` 0 = once.
  TimerId Add(int64_t due_micros, int64_t period_micros, std::function<void()> fn);
  void Cancel(TimerId timer);

  // Runs every timer due at `now_micros`, in order of their times. Timers added meanwhile wait for the next
  // call. A repeating timer that is late skips the missed runs.
  void RunDue(int64_t now_micros);

  bool empty() const { return heap_.empty(); }
  int64_t next_due_micros() const { return slots_[heap_[0]].due; }

 private:
  static constexpr uint32_t kNotInHeap = 0xffffffff;
  struct Slot {
    int64_t due = 0;
    int64_t period = 0;
    uint64_t order = 0;  // breaks ties: first added runs first
    uint32_t generation = 1;
    uint32_t heap_index = kNotInHeap;
    std::function<void()> fn;
  };

  bool Earlier(uint32_t a, uint32_t b) const;
  void Place(size_t index, uint32_t slot);
  void SiftUp(size_t index);
  void SiftDown(size_t index);
  void Push(uint32_t slot);
  void RemoveAt(size_t index);
  void Free(uint32_t slot);

  std::vector<Slot> slots_;
  std::vector<uint32_t> heap_;  // slot numbers
  std::vector<uint32_t> free_slots_;
  uint64_t next_order_ = 0;
};

}  // namespace hearth::net
