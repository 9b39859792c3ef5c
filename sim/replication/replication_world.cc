#include "sim/replication/replication_world.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace hearth::sim {
namespace {

constexpr int64_t kFaultsEndUs = 20 * kSecond;
constexpr int64_t kQuietUs = 22 * kSecond;
// A chain heals link by link, and each may have to find out by its timeout.
constexpr int64_t kPatienceUs = 80 * kSecond;
constexpr int64_t kLookUs = 250 * kMillisecond;
constexpr uint64_t kPlanSeed = 0x5eed'0f'fa01'75;

// What is drawn first, and the same with whatever faults.
struct Cast {
  explicit Cast(uint64_t seed) : random(seed) {
    longest_pause_us = random.Below(3) == 0 ? kSecond : 150 * kMillisecond;
    host_count = 2 + static_cast<int>(random.Below(4));
    for (int id = 0; id < host_count; ++id) {
      upstream.push_back(id == 0 ? -1 : static_cast<HostId>(random.Below(2) == 0 ? 0 : random.Below(id)));
      options.push_back(DrawOptions());
    }
    final_primary = static_cast<HostId>(random.Below(host_count));
    is_chain_at_the_end = random.Below(2) == 0;
    knows_no_operators = random.Below(4) == 0;
  }

  ServerOptions DrawOptions() {
    constexpr uint64_t kMemory[] = {150, 2'000, 1'000'000};
    ServerOptions drawn;
    drawn.keeping = {.has_append_only = random.Below(3) == 0,
                     .has_disk_log = random.Below(2) == 0,
                     .memory_bytes = kMemory[random.Below(3)],
                     .disk_bytes = 3'000,
                     .rewrites_configuration = random.Below(2) == 0};
    drawn.saves_at_times = random.Below(3) != 0;
    drawn.load = static_cast<ServerOptions::Load>(random.Below(3));
    drawn.one_in_flushes = longest_pause_us >= kSecond ? 4 : random.Below(4) == 0 ? 8 : 60;
    drawn.rejoins = random.Below(3) != 0;
    drawn.has_guard = random.Below(4) != 0;
    drawn.sync_delay_us = static_cast<int64_t>(random.Below(2)) * kSecond;
    drawn.transfer_us = static_cast<int64_t>(random.Below(3) * random.Below(kSecond));
    return drawn;
  }

  Prng random;
  int host_count;
  std::vector<HostId> upstream;
  std::vector<ServerOptions> options;
  HostId final_primary;
  bool is_chain_at_the_end;
  bool knows_no_operators;
  int64_t longest_pause_us;  // between two writes
};

class ReplicationStage final : public Stage {
 public:
  ReplicationStage(const Cast& cast, uint64_t seed, PlantedBug planted, Trace& trace)
      : Stage(seed, cast.host_count, trace),
        cast_{.stage = *this,
              .claims = {},
              .planted = planted,
              .server_of = [this](HostId id) { return servers_[id].get(); }},
        drawn_(cast),
        storage_(cast.host_count),
        servers_(cast.host_count) {}

  void Begin() {
    for (HostId id = 0; id < host_count(); ++id) {
      if (drawn_.upstream[id] >= 0) storage_[id].primary = drawn_.upstream[id];
    }
    for (HostId id = 0; id < host_count(); ++id) OnStart(id);
    WriteNow();
  }

  // What operators do when all is well again.
  void Settle() {
    std::vector<HostId> order;
    for (HostId id = 0; id < host_count(); ++id) order.push_back(id);
    std::swap(order[0], order[drawn_.final_primary]);
    for (Server* server : All()) server->AbortFailover("the operator says so");
    servers_[order[0]]->BecomePrimary();
    for (size_t i = 1; i < order.size(); ++i) {
      servers_[order[i]]->Follow(drawn_.is_chain_at_the_end ? order[i - 1] : order[0]);
    }
  }
  // No more writes from here on; a dataset with a key is not empty.
  void Rest() {
    is_resting_ = true;
    for (Server* server : All()) {
      if (server->is_writable()) server->Write(1);
    }
  }

  bool IsConverged() {
    const Server* primary = nullptr;
    for (const Server* server : All()) {
      if (server->is_replica()) continue;
      if (primary != nullptr) return false;
      primary = server;
    }
    if (primary == nullptr) return false;
    return std::ranges::all_of(All(), [&](const Server* server) {
      return server == primary || (server->is_up() && server->history().id == primary->history().id &&
                                   server->offset() == primary->offset());
    });
  }
  void CheckEnd(bool had_only_network_faults) {
    const std::vector<Server*> servers = All();
    for (const Server* server : servers) trace().Add("{}", server->Describe());
    if (!IsConverged()) return trace().Fail("the servers do not agree long after everything is well");
    for (const Server* server : servers) {
      if (server->dataset() != servers.front()->dataset()) {
        trace().Fail("at one place of one history, and not the same dataset");
      }
      const bool is_remembered = std::ranges::all_of(drawn_.options, [](const ServerOptions& options) {
        return options.keeping.memory_bytes >= 1'000'000;
      });
      if (had_only_network_faults && is_remembered && server->full_syncs_taken() > 1) {
        trace().Fail("a server copied everything {} times, though only the network failed",
                     server->full_syncs_taken());
      }
    }
  }

 private:
  std::vector<Server*> All() {
    std::vector<Server*> all;
    for (const auto& server : servers_) all.push_back(server.get());
    return all;
  }

  Process* ProcessOf(HostId id) override { return servers_[id].get(); }
  void OnDeath(HostId id) override {
    if (!ends_in_order_) servers_[id]->LeaveBehind();
  }
  void OnStart(HostId id) override {
    servers_[id] = std::make_unique<Server>(cast_, id, drawn_.options[id], storage_[id]);
    servers_[id]->Start();
  }

  void OnOperator(const Fault& fault) override {
    if (!host(fault.a).has_process()) return;
    Server& server = *servers_[fault.a];
    const auto choice = static_cast<uint64_t>(fault.value);
    switch (choice % 8) {
      case 0:
        return server.is_failing_over() ? void() : server.BecomePrimary();
      case 1:
      case 2:
        return server.Follow(fault.b);
      case 3:
        return BeginFailover(fault);
      case 4:
        return server.AbortFailover("the operator says so");
      case 5:
        return EndInOrder(fault);
      case 6:
        storage_[fault.a].snapshot.reset();
        storage_[fault.a].append_only.reset();
        return Kill(fault.a, Host::State::kDead, fault.for_us);
      default:
        if (drawn_.options[fault.a].saves_at_times) server.Save();
    }
  }

  // Whoever is a primary hands over, to anybody or to a certain one.
  void BeginFailover(const Fault& fault) {
    const auto choice = static_cast<uint64_t>(fault.value);
    const auto target = choice % 16 < 8 ? std::optional(fault.b) : std::nullopt;
    for (HostId id = 0; id < host_count(); ++id) {
      const bool is_able = host(id).has_process() && servers_[id]->is_writable();
      if (is_able && target != id) return servers_[id]->BeginFailover(target, choice % 32 < 8, 3'000);
    }
  }

  void EndInOrder(const Fault& fault) {
    servers_[fault.a]->EndInOrder();
    ends_in_order_ = true;
    Kill(fault.a, Host::State::kDead, fault.for_us);
    ends_in_order_ = false;
  }

  void WriteNow() {
    if (is_resting_) return;
    const auto id = static_cast<HostId>(random().Below(static_cast<uint64_t>(host_count())));
    const uint64_t what = random().Next();
    if (host(id).state() == Host::State::kRunning && servers_[id]->is_writable()) servers_[id]->Write(what);
    schedule().After(static_cast<int64_t>(random().Below(drawn_.longest_pause_us)), [this] { WriteNow(); });
  }

  ReplicationCast cast_;
  const Cast& drawn_;
  std::vector<Storage> storage_;
  std::vector<std::unique_ptr<Server>> servers_;
  bool is_resting_ = false;
  bool ends_in_order_ = false;
};

}  // namespace

std::vector<Fault> ReplicationWorld::Plan(uint64_t seed) const {
  const Cast cast(seed);
  Prng random(seed ^ kPlanSeed);
  FaultMix mix{.host_count = cast.host_count,
               .most = 14,
               .from_us = 200 * kMillisecond,
               .until_us = kFaultsEndUs,
               .longest_us = 8 * kSecond,
               .weights = {2, 2, 3, 6, 2, 3, 3, 2, 1, 10},
               .favourite = 0};
  if (cast.knows_no_operators) {
    for (const Fault::Kind kind : {Fault::Kind::kOperator, Fault::Kind::kKill, Fault::Kind::kPowerOff}) {
      mix.weights[static_cast<size_t>(kind)] = 0;
    }
  }
  return PlanFaults(random, mix);
}

Played ReplicationWorld::Play(uint64_t seed, std::span<const Fault> faults, Trace& trace) const {
  const Cast cast(seed);
  ReplicationStage stage(cast, seed, planted_, trace);
  stage.Begin();
  stage.Inject(faults);
  stage.PlayUntil(kFaultsEndUs + kSecond);
  if (!cast.knows_no_operators) stage.Settle();
  stage.PlayUntil(kQuietUs);
  stage.Rest();
  while (!trace.has_failed() && stage.schedule().now_us() < kQuietUs + kPatienceUs && !stage.IsConverged()) {
    stage.PlayUntil(stage.schedule().now_us() + kLookUs);
  }
  if (!trace.has_failed()) stage.CheckEnd(cast.knows_no_operators);
  return {stage.schedule().event_count(), stage.schedule().now_us()};
}

}  // namespace hearth::sim
