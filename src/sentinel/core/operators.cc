// What operators ask of the machine: to watch a primary, to forget it, to fail it over; and what it tells
// them.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "sentinel/core/address.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

constexpr const char* kUnknownPrimary = "ERR No such master with that name";

std::string Plural(int count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

}  // namespace

Status Machine::CheckAddress(const Address& address) const {
  const bool is_host =
      IsNumericHost(address.host) || (globals_.resolves_names && IsPlausibleHost(address.host));
  if (!is_host) return Fail("ERR Invalid IP address or hostname specified");
  if (address.port < 0 || address.port > 65535) return Fail("ERR Invalid port");
  return {};
}

Primary& Machine::AddPrimary(const Turn& turn, const std::string& name, const Address& address, int quorum) {
  Primary primary{.instance = {.kind = Kind::kPrimary}};
  primary.settings.quorum = quorum;
  primary.settings.down_after_ms = timing_.default_down_after;
  primary.settings.failover_timeout_ms = timing_.default_failover_timeout;
  primary.instance = MakeInstance(turn, primary, Kind::kPrimary, name, address);
  return primaries_.insert_or_assign(name, std::move(primary)).first->second;
}

Status Machine::Monitor(Now now, const std::string& name, const Address& address, int quorum,
                        Effects& effects) {
  if (quorum < 1) return Fail("ERR Quorum must be 1 or greater.");
  HEARTH_TRY(CheckAddress(address));
  if (FindPrimary(name) != nullptr) return Fail("ERR Duplicate master name.");
  Turn turn = Begin(now, effects);
  Primary& primary = AddPrimary(turn, name, address, quorum);
  // We may have watched one of this name before, and voted.
  primary.leader_epoch = current_epoch_;
  AskName(turn, address.host);
  Save(turn);
  Tell(turn, primary, primary.instance, Level::kWarning, "+monitor", " quorum " + std::to_string(quorum));
  End(turn);
  return {};
}

Status Machine::Remove(Now now, std::string_view name, Effects& effects) {
  Primary* primary = FindPrimary(name);
  if (primary == nullptr) return Fail(kUnknownPrimary);
  Turn turn = Begin(now, effects);
  Tell(turn, *primary, primary->instance, Level::kWarning, "-monitor");
  for (auto& [known, replica] : primary->replicas) DropLink(turn, replica);
  for (auto& [id, sentinel] : primary->sentinels) DropLink(turn, sentinel);
  DropLink(turn, primary->instance);
  primaries_.erase(primaries_.find(name));
  Save(turn);
  End(turn);
  return {};
}

int64_t Machine::Reset(Now now, std::string_view pattern, Effects& effects) {
  Turn turn = Begin(now, effects);
  int64_t count = 0;
  for (auto& [name, primary] : primaries_) {
    if (!GlobMatch(pattern, name)) continue;
    ++count;
    EndStory(turn, primary, "reset by an operator");
    ResetPrimary(turn, primary, true);
    Save(turn);
    Tell(turn, primary, primary.instance, Level::kWarning, "+reset-master");
  }
  End(turn);
  return count;
}

Status Machine::Failover(Now now, std::string_view name, Effects& effects, bool ignores_promises) {
  Primary* primary = FindPrimary(name);
  if (primary == nullptr) return Fail(kUnknownPrimary);
  if (primary->is_failing_over()) return Fail("INPROG Failover already in progress");
  Turn turn = Begin(now, effects);
  const Promises promises = LookAtPromises(turn, *primary, 0);
  const std::string unmet = promises.is_met() || ignores_promises ? "" : WhyNotMet(promises);
  const bool is_possible =
      SelectReplica(turn, *primary) != nullptr && current_epoch_ < kMaxEpoch && unmet.empty();
  if (is_possible) {
    Log(turn, Level::kNotice, "An operator asks for a failover of '" + primary->instance.name + "'");
    StartFailover(turn, *primary);
    primary->is_failover_forced = true;
    primary->ignores_promises = ignores_promises;
    for (auto& [known, replica] : primary->replicas) replica.wants_info = true;
  }
  End(turn);
  if (!unmet.empty()) {
    return Fail("NOGOODSLAVE Promised writes could be lost: " + unmet +
                ". SENTINEL FORCE-FAILOVER promotes a replica all the same.");
  }
  if (!is_possible) return Fail("NOGOODSLAVE No suitable replica to promote");
  return {};
}

Result<std::string> Machine::CheckQuorum(std::string_view name) const {
  const Primary* primary = FindPrimary(name);
  if (primary == nullptr) return Fail(kUnknownPrimary);
  const int usable = 1 + static_cast<int>(std::ranges::count_if(primary->sentinels, [](const auto& named) {
                       return !named.second.is_subjectively_down;
                     }));
  const std::string begin = std::to_string(usable) + " usable Sentinels. ";
  if (usable >= NeededVotes(*primary))
    return "OK " + begin + "Quorum and failover authorization can be reached";
  std::string error = "NOQUORUM " + begin;
  const bool has_quorum = usable >= primary->settings.quorum;
  if (!has_quorum) error += "Not enough available Sentinels to reach the specified quorum for this master";
  if (usable < Majority(*primary)) {
    if (!has_quorum) error += ". ";
    error += "Not enough available Sentinels to reach the majority and authorize a failover";
  }
  return Fail(std::move(error));
}

void Machine::SimulateFailure(bool after_election, bool after_promotion) {
  crashes_after_election_ = after_election;
  crashes_after_promotion_ = after_promotion;
}

Result<std::vector<std::string>> Machine::Explain(Now now, std::string_view name) const {
  const Primary* primary = FindPrimary(name);
  if (primary == nullptr) return Fail(kUnknownPrimary);
  Effects none;
  const Turn turn{std::max(now.monotonic_ms, last_turn_ms_), now.wall_ms, none};
  std::vector<std::string> lines;
  const Instance& instance = primary->instance;
  std::string state = "primary " + ToText(instance.address) + " is ";
  state += primary->is_objectively_down    ? "objectively down"
           : instance.is_subjectively_down ? "subjectively down"
                                           : "up";
  if (primary->is_emptied) state += ", since it came back without its data";
  if (primary->is_uncertain) state += ", since it came back and may lack writes that were promised";
  if (!instance.link->trouble.empty()) state += "; connection: " + instance.link->trouble;
  lines.push_back(std::move(state));
  if (primary->settings.busy_is_alive_max_ms > 0) lines.push_back(ExplainProbes(*primary, turn.ms));
  const int reachable = ReachableVoters(*primary);
  lines.push_back(
      "voters: " + std::to_string(reachable) + " of " + std::to_string(primary->sentinels.size() + 1) +
      " reachable, " + std::to_string(NeededVotes(*primary)) + " needed (quorum " +
      std::to_string(primary->settings.quorum) + ", majority " + std::to_string(Majority(*primary)) + ")");
  for (const auto& [id, sentinel] : primary->sentinels) {
    if (sentinel.link->commands_open && !sentinel.is_subjectively_down && sentinel.link->trouble.empty())
      continue;
    std::string line = "sentinel " + id + " " + ToText(sentinel.address) + ": ";
    line += sentinel.is_subjectively_down ? "down" : "not connected";
    if (!sentinel.link->trouble.empty()) line += ", " + sentinel.link->trouble;
    lines.push_back(std::move(line));
  }
  const Instance* chosen = SelectReplica(turn, *primary);
  for (const auto& [known, replica] : primary->replicas) {
    const std::string why = WhyNotEligible(turn, *primary, replica);
    lines.push_back("replica " + known + ": " +
                    (!why.empty()         ? why
                     : &replica == chosen ? "would be promoted"
                                          : "could be promoted"));
  }
  ExplainPromises(turn, *primary, lines);
  if (is_in_tilt_) lines.push_back("TILT: nothing is decided now");
  if (primary->is_failing_over()) lines.push_back("a failover is under way");
  if (!primary->is_failing_over() && primary->may_start_ms > turn.ms) {
    lines.push_back("no failover of ours for another " +
                    Plural(static_cast<int>((primary->may_start_ms - turn.ms) / 1000) + 1, "second"));
  }
  const bool could = chosen != nullptr && LookAtPromises(turn, *primary, 0).is_met() &&
                     reachable >= NeededVotes(*primary) && !is_in_tilt_;
  lines.push_back(could ? "a failover could succeed now" : "a failover could not succeed now");
  return lines;
}

}  // namespace hearth::sentinel
