// The network between the hosts of a simulated world. A connection is as TCP gives it: what is sent comes in
// order, after a delay, or not at all. Between connections nothing is ordered. Each direction between two
// hosts can be blocked: what is on its way then waits, as with packets that are sent again, and comes when
// the way is free, unless the connection has ended meanwhile.
//
// A message is what is done where it arrives. Owned by the world; one thread. Limitations: a host that was
// off resets its former connections when it comes back, whether or not the peer says anything.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "base/prng.h"
#include "sim/host.h"

namespace hearth::sim {

using ConnectionId = uint64_t;  // never 0

enum class Ending : uint8_t { kRefused, kReset };

// What a process is told of its connections.
class Process {
 public:
  virtual ~Process() = default;
  virtual void OnOpened(ConnectionId id) = 0;  // one that it asked for
  virtual void OnAccepted(ConnectionId id, HostId from) = 0;
  virtual void OnEnded(ConnectionId id, Ending why) = 0;
};

class Network {
 public:
  // `process_of` gives the process of a running host.
  Network(Schedule& schedule, Prng& random, std::vector<Host*> hosts,
          std::function<Process*(HostId)> process_of);

  // ---- for processes

  // To another host. OnOpened or OnEnded comes, unless nothing ever answers.
  ConnectionId Connect(HostId from, HostId to);
  // `at_peer` runs in the peer's process if the connection still stands there.
  void Send(ConnectionId id, HostId from, Action at_peer);
  // OnEnded comes at the peer, not here.
  void Close(ConnectionId id, HostId from);
  bool IsOpen(ConnectionId id, HostId at) const;

  // ---- for faults

  void Block(HostId from, HostId to);
  // As often as it was blocked.
  void Unblock(HostId from, HostId to);
  bool IsBlocked(HostId from, HostId to) const { return way(from, to).blocks > 0; }
  void Slow(HostId from, HostId to, int64_t more_us) { way(from, to).more_us += more_us; }
  // Both ends of all connections between the two are told.
  void Break(HostId a, HostId b);
  // The process ended and its kernel says so, or the machine vanished and nobody does.
  void OnDeath(HostId host);
  void OnPowerOff(HostId host);
  void OnPowerOn(HostId host);

 private:
  struct End {
    HostId host = -1;
    bool is_open = false;
    bool is_lost = false;  // the machine vanished with it
  };
  struct Connection {
    End ends[2];  // who asked, who was asked
    // By the sending end: what is on its way, in order, and how much of that has come to a blocked place.
    std::deque<Action> on_way[2];
    size_t held[2] = {0, 0};
    int64_t last_arrival_us[2] = {0, 0};
  };
  struct Way {
    int blocks = 0;
    int64_t more_us = 0;
  };

  Way& way(HostId from, HostId to) { return ways_[from * hosts_.size() + to]; }
  const Way& way(HostId from, HostId to) const { return ways_[from * hosts_.size() + to]; }
  int64_t DelayUs(HostId from, HostId to);
  Connection* Find(ConnectionId id);
  static int EndOf(const Connection& connection, HostId host);
  // `what` is done when the packet comes to the other end's machine.
  void Transmit(ConnectionId id, int sender, Action what);
  void ScheduleArrival(ConnectionId id, Connection& connection, int sender);
  void Arrive(ConnectionId id, int sender);
  void OnAsked(ConnectionId id);
  void TellEnd(ConnectionId id, int end, Ending why);
  void ForgetIfOver(ConnectionId id);

  Schedule& schedule_;
  Prng& random_;
  const std::vector<Host*> hosts_;
  const std::function<Process*(HostId)> process_of_;
  std::vector<Way> ways_;
  std::map<ConnectionId, Connection> connections_;
  ConnectionId next_id_ = 1;
};

}  // namespace hearth::sim
