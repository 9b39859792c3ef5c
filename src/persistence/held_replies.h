// Holds the replies of clients that have written until their writes are as safe as was asked: on disk here
// (`appendfsync always`), on so many replicas (`replication-acks`, CLIENT ACKS), or both. Everybody else goes
// on meanwhile.
//
// A client that is held gets nothing, so that its replies keep their order, and what it sends waits too. All
// clients that wrote in one turn and wait for the same are one group, with one place at the gate
// (log/gate.h): one fsync, or one round trip to the replicas, serves them all, in the manner of group commit.
//
// A promise that is not kept in `replication-acks-timeout`, or that can never be kept because this server is
// no primary any more, turns the reply to that write into an error; all other replies stay as they are. So
// the engine says where the reply to a write begins, and the place is kept with the client.
//
// Owned by Persistence; engine thread only. Limitations: the whole output of a client waits, what stood in it
// before the write included. A client that has written and then blocks (BLPOP) gets its earlier replies when
// they are due.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "log/gate.h"
#include "log/write_log.h"
#include "net/event_loop.h"

namespace hearth::persistence {

struct PromiseStats {
  uint64_t kept = 0;              // replies
  uint64_t broken = 0;            // replies that became errors
  uint64_t acknowledged_end = 0;  // of the write log: what has been promised up to here is kept
};

class HeldReplies {
 public:
  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    log::Gate& gate;
    const log::WriteLog& write_log;
  };
  explicit HeldReplies(const Parts& parts) : parts_(parts), settings_(parts.engine.settings()) {}
  HeldReplies(const HeldReplies&) = delete;
  HeldReplies& operator=(const HeldReplies&) = delete;

  // A unit of the client's has been logged. True if replicas are waited for: they must be asked.
  bool AfterWrite(engine::Client& client, const engine::WrittenUnit& unit, bool waits_for_disk);
  // Once a turn, before the replies leave, and before the gate hears of this turn's progress. `has_file`:
  // there is an append-only file to wait for.
  void Pump(bool has_file);
  // `replication-acks` or its timeout has changed: that goes for those who wait already.
  void Reconsider();
  // No replica's word counts any more.
  void EndPromises();
  // The log starts anew. Whoever has a place at the gate hears of it there.
  void OnNewLog();

  // Clients that wait for replicas.
  size_t promised_client_count() const;
  const PromiseStats& stats() const { return stats_; }
  void ResetStats() { stats_ = {.acknowledged_end = stats_.acknowledged_end}; }

 private:
  // Room for places of replies that a client keeps for its next writes.
  static constexpr size_t kKeptPromises = 64;

  struct Group {
    uint64_t number;
    log::GateRequirement requirement;
    bool is_own;  // asked for by its clients, not by the configuration
    uint64_t end = 0;
    int64_t begun_ms = 0;
    log::Gate::WaitId wait = 0;  // 0 before the end of its turn
    std::vector<uint64_t> clients;
  };

  Group& GroupFor(const log::GateRequirement& requirement, bool is_own);
  // Its place at the gate, or its end if there is nothing to wait for.
  void Wait(Group& group);
  void OnEnd(uint64_t number, log::Gate::Outcome outcome);
  void BreakPromises(Group& group, std::string_view reason);
  void Release(Group& group);
  void SendErrors(engine::Client& client);
  std::vector<Group*> WaitingForReplicas();
  bool IsPromised(uint32_t acks) const;
  int64_t NowMs() const { return parts_.loop.NowMicros() / 1000; }

  const Parts parts_;
  const settings::Settings& settings_;
  std::map<uint64_t, Group> groups_;
  std::vector<uint64_t> forming_;  // groups of this turn
  uint64_t next_number_ = 1;
  PromiseStats stats_;
  resp::ChunkPool pool_;
  resp::OutputBuffer rewritten_{pool_};
};

// `replies` without the one that is not a pushed message, `error` in its place: what a client gets that asked
// for pushed messages (RESP3), which may stand before and behind the reply.
std::string WithError(std::string_view replies, std::string_view error);

}  // namespace hearth::persistence
