#include "sim/host.h"

#include <utility>

#include "base/assert.h"

namespace hearth::sim {

void Host::Run(Action action) {
  if (!has_process()) return;
  if (state_ == State::kStopped || !backlog_.empty()) {
    backlog_.push_back(std::move(action));
    return;
  }
  action();
}

void Host::RunAfter(int64_t delay_us, Action action) {
  HEARTH_ASSERT(delay_us >= 0);
  const auto world_us = static_cast<int64_t>(static_cast<double>(delay_us) / pace_);
  schedule_.After(world_us, [this, life = incarnation_, action = std::move(action)]() mutable {
    if (life == incarnation_) Run(std::move(action));
  });
}

void Host::Stop() {
  if (state_ == State::kRunning) state_ = State::kStopped;
}

void Host::Continue() {
  if (state_ != State::kStopped) return;
  state_ = State::kRunning;
  RunBacklog();
}

// What is done may stop or kill the process.
void Host::RunBacklog() {
  while (state_ == State::kRunning && !backlog_.empty()) {
    Action action = std::move(backlog_.front());
    backlog_.pop_front();
    action();
  }
}

void Host::Die(State how) {
  HEARTH_ASSERT(how == State::kDead || how == State::kOff);
  state_ = how;
  ++incarnation_;
  backlog_.clear();
}

void Host::Start() {
  HEARTH_ASSERT(!has_process());
  state_ = State::kRunning;
}

}  // namespace hearth::sim
