// One caller of commands, as the engine sees it: a connection with its session, or an internal caller without
// one.
//
// Owned by ClientRegistry. Engine thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/blocking.h"
#include "engine/command_table.h"
#include "engine/promises.h"
#include "keyspace/database.h"
#include "net/connection.h"
#include "resp/output_buffer.h"
#include "resp/writer.h"

namespace hearth::engine {

class AclUser;

// A command waiting in MULTI, with arguments of its own.
struct QueuedCommand {
  Command* command = nullptr;
  std::vector<std::string> args;
};

struct WatchedKey {
  int database;
  std::string key;
  bool was_expired;  // at WATCH: then its later removal is no change
  auto operator<=>(const WatchedKey&) const = default;
};

struct TransactionState {
  bool is_open = false;     // between MULTI and EXEC
  bool must_abort = false;  // a command was refused while queueing
  bool is_dirty = false;    // a watched key changed
  std::vector<QueuedCommand> queue;
  size_t queue_bytes = 0;
  std::vector<WatchedKey> watched;
};

struct SubscriptionState {
  std::unordered_set<std::string> channels;
  std::unordered_set<std::string> patterns;
  std::unordered_set<std::string> shard_channels;
  size_t count() const { return channels.size() + patterns.size(); }
};

// CLIENT TRACKING: what a client that caches values wants to hear of.
struct TrackingState {
  uint64_t redirect = 0;  // the client that is told instead, 0 for none
  bool is_broadcast = false;
  bool is_opt_in = false;
  bool is_opt_out = false;
  bool skips_own = false;           // NOLOOP
  bool is_caching_said = false;     // CLIENT CACHING YES or NO, for the next command
  bool is_redirect_broken = false;  // the client to be told has gone
  std::set<std::string> prefixes;   // BCAST
};

enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext, kSkip };

class Client {
 public:
  // What makes commands of this client take the careful path through the pipeline.
  enum State : uint32_t {
    kUnauthenticated = 1u << 0,
    kInTransaction = 1u << 1,
    kSubscribedResp2 = 1u << 2,
    kBlocked = 1u << 3,
    kClosing = 1u << 4,
    kReplyLimited = 1u << 5,  // CLIENT REPLY OFF or SKIP
    kMonitoring = 1u << 6,
    kPaused = 1u << 7,       // its request waits for the end of CLIENT PAUSE
    kFromPrimary = 1u << 8,  // its commands are the stream of our primary
    kReplica = 1u << 9,      // asks for our stream, or gets it
    kOwnAcks = 1u << 10,     // has asked for acknowledgements of its own writes
    kRestricted = 1u << 11,  // its user may not do everything
    kTracking = 1u << 12,
    kRedirectedTo = 1u << 13,  // somebody's invalidations come, or came, to it
  };
  static constexpr uint32_t kCarefulStates = kUnauthenticated | kInTransaction | kSubscribedResp2 | kOwnAcks |
                                             kRestricted | kTracking | kRedirectedTo | kMonitoring;

  // `connection` is null for an internal caller, whose replies go to `own_output`.
  Client(uint64_t id, net::Connection* connection, resp::OutputBuffer& output, int64_t now_ms)
      : id(id), connection(connection), writer(output, 2), created_ms(now_ms), last_interaction_ms(now_ms) {}

  bool is(State bit) const { return (state & bit) != 0; }
  void set(State bit, bool on) { state = on ? state | bit : state & ~static_cast<uint32_t>(bit); }

  const uint64_t id;
  net::Connection* connection;
  resp::Writer writer;
  uint32_t state = 0;
  int database = 0;

  std::string name;
  std::string library_name;
  std::string library_version;
  const AclUser* user = nullptr;  // as whom it acts; null for an internal caller
  ReplyMode reply_mode = ReplyMode::kOn;
  bool is_exempt_from_eviction = false;  // CLIENT NO-EVICT
  bool touches_keys = true;              // CLIENT NO-TOUCH
  int64_t acks = -1;  // CLIENT ACKS: replicas that must have its writes; -1 for the default
  const Command* last_command = nullptr;
  int64_t created_ms;
  int64_t last_interaction_ms;
  uint64_t commands_processed = 0;
  uint64_t last_write_offset = 0;   // where its last write ends in the write log, 0 if that is not known
  int64_t soft_limit_since_ms = 0;  // when its output passed the soft limit, 0 if it is below

  std::unique_ptr<TransactionState> transaction;
  std::unique_ptr<SubscriptionState> subscriptions;
  std::unique_ptr<BlockedState> blocked;
  std::unique_ptr<TrackingState> tracking;  // while it is kTracking
  std::unique_ptr<HeldOutput> held;         // once its replies have had to wait

  bool in_transaction() const { return is(kInTransaction); }
  // Replies of it wait for their writes to be safe.
  bool is_held() const { return held != nullptr && held->groups > 0; }
  // Its commands were accepted elsewhere before: our primary's, those of our own files.
  bool is_trusted() const { return connection == nullptr || is(kFromPrimary); }
  // Closes after what has been written so far is sent.
  void CloseAfterReply() {
    set(kClosing, true);
    if (connection != nullptr) connection->CloseAfterReply();
  }
  // Closes at the end of this turn; unsent replies are dropped.
  void CloseNow() {
    set(kClosing, true);
    if (connection != nullptr) connection->Close();
  }
};

}  // namespace hearth::engine
