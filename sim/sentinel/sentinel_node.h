// A simulated Sentinel: the machine of sentinel/core, with a carrier that opens its links on the simulated
// network, keeps its state on a disk that survives, and answers other Sentinels.
//
// One for each life of a process, owned by the world; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sentinel/core/machine.h"
#include "sim/sentinel/talker.h"

namespace hearth::sim {

// Directives as the configuration file has them; what SaveState replaces.
using StateFile = std::vector<std::string>;

class SentinelNode final : public Talker {
 public:
  // `timing` is as for SENTINEL DEBUG.
  SentinelNode(SentinelCast& cast, HostId id, const std::vector<std::string>& timing, StateFile& file);
  void Start();

  // ---- what operators do

  void Failover(const std::string& name);
  // The process dies after so many more effects, of which one is to save the state.
  void DieWhenSaving(int effects) { effects_to_live_ = effects; }

  const sentinel::Machine& machine() const { return *machine_; }
  std::string Describe() const;

  void OnOpened(ConnectionId id) override;
  void OnAccepted(ConnectionId id, HostId from) override { clients_[id] = from; }
  void OnEnded(ConnectionId id, Ending why) override;
  void OnCommand(ConnectionId id, const std::vector<std::string>& words) override;
  void OnReply(ConnectionId id, const sentinel::Reply& reply) override;
  void OnMessage(ConnectionId id, const std::string& channel, const std::string& text) override;

 private:
  struct Link {
    ConnectionId connection = 0;
    HostId to = -1;
    std::vector<std::vector<std::string>> setup;
    size_t awaited = 0;  // of its replies
    bool is_subscriber = false;
    bool is_connected = false;
    bool is_open = false;
  };

  // What was last checked of a primary.
  struct Seen {
    uint64_t config_epoch = 0;
    uint64_t leader_epoch = 0;
    bool has_leader = false;
    sentinel::FailoverState failover = sentinel::FailoverState::kNone;
    bool operator==(const Seen&) const = default;
  };

  Host& host() { return cast_.stage.host(id_); }
  Trace& trace() { return cast_.stage.trace(); }
  sentinel::Now Now() { return {host().monotonic_ms(), host().wall_ms()}; }
  void Load();
  void Step(const sentinel::Input& input);
  // Carries the effects out, and looks whether a promise was broken.
  void CarryOut(const sentinel::Effects& effects);
  void Arm();
  void OnAlarm(int64_t at_ms);
  void Observe();
  void ObserveEvent(const sentinel::effect::Event& event);
  sentinel::Reply Answer(const std::vector<std::string>& words);
  sentinel::Reply AnswerVote(const std::vector<std::string>& words);
  void EndLink(sentinel::LinkId id, sentinel::LinkEnd why, std::string text);
  Link* Find(sentinel::LinkId id);

  void Do(const sentinel::effect::OpenLink& effect);
  void Do(const sentinel::effect::CloseLink& effect);
  void Do(const sentinel::effect::Send& effect);
  void Do(const sentinel::effect::SaveState& effect);
  void Do(const sentinel::effect::Event& effect);
  void Do(const sentinel::effect::Log& effect);
  void Do(const sentinel::effect::RunScript&) {}
  void Do(const sentinel::effect::KillScript&) {}
  void Do(const sentinel::effect::Resolve&) {}
  void Do(const sentinel::effect::Crash& effect);

  SentinelCast& cast_;
  const HostId id_;
  const std::vector<std::string> timing_;
  StateFile& file_;
  std::unique_ptr<sentinel::Machine> machine_;
  std::map<sentinel::LinkId, Link> links_;
  std::map<ConnectionId, sentinel::LinkId> links_by_connection_;
  std::map<ConnectionId, HostId> clients_;
  std::map<std::string, Seen, std::less<>> seen_;
  std::optional<int64_t> armed_ms_;
  int effects_to_live_ = -1;  // -1: it is not dying
  bool is_dead_ = false;
};

}  // namespace hearth::sim
