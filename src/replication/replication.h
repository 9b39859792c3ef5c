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

  // Once data is loaded: follows the primary that the configuration names.
  void Start();
  // Once a turn, before replies leave.
  void BeforeWait();
  // Ten times a second.
  void Tick();

  bool is_replica() const { return !primary().host.empty(); }
  const settings::PrimaryAddress& primary() const { return parts_.configuration.settings().primary_address; }

  // REPLICAOF. False if that primary is followed already.
  bool Follow(const std::string& host, int port);
  void BecomePrimary();

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
  void TakeRole(settings::PrimaryAddress primary);
  std::string_view SyncRefusal() const;
  void StepFailover();
  void FollowFailoverTarget(const Failover::Target& target);
  void OnFailoverAnswer(bool accepted);
  void OnClosed(engine::Client& client);

  const Parts parts_;
  SyncHistory sync_history_{parts_.clock};
  Replicas replicas_;
  PrimaryLink link_;
  Failover failover_;
};

}  // namespace hearth::replication
