#include "script/watchdog.h"

#include <algorithm>
#include <chrono>

namespace hearth::script {
namespace {

// Without a script for so long the thread goes to sleep until there is one.
constexpr int64_t kRestAfterMicros = 500'000;
constexpr int64_t kShortestPeriodMicros = 1'000;
constexpr int64_t kLongestPeriodMicros = 50'000;

}  // namespace

Watchdog::~Watchdog() {
  thread_.request_stop();
  WakeThread();
}

void Watchdog::Begin(lua_State* lua, int64_t limit_ms) {
  if (limit_ms <= 0) return;
  lua_ = lua;
  limit_us_.store(limit_ms * 1000, std::memory_order_relaxed);
  runs_.store(runs_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  // Either the thread sees this before it rests, or we see that it rests.
  phase_.store(Phase::kRunning, std::memory_order_seq_cst);
  if (!is_awake_.load(std::memory_order_seq_cst)) [[unlikely]]
    WakeThread();
}

void Watchdog::End() {
  const Phase phase = phase_.exchange(Phase::kIdle, std::memory_order_acq_rel);
  if (phase != Phase::kHooked) [[likely]]
    return;
  // The thread may be about to set it just now.
  std::lock_guard lock(mutex_);
  lua_sethook(lua_, nullptr, 0, 0);
}

void Watchdog::Heard(lua_State* lua, int count, bool is_dying) {
  std::lock_guard lock(mutex_);
  is_heard_ = true;
  lua_sethook(lua, hook_, is_dying ? LUA_MASKCOUNT | LUA_MASKLINE : LUA_MASKCOUNT, count);
}

void Watchdog::MeantAnother(lua_State* lua) {
  std::lock_guard lock(mutex_);
  lua_sethook(lua, nullptr, 0, 0);
  phase_.store(Phase::kRunning, std::memory_order_release);
}

void Watchdog::WakeThread() {
  {
    std::lock_guard lock(mutex_);
    is_awake_.store(true, std::memory_order_seq_cst);
  }
  wake_.notify_one();
  if (!thread_.joinable() && !thread_.get_stop_token().stop_requested()) {
    thread_ = std::jthread([this](std::stop_token stop) { Watch(std::move(stop)); });
  }
}

int64_t Watchdog::Period() const {
  return std::clamp(limit_us_.load(std::memory_order_relaxed) / 4, kShortestPeriodMicros,
                    kLongestPeriodMicros);
}

void Watchdog::Watch(std::stop_token stop) {
  uint64_t last_runs = 0;
  int64_t last_run_us = clock_.MonotonicMicros();
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const int64_t now_us = clock_.MonotonicMicros();
    const uint64_t runs = runs_.load(std::memory_order_relaxed);
    if (runs != last_runs || phase_.load(std::memory_order_relaxed) != Phase::kIdle) last_run_us = now_us;
    last_runs = runs;
    Look(now_us);
    if (now_us - last_run_us < kRestAfterMicros) {
      wake_.wait_for(lock, stop, std::chrono::microseconds(Period()), [] { return false; });
      continue;
    }
    is_awake_.store(false, std::memory_order_seq_cst);
    if (phase_.load(std::memory_order_seq_cst) != Phase::kIdle) {
      is_awake_.store(true, std::memory_order_relaxed);
      continue;
    }
    wake_.wait(lock, stop, [this] { return is_awake_.load(std::memory_order_relaxed); });
    last_run_us = clock_.MonotonicMicros();
  }
}

// Under the mutex.
void Watchdog::Look(int64_t now_us) {
  Phase phase = phase_.load(std::memory_order_acquire);
  if (phase == Phase::kIdle) return;
  const uint64_t run = runs_.load(std::memory_order_relaxed);
  if (run != seen_run_) {
    seen_run_ = run;
    seen_since_us_ = now_us;
    return;
  }
  if (phase == Phase::kHooked && !is_heard_) {
    // The interpreter may have been changing what says that there is a hook.
    lua_sethook(lua_, hook_, LUA_MASKCOUNT, 1);
    return;
  }
  if (phase != Phase::kRunning || now_us - seen_since_us_ < limit_us_.load(std::memory_order_relaxed)) return;
  // Had the script ended and another begun in between, that one would find that it has time left, and unset
  // the hook.
  if (!phase_.compare_exchange_strong(phase, Phase::kHooked, std::memory_order_acq_rel)) return;
  is_heard_ = false;
  lua_sethook(lua_, hook_, LUA_MASKCOUNT, 1);
}

}  // namespace hearth::script
