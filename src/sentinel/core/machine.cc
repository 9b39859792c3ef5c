// The machine's turns: what has happened is taken in, then all rules are gone through until nothing changes
// any more, so that whatever has become possible happens at once; the deadlines that were met on the way say
// when to come again.
#include "sentinel/core/machine.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "sentinel/core/address.h"

namespace hearth::sentinel {
namespace {

// No chain of consequences comes near; a rule that feeds itself is found here.
constexpr int kMaxPasses = 200;

std::string MakeId(Prng& random) {
  std::string id(40, '0');
  for (char& digit : id) digit = "0123456789abcdef"[random.Below(16)];
  return id;
}

}  // namespace

Machine::Machine(Options options, Now now)
    : my_id_(std::move(options.my_id)),
      next_wakeup_ms_(now.monotonic_ms),
      random_(options.seed),
      globals_(std::move(options.globals)) {
  id_is_new_ = my_id_.empty();
  if (id_is_new_) my_id_ = MakeId(random_);
}

Machine::Turn Machine::Begin(Now now, Effects& effects) {
  Turn turn{std::max(now.monotonic_ms, last_turn_ms_), now.wall_ms, effects};
  // We are late for our own alarm: the process or the machine stood still, and what we think to know is old.
  const bool is_late = last_turn_ms_ >= 0 && next_wakeup_ms_ != kNever &&
                       turn.ms - std::max(next_wakeup_ms_, last_turn_ms_) > timing_.tilt_trigger;
  if (is_late || now.monotonic_ms < last_turn_ms_) {
    is_in_tilt_ = true;
    tilt_since_ms_ = turn.ms;
    effects.push_back(effect::Event{Level::kWarning, "+tilt", "#tilt mode entered"});
  }
  last_turn_ms_ = turn.ms;
  return turn;
}

void Machine::End(Turn& turn) {
  for (int passes = 0;; ++passes) {
    HEARTH_ASSERT(passes < kMaxPasses);
    const size_t before = turn.effects.size();
    turn.is_changed = false;
    turn.wakeup_ms = kNever;
    Pass(turn);
    if (!turn.is_changed && turn.effects.size() == before) break;
  }
  HEARTH_ASSERT(turn.wakeup_ms > turn.ms);
  next_wakeup_ms_ = turn.wakeup_ms;
}

void Machine::Pass(Turn& turn) {
  if (is_in_tilt_ && turn.Due(tilt_since_ms_ + timing_.tilt_period)) {
    is_in_tilt_ = false;
    tilt_since_ms_ = -1;
    turn.effects.push_back(effect::Event{Level::kWarning, "-tilt", "#tilt mode exited"});
  }
  for (auto& [name, primary] : primaries_) PassOver(turn, primary);
  RunScripts(turn);
}

void Machine::PassOver(Turn& turn, Primary& primary) {
  const auto over_all = [&](auto&& rule) {
    rule(primary.instance);
    for (auto& [name, replica] : primary.replicas) rule(replica);
    for (auto& [id, sentinel] : primary.sentinels) rule(sentinel);
  };
  over_all([&](Instance& instance) {
    KeepLinked(turn, primary, instance);
    KeepTalking(turn, primary, instance);
  });
  if (is_in_tilt_) return;
  over_all([&](Instance& instance) { JudgeInstance(turn, primary, instance); });
  JudgePrimary(turn, primary);
  ConfirmPrimary(turn, primary);
  StartFailoverIfDue(turn, primary);
  AskOpinions(turn, primary);
  RunFailover(turn, primary);
  for (auto& [name, replica] : primary.replicas) {
    TellReplaced(turn, primary, replica);
    Release(turn, primary, replica);
    CorrectReplica(turn, primary, replica);
  }
  ForgetDead(turn, primary);
}

void Machine::RunScripts(Turn& turn) {
  while (const Scripts::Job* job = scripts_.Start(turn.ms)) {
    turn.effects.push_back(effect::RunScript{job->id, job->words});
  }
  while (const Scripts::Job* job = scripts_.Overdue(turn.ms, timing_.script_max_runtime)) {
    turn.effects.push_back(
        effect::Event{Level::kWarning, "-script-timeout", job->words[0] + " " + std::to_string(job->id)});
    turn.effects.push_back(effect::KillScript{job->id});
  }
  turn.wakeup_ms = std::min(turn.wakeup_ms, scripts_.next_ms(timing_.script_max_runtime));
}

void Machine::Step(Now now, const Input& input, Effects& effects) {
  Turn turn = Begin(now, effects);
  std::visit([&](const auto& happened) { On(turn, happened); }, input);
  End(turn);
}

void Machine::On(Turn&, const input::Tick&) {}

void Machine::On(Turn& turn, const input::ScriptEnded& input) {
  const auto failed =
      scripts_.End(turn.ms, input.script, input.exit_code, input.signal, timing_.script_retry_delay);
  if (!failed) return;
  const std::string text =
      failed->words[0] + " " + std::to_string(input.signal) + " " + std::to_string(input.exit_code);
  turn.effects.push_back(effect::Event{Level::kWarning, "-script-error", text});
}

Primary* Machine::FindPrimary(std::string_view name) {
  const auto found = primaries_.find(name);
  return found == primaries_.end() ? nullptr : &found->second;
}

const Primary* Machine::FindPrimary(std::string_view name) const {
  const auto found = primaries_.find(name);
  return found == primaries_.end() ? nullptr : &found->second;
}

Instance* Machine::FindInstance(const Wire& wire) {
  Primary* primary = FindPrimary(wire.primary);
  if (primary == nullptr) return nullptr;
  if (wire.kind == Kind::kPrimary) return &primary->instance;
  auto& instances = wire.kind == Kind::kReplica ? primary->replicas : primary->sentinels;
  const auto found = instances.find(wire.instance);
  return found == instances.end() ? nullptr : &found->second;
}

std::optional<Address> Machine::CurrentAddress(std::string_view name) const {
  const Primary* primary = FindPrimary(name);
  if (primary == nullptr) return std::nullopt;
  const bool is_promoted = primary->failover == FailoverState::kReconfigureReplicas ||
                           primary->failover == FailoverState::kUpdateConfiguration;
  const auto promoted = primary->replicas.find(primary->promoted);
  if (is_promoted && promoted != primary->replicas.end()) return promoted->second.address;
  return primary->instance.address;
}

std::vector<Machine::PendingScript> Machine::PendingScripts() const {
  std::vector<PendingScript> pending;
  for (const Scripts::Job& job : scripts_.jobs()) {
    pending.push_back({job.words, job.is_running, job.since_or_at_ms, job.tries, job.id});
  }
  return pending;
}

}  // namespace hearth::sentinel
