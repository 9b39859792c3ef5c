// Replicas whose history has parted from ours, and who can give up what only they have
// (docs/formats/replication.md).

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/numbers.h"
#include "replication/replicas.h"
#include "replication/transfer_load.h"

namespace hearth::replication {

// ---- what it says

// "rejoin", and ":<id>:<its end>:<the database there>" for each former name. What cannot be read, and what
// stands behind it, was not said.
void Replicas::SetRejoin(ReplicaAnnouncement& announced, std::string_view text) {
  constexpr std::string_view kWord = "rejoin";
  if (!settings_.replication_rejoin) return;
  std::string_view rest = text.substr(kWord.size());
  if (!rest.empty() && rest.front() != ':') return;
  announced.knows_rejoin = true;
  announced.former.clear();
  const auto next = [&rest] {
    rest.remove_prefix(std::min<size_t>(rest.size(), 1));
    const std::string_view word = rest.substr(0, rest.find(':'));
    rest.remove_prefix(word.size());
    return word;
  };
  while (!rest.empty() && announced.former.size() < History::kMaxFormerNames) {
    const std::string_view id = next();
    const auto end = ParseUint64(next());
    const auto database = ParseInt64(next());
    if (id.size() != kIdDigits || !end || !database || *database < -1 || *database > INT32_MAX) return;
    announced.former.push_back({std::string(id), *end, static_cast<int>(*database)});
  }
}

// False if it was an error.
bool Replicas::AddRejoinKeys(engine::Context& ctx, ReplicaAnnouncement& announced, std::string_view piece) {
  if (announced.rejoin_keys == nullptr) {
    announced.rejoin_keys = std::make_shared<WrittenKeys>(parts_.engine.keyspace().database_count());
  }
  if (announced.knows_rejoin && announced.rejoin_keys->Decode(piece)) return true;
  announced.rejoin_keys.reset();
  FailReplica(ctx, Find(ctx.client()), "ERR rejoin-keys: not understood, or too many");
  return false;
}

ResyncRequest Replicas::RequestOf(const engine::Client& client, std::string_view id,
                                  int64_t wire_offset) const {
  ResyncRequest request{id, wire_offset};
  const auto announced = announced_.find(client.id);
  if (announced == announced_.end()) return request;
  // Who has no key would have the replica give up all that it has: an empty dataset is sent whole, for the
  // replica's guard to judge (core/link.h).
  request.knows_rejoin = announced->second.knows_rejoin && HasData(parts_.engine);
  request.former = announced->second.former;
  return request;
}

// ---- how it goes

// Selected in the stream where histories parted, which is where one of them got another name; -1 if neither
// side knows.
int Replicas::DatabaseAt(uint64_t offset, const ReplicaAnnouncement& announced) const {
  const std::span<const FormerName> sides[] = {parts_.persistence.history().former, announced.former};
  for (const std::span<const FormerName> names : sides) {
    for (const FormerName& name : names) {
      if (name.end == offset && name.database >= 0) return name.database;
    }
  }
  return -1;
}

// It is no replica yet: it asks again when it knows what it has to give up.
void Replicas::OfferRejoin(engine::Context& ctx, const ResyncChoice& choice) {
  engine::Client& client = ctx.client();
  const int database = DatabaseAt(choice.offset, announced_[client.id]);
  parts_.log.Notice("{} has a history that has parted from ours at offset {}: it is offered to rejoin",
                    client.connection->peer_address(), choice.offset);
  client.connection->output().Append(fmt::format("+REJOIN {} {} {}\r\n", choice.id, choice.offset, database));
  client.connection->ScheduleWrite();
}

void Replicas::BeginRejoin(Replica& replica, uint64_t offset) {
  std::shared_ptr<WrittenKeys> theirs = std::move(replica.announced.rejoin_keys);
  if (theirs == nullptr) {
    theirs = std::make_shared<WrittenKeys>(parts_.engine.keyspace().database_count());
  }
  parts_.log.Notice("Replica {} rejoins from offset {}, where it has written {} keys", NameOf(replica),
                    offset, theirs->size());
  BeginSync(
      replica, SyncRecord::Kind::kRejoin,
      fmt::format("histories parted at offset {}, and it has written {} keys since", offset, theirs->size()));
  replica.rejoin =
      std::make_unique<ReplicaRejoin>(ReplicaRejoin::Parts{parts_.engine, parts_.loop, parts_.persistence},
                                      offset, DatabaseAt(offset, replica.announced), std::move(theirs));
}

void Replicas::StepRejoins() {
  for (const auto& replica : replicas_) {
    if (replica->rejoin == nullptr || replica->is_dropped || syncs_.size() >= kMaxSyncs) continue;
    parts_.engine.effects().Flush();
    switch (replica->rejoin->Step()) {
      case ReplicaRejoin::State::kWalking:
        break;
      case ReplicaRejoin::State::kReady:
        StartRejoin(*replica);
        break;
      case ReplicaRejoin::State::kFailed:
        parts_.log.Notice("Replica {} gets a full copy: {}", NameOf(*replica), replica->rejoin->failure());
        BeginSync(*replica, SyncRecord::Kind::kFull,
                  fmt::format("it could not rejoin: {}", replica->rejoin->failure()));
        replica->rejoin.reset();
        ++stats_.full_syncs;
        break;
    }
  }
  ForgetDropped();
}

// As a full copy straight to the socket, of some keys.
void Replicas::StartRejoin(Replica& replica) {
  FullSync::Selection selection{.keys = replica.rejoin->all(), .fields = {}};
  for (const std::string& piece : replica.rejoin->ours()) {
    selection.fields.emplace_back(kRejoinKeysField, piece);
  }
  replica.rejoin.reset();
  parts_.log.Notice("{} keys may differ and are sent to replica {}", selection.keys->size(), NameOf(replica));
  if (!has_upstream()) parts_.persistence.effects().ForgetDatabase();
  replica.receiver = std::make_shared<Receiver>(replica.client.connection->LendSocket());
  auto sync =
      FullSync::ToSockets(SyncParts(), parts_.persistence.MakeId(), {replica.receiver}, std::move(selection));
  if (!sync) {
    parts_.log.Warning("The snapshot for replica {} failed: {}", NameOf(replica), sync.error().message);
    Drop(replica);
    return;
  }
  ++stats_.rejoins;
  AnnounceSync(replica, **sync, "+REJOINING");
  syncs_.push_back(std::move(*sync));
}

}  // namespace hearth::replication
