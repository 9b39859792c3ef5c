// Looks after running scripts from a thread of its own: one that has run for longer than it may gets a hook,
// by which the engine thread comes to its senses again. A script that is quick costs two atomic writes.
//
// Begin and End are the engine thread's; the thread starts with the first script. The hook itself runs on the
// engine thread, inside Lua, which checks for it at every instruction once it is set; setting one from
// outside is what lua_sethook allows for. Limitations: what runs inside one call of a library function in C
// is not interrupted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include <lua.hpp>

#include "env/clock.h"

namespace hearth::script {

class Watchdog {
 public:
  Watchdog(env::Clock& clock, lua_Hook hook) : clock_(clock), hook_(hook) {}
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // A script begins; after `limit_ms` it gets the hook. 0 is never.
  void Begin(lua_State* lua, int64_t limit_ms);
  // It has ended. Afterwards the state has no hook.
  void End();

  // Inside the hook: the script goes on with the hook, which comes every `count` instructions from now on,
  // and at every line if it `is_dying`.
  void Heard(lua_State* lua, int count, bool is_dying);
  // Inside the hook: it was meant for the script before.
  void MeantAnother(lua_State* lua);

 private:
  enum class Phase : int { kIdle, kRunning, kHooked };

  void Watch(std::stop_token stop);
  void Look(int64_t now_us);
  int64_t Period() const;
  void WakeThread();

  env::Clock& clock_;
  const lua_Hook hook_;
  std::atomic<Phase> phase_{Phase::kIdle};
  std::atomic<uint64_t> runs_{0};
  std::atomic<int64_t> limit_us_{0};
  std::atomic<bool> is_awake_{false};
  lua_State* lua_ = nullptr;  // published by phase_
  // The thread's own: since when it has seen this run.
  uint64_t seen_run_ = 0;
  bool is_heard_ = false;  // under mutex_
  int64_t seen_since_us_ = 0;
  std::mutex mutex_;  // held while the hook is set, and around waiting
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace hearth::script
