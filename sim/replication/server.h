// A simulated server, as far as replication goes: the machines of replication/core decide, this carries out
// what they say in the way that replication/ does, on a network and disks that fail.
//
// Its promises are checked where they are made: that a place in a history is never two datasets, that nothing
// goes on from where it does not stand, that data is not given up for an empty dataset, that a planned
// failover loses nothing, that a full copy is made only where it must be.
//
// One for each life of a process, owned by the world; one thread. Limitations: no transactions, a command is
// one entry of the log and comes whole; SYNC of old primaries is not played.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replication/core/failover.h"
#include "replication/core/link.h"
#include "replication/core/resync.h"
#include "sim/replication/storage.h"
#include "sim/stage.h"

namespace hearth::sim {

// Bugs that the checks must find; see replication_test.cc.
enum class PlantedBug : uint8_t {
  kNone,
  kForgetsPreviousEnd,     // a former name is taken to hold for ever
  kNoGuard,                // an empty dataset is always taken
  kKeepsIdAtRestart,       // a primary that was restarted goes on under its old id
  kKeepsIdWhenPromoted,    // so does a replica that becomes a primary
  kBelievesBrokenDataset,  // a dataset that came in part is taken for the one before
  kOffersRejoinEmpty,      // a primary without a key lets others give up theirs, beside the guard
  kForgetsOlderNames,      // only the last former name is known
};

struct ServerOptions {
  Keeping keeping;
  bool saves_at_times = false;
  enum class Load : uint8_t { kFile, kInPlace, kBeside } load = Load::kFile;
  uint64_t one_in_flushes = 60;  // of its writes, that empty the dataset
  bool has_guard = true;
  bool rejoins = true;
  int64_t sync_delay_us = 0;
  int64_t transfer_us = 0;
};

class Server;

// What all servers of a history share.
struct ReplicationCast {
  Stage& stage;
  Claims claims;
  PlantedBug planted = PlantedBug::kNone;
  std::function<Server*(HostId)> server_of;
  uint64_t full_syncs = 0;
  uint64_t partial_syncs = 0;
  uint64_t rejoins = 0;
};

class Server final : public Process {
 public:
  static constexpr int64_t kTimeoutMs = 5'000;  // repl-timeout

  Server(ReplicationCast& cast, HostId id, const ServerOptions& options, Storage& storage);

  // Loads what is on the disk and goes on from there.
  void Start();
  void LeaveBehind();

  // ---- what operators and clients do

  void Follow(HostId primary);
  void BecomePrimary();
  void BeginFailover(std::optional<HostId> target, bool is_forced, int64_t timeout_ms);
  void AbortFailover(std::string_view why);
  void Save();
  void EndInOrder();
  void Write(uint64_t random);
  bool is_writable() const { return !primary_ && !is_failing_over(); }

  // ---- what can be seen

  bool is_replica() const { return primary_.has_value(); }
  std::optional<HostId> primary() const { return primary_; }
  bool is_failing_over() const { return failover_.state() != replication::Failover::State::kNone; }
  bool is_up() const { return link_.state() == replication::Link::State::kConnected; }
  bool is_refusing() const { return !link_.refused_reason().empty(); }
  const replication::History& history() const { return history_; }
  const Dataset& dataset() const { return kept_.log.now(); }
  uint64_t offset() const { return kept_.log.end(); }
  int full_syncs_taken() const { return full_syncs_taken_; }
  std::string Describe() const;

  void OnOpened(ConnectionId id) override;
  void OnAccepted(ConnectionId id, HostId from) override;
  void OnEnded(ConnectionId id, Ending why) override;

 private:
  // A connection of somebody who may become our replica.
  struct Session {
    HostId host;
    enum class State : uint8_t { kTalking, kWaiting, kSending, kOnline } state = State::kTalking;
    uint64_t offset = 0;  // up to which it has been sent
    uint64_t acked = 0;
    int64_t asked_us = 0;
    int64_t heard_ms = 0;
    // What it says of rejoining.
    bool knows_rejoin = false;
    std::vector<replication::FormerName> former;
    bool is_rejoining = false;
  };
  // A dataset that comes.
  struct Loading {
    Dataset offered;
    std::string id;
    uint64_t offset = 0;
    bool is_rejoin = false;
    bool has_dropped_old = false;
    bool is_complete = false;
  };

  Host& host() { return cast_.stage.host(id_); }
  Trace& trace() { return cast_.stage.trace(); }
  Prng& random() { return cast_.stage.random(); }
  int64_t now_ms() { return host().monotonic_ms(); }
  std::string MakeId();
  void Tick();

  // ---- the history (server.cc)

  void Append(const Entry& entry);
  void WantLog();
  void BeginHistory(const std::string& id, uint64_t offset, const Dataset& dataset);
  void ContinueAs(std::string id);
  void TakeFreshId();
  // What we are at now is what the history says.
  void Claim();

  // ---- as a replica (server_as_replica.cc)

  void Feed(const replication::LinkInput& input);
  replication::LinkSettings SettingsNow() const;
  replication::LinkPlace PlaceNow() const;
  void Do(const replication::link_effect::Open& effect);
  void Do(const replication::link_effect::Close& effect);
  void Do(const replication::link_effect::Send& effect);
  void Do(const replication::link_effect::ReceiveDataset& effect);
  void Do(const replication::link_effect::TakeDataset& effect);
  void Do(const replication::link_effect::GoOn& effect);
  void Do(const replication::link_effect::GatherLostWrites& effect);
  void Do(const replication::link_effect::GoBack& effect);
  void Do(const replication::link_effect::AnswerFailover& effect);
  void Do(const replication::link_effect::Tell& effect);
  void OnLine(ConnectionId id, const std::string& line);
  void OnDatasetBegins(ConnectionId id, const Dataset& dataset);
  void OnDatasetEnds(ConnectionId id);
  void OnStream(ConnectionId id, const std::vector<Entry>& entries);
  void PrepareForLoading();
  void FinishLoading();
  void Apply(const Entry& entry);
  void SendAck();
  bool HoldsLogFrom(uint64_t offset) const;
  void CheckGuard(const Dataset& offered);

  // ---- as a primary (server_as_primary.cc)

  void OnCommands(ConnectionId id, const std::string& bytes);
  std::string Answer(ConnectionId id, const std::vector<std::string>& words);
  void TakeOver(HostId from, bool is_forced);
  std::string AnswerPsync(ConnectionId id, const std::vector<std::string>& words);
  std::string SyncRefusal() const;
  replication::HeldLog Held() const;
  void TakeCapability(Session& session, const std::string& word);
  void CheckChoice(const replication::ResyncChoice& choice, const std::string& id, uint64_t offset,
                   HostId from);
  void SendLine(ConnectionId id, HostId to, std::string line);
  void StartDueSyncs();
  void FeedReplicas();
  void LookAfterReplicas();
  void DropReplicas();
  void StepFailover();
  void FollowAs(HostId primary, replication::Origin origin);

  ReplicationCast& cast_;
  const HostId id_;
  const ServerOptions& options_;
  Storage& storage_;

  replication::History history_;
  KeptLog kept_;

  std::optional<HostId> primary_;
  replication::Link link_;
  ConnectionId connection_ = 0;  // to the primary
  std::string dataset_id_;
  uint64_t dataset_offset_ = 0;
  bool is_dataset_rejoin_ = false;
  std::optional<Loading> loading_;
  std::vector<Entry> early_;  // of the stream behind a dataset that is being loaded
  int64_t acked_ms_ = 0;
  bool may_take_anything_ = false;  // an operator has said so, and nothing was taken since
  int full_syncs_taken_ = 0;

  std::map<ConnectionId, Session> sessions_;
  replication::Failover failover_;
  bool is_failover_forced_ = false;  // as its target is told
  int64_t pinged_ms_ = 0;
  int64_t kept_alive_ms_ = 0;
};

}  // namespace hearth::sim
