// A simulated server of data as Sentinels see it: it answers PING and INFO, passes hellos on to who has
// subscribed, takes the transaction that changes its role, and follows its primary after a while. Its dataset
// is a place in a history, and whether there are keys. Where writes are promised it keeps the set of those
// who may acknowledge by the rules of replication/core/acks_set.h, and remembers what it must. The end of
// what it had is lost with its process, unless it syncs each write. While it is busy all waits, but for the
// probes of Sentinels.
//
// One for each life of a process, owned by the world; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "replication/core/acks_set.h"
#include "replication/core/promise_memory.h"
#include "sim/sentinel/talker.h"

namespace hearth::sim {

struct Dataset {
  // A history that this one goes on from, and where.
  struct Former {
    std::string history;
    uint64_t end = 0;
  };

  uint64_t offset = 0;
  bool has_keys = true;
  std::string history;
  std::vector<Former> former = {};

  bool Holds(const std::string& of, uint64_t end) const;
  void Rename(std::string name);
};

// What outlives the process: `synced` of the dataset.
struct DataDisk : Dataset {
  Dataset synced;
  std::optional<HostId> primary;
  replication::PromiseMemory memory;
};

// What is the same for all servers of a primary's name.
struct DataGroup {
  std::string name;
  uint32_t acks = 0;  // replication-acks
  bool syncs_always = false;
};

class DataServer final : public Talker {
 public:
  DataServer(SentinelCast& cast, HostId id, const DataGroup& group, int priority, DataDisk& disk);
  void Start();

  std::optional<HostId> primary() const { return primary_; }
  bool is_link_up() const { return is_link_up_; }
  std::string Describe() const;

  // A command that takes so long begins now.
  void BeBusy(int64_t for_us);
  // It ends in order.
  void ShutDown();
  // REPLICAOF NO ONE, to a primary that does not dare to be one.
  void GoOn() { acks_.GoOn(); }
  bool is_uncertain() const { return acks_.is_uncertain(); }

  void OnOpened(ConnectionId id) override;
  void OnAccepted(ConnectionId id, HostId from) override;
  void OnEnded(ConnectionId id, Ending why) override;
  void OnCommand(ConnectionId id, const std::vector<std::string>& words) override;
  void OnReply(ConnectionId, const sentinel::Reply&) override {}
  void OnMessage(ConnectionId id, const std::string& channel, const std::string& text) override;

 private:
  struct Client {
    HostId host;
    enum class Kind : uint8_t { kNormal, kSubscriber, kReplica, kProbe } kind = Kind::kNormal;
    std::optional<std::vector<std::vector<std::string>>> queued{};  // of a transaction
    replication::AcksReplica acks{};                                // of a replica
  };

  Host& host() { return cast_.stage.host(id_); }
  // Whether it waits for a long command to end.
  bool MustWait(Action action);
  void EndBusy();
  void Tick();
  sentinel::Reply Execute(ConnectionId id, const std::vector<std::string>& words);
  sentinel::Reply Publish(const std::string& channel, const std::string& text);
  void Follow(const std::vector<std::string>& words);
  void FollowHost(std::optional<HostId> whom, bool is_forced, bool is_operator = false,
                  uint64_t epoch = UINT64_MAX);
  sentinel::Reply Replication(const std::vector<std::string>& words);
  sentinel::Reply Fence(uint64_t epoch);
  sentinel::Reply Replace(uint64_t epoch);
  std::vector<replication::AcksReplica> Acknowledging() const;
  void Write();
  void Promise();
  void TakeStream(const std::string& text);
  bool TakeReplica(ConnectionId id, Client& client, const std::vector<std::string>& words);
  void Sync();
  void Remember();
  std::string StreamText() const;
  std::string PromisesInfo() const;
  void KillClients(ConnectionId but, Client::Kind kind);
  void LoseLink();
  void FeedReplicas();
  std::string Info();

  SentinelCast& cast_;
  const HostId id_;
  const DataGroup& group_;
  const int priority_;
  DataDisk& disk_;
  std::string run_id_;
  std::optional<HostId> primary_;
  std::map<ConnectionId, Client> clients_;
  ConnectionId connection_ = 0;  // to the primary
  bool is_link_up_ = false;
  int64_t link_since_ms_ = 0;  // up or down
  int64_t heard_ms_ = 0;
  replication::AcksSet acks_;
  replication::AcksRecord first_record_;  // that it knew
  bool shares_promises_ = false;          // with its primary
  bool is_synced_ = false;                // a primary that syncs each write before it promises it
  uint64_t fenced_epoch_ = 0;
  uint64_t fenced_here_epoch_ = 0;  // in which this process was fenced last
  uint64_t follows_in_epoch_ = 0;
  int64_t replaced_ms_ = -1;
  int64_t busy_since_ms_ = -1;   // -1: it is not
  std::vector<Action> waiting_;  // until it is not any more
};

}  // namespace hearth::sim
