#include "log/gate.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/assert.h"

namespace hearth::log {

bool Gate::IsReached(uint64_t offset, const GateRequirement& requirement) const {
  const std::optional<uint64_t> reached = ReachedOffset(requirement);
  return reached && offset <= *reached;
}

Gate::WaitId Gate::Wait(uint64_t offset, const GateRequirement& requirement, int64_t deadline_ms, Done done) {
  const WaitId id = next_id_++;
  queues_[requirement].emplace(offset, id);
  if (deadline_ms != 0) deadlines_.emplace(deadline_ms, id);
  waits_.emplace(id, Waiting{offset, requirement, deadline_ms, std::move(done)});
  return id;
}

bool Gate::Cancel(WaitId id) {
  const auto found = waits_.find(id);
  if (found == waits_.end()) return false;
  Forget(id, found->second);
  waits_.erase(found);
  return true;
}

// Takes a wait out of the indexes.
void Gate::Forget(WaitId id, const Waiting& wait) {
  const auto queue = queues_.find(wait.requirement);
  HEARTH_ASSERT(queue != queues_.end());
  queue->second.erase({wait.offset, id});
  if (queue->second.empty()) queues_.erase(queue);
  if (wait.deadline_ms != 0) deadlines_.erase({wait.deadline_ms, id});
}

// ---- progress

void Gate::SetLocal(LocalProgress progress) {
  HEARTH_ASSERT(progress.released >= progress.synced);
  local_.released = std::max(local_.released, progress.released);
  local_.synced = std::max(local_.synced, progress.synced);
  LetThrough();
}

void Gate::SetReplica(ReplicaId id, uint64_t received, uint64_t synced) {
  const auto found =
      std::find_if(replicas_.begin(), replicas_.end(), [id](const Replica& one) { return one.id == id; });
  if (found == replicas_.end()) {
    replicas_.push_back({id, received, synced});
  } else {
    found->received = std::max(found->received, received);
    found->synced = std::max(found->synced, synced);
  }
  LetThrough();
}

void Gate::RemoveReplica(ReplicaId id) {
  std::erase_if(replicas_, [id](const Replica& one) { return one.id == id; });
}

void Gate::SetPromised(uint64_t offset) {
  const bool goes_on = offset > std::exchange(promised_, offset);
  if (goes_on) LetThrough();
}

void Gate::ForgetLocal() {
  local_ = {};
  std::vector<WaitId> ids;
  for (const auto& [id, wait] : waits_) {
    if (wait.requirement.local != GateRequirement::Local::kNone) ids.push_back(id);
  }
  End(ids, Outcome::kNoFile);
}

void Gate::Reset(uint64_t offset) {
  std::vector<WaitId> all;
  for (const auto& [id, wait] : waits_) all.push_back(id);
  End(all, Outcome::kNewLog);
  HEARTH_ASSERT(waits_.empty());
  local_ = {.released = offset, .synced = offset};
  replicas_.clear();
}

size_t Gate::CountReceived(uint64_t offset) const {
  return static_cast<size_t>(std::count_if(replicas_.begin(), replicas_.end(),
                                           [offset](const Replica& one) { return one.received >= offset; }));
}

size_t Gate::CountSynced(uint64_t offset) const {
  return static_cast<size_t>(std::count_if(replicas_.begin(), replicas_.end(),
                                           [offset](const Replica& one) { return one.synced >= offset; }));
}

// The count-th furthest replica bounds what `count` replicas have.
std::optional<uint64_t> Gate::ReachedByReplicas(uint32_t count, uint64_t Replica::* progress) const {
  if (count == 0) return UINT64_MAX;
  if (count > replicas_.size()) return std::nullopt;
  std::vector<uint64_t> offsets;
  offsets.reserve(replicas_.size());
  for (const Replica& replica : replicas_) offsets.push_back(replica.*progress);
  const auto nth = offsets.begin() + (count - 1);
  std::nth_element(offsets.begin(), nth, offsets.end(), std::greater<>());
  return *nth;
}

std::optional<uint64_t> Gate::ReachedOffset(const GateRequirement& requirement) const {
  const auto received = ReachedByReplicas(requirement.replicas_received, &Replica::received);
  const auto synced = ReachedByReplicas(requirement.replicas_synced, &Replica::synced);
  if (!received || !synced) return std::nullopt;
  uint64_t reached = UINT64_MAX;
  if (requirement.local == GateRequirement::Local::kReleased) reached = local_.released;
  if (requirement.local == GateRequirement::Local::kSynced) reached = local_.synced;
  if (requirement.is_promised) reached = std::min(reached, promised_);
  return std::min({reached, *received, *synced});
}

void Gate::LetThrough() {
  if (queues_.empty()) return;
  std::vector<std::pair<uint64_t, WaitId>> reached;
  for (const auto& [requirement, queue] : queues_) {
    const std::optional<uint64_t> up_to = ReachedOffset(requirement);
    if (!up_to) continue;
    for (const auto& wait : queue) {
      if (wait.first > *up_to) break;
      reached.push_back(wait);
    }
  }
  std::sort(reached.begin(), reached.end());
  std::vector<WaitId> ids;
  ids.reserve(reached.size());
  for (const auto& [offset, id] : reached) ids.push_back(id);
  End(ids, Outcome::kReached);
}

void Gate::EndTimedOut(int64_t now_ms) {
  std::vector<WaitId> ids;
  for (const auto& [deadline_ms, id] : deadlines_) {
    if (deadline_ms > now_ms) break;
    ids.push_back(id);
  }
  End(ids, Outcome::kTimedOut);
}

// A `done` may cancel waits that stand behind it in `ids`; those are not there any more when their turn
// comes.
void Gate::End(const std::vector<WaitId>& ids, Outcome outcome) {
  for (const WaitId id : ids) {
    auto node = waits_.extract(id);
    if (node.empty()) continue;
    Forget(id, node.mapped());
    node.mapped().done(outcome);
  }
}

}  // namespace hearth::log
