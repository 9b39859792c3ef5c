// A machine of a simulated world with the one process that it runs: its clocks, which go at a pace of their
// own and may jump, and its life. A stopped process does nothing until it goes on; then it does all that came
// meanwhile. What a killed process was about to do never happens.
//
// Owned by the world; one thread.
#pragma once

#include <cstdint>
#include <deque>

#include "sim/schedule.h"

namespace hearth::sim {

using HostId = int;

class Host {
 public:
  enum class State : uint8_t {
    kRunning,
    kStopped,  // SIGSTOP, or a machine without a turn: the kernel goes on
    kDead,     // no process; the machine refuses connections
    kOff,      // no machine: nobody answers
  };

  // `pace` is how many of its microseconds go by in one of the world's.
  Host(Schedule& schedule, HostId id, double pace, int64_t wall_us)
      : schedule_(schedule), id_(id), pace_(pace), wall_offset_us_(wall_us) {}
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  HostId id() const { return id_; }
  State state() const { return state_; }
  bool has_process() const { return state_ == State::kRunning || state_ == State::kStopped; }
  // Counts the processes that it has had.

  int64_t monotonic_us() const {
    return static_cast<int64_t>(static_cast<double>(schedule_.now_us()) * pace_);
  }
  int64_t monotonic_ms() const { return monotonic_us() / kMillisecond; }
  int64_t wall_ms() const { return (monotonic_us() + wall_offset_us_) / kMillisecond; }
  void JumpWallClock(int64_t by_us) { wall_offset_us_ += by_us; }

  // Does it now, when the process goes on, or never.
  void Run(Action action);
  // After so long a time by its own clock, if the same process lives then.
  void RunAfter(int64_t delay_us, Action action);

  void Stop();
  void Continue();
  void Die(State how);
  void Start();

 private:
  void RunBacklog();

  Schedule& schedule_;
  const HostId id_;
  const double pace_;
  int64_t wall_offset_us_;
  State state_ = State::kRunning;
  uint64_t incarnation_ = 0;
  std::deque<Action> backlog_;  // of a stopped process, in order
};

}  // namespace hearth::sim
