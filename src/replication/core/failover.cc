#include "replication/core/failover.h"

#include <utility>

namespace hearth::replication {

void Failover::Begin(Target target, bool is_forced, int64_t deadline_ms) {
  target_ = std::move(target);
  is_forced_ = is_forced;
  deadline_ms_ = deadline_ms;
  state_ = State::kWaitingForSync;
}

Failover::Action Failover::Step(int64_t now_ms, std::span<const Candidate> candidates, uint64_t end_offset) {
  if (state_ != State::kWaitingForSync) return {};
  for (const Candidate& candidate : candidates) {
    const bool is_wanted =
        target_.host.empty() || (candidate.host == target_.host && candidate.port == target_.port);
    if (!is_wanted || candidate.acked_offset != end_offset) continue;
    state_ = State::kInProgress;
    return {Action::Kind::kFollow, {candidate.host, candidate.port}, "the target has everything", true};
  }
  if (deadline_ms_ == 0 || now_ms < deadline_ms_) return {};
  if (!is_forced_) return {Action::Kind::kAbort, {}, "Replica never caught up before timeout"};
  state_ = State::kInProgress;
  return {Action::Kind::kFollow, target_, "the time is up"};
}

const char* Failover::state_name() const {
  switch (state_) {
    case State::kNone:
      return "no-failover";
    case State::kWaitingForSync:
      return "waiting-for-sync";
    case State::kInProgress:
      return "failover-in-progress";
  }
  return "";
}

}  // namespace hearth::replication
