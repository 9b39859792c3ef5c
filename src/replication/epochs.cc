// What Sentinels tell a server where writes are promised: to stay as it is, to be a primary, or to follow
// one, each in an epoch, so that whoever is behind is not obeyed (docs/formats/sentinel.md).

#include <fmt/format.h>

#include <utility>

#include "replication/replication.h"

namespace hearth::replication {

// Where an epoch was heard of, an older one means nothing any more.
Status Replication::CheckEpoch(uint64_t epoch) const {
  if (failover_.state() != Failover::State::kNone) return Fail("ERR not allowed while failing over.");
  const uint64_t known = replicas_.acks().epoch();
  if (epoch > AcksSet::kMaxEpoch) return Fail("ERR the epoch must be below 2^62");
  if (epoch < known) return Fail(fmt::format("STALEEPOCH This server has heard of epoch {}", known));
  return {};
}

Status Replication::Fence(uint64_t epoch) {
  HEARTH_TRY(CheckEpoch(epoch));
  if (!is_replica()) return Fail("ERR This server is not a replica.");
  const uint64_t former = fenced_epoch();
  PromiseFile& file = replicas_.promise_file();
  file.set_fenced_epoch(epoch);
  if (const Status saved = file.SaveNow(); !saved) {
    file.set_fenced_epoch(former);
    return Fail("ERR the fence cannot be saved: " + saved.error().message);
  }
  replicas_.acks().RaiseEpoch(epoch);
  fenced_here_epoch_ = epoch;
  if (former != 0) return {};
  parts_.log.Warning("Fenced in epoch {}: nothing more is taken from, or acknowledged to, {}:{}", epoch,
                     primary().host, primary().port);
  link_.Leave();
  return {};
}

Status Replication::Replace(uint64_t epoch) {
  HEARTH_TRY(CheckEpoch(epoch));
  if (is_replica()) return {};
  // Of its own epoch it is the primary.
  if (epoch == replicas_.acks().epoch()) {
    return Fail(fmt::format("STALEEPOCH This server is a primary in epoch {}", epoch));
  }
  SetReplaced(true);
  replaced_at_ms_ = NowMs();  // again, perhaps
  return {};
}

Status Replication::Promote(uint64_t epoch, bool is_forced) {
  HEARTH_TRY(CheckEpoch(epoch));
  AcksSet& acks = replicas_.acks();
  if (is_replica()) {
    // Who has come back since the fence may lack what it was chosen for.
    const bool is_chosen = fenced_epoch() == epoch && fenced_here_epoch_ == epoch;
    if (!is_chosen && !is_forced) {
      return Fail(fmt::format("STALEEPOCH This server is not fenced in epoch {}", epoch));
    }
    BecomePrimary();
    if (is_forced) acks.BecomePrimary(true);
  }
  acks.RaiseEpoch(epoch);
  SetReplaced(false);
  (void)replicas_.promise_file().Save();
  return {};
}

Status Replication::FollowIn(uint64_t epoch, const std::string& host, int port) {
  HEARTH_TRY(CheckEpoch(epoch));
  replicas_.acks().RaiseEpoch(epoch);
  TakePrimary(host, port, false);
  follows_in_epoch_ = epoch;
  (void)replicas_.promise_file().Save();
  return {};
}

void Replication::SetReplaced(bool is_replaced) {
  if (this->is_replaced() == is_replaced) return;
  replaced_at_ms_ = is_replaced ? NowMs() : -1;
  if (is_replaced) {
    parts_.log.Warning("A Sentinel says that another server is the primary: writes are refused");
    replicas_.set_replaced("READONLY This primary has been replaced by another one, and takes no writes.");
    parts_.persistence.held_replies().EndPromises();
  } else {
    parts_.log.Notice("This server is not told any more that another one is the primary");
    replicas_.set_replaced({});
  }
}

std::string Replication::AcksWord() const {
  const AcksSet& acks = replicas_.acks();
  std::string word = fmt::format("{}{}:{}", kAcksWord, acks.identity(), follows_in_epoch_);
  if (shares_promises_ && acks.record().required > 0) word += fmt::format(":{}", acks.epoch());
  return word;
}

void Replication::TakeNote(std::string_view text) {
  auto records = ParseAcksNote(text);
  if (!records) return;
  follows_in_epoch_ = records->back().epoch;
  shares_promises_ = true;
  replicas_.acks().TakeRecords(*std::move(records));
  (void)replicas_.promise_file().Save();
}

}  // namespace hearth::replication
