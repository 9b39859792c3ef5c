#include "replication/replicas.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hearth::replication {
namespace {

constexpr std::string_view kPing = "*1\r\n$4\r\nping\r\n";
constexpr int64_t kKeepAliveMs = 1000;
constexpr std::string_view kUncertain =
    "READONLY This primary may lack writes that were promised, and takes none: see acks_uncertain in INFO.";

// "127.0.0.1" of "127.0.0.1:6379", "::1" of "[::1]:6379".
std::string_view HostOf(std::string_view address) {
  address = address.substr(0, address.rfind(':'));
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return address;
}

std::string_view StateName(Replica::State state) {
  switch (state) {
    case Replica::State::kWaiting:
    case Replica::State::kSaving:
      return "wait_bgsave";
    case Replica::State::kSending:
      return "send_bulk";
    default:
      return "online";
  }
}

}  // namespace

Replicas::Replicas(const Parts& parts)
    : parts_(parts),
      settings_(parts.engine.settings()),
      acks_(parts.persistence.MakeId()),
      promise_file_({parts.disk, parts.clock, parts.log, settings_, acks_}),
      pinged_ms_(now_ms()),
      alone_since_ms_(now_ms()) {}

Replicas::~Replicas() = default;

// ---- once a turn, and now and then

void Replicas::Pump() {
  StepPromises();
  UpdateRefusal();
  StepSyncs();
  StepRejoins();
  StartDueSyncs();
  if (parts_.persistence.TakeAcksWish()) are_acks_wanted_ = true;
  if (std::exchange(are_acks_wanted_, false)) AskForAcks();
  for (const auto& replica : replicas_) {
    if (replica->state == State::kOnline && !replica->is_dropped) Feed(*replica);
  }
  ForgetDropped();
  PaceWriters();
}

void Replicas::Tick() {
  for (const auto& replica : replicas_) {
    CheckSilence(*replica);
    BoundMemory(*replica);
  }
  ForgetDropped();
  KeepWaitingAlive();
  Ping();
  FreeBacklog();
}

void Replicas::RequestAcks() {
  are_acks_wanted_ = true;
  parts_.loop.RequestImmediateTurn();
}

// ---- coming and going

Replica* Replicas::Find(const engine::Client& client) {
  for (const auto& replica : replicas_) {
    if (&replica->client == &client && !replica->is_dropped) return replica.get();
  }
  return nullptr;
}

void Replicas::OnClosed(engine::Client& client) {
  announced_.erase(client.id);
  ForgetDropped();
  Replica* const replica = Find(client);
  if (replica == nullptr) return;
  parts_.log.Notice("Connection with replica {} lost.", NameOf(*replica));
  Drop(*replica);
  ForgetDropped();
}

void Replicas::Drop(Replica& replica) {
  if (std::exchange(replica.is_dropped, true)) return;
  replica.catch_up.reset();
  replica.rejoin.reset();
  replica.cursor.Release();
  replica.sync = nullptr;
  parts_.sync_history.Fail(replica.sync_number, replica.sync_bytes, "the replica has gone");
  parts_.persistence.gate().RemoveReplica(replica.client.id);
  counted_bytes_ += replica.client.connection->written_bytes();
  replica.client.CloseNow();
}

void Replicas::ForgetDropped() {
  const size_t dropped = std::erase_if(replicas_, [](const auto& replica) { return replica->is_dropped; });
  if (dropped == 0) return;
  // What nobody waits for is given up.
  std::erase_if(syncs_, [this](const auto& sync) {
    return std::none_of(replicas_.begin(), replicas_.end(),
                        [&sync](const auto& replica) { return replica->sync == sync.get(); });
  });
  if (replicas_.empty()) alone_since_ms_ = now_ms();
}

void Replicas::DropAll(std::string_view why) {
  for (const auto& replica : replicas_) {
    if (replica->is_dropped) continue;
    parts_.log.Notice("Disconnecting replica {}: {}", NameOf(*replica), why);
    Drop(*replica);
  }
  ForgetDropped();
}

// ---- looking after them

// All that comes from a replica is a sign of life: while it loads it sends empty lines.
void Replicas::CheckSilence(Replica& replica) {
  if (replica.is_dropped) return;
  if (const uint64_t read = replica.client.connection->read_bytes(); read != replica.heard_bytes) {
    replica.heard_bytes = read;
    replica.acked_ms = now_ms();
  }
  if (replica.state != State::kOnline && replica.state != State::kAwaitingAck) return;
  if (replica.uses_sync || now_ms() - replica.acked_ms <= settings_.repl_timeout * 1000) return;
  parts_.log.Warning("Disconnecting timedout replica (streaming sync): {}", NameOf(replica));
  Drop(replica);
}

void Replicas::KeepWaitingAlive() {
  if (now_ms() - kept_alive_ms_ < kKeepAliveMs) return;
  kept_alive_ms_ = now_ms();
  std::erase_if(announced_, [this](const auto& announced) {
    return parts_.engine.clients().Find(announced.first) == nullptr;
  });
  for (const auto& replica : replicas_) {
    if (replica->state != State::kWaiting && replica->state != State::kSaving) continue;
    replica->client.connection->output().Append("\n");
    replica->client.connection->ScheduleWrite();
  }
}

// A replica that hears nothing for repl-timeout believes that we are gone. While a failover waits for
// replicas to reach the log's end, the end stays where it is.
void Replicas::Ping() {
  if (replicas_.empty() || has_upstream() || !refusal_.empty()) return;
  if (now_ms() - pinged_ms_ < settings_.repl_ping_replica_period * 1000) return;
  pinged_ms_ = now_ms();
  parts_.persistence.write_log().AppendForReplicas(kPing);
}

void Replicas::FreeBacklog() {
  if (!replicas_.empty() || has_upstream()) {
    alone_since_ms_ = now_ms();
    return;
  }
  if (settings_.repl_backlog_ttl == 0 || !parts_.persistence.is_log_wanted()) return;
  if (now_ms() - alone_since_ms_ <= settings_.repl_backlog_ttl * 1000) return;
  parts_.persistence.WantLog(false);
  parts_.log.Notice("Replication backlog freed after {} seconds without connected replicas.",
                    settings_.repl_backlog_ttl);
}

void Replicas::UpdateRefusal() {
  const bool has_too_few = !has_upstream() && settings_.min_replicas_to_write > 0 &&
                           settings_.min_replicas_max_lag > 0 &&
                           good_count() < settings_.min_replicas_to_write;
  std::string_view refusal = replaced_;
  if (refusal.empty() && acks_.is_uncertain() && !has_upstream()) refusal = kUncertain;
  if (refusal.empty() && has_too_few) refusal = "NOREPLICAS Not enough good replicas to write.";
  if (parts_.engine.refusals().replicas == refusal) return;
  engine::Refusals refusals = parts_.engine.refusals();
  refusals.replicas = refusal;
  parts_.engine.SetRefusals(std::move(refusals));
}

// ---- what is known

std::string Replicas::NameOf(const Replica& replica) const {
  const std::string_view host = replica.announced.ip_address.empty()
                                    ? HostOf(replica.client.connection->peer_address())
                                    : std::string_view(replica.announced.ip_address);
  if (replica.announced.listening_port == 0) return fmt::format("{}:<unknown-replica-port>", host);
  return fmt::format("{}:{}", host, replica.announced.listening_port);
}

int64_t Replicas::LagSeconds(const Replica& replica) const {
  const bool is_online = replica.state == State::kOnline || replica.state == State::kAwaitingAck;
  return is_online ? (now_ms() - replica.acked_ms) / 1000 : 0;
}

std::vector<ReplicaInfo> Replicas::list() const {
  std::vector<ReplicaInfo> infos;
  for (const auto& replica : replicas_) {
    const std::string& announced = replica->announced.ip_address;
    const uint64_t end = parts_.persistence.write_log().end_offset();
    infos.push_back({.address = announced.empty()
                                    ? std::string(HostOf(replica->client.connection->peer_address()))
                                    : announced,
                     .port = replica->announced.listening_port,
                     .state = StateName(replica->state),
                     .is_online = replica->state == State::kOnline || replica->state == State::kAwaitingAck,
                     .acked_offset = replica->acked_offset,
                     .lag_seconds = LagSeconds(*replica),
                     .unsent_bytes = replica->state == State::kWaiting ? 0 : end - replica->offset()});
  }
  return infos;
}

uint64_t Replicas::sent_bytes() const {
  uint64_t bytes = counted_bytes_;
  for (const auto& replica : replicas_) {
    if (!replica->is_dropped) bytes += replica->client.connection->written_bytes();
  }
  return bytes;
}

int Replicas::good_count() const {
  return static_cast<int>(std::count_if(replicas_.begin(), replicas_.end(), [this](const auto& replica) {
    return replica->state == State::kOnline && LagSeconds(*replica) <= settings_.min_replicas_max_lag;
  }));
}

bool Replicas::AreCaughtUp() const {
  const uint64_t end = parts_.persistence.write_log().end_offset();
  return std::all_of(replicas_.begin(), replicas_.end(), [end](const auto& replica) {
    const bool has_dataset = replica->state == State::kOnline || replica->state == State::kAwaitingAck;
    return !has_dataset || replica->acked_offset == end;
  });
}

}  // namespace hearth::replication
