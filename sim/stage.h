// Where a history is played: time, hosts, the network between them, and the faults that come over them. A
// world derives from it and says what runs on the hosts.
//
// One for each history; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/prng.h"
#include "sim/fault.h"
#include "sim/host.h"
#include "sim/network.h"
#include "sim/schedule.h"
#include "sim/trace.h"

namespace hearth::sim {

class Stage {
 public:
  Stage(uint64_t seed, int host_count, Trace& trace);
  virtual ~Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Schedule& schedule() { return schedule_; }
  Network& network() { return *network_; }
  Trace& trace() { return trace_; }
  Prng& random() { return random_; }
  Host& host(HostId id) { return *hosts_[id]; }
  int host_count() const { return static_cast<int>(hosts_.size()); }

  void Inject(std::span<const Fault> faults);
  // Plays on until then, unless a promise is broken.
  void PlayUntil(int64_t end_us);
  // A process ends by itself, and is started again after a while.
  void Kill(HostId id, Host::State how, int64_t for_us);

 private:
  // What runs on a host that has a process.
  virtual Process* ProcessOf(HostId id) = 0;
  // The process is about to be gone: what is on its disk stays.
  virtual void OnDeath(HostId id) = 0;
  virtual void OnStart(HostId id) = 0;
  virtual void OnOperator(const Fault& fault) = 0;

  void Begin(const Fault& fault);
  void Cut(const Fault& fault, bool begins);
  void SetBlock(HostId from, HostId to, bool blocks);

  Trace& trace_;
  Schedule schedule_;
  Prng random_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::unique_ptr<Network> network_;
};

}  // namespace hearth::sim
