#include "net/event_loop.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace hearth::net {

EventLoop::EventLoop(env::Poller& poller, env::Clock& clock)
    : poller_(&poller), clock_(&clock), events_(kMaxEvents), now_micros_(clock.MonotonicMicros()) {}

Status EventLoop::Watch(int fd, uint32_t interest, EventHandler& handler) {
  return poller_->Add(fd, interest, &handler);
}

Status EventLoop::ChangeInterest(int fd, uint32_t interest, EventHandler& handler) {
  return poller_->Modify(fd, interest, &handler);
}

void EventLoop::Unwatch(int fd, EventHandler& handler) {
  poller_->Remove(fd);
  // Events of this turn that are still to be dispatched may name the handler.
  for (size_t i = event_index_; i < event_count_; ++i) {
    if (events_[i].tag == &handler) events_[i].tag = nullptr;
  }
}

TimerId EventLoop::After(int64_t delay_micros, std::function<void()> fn) {
  return timers_.Add(FreshNowMicros() + delay_micros, 0, std::move(fn));
}

TimerId EventLoop::Every(int64_t period_micros, std::function<void()> fn) {
  return timers_.Add(FreshNowMicros() + period_micros, period_micros, std::move(fn));
}

void EventLoop::Post(std::function<void()> fn) { posted_.push_back(std::move(fn)); }

void EventLoop::PostFromOtherThread(std::function<void()> fn) {
  {
    std::lock_guard lock(remote_mutex_);
    remote_posted_.push_back(std::move(fn));
    has_remote_posted_.store(true, std::memory_order_relaxed);
  }
  WakeIfAsleep();
}

void EventLoop::AddBeforeWait(LoopPhase phase, std::function<void()> hook) {
  hooks_[static_cast<int>(phase)].push_back(std::move(hook));
}

void EventLoop::AddWakeCheck(std::function<bool()> has_work) { wake_checks_.push_back(std::move(has_work)); }

void EventLoop::LimitNextWait(int64_t micros) {
  wait_limit_ = wait_limit_ < 0 ? micros : std::min(wait_limit_, micros);
}

// The flag is read and written by read-modify-write operations on both sides. They have one order: either the
// sleeper's comes first, and then this one sees it and wakes; or this one comes first, and then the sleeper's
// checks see what was queued before it.
void EventLoop::WakeIfAsleep() {
  if (asleep_.exchange(false, std::memory_order_acq_rel)) poller_->Wake();
}

void EventLoop::Stop() {
  stopped_.store(true, std::memory_order_release);
  poller_->Wake();
}

void EventLoop::Run() {
  while (!stopped_.load(std::memory_order_acquire)) RunOnce(-1);
  stopped_.store(false, std::memory_order_release);
}

int64_t EventLoop::WaitTime(int64_t max_wait_micros) {
  int64_t wait = max_wait_micros;
  const auto limit = [&wait](int64_t micros) {
    if (wait < 0 || micros < wait) wait = std::max<int64_t>(micros, 0);
  };
  if (wait_limit_ >= 0) limit(wait_limit_);
  if (!timers_.empty()) limit(timers_.next_due_micros() - now_micros_);
  if (immediate_turn_ || !posted_.empty() || stopped_.load(std::memory_order_relaxed)) wait = 0;
  immediate_turn_ = false;
  wait_limit_ = -1;
  return wait;
}

void EventLoop::RunOnce(int64_t max_wait_micros) {
  now_micros_ = clock_->MonotonicMicros();
  if (turns_ != 0) {
    longest_turn_micros_ = std::max(longest_turn_micros_, now_micros_ - turn_started_micros_);
  }
  int64_t wait = WaitTime(max_wait_micros);
  if (wait != 0) {
    asleep_.exchange(true, std::memory_order_acq_rel);
    bool has_work = has_remote_posted_.load(std::memory_order_relaxed);
    for (const auto& check : wake_checks_) has_work = has_work || check();
    if (has_work) wait = 0;
  }
  DispatchReady(wait);
  RunTimers();
  RunPosted();
  for (const LoopPhase phase : {LoopPhase::kCollect, LoopPhase::kWork, LoopPhase::kFlush}) RunHooks(phase);
}

void EventLoop::DispatchReady(int64_t wait) {
  event_count_ = static_cast<size_t>(poller_->Wait(events_, wait));
  if (wait != 0) {
    asleep_.store(false, std::memory_order_relaxed);
    const int64_t before = now_micros_;
    now_micros_ = clock_->MonotonicMicros();
    waited_micros_ += now_micros_ - before;
  }
  ++turns_;
  if (!is_nested_) turn_started_micros_ = now_micros_;
  for (event_index_ = 0; event_index_ < event_count_;) {
    const env::PollEvent event = events_[event_index_++];
    if (event.tag != nullptr) static_cast<EventHandler*>(event.tag)->OnEvents(event.flags);
  }
  event_count_ = event_index_ = 0;
}

void EventLoop::RunTimers() {
  if (timers_.empty() || timers_.next_due_micros() > now_micros_) return;
  const int64_t before = FreshNowMicros();
  timers_.RunDue(now_micros_);
  timer_micros_ += FreshNowMicros() - before;
}

void EventLoop::RunHooks(LoopPhase phase) {
  for (const auto& hook : hooks_[static_cast<size_t>(phase)]) hook();
}

void EventLoop::RunNested() {
  // All that the outer turn had to dispatch has been, or it would lose its place.
  HEARTH_ASSERT(!is_nested_ && event_count_ == 0);
  is_nested_ = true;
  now_micros_ = clock_->MonotonicMicros();
  DispatchReady(0);
  RunHooks(LoopPhase::kCollect);
  RunHooks(LoopPhase::kFlush);
  is_nested_ = false;
}

void EventLoop::RunPosted() {
  running_.swap(posted_);
  for (auto& fn : running_) fn();
  running_.clear();
  if (!has_remote_posted_.load(std::memory_order_relaxed)) return;
  {
    std::lock_guard lock(remote_mutex_);
    running_.swap(remote_posted_);
    has_remote_posted_.store(false, std::memory_order_relaxed);
  }
  for (auto& fn : running_) fn();
  running_.clear();
}

}  // namespace hearth::net
