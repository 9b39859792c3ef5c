// Gives running cuts their slices of the engine's time: a part of what the turn has cost anyway while there
// is work, more when there is none. No command waits for longer than one slice.
//
// Owned by Persistence; engine thread only.
#pragma once

#include "base/result.h"
#include "keyspace/keyspace.h"
#include "net/event_loop.h"
#include "rdb/snapshot_writer.h"

namespace hearth::persistence {

class CutDriver {
 public:
  CutDriver(net::EventLoop& loop, keyspace::Keyspace& keyspace) : loop_(loop), keyspace_(keyspace) {}

  // Once a turn.
  void RunSlice();

 private:
  net::EventLoop& loop_;
  keyspace::Keyspace& keyspace_;
};

// Captures all of a cut and waits until its writer is done: for SAVE. Clients wait meanwhile.
Status RunToEnd(keyspace::Cutter& cutter, keyspace::Cut& cut, rdb::SnapshotWriter& writer);
// Ends a cut before its time, if it is not over, and waits for its writer.
void GiveUp(keyspace::Cut& cut, rdb::SnapshotWriter& writer);

}  // namespace hearth::persistence
