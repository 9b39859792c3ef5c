// One thread's loop: readiness of descriptors, timers, work posted to it, and hooks around its one wait per
// turn. Owned by whoever runs the thread. Everything is for the loop's own thread, except
// PostFromOtherThread, Wake and Stop.
//
// A turn: wait; dispatch readiness; due timers; posted functions; then the before-wait hooks, phase by phase.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "env/net.h"
#include "net/timer_heap.h"

namespace hearth::net {

class EventHandler {
 public:
  virtual ~EventHandler() = default;
  // `flags` are env::PollFlags. Called on the loop's thread.
  virtual void OnEvents(uint32_t flags) = 0;
};

// The order of before-wait hooks in a turn. Connections deliver requests in kCollect and send replies in
// kFlush, so what a hook of the engine writes in kWork (log, expiry) goes before the replies and with them.
enum class LoopPhase { kCollect, kWork, kFlush };

class EventLoop {
 public:
  EventLoop(env::Poller& poller, env::Clock& clock);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // `interest` is a set of env::PollFlags. The handler must stay until Unwatch, which may be called at any
  // time, also from inside OnEvents; no event reaches the handler after it.
  Status Watch(int fd, uint32_t interest, EventHandler& handler);
  Status ChangeInterest(int fd, uint32_t interest, EventHandler& handler);
  void Unwatch(int fd, EventHandler& handler);

  // Runs `fn` once after `delay_micros`, or every `period_micros`. A timer may cancel itself.
  TimerId After(int64_t delay_micros, std::function<void()> fn);
  TimerId Every(int64_t period_micros, std::function<void()> fn);
  // A timer that has run or was cancelled already is no error.
  void Cancel(TimerId timer) { timers_.Cancel(timer); }

  // Runs `fn` later in this turn, before the next wait.
  void Post(std::function<void()> fn);
  // Any thread. Runs `fn` on the loop's thread, waking it if it waits.
  void PostFromOtherThread(std::function<void()> fn);

  // Runs `hook` once a turn, before the wait. For the loop's lifetime.
  void AddBeforeWait(LoopPhase phase, std::function<void()> hook);
  // Asked after the loop has announced that it is going to sleep: true if there is work after all. For queues
  // whose producers call WakeIfAsleep. For the loop's lifetime.
  void AddWakeCheck(std::function<bool()> has_work);
  // The next wait returns at once. For hooks that have left work for the next turn.
  void RequestImmediateTurn() { immediate_turn_ = true; }
  // Waits at most so long before the next turn.
  void LimitNextWait(int64_t micros);

  // Any thread. Makes the wait end.
  void Wake() { poller_->Wake(); }
  // Any thread; after having put something where a wake check sees it. Costs a system call only if the loop
  // sleeps.
  void WakeIfAsleep();

  // One turn; waits at most `max_wait_micros` (-1 = no limit).
  void RunOnce(int64_t max_wait_micros);
  // A turn in the middle of a hook of this one, to keep connections alive: readiness is dispatched and the
  // hooks of kCollect and kFlush run. Timers, posted functions and hooks of kWork wait.
  void RunNested();
  bool is_nested() const { return is_nested_; }
  // Turns until Stop.
  void Run();
  // Any thread.
  void Stop();

  // The monotonic time at the start of this turn's work, in microseconds; and the same read afresh.
  int64_t NowMicros() const { return now_micros_; }
  int64_t FreshNowMicros() { return clock_->MonotonicMicros(); }
  env::Clock& clock() { return *clock_; }
  uint64_t turns() const { return turns_; }
  // Time spent waiting in the poller, all turns together; and the same in timers.
  int64_t waited_micros() const { return waited_micros_; }
  int64_t timer_micros() const { return timer_micros_; }
  // Of a turn, from the end of its wait on.
  int64_t longest_turn_micros() const { return longest_turn_micros_; }
  void ForgetLongestTurn() { longest_turn_micros_ = 0; }

 private:
  static constexpr size_t kMaxEvents = 1024;

  int64_t WaitTime(int64_t max_wait_micros);
  void DispatchReady(int64_t wait);
  void RunTimers();
  void RunHooks(LoopPhase phase);
  void RunPosted();

  env::Poller* poller_;
  env::Clock* clock_;
  TimerHeap timers_;
  std::vector<env::PollEvent> events_;
  size_t event_count_ = 0;  // of this turn
  size_t event_index_ = 0;  // now being dispatched
  std::vector<std::function<void()>> posted_;
  std::vector<std::function<void()>> running_;
  std::vector<std::function<void()>> hooks_[3];
  std::vector<std::function<bool()>> wake_checks_;
  bool immediate_turn_ = false;
  bool is_nested_ = false;
  int64_t wait_limit_ = -1;
  int64_t now_micros_;
  uint64_t turns_ = 0;
  int64_t waited_micros_ = 0;
  int64_t timer_micros_ = 0;
  int64_t turn_started_micros_ = 0;
  int64_t longest_turn_micros_ = 0;

  std::atomic<bool> asleep_{false};
  std::atomic<bool> stopped_{false};
  std::mutex remote_mutex_;
  std::vector<std::function<void()>> remote_posted_;  // guarded by remote_mutex_
  std::atomic<bool> has_remote_posted_{false};
};

}  // namespace hearth::net
