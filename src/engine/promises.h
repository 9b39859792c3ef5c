// What the replies to writes promise: that so many replicas have the write (`replication-acks`, CLIENT ACKS).
// The engine only refuses beforehand what cannot be promised; who holds the replies back until the promise is
// kept stands on a higher floor (persistence/held_replies.h).
//
// Owned by the engine, told by replication/; engine thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::engine {

struct Promises {
  // A replica promises nothing: what it has is its primary's.
  bool are_made = false;
  // Those that can acknowledge a write: online, and in the habit of saying how far they are.
  uint32_t replicas = 0;

  bool operator==(const Promises&) const = default;
};

// What a unit of execution (a command, a transaction) that has given effects to the sink did for its client.
struct WrittenUnit {
  // One of its commands was a write: a reader that met an expired key has an effect too, and promises
  // nothing.
  bool is_write = false;
  // The size of the client's output when the unit began: its reply stands from here on.
  size_t reply_start = 0;
};

// Hangs on Client::held while replies of it wait in its connection's output for their writes to be safe.
struct HeldOutput {
  // The reply to a write that replicas were to acknowledge.
  struct Promise {
    uint64_t group;   // of those that wait for the same
    uint64_t offset;  // of the write log, behind the write
    size_t start;     // in the output
    size_t end;
    std::string error;  // to be sent instead; empty while all is well
  };
  std::vector<Promise> promises;
  uint32_t groups = 0;      // that it still waits in
  uint64_t last_group = 0;  // that it has joined
};

}  // namespace hearth::engine
