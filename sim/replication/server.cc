#include "sim/replication/server.h"

#include <utility>

#include <fmt/format.h>

#include "base/assert.h"

namespace hearth::sim {
namespace {

constexpr int64_t kTickUs = 200 * kMillisecond;
constexpr uint64_t kLongestCommandBytes = 40;

uint64_t Mix(uint64_t tag, uint64_t more) {
  uint64_t mixed = (tag ^ more) * 0x9e3779b97f4a7c15u;
  mixed ^= mixed >> 29;
  return mixed * 0xbf58476d1ce4e5b9u;
}

}  // namespace

Server::Server(ReplicationCast& cast, HostId id, const ServerOptions& options, Storage& storage)
    : cast_(cast), id_(id), options_(options), storage_(storage) {}

std::string Server::MakeId() {
  return fmt::format("{:016x}{:016x}{:08x}", random().Next(), random().Next(), random().Next() >> 32);
}

std::string Server::Describe() const {
  std::string former;
  for (const auto& name : history_.former) {
    former += fmt::format(" (before: {} up to {})", name.id.substr(0, 6), name.end);
  }
  return fmt::format(
      "host {} is {} at {}:{}{} with {:x}, {} keys{}", id_,
      primary_ ? fmt::format("a replica of {}, {}", *primary_, link_.state_name()) : "a primary",
      history_.id.substr(0, 6), offset(), former, dataset().tag, dataset().keys,
      is_refusing() ? ", refusing" : "");
}

// ---- life

void Server::Start() {
  Restarted restarted =
      Restart(storage_, options_.keeping, MakeId(), cast_.planted == PlantedBug::kKeepsIdAtRestart);
  history_ = std::move(restarted.history);
  kept_ = std::move(restarted.kept);
  if (!restarted.fits) trace().Fail("host {} keeps a log that its dataset does not stand in", id_);
  pinged_ms_ = kept_alive_ms_ = now_ms();
  Claim();
  trace().Add("{}", Describe());
  if (storage_.primary) FollowAs(*storage_.primary, replication::Origin::kConfiguration);
  host().RunAfter(static_cast<int64_t>(random().Below(kTickUs)), [this] { Tick(); });
}

void Server::LeaveBehind() { sim::LeaveBehind(storage_, options_.keeping, kept_, random()); }

void Server::EndInOrder() {
  if (loading_) return LeaveBehind();
  if (options_.saves_at_times) Save();
  LeaveInOrder(storage_, options_.keeping, kept_);
}

void Server::Save() {
  // No cut of the keyspace may begin while another dataset takes its place.
  if (loading_) return;
  Storage::Snapshot snapshot{dataset(), std::nullopt};
  if (kept_.is_wanted) snapshot.place = persistence::Place{history_.id, offset()};
  storage_.snapshot = snapshot;
  trace().Add("host {} saves {:x} at {}", id_, dataset().tag, offset());
}

void Server::Tick() {
  host().RunAfter(kTickUs, [this] { Tick(); });
  kept_.Trim(options_.keeping);
  StepFailover();
  if (is_replica()) {
    if (now_ms() - acked_ms_ >= 1000) SendAck();
    if (loading_ && loading_->is_complete) Feed(replication::link_input::Activity());
    Feed(replication::link_input::Tick());
  }
  LookAfterReplicas();
  StartDueSyncs();
  FeedReplicas();
}

// ---- the history

void Server::Claim() {
  if (!kept_.is_wanted || cast_.claims.Add(history_.id, offset(), dataset())) return;
  trace().Fail("host {} is at {} of the history {}, where another dataset was seen before", id_, offset(),
               history_.id);
}

void Server::Append(const Entry& entry) {
  kept_.log.Append(entry);
  Claim();
}

void Server::Write(uint64_t random) {
  HEARTH_ASSERT(is_writable());
  Dataset after{Mix(dataset().tag, random), random % options_.one_in_flushes == 0 ? 0 : dataset().keys + 1};
  if (!kept_.is_wanted && !options_.keeping.has_append_only) {
    // Nobody reads the log, and nothing is counted.
    kept_.log.Restart(offset(), after);
    return;
  }
  const uint64_t bytes = 1 + (random >> 32) % kLongestCommandBytes;
  Append({offset(), offset() + bytes, after});
  // What is worst to come back with.
  if (after.keys == 0 && options_.saves_at_times) Save();
  FeedReplicas();
}

// What was written while nobody logged it is in no history, so a new one begins.
void Server::WantLog() {
  if (kept_.is_wanted) return;
  history_ = {.id = MakeId()};
  kept_.is_wanted = true;
  kept_.memory_first = kept_.disk_first = kept_.disk_end = offset();
  kept_.names = {{history_.id, offset()}};
  Claim();
}

void Server::BeginHistory(const std::string& id, uint64_t offset, const Dataset& dataset) {
  history_ = {.id = id};
  kept_.Begin(id, offset, dataset);
  kept_.is_wanted = true;
  Claim();
}

void Server::ContinueAs(std::string id) {
  history_.Rename(std::move(id), offset());
  kept_.Rename(history_.id);
  Claim();
}

void Server::TakeFreshId() {
  history_ = {.id = MakeId()};
  kept_.Begin(history_.id, offset(), dataset());
  Claim();
}

// ---- roles

void Server::FollowAs(HostId primary, replication::Origin origin) {
  HEARTH_ASSERT(primary != id_);
  primary_ = primary;
  if (options_.keeping.rewrites_configuration) storage_.primary = primary;
  may_take_anything_ = origin != replication::Origin::kConfiguration;
  Feed(replication::link_input::Follow{fmt::format("h{}:6379", primary), origin});
}

void Server::Follow(HostId primary) {
  if (is_failing_over() || (primary_ == primary && !is_refusing())) return;
  trace().Add("host {} is told to follow {}", id_, primary);
  FollowAs(primary, replication::Origin::kOperator);
}

void Server::BecomePrimary() {
  if (!is_replica()) return;
  Feed(replication::link_input::Unfollow());
  if (cast_.planted != PlantedBug::kKeepsIdWhenPromoted) ContinueAs(MakeId());
  primary_.reset();
  if (options_.keeping.rewrites_configuration) storage_.primary.reset();
  DropReplicas();
  trace().Add("{}", Describe());
}

// ---- failover

void Server::BeginFailover(std::optional<HostId> target, bool is_forced, int64_t timeout_ms) {
  if (!is_writable() || (is_forced && !target)) return;
  replication::Failover::Target wanted;
  if (target) wanted = {fmt::format("h{}", *target), 6379};
  trace().Add("host {} begins a failover to {}", id_, wanted.host.empty() ? "anybody" : wanted.host);
  failover_.Begin(wanted, is_forced, now_ms() + timeout_ms);
}

void Server::StepFailover() {
  if (failover_.state() != replication::Failover::State::kWaitingForSync) return;
  std::vector<replication::Failover::Candidate> candidates;
  for (const auto& [id, session] : sessions_) {
    if (session.state != Session::State::kOnline) continue;
    candidates.push_back({fmt::format("h{}", session.host), 6379, session.acked});
  }
  const auto action = failover_.Step(now_ms(), candidates, offset());
  if (action.kind == replication::Failover::Action::Kind::kFollow) {
    const auto target = static_cast<HostId>(action.target.host[1] - '0');
    is_failover_forced_ = !action.has_everything;
    FollowAs(target,
             is_failover_forced_ ? replication::Origin::kForcedFailover : replication::Origin::kFailover);
  } else if (action.kind == replication::Failover::Action::Kind::kAbort) {
    AbortFailover(action.reason);
  }
}

void Server::AbortFailover(std::string_view why) {
  if (!is_failing_over()) return;
  trace().Add("host {} gives its failover up: {}", id_, why);
  if (failover_.state() == replication::Failover::State::kInProgress) BecomePrimary();
  failover_.End();
}

}  // namespace hearth::sim
