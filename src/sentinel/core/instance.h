// What a Sentinel knows of one server that it watches, or of another Sentinel. Plain data that the machine
// keeps and SENTINEL's commands show; times are monotonic milliseconds, -1 for never.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sentinel/core/info_report.h"
#include "sentinel/core/messages.h"

namespace hearth::sentinel {

enum class Kind : uint8_t { kPrimary, kReplica, kSentinel };

// A command that has been sent, and what its reply is for.
struct Awaited {
  enum class What : uint8_t {
    kNothing,  // the reply does not matter
    kPing,
    kInfo,
    kPublish,
    kOpinion,          // of a Sentinel about `primary`, given as `instance`
    kReconfiguration,  // the last reply of a REPLICAOF transaction
  } what;
  std::string primary;
  std::string instance;
  uint64_t epoch = 0;  // that a vote was asked for; 0 if none was
};

// When a connection that was lost may be opened again.
struct Retry {
  int failures = 0;    // in a row
  int64_t at_ms = -1;  // -1: at once
};

// A connection to a server over which it says, from a thread beside its engine, for how long the engine has
// been busy: docs/formats/sentinel.md.
struct Probe {
  LinkId link = 0;  // 0: not open, and not being opened
  bool is_open = false;
  int64_t since_ms = -1;
  int64_t retry_ms = -1;      // not to be opened again before
  int64_t sent_ms = -1;       // of the one without an answer; -1 if there is none
  int64_t last_sent_ms = -1;  // of any
  int64_t answered_ms = -1;
  int64_t answer_ms = 0;          // that the last answer said
  int64_t busy_answered_ms = -1;  // of the last answer that was not 0
  int64_t busy_ms = 0;            // that this one said
  std::string trouble;            // why it is not open; empty: none
};

// One connection to an instance. Sentinels that watch several primaries together share theirs.
struct Link {
  LinkId commands = 0;      // 0: not open, and not being opened
  LinkId subscription = 0;  // primaries and replicas
  bool commands_open = false;
  bool subscription_open = false;
  int64_t commands_since_ms = -1;
  int64_t subscription_since_ms = -1;
  int64_t last_reconnect_ms = -1;
  int64_t subscription_activity_ms = -1;
  int64_t ping_sent_ms = -1;  // of the oldest PING without an answer; -1 if there is none
  int64_t last_ping_ms = -1;
  int64_t last_pong_ms = -1;        // any answer
  int64_t last_valid_pong_ms = -1;  // one that says that the instance is well
  int pending_commands = 0;         // as many as `awaited`
  int shared_by = 1;
  std::deque<Awaited> awaited;
  std::string local_host;  // our end of the connection for commands
  Retry commands_retry;
  Retry subscription_retry;
  Probe probe;
  int64_t ended_ms = -1;    // when the connection for commands last ended that had been open
  int64_t lost_ms = -1;     // when the connection for commands ended as if the process had; -1 otherwise
  bool is_refused = false;  // and was refused since: nobody listens there
  bool skips_auth = false;  // the peer has no password
  bool skips_name = false;  // the peer lets us have no name
  std::string
      trouble;  // the last reason why it was not open, or what the peer said instead of PONG; empty: none
};

enum class FailoverState : uint8_t {
  kNone,
  kWaitStart,
  kSelectReplica,
  kSendReplicaOfNoOne,
  kWaitPromotion,
  kReconfigureReplicas,
  kUpdateConfiguration,
};

struct Instance {
  Kind kind;
  std::string name;  // primary: its name; replica: address:port; Sentinel: its run id
  Address address;
  std::string run_id;
  std::shared_ptr<Link> link;

  bool is_subjectively_down = false;
  bool is_busy = false;                  // silent for as long as one that is down, but known to be at work
  bool answers_probes = false;           // as its INFO says
  bool is_reconfiguration_sent = false;  // replicas, in a failover
  bool is_reconfiguring = false;
  bool is_reconfigured = false;
  bool is_promoted = false;
  bool says_primary_is_down = false;  // Sentinels
  bool is_script_kill_sent = false;
  int64_t subjectively_down_since_ms = -1;
  int64_t added_ms = -1;
  int64_t down_after_ms = 30'000;

  // Of its last INFO: primaries and replicas.
  int64_t info_ms = -1;
  std::string info;
  Kind reported_role = Kind::kPrimary;
  int64_t reported_role_since_ms = -1;
  int64_t reported_primary_since_ms = -1;  // when the address of its primary last changed
  Address reported_primary;                // host is empty if it named none
  bool is_primary_link_up = false;
  int64_t primary_link_down_ms = 0;  // how long
  int priority = 100;
  uint64_t offset = 0;
  bool is_announced = true;
  bool has_keys = false;
  bool is_loading = false;
  int64_t info_asked_ms = -1;
  int pending_infos = 0;
  bool wants_info = false;               // at once, whatever the period
  int64_t published_ms = -1;             // our last hello to it
  int64_t reconfigured_ms = -1;          // when it was last told whom to follow
  bool is_reconfigured_unseen = false;   // and no INFO has come since that was asked for later
  int64_t reconfiguration_sent_ms = -1;  // in a failover
  bool was_replica_on_link = false;      // it has reported to be a replica since the link was opened
  std::string history;                   // its replication id; empty if it does not say

  std::string former_history;  // that it goes on from

  // Of Hearth servers.
  bool is_hearth = false;
  std::string acks_identity;  // of its process
  uint64_t epoch = 0;         // that it has heard of
  uint64_t fenced_epoch = 0;
  int64_t fenced_since_ms = -1;
  AcksReport acks;
  uint64_t fence_asked_epoch = 0;  // that we asked it to be fenced in
  int64_t fence_asked_ms = -1;

  // Sentinels.
  int64_t hello_ms = -1;
  int64_t asked_ms = -1;
  int64_t answered_ms = -1;
  std::string voted_leader;
  uint64_t voted_epoch = 0;
  uint64_t answered_epoch = 0;  // the last one that it was asked to vote in, and answered
  Address hello_primary;        // whom it says to be the primary, in its last hello
  uint64_t hello_config_epoch = 0;
};

// Whether one has certainly not copied what the other has.
inline bool AreOfTwoHistories(const Instance& one, const Instance& other) {
  return !one.history.empty() && !other.history.empty() && one.history != other.history;
}

// A failover as one Sentinel saw it.
struct HistoryEntry {
  struct Event {
    int64_t wall_ms;
    int64_t after_ms;  // since the first event
    std::string name;
    std::string text;
  };
  uint64_t epoch = 0;
  Address from;
  Address to;            // host is empty if it did not come to an end
  std::string outcome;   // "succeeded", or why not; empty while it goes on
  int64_t begun_ms = 0;  // monotonic
  std::vector<Event> events;
};

struct PrimarySettings {
  int quorum = 2;
  int64_t down_after_ms = 30'000;
  int64_t refused_down_after_ms = -1;  // ours; -1: as down_after_ms
  int64_t failover_timeout_ms = 180'000;
  int64_t reboot_down_after_ms = 0;  // 0: off
  int64_t forget_after_ms = 0;       // ours; 0: never
  int64_t busy_is_alive_max_ms = 0;  // ours; 0: silence counts, whatever is behind it
  int parallel_syncs = 1;
  bool promotes_on_empty_primary = true;  // ours
  std::string notification_script;
  std::string client_reconfig_script;
  std::string user;
  std::string password;
  std::map<std::string, std::string> renamed_commands;  // lower case -> what the servers call it
};

// A primary with everything around it.
struct Primary {
  Instance instance;
  PrimarySettings settings;
  std::map<std::string, Instance> replicas;   // by name
  std::map<std::string, Instance> sentinels;  // by run id

  bool is_objectively_down = false;
  int64_t objectively_down_since_ms = -1;
  bool is_rebooting = false;
  int64_t rebooted_ms = -1;
  bool is_restart_unjudged = false;  // whether it did so with its data is still to be seen
  bool is_emptied = false;           // it came back without its data, which replicas had
  bool is_uncertain = false;         // it says that it may lack what was promised, and takes no writes
  uint64_t config_epoch = 0;
  uint64_t conflict_epoch = 0;  // in which another Sentinel has another address, and since when
  int64_t conflict_since_ms = -1;
  std::string leader;  // that we voted for
  uint64_t leader_epoch = 0;

  FailoverState failover = FailoverState::kNone;
  uint64_t failover_epoch = 0;
  bool is_failover_forced = false;
  int64_t failover_started_ms = -1;
  int64_t failover_state_since_ms = -1;
  std::string promoted;               // the name of the replica
  bool has_fenced = false;            // replicas, in this failover
  bool ignores_promises = false;      // an operator wants it whatever was promised
  bool undoes_fence = false;          // it is there to end one that was left undone
  bool leads_config_epoch = false;    // the failover that made this configuration was ours
  uint64_t unconfirmed_epoch = 0;     // that we led, in which nobody was promoted; 0: none
  int64_t may_start_ms = -1;          // no failover of ours before that
  int64_t election_at_ms = -1;        // our turn to start, counted from when it was found down
  bool awaits_candidate = false;      // the last failover found no replica to promote
  std::vector<HistoryEntry> history;  // the newest last

  bool is_failing_over() const { return failover != FailoverState::kNone; }
};

}  // namespace hearth::sentinel
