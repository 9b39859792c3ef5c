#include "net/timer_heap.h"

#include <utility>

#include "base/assert.h"

namespace hearth::net {

TimerId TimerHeap::Add(int64_t due_micros, int64_t period_micros, std::function<void()> fn) {
  HEARTH_ASSERT(period_micros >= 0);
  uint32_t number;
  if (free_slots_.empty()) {
    number = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    number = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot& slot = slots_[number];
  slot.due = due_micros;
  slot.period = period_micros;
  slot.order = next_order_++;
  slot.fn = std::move(fn);
  Push(number);
  return static_cast<uint64_t>(slot.generation) << 32 | number;
}

void TimerHeap::Cancel(TimerId timer) {
  const auto number = static_cast<uint32_t>(timer);
  const auto generation = static_cast<uint32_t>(timer >> 32);
  if (timer == 0 || number >= slots_.size() || slots_[number].generation != generation) return;
  if (slots_[number].heap_index != kNotInHeap) RemoveAt(slots_[number].heap_index);
  Free(number);
}

void TimerHeap::RunDue(int64_t now_micros) {
  const uint64_t added_later = next_order_;
  while (!heap_.empty()) {
    const uint32_t number = heap_[0];
    if (slots_[number].due > now_micros || slots_[number].order >= added_later) return;
    RemoveAt(0);
    const uint32_t generation = slots_[number].generation;
    // The function leaves its slot while it runs: it may cancel its own timer or add others.
    auto fn = std::move(slots_[number].fn);
    const bool repeats = slots_[number].period > 0;
    if (!repeats) Free(number);
    fn();
    Slot& slot = slots_[number];
    if (!repeats || slot.generation != generation) continue;
    slot.fn = std::move(fn);
    slot.due += slot.period;
    if (slot.due <= now_micros) slot.due = now_micros + slot.period;
    slot.order = next_order_++;
    Push(number);
  }
}

bool TimerHeap::Earlier(uint32_t a, uint32_t b) const {
  if (slots_[a].due != slots_[b].due) return slots_[a].due < slots_[b].due;
  return slots_[a].order < slots_[b].order;
}

void TimerHeap::Place(size_t index, uint32_t slot) {
  heap_[index] = slot;
  slots_[slot].heap_index = static_cast<uint32_t>(index);
}

void TimerHeap::SiftUp(size_t index) {
  const uint32_t moving = heap_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (!Earlier(moving, heap_[parent])) break;
    Place(index, heap_[parent]);
    index = parent;
  }
  Place(index, moving);
}

void TimerHeap::SiftDown(size_t index) {
  const uint32_t moving = heap_[index];
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && Earlier(heap_[child + 1], heap_[child])) ++child;
    if (!Earlier(heap_[child], moving)) break;
    Place(index, heap_[child]);
    index = child;
  }
  Place(index, moving);
}

void TimerHeap::Push(uint32_t slot) {
  heap_.push_back(slot);
  SiftUp(heap_.size() - 1);
}

void TimerHeap::RemoveAt(size_t index) {
  slots_[heap_[index]].heap_index = kNotInHeap;
  const uint32_t last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  Place(index, last);
  SiftDown(index);
  SiftUp(slots_[last].heap_index);
}

void TimerHeap::Free(uint32_t slot) {
  slots_[slot].fn = nullptr;
  ++slots_[slot].generation;
  free_slots_.push_back(slot);
}

}  // namespace hearth::net
