#include "sim/sentinel/sentinel_node.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/numbers.h"
#include "base/text.h"

namespace hearth::sim {
namespace {

using sentinel::LinkEnd;
using sentinel::Reply;

constexpr int64_t kOpenTimeoutUs = 5 * kSecond;
constexpr int64_t kConnectTimeoutUs = 1 * kSecond;
constexpr int64_t kRestartUs = 2 * kSecond;
constexpr std::string_view kHelloChannel = "__sentinel__:hello";

bool IsOfEpochs(std::string_view line) {
  return line.starts_with("sentinel current-epoch") || line.starts_with("sentinel leader-epoch") ||
         line.starts_with("sentinel config-epoch");
}

}  // namespace

SentinelNode::SentinelNode(SentinelCast& cast, HostId id, const std::vector<std::string>& timing,
                           StateFile& file)
    : cast_(cast), id_(id), timing_(timing), file_(file) {}

std::string SentinelNode::Describe() const {
  std::string text = fmt::format("host {} ({}) is in epoch {}{}", id_, machine_->my_id().substr(0, 6),
                                 machine_->current_epoch(), machine_->is_in_tilt() ? ", in TILT" : "");
  for (const auto& [name, primary] : machine_->primaries()) {
    text += fmt::format(
        "; {} is at {} since epoch {}, phase {}{}{}", name, HostOf(machine_->CurrentAddress(name)->host),
        primary.config_epoch, static_cast<int>(primary.failover),
        primary.instance.is_subjectively_down ? ", sdown" : "", primary.is_objectively_down ? ", odown" : "");
  }
  return text;
}

// ---- life

void SentinelNode::Start() {
  Load();
  Observe();
  Arm();
}

void SentinelNode::Load() {
  sentinel::Globals globals;
  machine_ = std::make_unique<sentinel::Machine>(
      sentinel::Machine::Options{.my_id = "", .seed = cast_.stage.random().Next(), .globals = globals},
      Now());
  if (cast_.planted == SentinelBug::kForgetsEpochs) std::erase_if(file_, IsOfEpochs);
  const Status timed = machine_->SetTiming(timing_);
  HEARTH_ASSERT(timed.has_value());
  for (const std::string& line : file_) {
    auto words = SplitArguments(line);
    HEARTH_ASSERT(words && words->size() > 1 && words->front() == "sentinel");
    words->erase(words->begin());
    if (const Status status = machine_->Load(*words, Now()); !status) {
      trace().Fail("host {} cannot load '{}': {}", id_, line, status.error().message);
    }
  }
  sentinel::Effects effects;
  if (const Status status = machine_->FinishLoading(Now(), effects); !status) {
    trace().Fail("host {} cannot load its state: {}", id_, status.error().message);
  }
  CarryOut(effects);
}

void SentinelNode::Step(const sentinel::Input& input) {
  if (is_dead_) return;
  sentinel::Effects effects;
  machine_->Step(Now(), input, effects);
  CarryOut(effects);
  Arm();
}

// An alarm is set for the moment that the machine names; one that was set for a later moment stays and finds
// nothing to do.
void SentinelNode::Arm() {
  const int64_t wakeup_ms = machine_->next_wakeup_ms();
  if (wakeup_ms == std::numeric_limits<int64_t>::max() || (armed_ms_ && *armed_ms_ <= wakeup_ms)) return;
  armed_ms_ = wakeup_ms;
  const int64_t delay_us = std::max<int64_t>(wakeup_ms * kMillisecond - host().monotonic_us(), 0);
  // What is lost by rounding must not make it too early.
  host().RunAfter(delay_us + 3, [this, wakeup_ms] { OnAlarm(wakeup_ms); });
}

void SentinelNode::OnAlarm(int64_t at_ms) {
  if (armed_ms_ != at_ms) return;
  armed_ms_.reset();
  if (machine_->next_wakeup_ms() <= Now().monotonic_ms) return Step(sentinel::input::Tick());
  Arm();
}

void SentinelNode::Failover(const std::string& name) {
  sentinel::Effects effects;
  const Status status = machine_->Failover(Now(), name, effects);
  if (status) cast_.checks.OnForced(name, machine_->primaries().find(name)->second.failover_epoch);
  CarryOut(effects);
  Arm();
}

// ---- effects

void SentinelNode::CarryOut(const sentinel::Effects& effects) {
  const bool saves = std::ranges::any_of(effects, [](const sentinel::Effect& effect) {
    return std::holds_alternative<sentinel::effect::SaveState>(effect);
  });
  for (const sentinel::Effect& effect : effects) {
    if (saves && effects_to_live_ >= 0 && effects_to_live_-- == 0) Do(sentinel::effect::Crash());
    if (is_dead_) return;
    std::visit([this](const auto& what) { Do(what); }, effect);
  }
  Observe();
}

void SentinelNode::Do(const sentinel::effect::SaveState&) {
  if (cast_.planted != SentinelBug::kAnswersUnsaved) file_ = machine_->StateLines();
}

void SentinelNode::Do(const sentinel::effect::Crash&) {
  is_dead_ = true;
  trace().Add("-- host {} dies by itself", id_);
  cast_.stage.schedule().After(
      0, [&stage = cast_.stage, id = id_] { stage.Kill(id, Host::State::kDead, kRestartUs); });
}

void SentinelNode::Do(const sentinel::effect::Log& effect) { trace().Add("host {}: {}", id_, effect.text); }

void SentinelNode::Do(const sentinel::effect::Event& effect) {
  if (effect.level != sentinel::effect::Event::Level::kDebug)
    trace().Add("host {}: {} {}", id_, effect.name, effect.text);
  ObserveEvent(effect);
}

SentinelNode::Link* SentinelNode::Find(sentinel::LinkId id) {
  const auto found = links_.find(id);
  return found == links_.end() ? nullptr : &found->second;
}

void SentinelNode::Do(const sentinel::effect::OpenLink& effect) {
  HEARTH_ASSERT(effect.link != 0 && !links_.contains(effect.link));
  const HostId to = HostOf(effect.address.host);
  if (to == id_ || to < 0 || to >= cast_.stage.host_count()) {
    trace().Fail("host {} opens a link to itself or to nowhere", id_);
    return;
  }
  Link& link = links_[effect.link];
  link = {.to = to, .setup = effect.setup, .is_subscriber = effect.is_subscriber};
  link.connection = cast_.stage.network().Connect(id_, to);
  links_by_connection_[link.connection] = effect.link;
  host().RunAfter(kOpenTimeoutUs, [this, id = effect.link] {
    const Link* const late = Find(id);
    if (late != nullptr && !late->is_open) EndLink(id, LinkEnd::kTimedOut, "no answer");
  });
  host().RunAfter(kConnectTimeoutUs, [this, id = effect.link] {
    const Link* const late = Find(id);
    if (late != nullptr && !late->is_connected) EndLink(id, LinkEnd::kTimedOut, "no connection");
  });
}

void SentinelNode::Do(const sentinel::effect::CloseLink& effect) {
  Link* const link = Find(effect.link);
  if (link == nullptr) return;
  cast_.stage.network().Close(link->connection, id_);
  links_by_connection_.erase(link->connection);
  links_.erase(effect.link);
}

void SentinelNode::Do(const sentinel::effect::Send& effect) {
  const Link* const link = Find(effect.link);
  if (link == nullptr) return;
  if (!link->is_open) {
    trace().Fail("host {} sends {} over a link that is not open", id_, effect.command[0]);
    return;
  }
  const bool is_promotion =
      effect.command.size() >= 3 && (effect.command[1] == "NO" || effect.command[1] == "PROMOTE");
  if (is_promotion && (effect.command[0] == "SLAVEOF" || effect.command[0] == "REPLICATION")) {
    for (const auto& [name, primary] : machine_->primaries()) {
      for (const auto& [known, replica] : primary.replicas) {
        if (replica.link->commands != effect.link) continue;
        cast_.checks.OnPromotion(link->to, name, primary.failover_epoch);
      }
    }
  }
  cast_.SendCommand(link->connection, id_, link->to, effect.command);
}

// ---- links

void SentinelNode::OnOpened(ConnectionId id) {
  const auto found = links_by_connection_.find(id);
  if (found == links_by_connection_.end()) return;
  Link& link = links_.at(found->second);
  link.is_connected = true;
  link.awaited = link.setup.size();
  for (auto& command : std::exchange(link.setup, {})) cast_.SendCommand(id, id_, link.to, std::move(command));
  if (link.awaited > 0) return;
  link.is_open = true;
  Step(sentinel::input::LinkOpened{found->second, AddressOf(id_, true)});
}

void SentinelNode::OnReply(ConnectionId id, const Reply& reply) {
  const auto found = links_by_connection_.find(id);
  if (found == links_by_connection_.end()) return;
  const sentinel::LinkId link_id = found->second;
  Link& link = links_.at(link_id);
  if (link.is_open) return Step(sentinel::input::Replied{link_id, reply});
  HEARTH_ASSERT(link.awaited > 0);
  if (--link.awaited > 0) return;
  link.is_open = true;
  Step(sentinel::input::LinkOpened{link_id, AddressOf(id_, true)});
}

void SentinelNode::OnMessage(ConnectionId id, const std::string& channel, const std::string& text) {
  const auto found = links_by_connection_.find(id);
  if (found == links_by_connection_.end() || !links_.at(found->second).is_open) return;
  Step(sentinel::input::Message{found->second, channel, text});
}

void SentinelNode::EndLink(sentinel::LinkId id, LinkEnd why, std::string text) {
  const Link* const link = Find(id);
  cast_.stage.network().Close(link->connection, id_);
  links_by_connection_.erase(link->connection);
  links_.erase(id);
  Step(sentinel::input::LinkEnded{id, why, std::move(text)});
}

void SentinelNode::OnEnded(ConnectionId id, Ending why) {
  clients_.erase(id);
  const auto found = links_by_connection_.find(id);
  if (found == links_by_connection_.end()) return;
  const bool is_refused = why == Ending::kRefused;
  EndLink(found->second, is_refused ? LinkEnd::kRefused : LinkEnd::kReset, is_refused ? "refused" : "reset");
}

// ---- other Sentinels

void SentinelNode::OnCommand(ConnectionId id, const std::vector<std::string>& words) {
  const auto client = clients_.find(id);
  if (client == clients_.end() || is_dead_) return;
  const HostId from = client->second;
  Reply reply = Answer(words);
  // What was to be done before the answer may have been the end.
  if (!is_dead_) cast_.SendReply(id, id_, from, std::move(reply));
}

Reply SentinelNode::Answer(const std::vector<std::string>& words) {
  if (words[0] == "PING") return {.kind = Reply::Kind::kStatus, .text = "PONG"};
  if (words[0] == "SENTINEL") return AnswerVote(words);
  if (words[0] != "PUBLISH") return {.kind = Reply::Kind::kStatus, .text = "OK"};
  HEARTH_ASSERT(words[1] == kHelloChannel);
  Step(sentinel::input::Hello{words[2]});
  return {.kind = Reply::Kind::kInteger, .integer = 1};
}

Reply SentinelNode::AnswerVote(const std::vector<std::string>& words) {
  HEARTH_ASSERT(words.size() == 6 && words[1] == "is-master-down-by-addr");
  const sentinel::Address address{words[2], static_cast<int>(*ParseInt64(words[3]))};
  const uint64_t epoch = *ParseUint64(words[4]);
  const uint64_t before = machine_->current_epoch();
  sentinel::Effects effects;
  sentinel::Vote vote = machine_->AnswerVote(Now(), address, epoch, words[5], effects);
  CarryOut(effects);
  Arm();
  if (cast_.planted == SentinelBug::kVotesTwice && words[5] != "*" && epoch >= before) {
    vote.leader = words[5];
    vote.leader_epoch = epoch;
  }
  for (const auto& [name, primary] : machine_->primaries()) {
    const bool is_it = primary.instance.address == address && vote.leader != "*" && !vote.leader.empty();
    if (is_it && !is_dead_) cast_.checks.OnVote(id_, name, vote.leader_epoch, vote.leader);
  }
  Reply reply{.kind = Reply::Kind::kArray};
  reply.elements.push_back({.kind = Reply::Kind::kInteger, .integer = vote.is_down ? 1 : 0});
  reply.elements.push_back({.kind = Reply::Kind::kText, .text = vote.leader});
  reply.elements.push_back(
      {.kind = Reply::Kind::kInteger, .integer = static_cast<int64_t>(vote.leader_epoch)});
  return reply;
}

// ---- promises

// Everything that was to be on disk is.
void SentinelNode::Observe() {
  if (is_dead_ || trace().has_failed()) return;
  cast_.checks.OnOwnEpoch(id_, machine_->current_epoch());
  for (const auto& [name, primary] : machine_->primaries()) {
    const Seen now{primary.config_epoch, primary.leader_epoch, !primary.leader.empty(), primary.failover};
    const auto [last, is_new] = seen_.try_emplace(name, now);
    if (!is_new && last->second == now) continue;
    last->second = now;
    cast_.checks.OnEpoch(id_, name, primary.config_epoch);
    cast_.checks.OnConfiguration(HostOf(machine_->CurrentAddress(name)->host), name, primary.config_epoch);
    if (now.leader_epoch > 0 && now.has_leader)
      cast_.checks.OnVote(id_, name, primary.leader_epoch, primary.leader);
  }
}

void SentinelNode::ObserveEvent(const sentinel::effect::Event& event) {
  if (event.name != "+elected-leader") return;
  const auto words = SplitArguments(event.text);
  HEARTH_ASSERT(words && words->size() >= 2);
  const auto primary = machine_->primaries().find((*words)[1]);
  HEARTH_ASSERT(primary != machine_->primaries().end());
  cast_.checks.OnLeader(id_, primary->first, primary->second.failover_epoch);
}

}  // namespace hearth::sim
