// The server's place among others: a primary with replicas, or a replica that follows a primary and may have
// replicas of its own. Joins the two sides (replicas.h, primary_link.h) and carries out changes of role.
//
// Owned by the composition root; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "env/disk.h"
#include "env/net.h"
#include "net/event_loop.h"
#include "net/io_threads.h"
#include "net/tls_context.h"
#include "persistence/persistence.h"
#include "replication/core/failover.h"
#include "replication/primary_link.h"
#include "replication/replicas.h"
#include "replication/sync_history.h"
#include "settings/configuration.h"

namespace hearth::replication {

class Replication {
 public:
  struct Parts {
    settings::Configuration& configuration;
    engine::Engine& engine;
    net::EventLoop& loop;
    env::Net& net;
    net::IoThreads& connections;
    env::Clock& clock;
    env::Disk& disk;
    Logger& log;
    persistence::Persistence& persistence;
    const net::Tls& tls;  // for the link to the primary
  };
  explicit Replication(const Parts& parts);
  ~Replication();

  // Once data is loaded: follows the primary that the configuration names, and is bound by what the process
  // before this one promised. The error has been logged when this returns.
  Status Start();
  // At an orderly end, once all that is to be saved is on disk, and nothing more is written.
  void Stop();
  // Once a turn, before replies leave.
  void BeforeWait();
  // Ten times a second.
  void Tick();

  bool is_replica() const { return !primary().host.empty(); }
  const settings::PrimaryAddress& primary() const { return parts_.configuration.settings().primary_address; }

  // REPLICAOF. False if that primary is followed already.
  bool Follow(const std::string& host, int port);
  void BecomePrimary();

  // ---- what Sentinels say where writes are promised; epochs are theirs, and the errors whole replies

  // A replica acknowledges nothing any more, and stays as it is until it is told what to be.
  Status Fence(uint64_t epoch);
  // A primary takes no writes any more, since another one is or is about to be: for kReplacedMs, unless it is
  // said again. A replica takes none anyway.
  Status Replace(uint64_t epoch);
  // To be a primary. Only a replica that was fenced in this epoch has no newer one to obey; `is_forced` takes
  // any, and gives up what former primaries promised.
  Status Promote(uint64_t epoch, bool is_forced);
  Status FollowIn(uint64_t epoch, const std::string& host, int port);
  // 0 if it is not fenced.
  uint64_t fenced_epoch() const { return replicas_.promise_file().fenced_epoch(); }
  bool is_replaced() const { return replaced_at_ms_ >= 0; }

  // FAILOVER: begins one; the error is the whole reply.
  Status BeginFailover(Failover::Target target, bool is_forced, int64_t timeout_ms);
  void AbortFailover(std::string_view reason);
  const Failover& failover() const { return failover_; }

  Replicas& replicas() { return replicas_; }
  const Replicas& replicas() const { return replicas_; }
  const PrimaryLink& link() const { return link_; }
  const SyncHistory& sync_history() const { return sync_history_; }
  const History& history() const { return parts_.persistence.history(); }
  persistence::Persistence& persistence() const { return parts_.persistence; }

 private:
  bool TakePrimary(const std::string& host, int port, bool is_operator);
  void TakeRole(settings::PrimaryAddress primary);
  std::string_view SyncRefusal() const;
  void StepFailover();
  void FollowFailoverTarget(const Failover::Target& target, Origin origin);
  void OnFailoverAnswer(bool accepted);
  void OnClosed(engine::Client& client);
  Status CheckEpoch(uint64_t epoch) const;
  void SetReplaced(bool is_replaced);
  std::string AcksWord() const;
  int64_t NowMs() const { return parts_.clock.MonotonicMicros() / 1000; }
  void TakeNote(std::string_view text);

  // Whoever has said that it is replaced, and still means it, says so every second.
  static constexpr int64_t kReplacedMs = 10'000;

  const Parts parts_;
  SyncHistory sync_history_{parts_.clock};
  Replicas replicas_;
  PrimaryLink link_;
  Failover failover_;
  uint64_t follows_in_epoch_ = 0;   // its primary; 0 if nobody has said
  uint64_t fenced_here_epoch_ = 0;  // in which this process was fenced last
  // What it knows of promises its primary must know of, too.
  bool shares_promises_ = false;
  int64_t replaced_at_ms_ = -1;  // a primary, as it was told; -1: it is not
};

}  // namespace hearth::replication
