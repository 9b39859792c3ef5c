// What Sentinels must never do, whatever fails: elect two leaders in one epoch, promote two replicas in one
// failover, mean two servers by one configuration, vote twice in an epoch, or go back behind an epoch that
// was seen; nor let a server take over that lacks what was promised to writers, or let two servers promise at
// the same time.
//
// Owned by the world; one thread. Limitation: a failover that an operator has forced needs no election, so
// that two may be led in one epoch, as with Redis; those are left out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "sim/host.h"
#include "sim/trace.h"

namespace hearth::sim {

class SentinelChecks {
 public:
  explicit SentinelChecks(Trace& trace) : trace_(trace) {}

  void OnForced(const std::string& name, uint64_t epoch) { forced_.insert({name, epoch}); }
  void OnLeader(HostId host, const std::string& name, uint64_t epoch) {
    ++leader_count_;
    Once(leaders_, {name, epoch}, host, "leaders");
  }
  void OnPromotion(HostId replica, const std::string& name, uint64_t epoch) {
    Once(promotions_, {name, epoch}, replica, "promoted replicas");
  }
  void OnConfiguration(HostId primary, const std::string& name, uint64_t epoch) {
    Once(configurations_, {name, epoch}, primary, "configurations");
  }
  void OnVote(HostId voter, const std::string& name, uint64_t epoch, const std::string& leader) {
    const auto [vote, is_first] = votes_.try_emplace({voter, name, epoch}, leader);
    if (is_first || vote->second == leader) return;
    trace_.Fail("host {} votes for {} in epoch {} of {}, and has voted for {}", voter, leader, epoch, name,
                vote->second);
  }
  void OnOwnEpoch(HostId host, uint64_t epoch) {
    uint64_t& last = own_epochs_[host];
    if (epoch < last) trace_.Fail("host {} is in epoch {} and was in {}", host, epoch, last);
    last = epoch;
  }
  void OnEpoch(HostId host, const std::string& name, uint64_t epoch) {
    uint64_t& last = epochs_[{host, name}];
    if (epoch < last)
      trace_.Fail("host {} has {} since epoch {}, and had it since {}", host, name, epoch, last);
    last = epoch;
  }

  // Writers of that primary's name have been told by the host that all up to here is kept; `disk` is what it
  // has. An acknowledgement may be late: then another server promises already, and has to have the write.
  template <typename Disk>
  void OnPromised(const std::string& name, HostId host, uint64_t epoch, const Disk& disk, uint64_t end) {
    if (end == 0) return;
    ++promise_count_;
    Promised& promised = promised_[name];
    promised.epochs[disk.history] = epoch;
    uint64_t& last = promised.ends[disk.history];
    const bool is_other = promised.holds != nullptr && promised.history != disk.history;
    const bool is_older = is_other && (last > 0 || promised.holds(disk.history, end));
    if (is_older && !promised.holds(disk.history, end)) {
      trace_.Fail("host {} promises writes of {} that host {} lacks, which promises too", host, name,
                  promised.host);
    }
    last = std::max(last, end);
    if (is_older || promised.history == disk.history) return;
    for (const auto& [history, kept] : promised.ends) {
      if (!disk.Holds(history, kept))
        trace_.Fail("host {} promises writes of {} and lacks {} of {}", host, name, kept, history);
    }
    promised.history = disk.history;
    promised.host = host;
    promised.holds = [disk](const std::string& history, uint64_t up_to) {
      return disk.Holds(history, up_to);
    };
  }
  // The host is made a primary in that epoch; `holds` is whether it has a history up to there. One that is
  // told so late, when others have promised in a newer epoch, is behind: nobody acknowledges to it.
  void OnTakeOver(const std::string& name, HostId host, uint64_t epoch,
                  const std::function<bool(const std::string&, uint64_t)>& holds) {
    OnPrimary(name, host);
    for (const auto& [history, end] : promised_[name].ends) {
      if (promised_[name].epochs[history] <= epoch && !holds(history, end))
        trace_.Fail("host {} takes {} over and lacks {} of {}", host, name, end, history);
    }
  }

  // All agree that this is the primary of that name, and go on from what it has.
  template <typename Disk>
  void OnEnd(const std::string& name, HostId host, const Disk& disk) {
    for (const auto& [history, end] : promised_[name].ends) {
      if (!disk.Holds(history, end))
        trace_.Fail("in the end host {} has {} and lacks {} of {}", host, name, end, history);
    }
  }
  // It is a primary, though perhaps for others another one is.
  void OnPrimary(const std::string& name, HostId host) {
    HostId& primary = promised_[name].primary;
    if (primary >= 0 && primary != host) OnLost(name, primary);
    primary = host;
  }
  // Its process has ended, or it was a primary and has been replaced: what it had acknowledged may be gone.
  void OnLost(const std::string& name, HostId host) { promised_[name].lost.insert(host); }
  size_t LostCount(const std::string& name) { return promised_[name].lost.size(); }
  // An operator wants a server to go on whatever was promised.
  void OnGivenUp(const std::string& name) { promised_[name] = {}; }

  uint64_t promise_count() const { return promise_count_; }
  uint64_t leader_count() const { return leader_count_; }
  size_t configuration_count() const { return configurations_.size(); }

 private:
  using Place = std::pair<std::string, uint64_t>;

  void Once(std::map<Place, HostId>& known, const Place& place, HostId host, const char* what) {
    const auto [first, is_first] = known.try_emplace(place, host);
    if (is_first || first->second == host || forced_.contains(place)) return;
    trace_.Fail("two {} in epoch {} of {}: hosts {} and {}", what, place.second, place.first, first->second,
                host);
  }

  Trace& trace_;
  std::set<Place> forced_;
  std::map<Place, HostId> leaders_;
  std::map<Place, HostId> promotions_;
  std::map<Place, HostId> configurations_;
  std::map<std::tuple<HostId, std::string, uint64_t>, std::string> votes_;
  std::map<HostId, uint64_t> own_epochs_;
  std::map<std::pair<HostId, std::string>, uint64_t> epochs_;
  struct Promised {
    std::string history;  // in which was promised last, and by whom
    HostId host = -1;
    std::function<bool(const std::string&, uint64_t)> holds;  // up to when it began to promise
    std::map<std::string, uint64_t> ends;                     // by history
    std::map<std::string, uint64_t> epochs;                   // in which was promised last
    std::set<HostId> lost;
    HostId primary = -1;  // that became one last
  };
  std::map<std::string, Promised> promised_;
  uint64_t promise_count_ = 0;
  uint64_t leader_count_ = 0;
};

}  // namespace hearth::sim
