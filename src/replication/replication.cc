#include "replication/replication.h"

#include <string>
#include <utility>
#include <vector>

#include "rdb/rdb_snapshot.h"

namespace hearth::replication {

Replication::Replication(const Parts& parts)
    : parts_(parts),
      replicas_({parts.engine, parts.loop, parts.connections, parts.clock, parts.disk, parts.log,
                 parts.persistence, sync_history_}),
      link_({parts.engine, parts.loop, parts.net, parts.connections, parts.clock, parts.disk, parts.log,
             parts.persistence, sync_history_, parts.tls,
             [this] { replicas_.DropAll("the dataset is being replaced"); },
             [this] { replicas_.DropAll("the replication id has changed"); },
             std::string(rdb::kInterfaceVersion), [this](bool accepted) { OnFailoverAnswer(accepted); },
             [this] { return AcksWord(); }, [this](std::string_view text) { TakeNote(text); }}) {
  replicas_.set_on_promotion([this] { BecomePrimary(); });
  parts_.configuration.OnChange({"replica-read-only", "replica-serve-stale-data", "replica-ignore-maxmemory"},
                                [this](const settings::Settings&) -> Status {
                                  link_.RefreshRefusals();
                                  return {};
                                });
  parts_.engine.hooks().on_close = [this](engine::Client& client) { OnClosed(client); };
}

Replication::~Replication() { parts_.engine.hooks().on_close = nullptr; }

Status Replication::Start() {
  PromiseFile& file = replicas_.promise_file();
  auto memory = file.Load();
  if (!memory) {
    parts_.log.Warning("{}", memory.error().message);
    return std::unexpected(memory.error());
  }
  AcksSet& acks = replicas_.acks();
  acks.Restore(memory->epoch, std::move(memory->records));
  if (is_replica()) {
    shares_promises_ = true;
    TakeRole(primary());
    link_.Follow(primary().host, static_cast<int>(primary().port), Origin::kConfiguration);
    if (fenced_epoch() == 0) return {};
    parts_.log.Warning("Still fenced in epoch {}: nothing is taken from {}:{}", fenced_epoch(),
                       primary().host, primary().port);
    link_.Leave();
    return {};
  }
  file.set_fenced_epoch(0);
  const bool is_whole = memory->IsWhole(history(), parts_.persistence.was_loaded_from_file());
  file.set_synced(is_whole && memory->is_synced);
  acks.ReturnAsPrimary(is_whole || parts_.configuration.settings().replication_acks == 0);
  if (acks.is_uncertain())
    replicas_.NoteUncertainty("what its disk had when it started is not known to be all of them");
  return {};
}

void Replication::Stop() {
  PromiseFile& file = replicas_.promise_file();
  if (is_replica() || is_replaced() || replicas_.acks().is_uncertain()) return;
  file.set_end(PromiseMemory::End{history().id, parts_.persistence.write_log().end_offset()});
  (void)file.SaveNow();
}

void Replication::BeforeWait() {
  StepFailover();
  link_.BeforeWait();
  replicas_.set_refusal(SyncRefusal());
  replicas_.Pump();
}

void Replication::Tick() {
  link_.Tick();
  replicas_.Tick();
  if (is_replaced() && NowMs() - replaced_at_ms_ > kReplacedMs) SetReplaced(false);
}

// What replicas are told that ask while we have nothing to go by ourselves.
std::string_view Replication::SyncRefusal() const {
  if (failover_.state() != Failover::State::kNone) return "NOMASTERLINK Can't SYNC while failing over";
  if (is_replica() && !link_.is_up()) return "NOMASTERLINK Can't SYNC while not connected with my master";
  return {};
}

// ---- roles

void Replication::TakeRole(settings::PrimaryAddress primary) {
  parts_.configuration.SetPrimaryAddress(std::move(primary));
  parts_.log.SetRole(is_replica() ? 'S' : 'M');
}

bool Replication::Follow(const std::string& host, int port) { return TakePrimary(host, port, true); }

bool Replication::TakePrimary(const std::string& host, int port, bool is_operator) {
  // Said again, it means that an empty dataset is to be taken after all.
  const bool is_refused = !link_.refused_reason().empty();
  if (primary() == settings::PrimaryAddress{host, port} && !is_refused && fenced_epoch() == 0) return false;
  if (primary() != settings::PrimaryAddress{host, port}) follows_in_epoch_ = 0;
  const bool is_release = fenced_epoch() != 0 && primary() == settings::PrimaryAddress{host, port};
  replicas_.promise_file().set_fenced_epoch(0);
  SetReplaced(false);
  if (!is_replica()) replicas_.acks().BecomeReplica();
  if (!is_release) shares_promises_ = false;
  if (is_operator) replicas_.acks().ForgetEpoch();
  TakeRole({host, port});
  // Whom it has followed all along it does not follow into nothing.
  link_.Follow(host, port, is_release ? Origin::kConfiguration : Origin::kOperator);
  return true;
}

void Replication::BecomePrimary() {
  SetReplaced(false);
  if (!is_replica()) return replicas_.acks().GoOn();
  replicas_.promise_file().set_fenced_epoch(0);
  follows_in_epoch_ = 0;
  link_.Stop();
  TakeRole({});
  replicas_.acks().BecomePrimary(false);
  // They ask again, and learn of the new id.
  replicas_.DropAll("this server has become a primary");
}

void Replication::OnClosed(engine::Client& client) {
  if (client.is(engine::Client::kReplica)) replicas_.OnClosed(client);
  if (client.is(engine::Client::kFromPrimary)) link_.OnClosed(client);
}

// ---- failover

Status Replication::BeginFailover(Failover::Target target, bool is_forced, int64_t timeout_ms) {
  if (!target.host.empty()) {
    const ReplicaInfo* found = nullptr;
    const std::vector<ReplicaInfo> list = replicas_.list();
    for (const ReplicaInfo& replica : list) {
      if (replica.address == target.host && replica.port == target.port) found = &replica;
    }
    if (found == nullptr) return Fail("ERR FAILOVER target HOST and PORT is not a replica.");
    if (!found->is_online) return Fail("ERR FAILOVER target replica is not online.");
    parts_.log.Notice("FAILOVER requested to {}:{}.", target.host, target.port);
  } else {
    parts_.log.Notice("FAILOVER requested.");
  }
  failover_.Begin(std::move(target), is_forced,
                  timeout_ms == 0 ? 0 : parts_.clock.WallMicros() / 1000 + timeout_ms);
  parts_.engine.RestWrites(engine::RestReason::kFailover, true);
  replicas_.RequestAcks();
  return {};
}

void Replication::StepFailover() {
  if (failover_.state() != Failover::State::kWaitingForSync) return;
  std::vector<Failover::Candidate> candidates;
  for (ReplicaInfo& replica : replicas_.list()) {
    if (!replica.is_online) continue;
    candidates.push_back({std::move(replica.address), static_cast<int>(replica.port), replica.acked_offset});
  }
  const Failover::Action action = failover_.Step(parts_.clock.WallMicros() / 1000, candidates,
                                                 parts_.persistence.write_log().end_offset());
  if (action.kind == Failover::Action::Kind::kFollow) {
    parts_.log.Notice("Failing over to {}:{}: {}.", action.target.host, action.target.port, action.reason);
    FollowFailoverTarget(action.target, action.has_everything ? Origin::kFailover : Origin::kForcedFailover);
  } else if (action.kind == Failover::Action::Kind::kAbort) {
    AbortFailover(action.reason);
  }
}

void Replication::FollowFailoverTarget(const Failover::Target& target, Origin origin) {
  replicas_.acks().BecomeReplica();
  shares_promises_ = false;
  TakeRole({target.host, target.port});
  link_.Follow(target.host, target.port, origin);
}

void Replication::AbortFailover(std::string_view reason) {
  if (failover_.state() == Failover::State::kNone) return;
  parts_.log.Notice("Aborting failover: {}", reason);
  if (failover_.state() == Failover::State::kInProgress) BecomePrimary();
  failover_.End();
  parts_.engine.RestWrites(engine::RestReason::kFailover, false);
}

void Replication::OnFailoverAnswer(bool accepted) {
  if (failover_.state() != Failover::State::kInProgress) return;
  if (!accepted) return AbortFailover("Failover target rejected psync request");
  failover_.End();
  parts_.engine.RestWrites(engine::RestReason::kFailover, false);
}

}  // namespace hearth::replication
