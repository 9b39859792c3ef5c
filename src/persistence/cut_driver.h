// Gives running cuts their slices of the engine's time: all that is idle, and a small part of what clients
// take. What is written to is captured before its turn anyway, so that haste under load gains little. No
// command waits for longer than one slice.
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
  int64_t credit_us_ = 0;  // of busy turns, not used yet; below zero after a slice that was longer
};

}  // namespace hearth::persistence
