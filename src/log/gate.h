// The gate at which replies wait until the log up to their write is as durable as was asked: on disk
// (`appendfsync always`, WAITAOF), on K replicas (WAIT, WAITAOF, `replication-acks`). It delays replies,
// never the engine; one fsync or one acknowledgement lets through all that waited for it, in the order of
// offsets.
//
// Use: `Wait` with the log's end after the write (WAIT: the client's last write); the caller sends the reply
// when `done` is called. Whoever learns of progress says so: the AOF writer's report (SetLocal), REPLCONF ACK
// (SetReplica). It has no timers: the owner asks for NextDeadlineMs and calls EndTimedOut.
//
// Owned by the engine's owner; engine thread only. `done` may call any method.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace hearth::log {

// How far this server's own AOF is. Both only go forward, but for Reset.
struct LocalProgress {
  // Replies under `appendfsync always` may go: synced, or written while no-appendfsync-on-rewrite rules.
  uint64_t released = 0;
  // Synced to disk, whatever the policy (WAITAOF).
  uint64_t synced = 0;
};

struct GateRequirement {
  enum class Local : uint8_t { kNone, kReleased, kSynced };
  Local local = Local::kNone;
  uint32_t replicas_received = 0;  // so many have the bytes
  uint32_t replicas_synced = 0;    // so many have them in a synced AOF
  bool is_promised = false;        // and those who have them are enough for SetPromised

  auto operator<=>(const GateRequirement&) const = default;
};

class Gate {
 public:
  enum class Outcome {
    kReached,
    kTimedOut,
    kNoFile,  // it asked for the AOF, which is not there any more
    kNewLog,  // the log starts anew; while `done` runs, progress is still what it was
  };
  using Done = std::move_only_function<void(Outcome)>;
  using WaitId = uint64_t;  // never 0
  using ReplicaId = uint64_t;

  // Is that durable enough now? Whoever asks first spares itself the waiting.
  bool IsReached(uint64_t offset, const GateRequirement& requirement) const;
  // `done` is called once, from one of the methods below, never from here. `deadline_ms` is in the caller's
  // time; 0 for never.
  WaitId Wait(uint64_t offset, const GateRequirement& requirement, int64_t deadline_ms, Done done);
  // Ends the waiting without a call (the client has gone). False if it was over already.
  bool Cancel(WaitId id);

  // ---- progress

  void SetLocal(LocalProgress progress);
  // A replica that is new counts from here on; offsets only go forward.
  void SetReplica(ReplicaId replica, uint64_t received, uint64_t synced);
  void RemoveReplica(ReplicaId replica);
  // Promised writes are kept up to here (replication/core/acks_set.h); may go back.
  void SetPromised(uint64_t offset);
  uint64_t promised() const { return promised_; }
  // There is no AOF any more: who waits for it gets kNoFile.
  void ForgetLocal();
  // The log starts anew: nobody waits any longer (each gets kNewLog), and all progress is at `offset`.
  void Reset(uint64_t offset);

  const LocalProgress& local() const { return local_; }
  // Replicas that are at `offset` or beyond: the replies of WAIT and WAITAOF.
  size_t CountReceived(uint64_t offset) const;
  size_t CountSynced(uint64_t offset) const;

  // ---- time

  // 0 if no wait has a deadline.
  int64_t NextDeadlineMs() const { return deadlines_.empty() ? 0 : deadlines_.begin()->first; }
  void EndTimedOut(int64_t now_ms);

  size_t waiting_count() const { return waits_.size(); }

 private:
  struct Replica {
    ReplicaId id;
    uint64_t received;
    uint64_t synced;
  };
  struct Waiting {
    uint64_t offset;
    GateRequirement requirement;
    int64_t deadline_ms;
    Done done;
  };
  // The waits of one requirement, by offset and then by age.
  using Queue = std::set<std::pair<uint64_t, WaitId>>;

  // The offset up to which the requirement is met; nullopt where even the log's beginning is not, for lack of
  // replicas.
  std::optional<uint64_t> ReachedOffset(const GateRequirement& requirement) const;
  std::optional<uint64_t> ReachedByReplicas(uint32_t count, uint64_t Replica::* progress) const;
  void LetThrough();
  void Forget(WaitId id, const Waiting& wait);
  void End(const std::vector<WaitId>& ids, Outcome outcome);

  std::map<WaitId, Waiting> waits_;
  std::map<GateRequirement, Queue> queues_;
  std::set<std::pair<int64_t, WaitId>> deadlines_;
  std::vector<Replica> replicas_;
  LocalProgress local_;
  uint64_t promised_ = UINT64_MAX;
  WaitId next_id_ = 1;
};

}  // namespace hearth::log
