// What became of the last synchronisations, on both sides: those that our replicas asked us for, and those
// that we asked our primary for. Answers the operator's question: why did it copy everything again?
//
// The side that gives or takes says when one begins and how it ends; REPLICATION HISTORY and INFO tell. Owned
// by the replication front; engine thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "env/clock.h"

namespace hearth::replication {

struct SyncRecord {
  enum class Role : uint8_t { kPrimary, kReplica };  // ours in it
  enum class Kind : uint8_t { kFull, kPartial, kRejoin, kRefused };
  enum class State : uint8_t { kRunning, kDone, kFailed };

  uint64_t number = 0;  // from 1, never used again
  Role role = Role::kPrimary;
  Kind kind = Kind::kFull;
  State state = State::kRunning;
  std::string peer;           // "10.0.0.1:6379"
  std::string cause;          // why it was asked for, and why it is of this kind
  std::string error;          // why it failed
  int64_t began_ms = 0;       // Unix time
  int64_t duration_ms = 0;    // until the replica had all of it, and had loaded it
  uint64_t bytes = 0;         // of the snapshot, or of the part of the stream
  int64_t began_mono_us = 0;  // for the duration

  // 0 if it took no time that could be measured.
  uint64_t bytes_per_second() const {
    return duration_ms <= 0 ? 0 : bytes * 1000 / static_cast<uint64_t>(duration_ms);
  }
};

std::string_view NameOf(SyncRecord::Role role);
std::string_view NameOf(SyncRecord::Kind kind);
std::string_view NameOf(SyncRecord::State state);

class SyncHistory {
 public:
  static constexpr size_t kRecords = 128;

  explicit SyncHistory(env::Clock& clock) : clock_(clock) {}

  // The number by which it is ended.
  uint64_t Begin(SyncRecord::Role role, SyncRecord::Kind kind, std::string peer, std::string cause);
  // One that has ended already, or is forgotten, is left alone: the number 0 is nobody's.
  void Finish(uint64_t number, uint64_t bytes);
  void Fail(uint64_t number, uint64_t bytes, std::string error);

  // Oldest first. Those that run have the duration up to now.
  std::deque<SyncRecord> list() const;
  // The last one in one line, for INFO: empty if there was none.
  std::string Summary() const;

 private:
  void End(uint64_t number, SyncRecord::State state, uint64_t bytes, std::string error);

  env::Clock& clock_;
  std::deque<SyncRecord> records_;
  uint64_t next_number_ = 1;
};

}  // namespace hearth::replication
