#include "replication/replica_rejoin.h"

#include <fmt/format.h>

#include <utility>

namespace hearth::replication {

ReplicaRejoin::ReplicaRejoin(const Parts& parts, uint64_t offset, int database,
                             std::shared_ptr<WrittenKeys> theirs)
    : parts_(parts),
      offset_(offset),
      theirs_(std::move(theirs)),
      walk_(parts.engine.commands(), database, parts.engine.keyspace().database_count()) {
  Walk(offset);
}

void ReplicaRejoin::Walk(uint64_t offset) {
  log::WriteLog& write_log = parts_.persistence.write_log();
  auto part = LogPart::From(offset, write_log, parts_.persistence.segments());
  if (!part) return FailWith(part.error().message);
  if (part->end() - offset_ > kMaxLogBytes) {
    return FailWith(fmt::format("{} bytes of log are too much to look through", part->end() - offset_));
  }
  cursor_ = write_log.CursorAtEnd(log::LogCursor::Sees::kEverything);
  walker_ =
      std::make_unique<LogWalker>(std::move(*part), walk_, nullptr, [&loop = parts_.loop] { loop.Wake(); });
}

ReplicaRejoin::State ReplicaRejoin::Step() {
  if (walker_ != nullptr) {
    if (!walker_->is_done()) return State::kWalking;
    const Status status = walker_->status();
    walker_.reset();
    if (!status) FailWith(status.error().message);
  }
  if (failure_.empty() && cursor_.lag_bytes() > kMaxBytesAtOnce && walk_.unknown().empty()) {
    Walk(cursor_.offset());
    if (failure_.empty()) return State::kWalking;
  }
  if (failure_.empty()) WalkRest();
  return failure_.empty() ? State::kReady : State::kFailed;
}

void ReplicaRejoin::WalkRest() {
  std::vector<log::LogSpan> spans;
  cursor_.MoveTo(cursor_.Collect(UINT64_MAX, spans));
  for (const log::LogSpan& span : spans) {
    if (const Status status = walk_.Feed(span.bytes); !status) return FailWith(status.error().message);
  }
  if (!walk_.unknown().empty()) return FailWith(walk_.unknown());
  ours_ = walk_.keys()->Encode();
  if (!walk_.keys()->AddAll(*theirs_)) FailWith("there are too many keys");
}

void ReplicaRejoin::FailWith(std::string reason) { failure_ = std::move(reason); }

}  // namespace hearth::replication
