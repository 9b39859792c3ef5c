// The stream to replicas that are online, from memory or from disk, and what it may cost.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "log/segment_writer.h"
#include "replication/replicas.h"

namespace hearth::replication {
namespace {

// While writers rest for a replica, this is how often it is looked at.
constexpr int64_t kPacingStepMicros = 10'000;

constexpr std::string_view kGetAck = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

// Whether a / most_a is the larger part of the two.
bool IsNearer(uint64_t a, uint64_t most_a, uint64_t b, uint64_t most_b) {
  return static_cast<double>(a) * static_cast<double>(most_b) >
         static_cast<double>(b) * static_cast<double>(most_a);
}

}  // namespace

void Replicas::PutOnline(Replica& replica) {
  replica.state = State::kOnline;
  replica.acked_ms = now_ms();
  replica.stream_start = parts_.persistence.write_log().end_offset();
  FinishSync(replica);
  parts_.log.Notice("Synchronization with replica {} succeeded", NameOf(replica));
}

// Those whose copy is still on the way are asked too: they answer when they come to it.
void Replicas::AskForAcks() {
  const bool has_listener = std::any_of(replicas_.begin(), replicas_.end(), [](const auto& replica) {
    return !replica->is_dropped && replica->state != State::kWaiting;
  });
  if (has_listener && !has_upstream()) parts_.persistence.write_log().AppendForReplicas(kGetAck);
}

// ---- giving

void Replicas::Feed(Replica& replica) {
  if (replica.catch_up != nullptr) StepCatchUp(replica);
  if (replica.catch_up != nullptr || replica.is_dropped) return;
  if (!replica.cursor.is_valid()) {
    log::WriteLog& write_log = parts_.persistence.write_log();
    if (replica.offset_on_disk < write_log.first_offset()) return StartCatchUp(replica);
    replica.cursor = write_log.CursorAt(replica.offset_on_disk, log::LogCursor::Sees::kEverything);
  }
  FeedFromMemory(replica);
}

void Replicas::FeedFromMemory(Replica& replica) {
  if (replica.cursor.lag_bytes() == 0) return;
  net::Connection& connection = *replica.client.connection;
  const size_t unsent = connection.unsent_bytes();
  const size_t most = MaxUnsentBytes();
  if (unsent < most) {
    spans_.clear();
    const uint64_t end = replica.cursor.Collect(most - unsent, spans_);
    for (log::LogSpan& span : spans_) {
      if (span.bytes.size() < kSharedBytes) {
        connection.output().Append(span.bytes);
      } else {
        connection.output().AppendShared(span.bytes, std::move(span.block));
      }
    }
    spans_.clear();
    replica.cursor.MoveTo(end);
    connection.ScheduleWrite();
  }
  // The turn that this wakes the loop for comes here again.
  if (replica.cursor.lag_bytes() > 0) connection.NotifyWhenUnsentBelow(most / 2);
}

// What is handed over counts as output, and must not be what closes the connection.
size_t Replicas::MaxUnsentBytes() const {
  const settings::OutputBufferLimit& limit = ReplicaLimit();
  uint64_t most = kMaxUnsentBytes;
  if (limit.hard_bytes != 0) most = std::min(most, static_cast<uint64_t>(limit.hard_bytes) / 2);
  if (limit.soft_bytes != 0) most = std::min(most, static_cast<uint64_t>(limit.soft_bytes) / 2);
  return std::max<uint64_t>(most, 1);
}

const settings::OutputBufferLimit& Replicas::ReplicaLimit() const {
  return settings_.client_output_buffer_limit[static_cast<size_t>(settings::ClientClass::kReplica)];
}

// ---- from disk

bool Replicas::IsOnDisk(uint64_t offset) const {
  const log::Segments* const segments = parts_.persistence.segments();
  return segments != nullptr && segments->HasAny() && segments->start_offset() <= offset &&
         offset <= segments->end_offset();
}

// What is written to disk comes there a little late.
bool Replicas::ComesToDisk(const Replica& replica) const {
  const log::Segments* const segments = parts_.persistence.segments();
  return segments != nullptr && replica.cursor.lag_bytes() <= log::SegmentWriter::kMaxPendingBytes &&
         (!segments->HasAny() || segments->start_offset() <= replica.cursor.offset());
}

void Replicas::StartCatchUp(Replica& replica) {
  if (!IsOnDisk(replica.offset_on_disk)) {
    parts_.log.Warning(
        "Replica {} is at offset {}, which neither memory nor disk has any more (repl-backlog-size, "
        "repl-backlog-disk-size): it has to begin again",
        NameOf(replica), replica.offset_on_disk);
    Drop(replica);
    return;
  }
  replica.catch_up_receiver = std::make_shared<Receiver>(replica.client.connection->LendSocket());
  auto fanout =
      ReplicaFanout::Make(parts_.clock, settings_.repl_timeout * 1'000'000, {replica.catch_up_receiver});
  if (!fanout) {
    parts_.log.Warning("Cannot serve replica {} from disk: {}", NameOf(replica), fanout.error().message);
    Drop(replica);
    return;
  }
  parts_.log.Notice("Replica {} is served from the log on disk, from offset {} on", NameOf(replica),
                    replica.offset_on_disk);
  replica.catch_up =
      std::make_unique<ReplicaCatchUp>(*parts_.persistence.segments(), replica.offset_on_disk,
                                       std::move(*fanout), [&loop = parts_.loop] { loop.WakeIfAsleep(); });
}

// When the disk has no more, what comes from here on is held in memory, and the thread sends the rest up to
// here.
void Replicas::StepCatchUp(Replica& replica) {
  ReplicaCatchUp& catch_up = *replica.catch_up;
  if (!catch_up.is_over()) {
    if (!catch_up.is_at_end() || replica.cursor.is_valid()) return;
    replica.cursor = parts_.persistence.write_log().CursorAtEnd(log::LogCursor::Sees::kEverything);
    catch_up.StopAt(replica.cursor.offset());
    return;
  }
  if (!catch_up.status()) {
    parts_.log.Warning("Cannot serve replica {} from disk any longer: {}", NameOf(replica),
                       catch_up.status().error().message);
    Drop(replica);
    return;
  }
  replica.offset_on_disk = catch_up.offset();
  replica.catch_up.reset();
  const bool was_given_up = replica.catch_up_receiver->outcome() != Receiver::Outcome::kSent;
  counted_bytes_ += replica.catch_up_receiver->sent_bytes();
  replica.catch_up_receiver.reset();
  replica.client.connection->TakeSocketBack();
  if (!was_given_up) return;
  parts_.log.Warning("Connection with replica {} broke, or it takes nothing", NameOf(replica));
  Drop(replica);
}

// ---- what it may cost

// A replica that is far behind does not hold the log in memory if the disk has it; else it is dropped when
// that is over the limit for replicas.
void Replicas::BoundMemory(Replica& replica) {
  if (replica.is_dropped || !replica.cursor.is_valid()) return;
  const uint64_t held = replica.cursor.lag_bytes();
  const auto backlog_bytes = static_cast<uint64_t>(settings_.repl_backlog_size);
  const settings::OutputBufferLimit& limit = ReplicaLimit();
  const uint64_t demand = held + replica.client.connection->unsent_bytes();
  // What the backlog holds anyway is no reason.
  bool is_over = limit.hard_bytes != 0 &&
                 demand >= std::max<uint64_t>(static_cast<uint64_t>(limit.hard_bytes), backlog_bytes);
  if (limit.soft_bytes != 0 && demand >= static_cast<uint64_t>(limit.soft_bytes)) {
    if (replica.over_soft_limit_since_ms == 0) replica.over_soft_limit_since_ms = now_ms();
    is_over |= now_ms() - replica.over_soft_limit_since_ms > limit.soft_seconds * 1000;
  } else {
    replica.over_soft_limit_since_ms = 0;
  }
  if (!is_over && held <= std::max(kMaxMemoryBytes, backlog_bytes)) return;
  if (IsOnDisk(replica.cursor.offset())) {
    if (replica.catch_up != nullptr) replica.catch_up->StopAt(ReplicaCatchUp::kNowhere);
    replica.offset_on_disk = replica.cursor.offset();
    replica.cursor.Release();
    return;
  }
  if (!is_over || ComesToDisk(replica)) return;
  // Writers rest for it. What is written all the same is not without a bound.
  if (replica.pacing.rests() && demand < 2 * MemoryBound(replica)) return;
  parts_.log.Warning(
      "Client id={} addr={} scheduled to be closed ASAP for overcoming of output buffer limits: replica {} "
      "has "
      "{} bytes of the stream still to come.",
      replica.client.id, replica.client.connection->peer_address(), NameOf(replica), demand);
  ++parts_.engine.stats().output_limit_disconnections;
  Drop(replica);
}

// ---- writers that rest for them

// What it may have in memory where the disk has nothing: up to the limit that would end it next.
uint64_t Replicas::MemoryBound(const Replica& replica) const {
  const settings::OutputBufferLimit& limit = ReplicaLimit();
  const auto backlog_bytes = static_cast<uint64_t>(settings_.repl_backlog_size);
  const auto soft_bytes = static_cast<uint64_t>(limit.soft_bytes);
  const bool soft_is_due = soft_bytes != 0 && replica.over_soft_limit_since_ms != 0 &&
                           now_ms() - replica.over_soft_limit_since_ms >= limit.soft_seconds * 500;
  if (soft_is_due) return soft_bytes;
  if (limit.hard_bytes == 0) return 0;
  return std::max(static_cast<uint64_t>(limit.hard_bytes), backlog_bytes);
}

WriterPacing::Place Replicas::PlaceOf(const Replica& replica) const {
  const net::Connection& connection = *replica.client.connection;
  const uint64_t end = parts_.persistence.write_log().end_offset();
  WriterPacing::Place place;
  // All that it takes, and all that it says.
  place.progress = connection.written_bytes() + connection.read_bytes();
  if (replica.receiver != nullptr) place.progress += replica.receiver->sent_bytes();
  if (replica.catch_up != nullptr || !replica.cursor.is_valid()) {
    const uint64_t offset = replica.catch_up != nullptr ? replica.catch_up->offset() : replica.offset_on_disk;
    place.used = end - offset;
    place.allowed = static_cast<uint64_t>(settings_.repl_backlog_disk_size);
    place.progress += offset;
    // A disk that is slower than the writers loses its place as surely as one that is full.
    const uint64_t pending = parts_.persistence.pending_segment_bytes();
    if (IsNearer(pending, log::SegmentWriter::kMaxPendingBytes, place.used, place.allowed)) {
      place.used = pending;
      place.allowed = log::SegmentWriter::kMaxPendingBytes;
    }
  } else if (!IsOnDisk(replica.cursor.offset()) && !ComesToDisk(replica)) {
    place.used = replica.cursor.lag_bytes() + connection.unsent_bytes();
    place.allowed = MemoryBound(replica);
  }
  return place;
}

void Replicas::PaceWriters() {
  const int64_t budget_ms = settings_.replica_pacing_seconds * 1000;
  bool must_rest = false;
  for (const auto& replica : replicas_) {
    if (replica->state == State::kWaiting || has_upstream()) continue;
    const WriterPacing::Place place = PlaceOf(*replica);
    const bool had_given_up = replica->pacing.has_given_up();
    must_rest |= replica->pacing.Step(now_ms(), place, budget_ms);
    if (replica->pacing.TakeNews()) {
      parts_.log.Warning(
          "Writers are slowed down so that replica {} does not lose its place: it has {} bytes of the stream "
          "still to come, and memory and disk may hold {} for it",
          NameOf(*replica), place.used, place.allowed);
    } else if (budget_ms != 0 && !had_given_up && replica->pacing.has_given_up()) {
      parts_.log.Warning("Writers are no longer slowed down for replica {}, which may lose its place",
                         NameOf(*replica));
    }
  }
  parts_.engine.RestWrites(engine::RestReason::kSlowReplica, must_rest);
  if (must_rest) parts_.loop.LimitNextWait(kPacingStepMicros);
}

}  // namespace hearth::replication
