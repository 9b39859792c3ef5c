// The primary's part of a rejoin: finds which keys were written here since the replica's history parted from
// ours. Together with those that the replica has written they are the keys that may differ.
//
// The log is walked on a thread; what is written meanwhile is walked in another round, until so little is
// left that the engine thread does it at once. Then it is ready for the turn that it is asked in: the cut of
// these keys is made at the log's end as it is then.
//
// Owned by a Replica; engine thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "log/write_log.h"
#include "net/event_loop.h"
#include "persistence/persistence.h"
#include "replication/log_walker.h"

namespace hearth::replication {

class ReplicaRejoin {
 public:
  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    persistence::Persistence& persistence;
  };
  // What may be walked in all rounds.
  static constexpr uint64_t kMaxLogBytes = uint64_t{1} << 30;

  // `offset` is where histories parted, `database` what was selected there (-1 if that is not known),
  // `theirs` what the replica has written.
  ReplicaRejoin(const Parts& parts, uint64_t offset, int database, std::shared_ptr<WrittenKeys> theirs);

  enum class State : uint8_t { kWalking, kReady, kFailed };
  // Once a turn, when all effects have been logged. kReady holds for that turn.
  State Step();
  // Why a full copy must do.
  const std::string& failure() const { return failure_; }
  // When it is ready: those that were written here, as pieces of WrittenKeys::Encode, and all.
  const std::vector<std::string>& ours() const { return ours_; }
  std::shared_ptr<const WrittenKeys> all() const { return walk_.keys(); }

 private:
  // So much is walked on the engine thread.
  static constexpr uint64_t kMaxBytesAtOnce = 128 << 10;

  void Walk(uint64_t offset);
  void WalkRest();
  void FailWith(std::string reason);

  const Parts parts_;
  const uint64_t offset_;
  const std::shared_ptr<WrittenKeys> theirs_;
  LogWalk walk_;
  std::string failure_;
  std::vector<std::string> ours_;
  log::LogCursor cursor_;  // behind what is walked or being walked
  std::unique_ptr<LogWalker> walker_;
};

}  // namespace hearth::replication
