// What replicas ask for and say: REPLCONF, PSYNC, SYNC.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/numbers.h"
#include "base/text.h"
#include "replication/core/link.h"
#include "replication/replicas.h"

namespace hearth::replication {
namespace {

constexpr size_t kMaxAddressBytes = 255;

}  // namespace

// ---- REPLCONF

void Replicas::Replconf(engine::Context& ctx) {
  Replica* const replica = Find(ctx.client());
  if (ctx.size() % 2 == 0) return FailReplica(ctx, replica, "ERR syntax error");
  for (size_t i = 1; i < ctx.size(); i += 2) {
    // Neither of these is answered.
    if (ctx.Is(i, "ack")) {
      if (replica != nullptr) TakeAck(ctx, *replica);
      return;
    }
    // Our primary's, which the stream answers.
    if (ctx.Is(i, "getack")) return;
    ReplicaAnnouncement& announced = replica != nullptr ? replica->announced : announced_[ctx.client().id];
    if (!SetOption(ctx, replica, announced, i)) return;
  }
  // An answer would stand in the middle of the stream.
  if (replica == nullptr) ctx.reply().Ok();
}

// False if it was an error.
bool Replicas::SetOption(engine::Context& ctx, Replica* replica, ReplicaAnnouncement& announced, size_t i) {
  const std::string_view value = ctx[i + 1];
  if (ctx.Is(i, "listening-port")) {
    const auto port = ParseInt64(value);
    if (port) announced.listening_port = *port;
    if (!port) FailReplica(ctx, replica, "ERR value is not an integer or out of range");
    return port.has_value();
  }
  if (ctx.Is(i, "ip-address")) {
    if (value.size() <= kMaxAddressBytes) {
      announced.ip_address = value;
      return true;
    }
    FailReplica(ctx, replica,
                fmt::format("ERR REPLCONF ip-address provided by replica instance is too long: {} bytes",
                            value.size()));
    return false;
  }
  if (ctx.Is(i, "capa")) {
    if (EqualsIgnoreCase(value, "eof")) announced.knows_eof = true;
    if (EqualsIgnoreCase(value, "psync2")) announced.knows_psync2 = true;
    if (value.starts_with("rejoin")) SetRejoin(announced, value);
    if (value.starts_with(kAcksWord)) SetIdentity(announced, value);
    return true;
  }
  if (ctx.Is(i, "version")) {
    announced.version = value;
    return true;
  }
  if (ctx.Is(i, "rdb-only")) {
    const auto wants = ctx.IntegerIn(i + 1, 0, 1);
    if (wants) announced.wants_rdb_only = *wants == 1;
    return wants.has_value();
  }
  if (ctx.Is(i, "rejoin-keys")) return AddRejoinKeys(ctx, announced, value);
  if (ctx.Is(i, "rdb-filter-only")) return SetFilter(ctx, announced, value);
  FailReplica(ctx, replica, fmt::format("ERR Unrecognized REPLCONF option: {}", ctx[i]));
  return false;
}

// What is named is all that the snapshot is to hold, and keys have no name.
bool Replicas::SetFilter(engine::Context& ctx, ReplicaAnnouncement& announced, std::string_view text) {
  const auto names = SplitArguments(text);
  if (!names) {
    ctx.Error("ERR Missing rdb-filter-only values");
    return false;
  }
  for (const std::string& name : *names) {
    if (EqualsIgnoreCase(name, "functions")) continue;
    ctx.Error(fmt::format("ERR Unsupported rdb-filter-only option: {}", name));
    return false;
  }
  announced.has_filter = true;
  return true;
}

// A replica that gets an answer could not tell it from the stream.
void Replicas::FailReplica(engine::Context& ctx, Replica* replica, std::string_view error) {
  if (replica == nullptr) return ctx.Error(error);
  parts_.log.Warning("Disconnecting replica {}: its REPLCONF is not understood ({})", NameOf(*replica),
                     error);
  Drop(*replica);
  ForgetDropped();
}

void Replicas::TakeAck(engine::Context& ctx, Replica& replica) {
  const auto received = ParseUint64(ctx[2]);
  if (!received) return;
  // Nobody has what was never logged.
  const uint64_t end = parts_.persistence.write_log().end_offset();
  replica.acked_offset = std::max(replica.acked_offset, std::min(*received, end));
  if (ctx.size() > 4 && ctx.Is(3, "fack")) {
    if (const auto synced = ParseUint64(ctx[4]))
      replica.synced_offset = std::max(replica.synced_offset.value_or(0), std::min(*synced, end));
  }
  replica.acked_ms = now_ms();
  if (replica.state == State::kAwaitingAck) PutOnline(replica);
  if (replica.state != State::kOnline) return;
  if (replica.sync_number != 0 && replica.acked_offset >= replica.sync_end) FinishSync(replica);
  TellGate();
  parts_.persistence.gate().SetReplica(replica.client.id, replica.acked_offset,
                                       replica.synced_offset.value_or(0));
}

// ---- PSYNC and SYNC

void Replicas::Sync(engine::Context& ctx) {
  if (MayAsk(ctx)) Ask(ctx, nullptr);
}

void Replicas::Psync(engine::Context& ctx) {
  if (Find(ctx.client()) != nullptr) return;
  if (ctx.size() > 3 && ctx.Is(3, "failover") && !AskForFailover(ctx)) return;
  if (!MayAsk(ctx)) return;
  const auto wire_offset = ctx.Integer(2);
  if (!wire_offset) {
    parts_.log.Warning("Replica {} asks for synchronization but with a wrong offset",
                       ctx.client().connection->peer_address());
    return;
  }
  const ResyncRequest request = RequestOf(ctx.client(), ctx[1], *wire_offset);
  Ask(ctx, &request, ctx.size() > 3 && ctx.Is(3, "rejoin"));
}

// The primary hands over to us. False if the request ends here.
bool Replicas::AskForFailover(engine::Context& ctx) {
  parts_.log.Warning("Failover request received for replid {}.", ctx[1]);
  if (!has_upstream()) {
    ctx.Error("ERR PSYNC FAILOVER can't be sent to a master.");
    return false;
  }
  if (!EqualsIgnoreCase(ctx[1], parts_.persistence.history().id)) {
    ctx.Error("ERR PSYNC FAILOVER replid must match my replid.");
    return false;
  }
  // We had everything when that was decided, and were started anew with less since then.
  const uint64_t end = parts_.persistence.write_log().end_offset();
  if (ctx.size() > 4 && EqualsIgnoreCase(ctx[4], kUnforced) && ParseUint64(ctx[2]) != end + 1) {
    ctx.Error(fmt::format("ERR PSYNC FAILOVER was not forced, and I have the offsets up to {} alone.", end));
    return false;
  }
  if (on_promotion_) on_promotion_();
  return true;
}

bool Replicas::MayAsk(engine::Context& ctx) {
  engine::Client& client = ctx.client();
  if (client.connection == nullptr || Find(client) != nullptr) return false;
  if (!refusal_.empty()) {
    ctx.Error(refusal_);
    return false;
  }
  if (IsRefusedByPromises(ctx)) return false;
  if (!client.connection->output().empty()) {
    ctx.Error("ERR SYNC and PSYNC are invalid with pending output");
    return false;
  }
  const auto announced = announced_.find(client.id);
  if (announced != announced_.end() && announced->second.has_filter && !announced->second.knows_eof) {
    ctx.Error("ERR Filtered replica requires EOF capability");
    return false;
  }
  return true;
}

// `request` is null for SYNC, which knows of no offsets. `rejoins`: it is to get the keys that differ, before
// the stream.
void Replicas::Ask(engine::Context& ctx, const ResyncRequest* request, bool rejoins) {
  engine::Client& client = ctx.client();
  ResyncChoice choice;
  if (request != nullptr) choice = ChooseResync(*request, parts_.persistence.history(), Held());
  if (choice.way == ResyncChoice::Way::kRejoin) return OfferRejoin(ctx, choice);
  auto added = std::make_unique<Replica>(client);
  Replica& replica = *added;
  if (auto known = announced_.extract(client.id)) replica.announced = std::move(known.mapped());
  replica.asked_ms = replica.acked_ms = now_ms();
  replica.heard_bytes = client.connection->read_bytes();
  replica.uses_sync = request == nullptr;
  client.set(engine::Client::kReplica, true);
  if (settings_.repl_disable_tcp_nodelay) {
    parts_.connections.Configure(
        *client.connection,
        {.no_delay = false, .keepalive_seconds = static_cast<int>(settings_.tcp_keepalive)});
  }
  replicas_.push_back(std::move(added));
  const std::string name = NameOf(replica);
  parts_.log.Notice("Replica {} asks for synchronization", name);
  if (request != nullptr) {
    if (choice.way != ResyncChoice::Way::kFull) {
      if (rejoins) return BeginRejoin(replica, choice.offset);
      return Resume(replica, choice, request->wire_offset);
    }
    if (choice.is_refusal) {
      ++stats_.partial_refused;
      parts_.log.Notice("Partial resynchronization not accepted: {}", choice.reason);
    } else {
      choice.reason = "it asked for all: its first copy, or it does not know its place any more";
      parts_.log.Notice("Full resync requested by replica {}: {}", name, choice.reason);
    }
  }
  if (request == nullptr) choice.reason = "it came by SYNC, which knows of no place";
  BeginSync(replica, SyncRecord::Kind::kFull, std::move(choice.reason));
  ++stats_.full_syncs;
  CreateBacklog();
  if (settings_.repl_diskless_sync_delay > 0 && !MustGoByFile(replica)) {
    parts_.log.Notice("Delay next BGSAVE for diskless SYNC");
  }
}

void Replicas::Resume(Replica& replica, const ResyncChoice& choice, int64_t wire_offset) {
  log::WriteLog& write_log = parts_.persistence.write_log();
  ++stats_.partial_accepted;
  replica.state = State::kOnline;
  replica.acked_offset = choice.offset;
  if (choice.way == ResyncChoice::Way::kFromMemory) {
    replica.cursor = write_log.CursorAt(choice.offset, log::LogCursor::Sees::kEverything);
  } else {
    replica.offset_on_disk = choice.offset;
  }
  BeginSync(replica, SyncRecord::Kind::kPartial,
            choice.way == ResyncChoice::Way::kFromMemory ? "the log in memory has what it missed"
                                                         : "the log on disk has what it missed");
  replica.sync_end = write_log.end_offset();
  replica.sync_bytes = replica.sync_end - choice.offset;
  net::Connection& connection = *replica.client.connection;
  connection.output().Append(replica.announced.knows_psync2
                                 ? fmt::format("+CONTINUE {}\r\n", parts_.persistence.history().id)
                                 : "+CONTINUE\r\n");
  connection.ScheduleWrite();
  parts_.log.Notice(
      "Partial resynchronization request from {} accepted. Sending {} bytes of backlog starting from offset "
      "{}.",
      NameOf(replica), write_log.end_offset() - choice.offset, wire_offset);
}

HeldLog Replicas::Held() const {
  HeldLog held;
  if (!parts_.persistence.is_log_wanted()) return held;
  const log::WriteLog& write_log = parts_.persistence.write_log();
  held.memory = HeldLog::Range{write_log.first_offset(), write_log.end_offset()};
  if (const log::Segments* segments = parts_.persistence.segments(); segments && segments->HasAny()) {
    const uint64_t first = segments->start_offset();
    held.disk = HeldLog::Range{first, std::max(first, segments->end_offset())};
  }
  return held;
}

// What ran before, for the same replica, has failed.
void Replicas::BeginSync(Replica& replica, SyncRecord::Kind kind, std::string cause) {
  parts_.sync_history.Fail(replica.sync_number, 0, cause);
  replica.sync_number =
      parts_.sync_history.Begin(SyncRecord::Role::kPrimary, kind, NameOf(replica), std::move(cause));
}

void Replicas::FinishSync(Replica& replica) {
  parts_.sync_history.Finish(std::exchange(replica.sync_number, 0), replica.sync_bytes);
}

// What was written while nobody logged it is in no history, so a new one begins.
void Replicas::CreateBacklog() {
  if (parts_.persistence.is_log_wanted()) return;
  parts_.persistence.WantLog(true);
  parts_.log.Notice("Replication backlog created, my new replication IDs are '{}' and '{}'",
                    parts_.persistence.history().id, std::string(kIdDigits, '0'));
}

}  // namespace hearth::replication
