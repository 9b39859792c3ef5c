#include "replication/sync_history.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace hearth::replication {

std::string_view NameOf(SyncRecord::Role role) {
  return role == SyncRecord::Role::kPrimary ? "primary" : "replica";
}

std::string_view NameOf(SyncRecord::Kind kind) {
  switch (kind) {
    case SyncRecord::Kind::kFull:
      return "full";
    case SyncRecord::Kind::kPartial:
      return "partial";
    case SyncRecord::Kind::kRejoin:
      return "rejoin";
    case SyncRecord::Kind::kRefused:
      break;
  }
  return "refused";
}

std::string_view NameOf(SyncRecord::State state) {
  switch (state) {
    case SyncRecord::State::kRunning:
      return "running";
    case SyncRecord::State::kDone:
      return "done";
    case SyncRecord::State::kFailed:
      break;
  }
  return "failed";
}

uint64_t SyncHistory::Begin(SyncRecord::Role role, SyncRecord::Kind kind, std::string peer,
                            std::string cause) {
  if (records_.size() == kRecords) records_.pop_front();
  records_.push_back({.number = next_number_++,
                      .role = role,
                      .kind = kind,
                      .peer = std::move(peer),
                      .cause = std::move(cause),
                      .error = {},
                      .began_ms = clock_.WallMicros() / 1000,
                      .began_mono_us = clock_.MonotonicMicros()});
  return records_.back().number;
}

void SyncHistory::Finish(uint64_t number, uint64_t bytes) {
  End(number, SyncRecord::State::kDone, bytes, {});
}

void SyncHistory::Fail(uint64_t number, uint64_t bytes, std::string error) {
  End(number, SyncRecord::State::kFailed, bytes, std::move(error));
}

void SyncHistory::End(uint64_t number, SyncRecord::State state, uint64_t bytes, std::string error) {
  const auto found =
      std::find_if(records_.begin(), records_.end(), [&](const auto& one) { return one.number == number; });
  if (found == records_.end() || found->state != SyncRecord::State::kRunning) return;
  found->state = state;
  found->bytes = bytes;
  found->error = std::move(error);
  found->duration_ms = (clock_.MonotonicMicros() - found->began_mono_us) / 1000;
}

std::deque<SyncRecord> SyncHistory::list() const {
  std::deque<SyncRecord> records = records_;
  for (SyncRecord& one : records) {
    if (one.state == SyncRecord::State::kRunning) {
      one.duration_ms = (clock_.MonotonicMicros() - one.began_mono_us) / 1000;
    }
  }
  return records;
}

std::string SyncHistory::Summary() const {
  if (records_.empty()) return {};
  const SyncRecord& last = records_.back();
  return fmt::format("number={},role={},kind={},state={},peer={},bytes={},ms={},cause={}", last.number,
                     NameOf(last.role), NameOf(last.kind), NameOf(last.state), last.peer, last.bytes,
                     last.duration_ms, last.cause);
}

}  // namespace hearth::replication
