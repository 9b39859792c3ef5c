// A planned change of roles (FAILOVER): writes rest until a replica has everything, then this server follows
// it.
//
// Pure: time and the replicas' places come in, what is to be done goes out. Engine thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace hearth::replication {

class Failover {
 public:
  enum class State { kNone, kWaitingForSync, kInProgress };

  struct Target {
    std::string host;  // empty: whoever is first
    int port = 0;
  };
  // A replica that is online.
  struct Candidate {
    std::string host;
    int port = 0;
    uint64_t acked_offset = 0;
  };
  struct Action {
    enum class Kind { kNone, kFollow, kAbort } kind = Kind::kNone;
    Target target;                // of kFollow
    std::string reason;           // for the log
    bool has_everything = false;  // the target of kFollow; else the time is up
  };

  // `deadline_ms` 0 is never; a forced one does not wait longer than that for the target.
  void Begin(Target target, bool is_forced, int64_t deadline_ms);
  // What is to be done now; `end_offset` is the log's.
  Action Step(int64_t now_ms, std::span<const Candidate> candidates, uint64_t end_offset);
  // It is over, well or not.
  void End() { state_ = State::kNone; }

  State state() const { return state_; }
  // INFO's master_failover_state.
  const char* state_name() const;

 private:
  State state_ = State::kNone;
  Target target_;
  bool is_forced_ = false;
  int64_t deadline_ms_ = 0;
};

}  // namespace hearth::replication
