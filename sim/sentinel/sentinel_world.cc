#include "sim/sentinel/sentinel_world.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "sim/sentinel/data_server.h"
#include "sim/sentinel/sentinel_node.h"

namespace hearth::sim {
namespace {

constexpr int64_t kFaultyUs = 12 * kSecond;
constexpr int64_t kPatienceUs = 90 * kSecond;
constexpr int64_t kLookUs = 500 * kMillisecond;
// Then an operator sees to what Sentinels cannot decide.
constexpr int64_t kHelpAfterUs = 50 * kSecond;
constexpr int64_t kBusyIsAliveMaxMs = 4'000;
constexpr int64_t kCalmDownAfterMs = 1'000;
constexpr uint64_t kPlanSeed = 0x5e'471'e1'fa;
constexpr uint64_t kPromisesSeed = 0xac'75;

// What is drawn first, and the same with whatever faults.
struct Deployment {
  struct Group {
    std::string name;
    HostId first;
    int size;  // primary and replicas
    int quorum;
    int64_t down_after_ms;
    int64_t failover_timeout_ms;
    int parallel_syncs;
    int64_t refused_down_after_ms;
    DataGroup data{};
    int64_t busy_is_alive_max_ms;
  };

  Deployment(uint64_t seed, bool has_promises) : random(seed) {
    constexpr int kSentinels[] = {3, 3, 3, 3, 3, 3, 2, 4, 5, 7};
    constexpr int kReplicas[] = {2, 2, 2, 1, 2, 3, 1, 2, 2, 5};
    sentinel_count = kSentinels[random.Below(std::size(kSentinels))];
    knows_all_at_start = random.Below(4) != 0;
    const int group_count = random.Below(6) == 0 ? 2 : 1;
    for (int i = 0; i < group_count; ++i) {
      const int size = 1 + kReplicas[random.Below(std::size(kReplicas))];
      const int majority = sentinel_count / 2 + 1;
      // A Sentinel that does not know the others yet takes itself for the majority, and must not begin an
      // election.
      const bool is_usual = random.Below(4) != 0 || !knows_all_at_start;
      const int64_t shortest_ms = knows_all_at_start ? 300 : 1'500;
      groups.push_back({.name = fmt::format("group{}", i),
                        .first = server_count,
                        .size = size,
                        .quorum = is_usual ? majority : 1 + static_cast<int>(random.Below(sentinel_count)),
                        .down_after_ms = shortest_ms + static_cast<int64_t>(random.Below(1'700)),
                        .failover_timeout_ms = 1'500 + static_cast<int64_t>(random.Below(5'000)),
                        .parallel_syncs = 1 + static_cast<int>(random.Below(2)),
                        .refused_down_after_ms = random.Below(2) == 0 ? -1 : 100,
                        .busy_is_alive_max_ms = random.Below(2) == 0 ? 0 : kBusyIsAliveMaxMs});
      server_count += size;
    }
    if (random.Below(3) != 0) {
      timing = {"info-period", "2000", "publish-period", "700", "min-link-reconnect-period", "3000"};
    }
    // Replicas are found in the second INFO of a primary.
    if (!knows_all_at_start) warm_up_us = timing.empty() ? 14 * kSecond : 4 * kSecond;
    timing.insert(timing.end(), {"tilt-period", "4000"});
    // Some are spread over the world.
    slowness_us = random.Below(3) == 0 ? 1 + static_cast<int64_t>(random.Below(80 * kMillisecond)) : 0;
    for (int i = 0; i < sentinel_count; ++i) {
      ids.push_back(fmt::format("{:016x}{:016x}{:08x}", random.Next(), random.Next(), random.Next() >> 32));
    }
    for (int i = 0; i < server_count; ++i) priorities.push_back(random.Below(8) == 0 ? 50 : 100);
    Prng promises(seed ^ kPromisesSeed);
    for (Group& group : groups) {
      group.data.name = group.name;
      if (!has_promises) continue;
      group.data.acks = 1 + static_cast<uint32_t>(promises.Below(static_cast<uint64_t>(group.size - 1)));
      group.data.syncs_always = promises.Below(3) == 0;
    }
  }

  int host_count() const { return server_count + sentinel_count; }
  bool IsSentinel(HostId id) const { return id >= server_count; }
  const Group& GroupOf(HostId server) const {
    return *std::ranges::find_if(groups, [&](const Group& one) { return server < one.first + one.size; });
  }
  const std::string& IdOf(HostId sentinel) const { return ids[sentinel - server_count]; }

  // A configuration file as it is before anything has happened.
  StateFile FileOf(HostId sentinel) const {
    StateFile file = {"sentinel myid " + IdOf(sentinel)};
    for (const Group& group : groups) {
      const auto add = [&](const std::string& directive, const std::string& rest) {
        file.push_back("sentinel " + directive + " " + group.name + " " + rest);
      };
      add("monitor", fmt::format("{} 6379 {}", AddressOf(group.first, false).host, group.quorum));
      add("down-after-milliseconds", std::to_string(group.down_after_ms));
      add("failover-timeout", std::to_string(group.failover_timeout_ms));
      add("parallel-syncs", std::to_string(group.parallel_syncs));
      if (group.refused_down_after_ms >= 0) {
        add("refused-down-after-milliseconds", std::to_string(group.refused_down_after_ms));
      }
      add("busy-is-alive-max-ms", std::to_string(group.busy_is_alive_max_ms));
      if (!knows_all_at_start) continue;
      for (HostId replica = group.first + 1; replica < group.first + group.size; ++replica) {
        add("known-replica", AddressOf(replica, false).host + " 6379");
      }
      for (HostId other = server_count; other < host_count(); ++other) {
        if (other != sentinel) add("known-sentinel", AddressOf(other, true).host + " 26379 " + IdOf(other));
      }
    }
    return file;
  }

  Prng random;
  int sentinel_count = 0;
  int server_count = 0;
  std::vector<Group> groups;
  bool knows_all_at_start = false;
  int64_t warm_up_us = 2 * kSecond;
  int64_t slowness_us = 0;
  std::vector<std::string> timing;
  std::vector<std::string> ids;
  std::vector<int> priorities;
};

class SentinelStage final : public Stage {
 public:
  SentinelStage(const Deployment& deployment, uint64_t seed, SentinelBug planted, Trace& trace)
      : Stage(seed, deployment.host_count(), trace),
        deployment_(deployment),
        cast_{.stage = *this,
              .checks = SentinelChecks(trace),
              .planted = planted,
              .talker_of = [this](HostId id) { return talkers_[id].get(); }},
        talkers_(deployment.host_count()),
        disks_(deployment.server_count) {
    for (const Deployment::Group& group : deployment_.groups) {
      for (HostId id = group.first + 1; id < group.first + group.size; ++id) disks_[id].primary = group.first;
    }
    for (HostId id = deployment_.server_count; id < host_count(); ++id) files_[id] = deployment_.FileOf(id);
  }

  void Begin() {
    for (HostId id = 0; id < host_count(); ++id) {
      for (HostId to = 0; to < host_count() && deployment_.slowness_us > 0; ++to) {
        network().Slow(id, to,
                       static_cast<int64_t>(random().Below(static_cast<uint64_t>(deployment_.slowness_us))));
      }
    }
    for (HostId id = 0; id < host_count(); ++id) OnStart(id);
    for (const Deployment::Group& group : deployment_.groups) {
      // Packets that are sent again alone do not make such a server count as down.
      const bool is_calm = deployment_.knows_all_at_start && deployment_.slowness_us == 0 &&
                           group.down_after_ms >= kCalmDownAfterMs;
      trace().Add("{} of {}: a busy server is alive for {} ms", group.name,
                  is_calm ? "known, near and patient servers" : "servers", group.busy_is_alive_max_ms);
    }
  }

  // Each Sentinel knows all others, before which no majority is one, and all replicas.
  void CheckDiscovery() {
    for (HostId id = deployment_.server_count; id < host_count(); ++id) {
      for (const auto& [name, primary] : SentinelAt(id).machine().primaries()) {
        const bool is_whole = static_cast<int>(primary.sentinels.size()) == deployment_.sentinel_count - 1;
        if (!is_whole)
          trace().Fail("host {} knows {} other Sentinels of {}", id, primary.sentinels.size(), name);
      }
      for (const Deployment::Group& group : deployment_.groups) {
        const size_t replicas = PrimaryAt(id, group).replicas.size();
        const bool knows_them = static_cast<int>(replicas) == group.size - 1;
        if (!knows_them) trace().Fail("host {} knows {} replicas of {}", id, replicas, group.name);
      }
    }
  }

  // Why not all agree; empty if they do.
  std::string WhyNotAgreed() {
    for (const Deployment::Group& group : deployment_.groups) {
      std::string reason = WhyNotAgreed(group);
      if (!reason.empty()) return reason;
    }
    return {};
  }
  // Where more servers were lost than what was promised survives, nobody takes over from a primary that may
  // lack some of it, until an operator has it go on.
  void Help() {
    for (const Deployment::Group& group : deployment_.groups) {
      const HostId chosen = HostOf(PrimaryAt(deployment_.server_count, group).instance.address.host);
      if (group.data.acks == 0 || !ServerAt(chosen).is_uncertain()) continue;
      const size_t lost = cast_.checks.LostCount(group.name);
      if (lost <= group.data.acks) {
        trace().Fail("nobody takes {} over, though only {} servers were ever lost", group.name, lost);
      }
      trace().Add("host {} is told to go on", chosen);
      cast_.checks.OnGivenUp(group.name);
      ServerAt(chosen).GoOn();
    }
  }
  void CheckEnd() {
    for (HostId id = 0; id < host_count(); ++id) {
      trace().Add("{}", deployment_.IsSentinel(id) ? SentinelAt(id).Describe() : ServerAt(id).Describe());
    }
    if (std::string reason = WhyNotAgreed(); !reason.empty()) {
      trace().Fail("long after everything is well: {}", reason);
    }
    for (const Deployment::Group& group : deployment_.groups) {
      const HostId chosen = HostOf(PrimaryAt(deployment_.server_count, group).instance.address.host);
      cast_.checks.OnEnd<Dataset>(group.name, chosen, disks_[chosen]);
    }
  }

 private:
  SentinelNode& SentinelAt(HostId id) { return static_cast<SentinelNode&>(*talkers_[id]); }
  DataServer& ServerAt(HostId id) { return static_cast<DataServer&>(*talkers_[id]); }

  std::string WhyNotAgreed(const Deployment::Group& group) {
    const sentinel::Primary& first = PrimaryAt(deployment_.server_count, group);
    for (HostId id = deployment_.server_count; id < host_count(); ++id) {
      const sentinel::Primary& primary = PrimaryAt(id, group);
      const bool is_same =
          primary.instance.address == first.instance.address && primary.config_epoch == first.config_epoch;
      if (!is_same) return fmt::format("host {} means another primary of {} than others", id, group.name);
      if (primary.is_failing_over()) return fmt::format("host {} is still failing {} over", id, group.name);
      if (primary.instance.is_subjectively_down)
        return fmt::format("host {} thinks that {} is down", id, group.name);
    }
    const HostId chosen = HostOf(first.instance.address.host);
    for (HostId id = group.first; id < group.first + group.size; ++id) {
      const std::optional<HostId> followed = ServerAt(id).primary();
      if (id == chosen && followed)
        return fmt::format("host {} is to be a primary and follows {}", id, *followed);
      if (id == chosen) continue;
      if (followed != chosen) return fmt::format("host {} does not follow {}", id, chosen);
      if (!ServerAt(id).is_link_up()) return fmt::format("host {} has no link to {}", id, chosen);
    }
    return {};
  }
  const sentinel::Primary& PrimaryAt(HostId sentinel, const Deployment::Group& group) {
    return SentinelAt(sentinel).machine().primaries().find(group.name)->second;
  }

  Process* ProcessOf(HostId id) override { return talkers_[id].get(); }
  // Without power or not, what was not synced may be gone.
  void OnDeath(HostId id) override {
    if (deployment_.IsSentinel(id) || deployment_.GroupOf(id).data.acks == 0) return;
    cast_.checks.OnLost(deployment_.GroupOf(id).name, id);
    if (random().Below(4) == 0) return;
    static_cast<Dataset&>(disks_[id]) = disks_[id].synced;
    trace().Add("host {} is left with what it had at {}", id, disks_[id].offset);
  }
  void OnStart(HostId id) override {
    if (deployment_.IsSentinel(id)) {
      auto node = std::make_unique<SentinelNode>(cast_, id, deployment_.timing, files_[id]);
      SentinelNode& started = *node;
      talkers_[id] = std::move(node);
      started.Start();
    } else {
      auto server = std::make_unique<DataServer>(cast_, id, deployment_.GroupOf(id).data,
                                                 deployment_.priorities[id], disks_[id]);
      DataServer& started = *server;
      talkers_[id] = std::move(server);
      started.Start();
    }
  }

  void OnOperator(const Fault& fault) override {
    if (!host(fault.a).has_process()) return;
    const auto choice = static_cast<uint64_t>(fault.value);
    if (!deployment_.IsSentinel(fault.a)) {
      if (choice % 2 == 0) {
        if (host(fault.a).state() == Host::State::kRunning) ServerAt(fault.a).BeBusy(fault.for_us);
        return;
      }
      // It comes back at once, with nothing; or with all, where promises must outlive it: a server that loses
      // its disk may have been the last one to have what was promised.
      if (deployment_.GroupOf(fault.a).data.acks == 0) {
        disks_[fault.a].has_keys = false;
        disks_[fault.a].offset = 0;
      } else if (host(fault.a).state() == Host::State::kRunning) {
        ServerAt(fault.a).ShutDown();
      }
      return Kill(fault.a, Host::State::kDead, fault.for_us / 8);
    }
    if (choice % 4 == 0 && host(fault.a).state() == Host::State::kRunning) {
      const auto& group = deployment_.groups[choice / 4 % deployment_.groups.size()];
      trace().Add("host {} is told to fail {} over", fault.a, group.name);
      return SentinelAt(fault.a).Failover(group.name);
    }
    SentinelAt(fault.a).DieWhenSaving(static_cast<int>(choice / 4 % 6));
  }

  const Deployment& deployment_;
  SentinelCast cast_;
  std::vector<std::unique_ptr<Talker>> talkers_;
  std::vector<DataDisk> disks_;
  std::map<HostId, StateFile> files_;
};

}  // namespace

std::vector<Fault> SentinelWorld::Plan(uint64_t seed) const {
  const Deployment deployment(seed, promises_);
  Prng random(seed ^ kPlanSeed);
  return PlanFaults(random, {.host_count = deployment.host_count(),
                             .most = 14,
                             .from_us = deployment.warm_up_us,
                             .until_us = deployment.warm_up_us + kFaultyUs,
                             .longest_us = 6 * kSecond,
                             .weights = {4, 2, 3, 2, 4, 3, 6, 3, 1, 3},
                             .favourite = 0});
}

Played SentinelWorld::Play(uint64_t seed, std::span<const Fault> faults, Trace& trace) const {
  const Deployment deployment(seed, promises_);
  SentinelStage stage(deployment, seed, planted_, trace);
  stage.Begin();
  stage.Inject(faults);
  stage.PlayUntil(deployment.warm_up_us - 1);
  if (!trace.has_failed()) stage.CheckDiscovery();
  const int64_t healed_us = deployment.warm_up_us + kFaultyUs;
  stage.PlayUntil(healed_us);
  bool is_helped = false;
  while (!trace.has_failed() && stage.schedule().now_us() < healed_us + kPatienceUs &&
         !stage.WhyNotAgreed().empty()) {
    stage.PlayUntil(stage.schedule().now_us() + kLookUs);
    if (stage.schedule().now_us() < healed_us + kHelpAfterUs || std::exchange(is_helped, true)) continue;
    stage.Help();
  }
  if (!trace.has_failed()) stage.CheckEnd();
  return {stage.schedule().event_count(), stage.schedule().now_us()};
}

}  // namespace hearth::sim
