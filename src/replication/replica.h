// One replica of ours: what it said of itself, how far it is, and what it is being sent.
//
// Owned by Replicas; engine thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/client.h"
#include "log/write_log.h"
#include "replication/core/history.h"
#include "replication/full_sync.h"
#include "replication/replica_catch_up.h"
#include "replication/replica_fanout.h"
#include "replication/replica_rejoin.h"
#include "replication/writer_pacing.h"
#include "replication/written_keys.h"

namespace hearth::replication {

// What a connection has said by REPLCONF, before or after it asks for the stream.
struct ReplicaAnnouncement {
  int64_t listening_port = 0;  // 0 if it did not say
  std::string ip_address;      // empty for the one it comes from
  std::string version;
  std::string identity;  // of its process, in promised writes (core/acks_set.h); empty if it is none of ours
  uint64_t epoch = 0;    // in which it follows us; 0 if it did not say
  // That it has heard of, if it knows of promises that we should know of.
  std::optional<uint64_t> known_epoch{};
  bool knows_eof = false;       // the end of a snapshot of unknown size
  bool knows_psync2 = false;    // another id in +CONTINUE
  bool wants_rdb_only = false;  // the snapshot and no stream
  bool has_filter = false;      // wants a snapshot without keys

  // ---- rejoin (docs/formats/replication.md)
  bool knows_rejoin = false;
  std::vector<FormerName> former;            // of its history
  std::shared_ptr<WrittenKeys> rejoin_keys;  // that it has written since our histories parted
};

struct Replica {
  enum class State {
    kWaiting,      // for a snapshot to begin
    kSaving,       // its snapshot is being written to a file
    kSending,      // its snapshot is on the way
    kAwaitingAck,  // it has been sent all of it, and must say that it has loaded it
    kOnline,
  };

  explicit Replica(engine::Client& of) : client(of) {}

  // Where it is in the log: the next byte that it is to be given.
  uint64_t offset() const { return cursor.is_valid() ? cursor.offset() : offset_on_disk; }

  engine::Client& client;
  ReplicaAnnouncement announced;
  State state = State::kWaiting;
  std::unique_ptr<ReplicaRejoin> rejoin;  // while it waits for the keys that differ alone
  bool uses_sync = false;                 // came by SYNC, and may never say how far it is
  int64_t asked_ms = 0;                   // monotonic, as are all times here

  std::shared_ptr<Receiver> receiver;  // of its snapshot
  FullSync* sync = nullptr;            // that it is in, from kSaving to kSending
  int64_t sent_ms = 0;                 // when the snapshot had been sent

  // What it has not been given stays in memory while it has a cursor. Without one, the disk has it.
  log::LogCursor cursor;
  uint64_t offset_on_disk = 0;
  std::shared_ptr<Receiver> catch_up_receiver;
  std::unique_ptr<ReplicaCatchUp> catch_up;

  // What the history of synchronisations says of it (sync_history.h).
  uint64_t sync_number = 0;  // 0 for nothing that still runs
  uint64_t sync_bytes = 0;   // of its snapshot, or of what the log has to give it at first
  uint64_t sync_end = 0;     // it is through when it has acknowledged this

  // What came before this in the stream it was not given, but copied; 0 if it was.
  uint64_t stream_start = 0;

  WriterPacing pacing;

  uint64_t acked_offset = 0;
  std::optional<uint64_t> synced_offset;  // in its append-only file, if it says so
  int64_t acked_ms = 0;
  uint64_t heard_bytes = 0;              // what its connection had read when it was last heard of
  int64_t over_soft_limit_since_ms = 0;  // 0 if it is below
  bool is_dropped = false;               // is only waiting to be forgotten
};

}  // namespace hearth::replication
