// Our replicas: who they are, what each of them gets, and how far they are.
//
// A replica asks by PSYNC or SYNC. It goes on where it stopped if memory or disk still have that part of the
// log (core/resync.h), else it waits for a full copy (full_sync.h). Online, it is a cursor in the write log:
// what leaves for its socket refers to the log's blocks and is no copy. What a slow one has not got stays in
// memory up to a bound, and is read from disk beyond that.
//
// Owned by replication/'s front; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "engine/context.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "env/disk.h"
#include "net/event_loop.h"
#include "net/io_threads.h"
#include "persistence/persistence.h"
#include "replication/core/acks_set.h"
#include "replication/core/resync.h"
#include "replication/full_sync.h"
#include "replication/promise_file.h"
#include "replication/replica.h"
#include "replication/sync_history.h"

namespace hearth::replication {

// What INFO and ROLE tell of one.
struct ReplicaInfo {
  std::string address;  // as announced, else the one it comes from
  int64_t port = 0;     // as announced, else 0
  std::string_view state;
  bool is_online = false;
  uint64_t acked_offset = 0;
  int64_t lag_seconds = 0;
  uint64_t unsent_bytes = 0;  // of the log: what it has still to be given
};

struct ReplicaStats {
  uint64_t full_syncs = 0;
  uint64_t partial_accepted = 0;
  uint64_t partial_refused = 0;
  uint64_t rejoins = 0;
};

class Replicas {
 public:
  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    net::IoThreads& connections;
    env::Clock& clock;
    env::Disk& disk;
    Logger& log;
    persistence::Persistence& persistence;
    SyncHistory& sync_history;
  };
  explicit Replicas(const Parts& parts);
  ~Replicas();
  Replicas(const Replicas&) = delete;
  Replicas& operator=(const Replicas&) = delete;

  // ---- commands (replica_commands.cc)
  void Replconf(engine::Context& ctx);
  void Psync(engine::Context& ctx);
  void Sync(engine::Context& ctx);

  // ---- for the front

  // What PSYNC and SYNC are refused with now, code included; empty for not at all. The text is a constant.
  void set_refusal(std::string_view error) { refusal_ = error; }
  // PSYNC <id> <offset> FAILOVER with our id, while we have a primary: we are to take its place.
  void set_on_promotion(std::function<void()> hook) { on_promotion_ = std::move(hook); }
  // Writes are refused with this, code included, since another server is the primary; empty for not.
  void set_replaced(std::string error) { replaced_ = std::move(error); }
  // This primary came back, or has a replica that knows more than it, so that it may lack what was promised:
  // until it is told what to be, it takes no writes and gives its dataset to nobody (core/acks_set.h).
  void NoteUncertainty(std::string why);

  // Once a turn, before replies leave.
  void Pump();
  // Ten times a second.
  void Tick();
  void OnClosed(engine::Client& client);
  // In the next Pump all replicas are asked how far they are.
  void RequestAcks();
  // Their history is no longer ours.
  void DropAll(std::string_view why);

  // ---- what is known

  std::vector<ReplicaInfo> list() const;
  // Of snapshots and streams, since the start.
  uint64_t sent_bytes() const;
  size_t count() const { return replicas_.size(); }
  // Online, and heard of within min-replicas-max-lag.
  int good_count() const;
  // All that are online have everything.
  bool AreCaughtUp() const;
  const ReplicaStats& stats() const { return stats_; }
  // Who may have acknowledged what was promised.
  AcksSet& acks() { return acks_; }
  PromiseFile& promise_file() { return promise_file_; }
  const PromiseFile& promise_file() const { return promise_file_; }
  // Why it may lack what was promised; empty if it does not.
  std::string_view uncertainty() const {
    return acks_.is_uncertain() ? std::string_view(uncertainty_) : std::string_view();
  }
  const AcksSet& acks() const { return acks_; }
  void ResetStats() {
    stats_ = {};
    parts_.persistence.held_replies().ResetStats();
  }
  // Full copies on their way now.
  size_t running_sync_count() const { return syncs_.size(); }

 private:
  // At most so many full copies at once, so that snapshots can be made beside them.
  static constexpr size_t kMaxSyncs = 3;
  // What is handed over to a connection and not sent yet.
  static constexpr size_t kMaxUnsentBytes = 1 << 20;
  // Log from which on a span is referred to rather than copied.
  static constexpr size_t kSharedBytes = 4 << 10;
  // A replica whose part of the log is larger is served from disk, where there is one; repl-backlog-size if
  // that is more.
  static constexpr uint64_t kMaxMemoryBytes = 32 << 20;

  using State = Replica::State;

  // ---- asking (replica_commands.cc)
  bool SetOption(engine::Context& ctx, Replica* replica, ReplicaAnnouncement& announced, size_t i);
  bool SetFilter(engine::Context& ctx, ReplicaAnnouncement& announced, std::string_view text);
  void TakeAck(engine::Context& ctx, Replica& replica);
  void FailReplica(engine::Context& ctx, Replica* replica, std::string_view error);
  bool MayAsk(engine::Context& ctx);
  bool IsRefusedByPromises(engine::Context& ctx);
  bool AskForFailover(engine::Context& ctx);
  void Ask(engine::Context& ctx, const ResyncRequest* request, bool rejoins = false);
  void Resume(Replica& replica, const ResyncChoice& choice, int64_t wire_offset);
  void SetRejoin(ReplicaAnnouncement& announced, std::string_view text);
  static void SetIdentity(ReplicaAnnouncement& announced, std::string_view text);
  bool AddRejoinKeys(engine::Context& ctx, ReplicaAnnouncement& announced, std::string_view piece);
  HeldLog Held() const;
  void BeginSync(Replica& replica, SyncRecord::Kind kind, std::string cause);
  void FinishSync(Replica& replica);

  // ---- full copies (replica_syncs.cc)
  void StepSyncs();
  bool MustGoByFile(const Replica& replica) const;
  void StartDueSyncs();
  void StartSync(FullSync::Way way, const std::vector<Replica*>& members);
  void AnnounceSync(Replica& replica, FullSync& sync, std::string_view word);
  void FinishSaving(FullSync& sync);
  void FinishSending(Replica& replica);
  void SendEmptySnapshot(Replica& replica);
  FullSync::Parts SyncParts() const;

  // ---- rejoin (replica_rejoins.cc)
  ResyncRequest RequestOf(const engine::Client& client, std::string_view id, int64_t wire_offset) const;
  void OfferRejoin(engine::Context& ctx, const ResyncChoice& choice);
  int DatabaseAt(uint64_t offset, const ReplicaAnnouncement& announced) const;
  void BeginRejoin(Replica& replica, uint64_t offset);
  void StepRejoins();
  void StartRejoin(Replica& replica);

  // ---- the stream (replica_feed.cc)
  void PutOnline(Replica& replica);
  void Feed(Replica& replica);
  void FeedFromMemory(Replica& replica);
  size_t MaxUnsentBytes() const;
  const settings::OutputBufferLimit& ReplicaLimit() const;
  void StepCatchUp(Replica& replica);
  void StartCatchUp(Replica& replica);
  bool IsOnDisk(uint64_t offset) const;
  bool ComesToDisk(const Replica& replica) const;
  void BoundMemory(Replica& replica);
  void AskForAcks();
  WriterPacing::Place PlaceOf(const Replica& replica) const;
  uint64_t MemoryBound(const Replica& replica) const;
  void PaceWriters();

  // Our stream is our primary's then, and nothing is added to it.
  bool has_upstream() const { return parts_.persistence.is_replica(); }

  // ---- promised writes (replica_promises.cc)
  std::vector<AcksReplica> Acknowledging() const;
  void StepPromises();
  void StepSet(const std::vector<AcksReplica>& replicas);
  bool IsSynced();
  void TellGate();

  // ---- looking after them
  Replica* Find(const engine::Client& client);
  // Lets go of it and of all that it holds; it is forgotten at the end of the turn's work.
  void Drop(Replica& replica);
  void ForgetDropped();
  void CheckSilence(Replica& replica);
  void KeepWaitingAlive();
  void Ping();
  void FreeBacklog();
  void UpdateRefusal();
  void CreateBacklog();
  std::string NameOf(const Replica& replica) const;
  int64_t LagSeconds(const Replica& replica) const;
  int64_t now_ms() const { return parts_.clock.MonotonicMicros() / 1000; }

  const Parts parts_;
  const settings::Settings& settings_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::vector<std::unique_ptr<FullSync>> syncs_;
  // Of connections that have not asked for the stream.
  std::unordered_map<uint64_t, ReplicaAnnouncement> announced_;
  ReplicaStats stats_;
  uint64_t counted_bytes_ = 0;  // sent by workers, and to those that have gone
  std::string_view refusal_;
  std::string replaced_;
  AcksSet acks_;
  PromiseFile promise_file_;
  std::string uncertainty_;
  bool is_note_due_ = false;  // it waits until what it says is on disk
  bool are_promises_saved_ = true;
  uint64_t synced_from_ = UINT64_MAX;  // where each promise began to wait for the disk, too
  std::function<void()> on_promotion_;
  bool are_acks_wanted_ = false;
  uint64_t next_file_ = 1;
  int64_t pinged_ms_ = 0;
  int64_t kept_alive_ms_ = 0;
  int64_t alone_since_ms_ = 0;
  std::vector<log::LogSpan> spans_;
};

}  // namespace hearth::replication
