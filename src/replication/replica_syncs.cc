// Which replicas get a full copy, when and how.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rdb/save.h"
#include "replication/replicas.h"

namespace hearth::replication {
namespace {

// For what is so small that it goes through the connection.
class TextSink final : public rdb::ByteSink {
 public:
  Status Write(std::string_view bytes) override {
    text_.append(bytes);
    return {};
  }
  Status Finish() override { return {}; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

FullSync::Parts Replicas::SyncParts() const {
  return {parts_.engine, parts_.loop, parts_.clock, parts_.disk, parts_.log, parts_.persistence};
}

bool Replicas::MustGoByFile(const Replica& replica) const {
  return !replica.announced.has_filter && (!settings_.repl_diskless_sync || !replica.announced.knows_eof);
}

// ---- beginning

void Replicas::StartDueSyncs() {
  std::vector<Replica*> by_file;
  std::vector<Replica*> to_sockets;
  for (const auto& replica : replicas_) {
    if (replica->state != State::kWaiting || replica->is_dropped || replica->rejoin != nullptr) continue;
    if (replica->announced.has_filter) {
      SendEmptySnapshot(*replica);
    } else {
      (MustGoByFile(*replica) ? by_file : to_sockets).push_back(replica.get());
    }
  }
  if (!by_file.empty() && syncs_.size() < kMaxSyncs) StartSync(FullSync::Way::kFile, by_file);
  if (to_sockets.empty() || syncs_.size() >= kMaxSyncs) return;
  // They stand in the order of their asking.
  const int64_t due_ms = to_sockets.front()->asked_ms + settings_.repl_diskless_sync_delay * 1000;
  const int64_t enough = settings_.repl_diskless_sync_max_replicas;
  if (now_ms() >= due_ms || (enough > 0 && static_cast<int64_t>(to_sockets.size()) >= enough)) {
    StartSync(FullSync::Way::kSockets, to_sockets);
  }
}

void Replicas::StartSync(FullSync::Way way, const std::vector<Replica*>& members) {
  const bool to_sockets = way == FullSync::Way::kSockets;
  parts_.log.Notice("Starting BGSAVE for SYNC with target: {}", to_sockets ? "replicas sockets" : "disk");
  parts_.engine.effects().Flush();
  // The stream behind the snapshot says its database first. As a replica we pass on what our primary sends,
  // and the snapshot says the database.
  if (!has_upstream()) parts_.persistence.effects().ForgetDatabase();
  std::vector<std::shared_ptr<Receiver>> receivers;
  if (to_sockets) {
    for (Replica* replica : members) {
      replica->receiver = std::make_shared<Receiver>(replica->client.connection->LendSocket());
      receivers.push_back(replica->receiver);
    }
  }
  auto sync = to_sockets ? FullSync::ToSockets(SyncParts(), parts_.persistence.MakeId(), std::move(receivers))
                         : FullSync::ByFile(SyncParts(), next_file_++);
  if (!sync) {
    parts_.log.Warning("BGSAVE for replication failed: {}", sync.error().message);
    for (Replica* replica : members) Drop(*replica);
    return;
  }
  for (Replica* replica : members) AnnounceSync(*replica, **sync, "+FULLRESYNC");
  syncs_.push_back(std::move(*sync));
}

// The line goes before what is written through the lease, which opens when it is sent.
void Replicas::AnnounceSync(Replica& replica, FullSync& sync, std::string_view word) {
  replica.sync = &sync;
  replica.state = sync.way() == FullSync::Way::kSockets ? State::kSending : State::kSaving;
  replica.cursor = parts_.persistence.write_log().CursorAt(sync.offset(), log::LogCursor::Sees::kEverything);
  replica.acked_offset = 0;
  if (!replica.uses_sync) {
    replica.client.connection->output().Append(
        fmt::format("{} {} {}\r\n", word, parts_.persistence.history().id, sync.offset()));
  }
  replica.client.connection->ScheduleWrite();
}

// It is a header and an end, and needs no cut.
void Replicas::SendEmptySnapshot(Replica& replica) {
  engine::Engine& engine = parts_.engine;
  const uint64_t offset = parts_.persistence.write_log().end_offset();
  rdb::RdbSnapshot::Options options = rdb::DescribeSnapshot(engine.keyspace(), settings_);
  options.databases.clear();
  options.has_field_expiries = false;
  options.replication = rdb::ReplicationInfo{.database = std::max(parts_.persistence.effects().database(), 0),
                                             .id = parts_.persistence.history().id,
                                             .offset = static_cast<int64_t>(offset)};
  TextSink sink;
  rdb::SnapshotOutput output(sink, rdb::SnapshotOutput::Checksum::kYes);
  rdb::RdbSnapshot snapshot(std::move(options));
  snapshot.Begin(output);
  snapshot.End(output);
  output.WriteAll();
  const std::string mark = parts_.persistence.MakeId();
  const std::string line =
      replica.uses_sync ? "" : fmt::format("+FULLRESYNC {} {}\r\n", parts_.persistence.history().id, offset);
  replica.client.connection->output().Append(fmt::format("{}$EOF:{}\r\n{}{}", line, mark, sink.text(), mark));
  replica.client.connection->ScheduleWrite();
  replica.cursor = parts_.persistence.write_log().CursorAt(offset, log::LogCursor::Sees::kEverything);
  replica.acked_ms = now_ms();
  replica.state = State::kAwaitingAck;
  if (!replica.announced.wants_rdb_only) return;
  parts_.log.Notice("RDB transfer completed, rdb only replica ({}) should be disconnected asap",
                    NameOf(replica));
  replica.client.CloseAfterReply();
}

// ---- going on and ending

void Replicas::StepSyncs() {
  for (const auto& sync : syncs_) {
    if (sync->is_saved()) FinishSaving(*sync);
    sync->Step();
  }
  for (const auto& replica : replicas_) {
    if (replica->state != State::kSending || replica->is_dropped) continue;
    switch (replica->receiver->outcome()) {
      case Receiver::Outcome::kSent:
        FinishSending(*replica);
        break;
      case Receiver::Outcome::kTimedOut:
        parts_.log.Warning("Disconnecting timedout replica (full sync): {}", NameOf(*replica));
        Drop(*replica);
        break;
      case Receiver::Outcome::kGone:
        parts_.log.Warning("Connection with replica {} broke in the middle of its snapshot",
                           NameOf(*replica));
        Drop(*replica);
        break;
      case Receiver::Outcome::kSending:
        if (replica->sync->phase() != FullSync::Phase::kOver) break;
        parts_.log.Warning(
            "The snapshot for replica {} failed: {}", NameOf(*replica),
            replica->sync->status() ? "it has ended early" : replica->sync->status().error().message);
        Drop(*replica);
        break;
    }
  }
  ForgetDropped();
  std::erase_if(syncs_, [](const auto& sync) { return sync->phase() == FullSync::Phase::kOver; });
}

void Replicas::FinishSaving(FullSync& sync) {
  std::vector<std::shared_ptr<Receiver>> receivers;
  for (const auto& replica : replicas_) {
    if (replica->sync != &sync) continue;
    replica->receiver = std::make_shared<Receiver>(replica->client.connection->LendSocket());
    replica->state = State::kSending;
    receivers.push_back(replica->receiver);
  }
  if (Status status = sync.SendFile(std::move(receivers)); !status) {
    parts_.log.Warning("SYNC failed. BGSAVE child returned an error: {}", status.error().message);
  }
}

void Replicas::FinishSending(Replica& replica) {
  const bool was_by_file = replica.sync->way() == FullSync::Way::kFile;
  parts_.log.Notice("Sent {} bytes of snapshot to replica {} in {} ms", replica.receiver->sent_bytes(),
                    NameOf(replica), replica.sync->milliseconds());
  counted_bytes_ += replica.receiver->sent_bytes();
  replica.sync_bytes = replica.receiver->sent_bytes();
  replica.sync = nullptr;
  replica.receiver.reset();
  replica.sent_ms = replica.acked_ms = now_ms();
  if (replica.announced.wants_rdb_only) {
    parts_.log.Notice("RDB transfer completed, rdb only replica ({}) should be disconnected asap",
                      NameOf(replica));
    Drop(replica);
    return;
  }
  replica.client.connection->TakeSocketBack();
  if (was_by_file) return PutOnline(replica);
  replica.state = State::kAwaitingAck;
  parts_.log.Notice(
      "Streamed RDB transfer with replica {} succeeded (socket). Waiting for REPLCONF ACK from replica to "
      "enable "
      "streaming",
      NameOf(replica));
}

}  // namespace hearth::replication
