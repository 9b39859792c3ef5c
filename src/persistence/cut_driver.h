// Gives running cuts their slices of the engine's time: a part of what the turn has cost anyway while there
// is work, more when there is none. No command waits for longer than one slice.
//
// Owned by Persistence; engine thread only.
#pragma once

#include "keyspace/keyspace.h"
#include "net/event_loop.h"

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

}  // namespace hearth::persistence
