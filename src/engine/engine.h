// The engine: runs every command, one at a time, in one order.
//
// It takes batches of parsed requests from net/, prefetches what they will touch, takes each through one
// pipeline of checks, runs its handler, passes on what it changed, and serves clients that waited for it.
// Clients, internal callers and (later) the replication link, AOF and scripts all come through Run.
//
// Owned by the composition root. Engine thread only, but for Resolve, which I/O threads call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "engine/acl.h"
#include "engine/blocking.h"
#include "engine/busy.h"
#include "engine/clients.h"
#include "engine/command_table.h"
#include "engine/context.h"
#include "engine/debug_switches.h"
#include "engine/effects.h"
#include "engine/function_libraries.h"
#include "engine/hooks.h"
#include "engine/latency_monitor.h"
#include "engine/monitors.h"
#include "engine/pause.h"
#include "engine/promises.h"
#include "engine/pubsub.h"
#include "engine/refusals.h"
#include "engine/slowlog.h"
#include "engine/stats.h"
#include "engine/tracking.h"
#include "engine/watches.h"
#include "env/clock.h"
#include "keyspace/eviction.h"
#include "keyspace/keyspace.h"
#include "net/handlers.h"
#include "settings/settings.h"

namespace hearth::engine {

class Engine final : public net::ConnectionHandler,
                     public net::RequestResolver,
                     private keyspace::KeyspaceObserver {
 public:
  struct Parts {
    const settings::Settings& settings;
    env::Clock& clock;
    env::TickScale ticks;
    Logger& log;
    uint64_t random_seed;
  };
  explicit Engine(const Parts& parts);
  ~Engine() override;

  // ---- net::ConnectionHandler and net::RequestResolver
  void OnOpen(net::Connection& connection) override;
  void OnBatches(std::span<net::Batch*> batches) override;
  void OnClosed(net::Connection& connection) override;
  void Resolve(net::Batch& batch) override;

  // Once before every wait of the loop: clients that timed out, paused ones that may go on.
  void BeforeWait();

  // Runs one command of a client through the pipeline; the reply goes to the client's writer.
  void Run(Client& client, Arguments args, uint16_t command_id, uint64_t key_hash);

  // Runs a checked command's handler and all that follows from it, but for ready keys. For EXEC and scripts.
  void Call(Client& client, Command& command, Arguments args, uint64_t key_hash, bool is_retry = false);

  // ---- scripts (units.cc)

  // Between the two, the handler that runs calls other commands as one unit: time stands still, and their
  // effects go out together, in the place of its own.
  void EnterUnit();
  void LeaveUnit(const Client& client);
  // Call, timed from now on and not from the end of the command before.
  void CallInScript(Client& client, Command& command, Arguments args);
  // Why the client's writes are refused as things stand, else empty: the whole error.
  std::string WriteRefusal(const Client& client) const;
  // When the command that runs now began, memory was above the limit, and nothing could be evicted.
  bool is_out_of_memory() const { return (checks_ & kCheckMemory) != 0 && !had_room_; }
  // While it is not kNo, the loop may take nested turns (EventLoop::RunNested): clients are told that a
  // script runs. Nothing but what kCommandAllowBusy marks runs then, and the primary's stream waits.
  void SetBusy(Busy busy);
  bool is_busy() const { return busy_ != Busy::kNo; }

  // Null where there are no scripts.
  FunctionLibraries* functions() const { return functions_; }
  void set_functions(FunctionLibraries* functions) { functions_ = functions; }
  // The code of all libraries, for who saves or copies the dataset.
  std::vector<std::string> FunctionCodes() const {
    return functions_ != nullptr ? functions_->Codes() : std::vector<std::string>();
  }

  // ---- transactions (transactions.cc)
  void Multi(Context& context);
  void Exec(Context& context);
  void Discard(Context& context);
  void Watch(Context& context);
  void Unwatch(Context& context);
  void ResetTransaction(Client& client);

  // ---- blocked clients
  void Block(Context& context, const BlockRequest& request);
  // Ends a client's waiting with its timeout reply, or with an error. False if it does not wait.
  bool Unblock(Client& client, std::string_view error = {});

  // Ends CLIENT PAUSE: those who waited go on.
  void EndPause();
  // Writes wait, or no longer for this reason.
  void RestWrites(RestReason reason, bool on);

  // ---- who looks on (observing.cc)

  // CLIENT TRACKING ON and OFF.
  void Track(Client& client, const TrackingState& wanted);
  void StopTracking(Client& client);
  // MONITOR.
  void StartMonitoring(Client& client);
  // A command has run, or in the case of a script is about to. Commands show themselves, but for those that
  // are kCommandSkipMonitor. Costs nothing while nobody monitors.
  void ShowToMonitors(const Client& caller, Arguments args) {
    if (monitors_.any()) ShowCommand(caller, args);
  }
  // All keys of a database, or of all, have been thrown away: whoever caches values forgets them.
  void OnFlushed() { tracking_.OnFlushed(); }

  // Takes back all that a session may have set (RESET), but for its connection.
  void ResetSession(Client& client);

  // After settings changed: which checks the pipeline must make.
  void RefreshChecks();
  // While data is loaded, clients may run those commands alone that say so in their facts.
  void set_loading(bool on);
  bool is_loading() const { return is_loading_; }
  const Refusals& refusals() const { return refusals_; }
  void SetRefusals(Refusals refusals);
  const Promises& promises() const { return promises_; }
  void SetPromises(Promises promises);
  // How many replicas must have a write of the client before its reply leaves.
  uint32_t AcksFor(const Client& client) const;
  // CLIENT ACKS: -1 for the default.
  void SetAcks(Client& client, int64_t acks);
  // Evicts until under maxmemory; false if it cannot get there. Called before commands that may use memory.
  bool MakeRoom();
  // Memory is still above the limit and eviction should go on in the next turn.
  bool must_evict_more() const { return must_evict_more_; }
  // How long memory has been above the limit by now; 0 if it is not.
  int64_t MemoryExceededMicros();

  void NotifyKey(int database, int classes, std::string_view event, std::string_view key);
  void CountError(std::string_view text);
  // For LATENCY: something held the server up for so long. Costs nothing while nobody wants to know.
  void ReportLatency(std::string_view event, int64_t duration_us) {
    if (latency_.is_on()) [[unlikely]]
      latency_.Report(event, duration_us, clock_.WallMicros() / 1'000'000);
  }
  // All keys of a database went, or two databases were exchanged: watched and awaited keys are told.
  void OnDatabaseCleared(int database);
  void OnDatabasesSwapped(int a, int b);

  // Updates the keyspace's time from the clock.
  void RefreshTime();
  int64_t now_ms() const { return keyspace_.now_ms(); }

  const settings::Settings& settings() const { return settings_; }
  keyspace::Keyspace& keyspace() { return keyspace_; }
  CommandTable& commands() { return commands_; }
  Clients& clients() { return clients_; }
  Acl& acl() { return acl_; }
  PubSub& pubsub() { return pubsub_; }
  Blocking& blocking() { return blocking_; }
  Effects& effects() { return effects_; }
  Slowlog& slowlog() { return slowlog_; }
  LatencyMonitor& latency() { return latency_; }
  EngineStats& stats() { return stats_; }
  DebugSwitches& debug() { return debug_; }
  Watches& watches() { return watches_; }
  Tracking& tracking() { return tracking_; }
  Monitors& monitors() { return monitors_; }
  Pause& pause() { return pause_; }
  Logger& log() { return log_; }
  env::Clock& clock() { return clock_; }
  const env::TickScale& ticks() const { return ticks_; }
  // A client that was woken goes on in the next BeforeWait.
  bool has_resumable() const { return !resumable_.empty(); }
  // True while EXEC or a script runs commands one after the other.
  bool is_in_unit() const { return unit_depth_ > 0; }

  Hooks& hooks() { return hooks_; }

 private:
  // Codes are part of our own texts, but scripts may make up any: their number is bounded.
  static constexpr size_t kMaxErrorCodes = 128;
  void StopCountingErrors();

  // One request of this turn on its way through prefetch and execution.
  struct Pending {
    net::Batch* batch;
    const keyspace::Database* database;
    uint64_t key_hash;
    uint32_t index;
  };
  // What the pipeline must check beyond the command itself.
  enum Check : uint32_t {
    kCheckMemory = 1u << 0,
    kCheckPause = 1u << 1,
    kCheckLoading = 1u << 2,
    kCheckRefusals = 1u << 3,
    kCheckBusy = 1u << 8,
    kCheckPromises = 1u << 4,
  };

  void RunPending();
  void RunRequest(net::Batch& batch, size_t index);
  void AddPending(net::Batch& batch);
  void FinishBatch(net::Batch& batch);
  // The client's outstanding batch goes on in this turn.
  void ResumeLater(Client& client);
  void ResumePaused();

  // The pipeline. False if the request was answered (or put aside) by the check.
  bool FindCommand(Client& client, Arguments args, uint16_t command_id, Command*& command);
  bool PassesChecks(Client& client, Command& command, Arguments args);
  bool PassesBusy(Client& client, Command& command, Arguments args);
  bool PassesRights(Client& client, Command& command, Arguments args);
  bool PassesRefusals(Client& client, Command& command);
  // The error if too few replicas are there to promise a write of the client, else empty.
  std::string PromiseRefusal(const Client& client) const;
  bool PassesPromises(Client& client, Command& command);
  bool PassesDiskOfReplica(Client& client, const Command& command);
  void Panic(Client& client, std::string_view why);
  bool MustWaitForPause(const Client& client, const Command& command) const;
  bool PassesMonitor(Client& client, Command& command);
  void ExecuteCarefully(Client& client, Command& command, Arguments args, uint64_t key_hash);
  void BeginObserved(Client& client);
  void EndObserved();
  void ObserveCall(Client& client, const Command& command, Arguments args, bool is_retry);
  void ShowCommand(const Client& caller, Arguments args);
  void UpdateObservers() { observes_calls_ = monitors_.any() || tracking_.is_caller_tracking(); }
  void ForgetObserver(Client& client);
  void Execute(Client& client, Arguments args, uint16_t command_id, uint64_t key_hash);
  void RunMuted(Client& client, Arguments args, uint16_t command_id, uint64_t key_hash);
  void RunOfReplica(Client& client, Arguments args, uint16_t command_id, uint64_t key_hash);
  void RunFromPrimary(Client& client, Arguments args, uint16_t command_id, uint64_t key_hash);
  void OnSlowCommand(const Client& client, const Command& command, Arguments args, uint64_t duration);
  void RecordLatency(Command& command, uint64_t duration);
  void Reject(Client& client, Command& command, std::string_view error);
  void RejectUnknown(Client& client, Arguments args);
  void RejectUnknownSubcommand(Client& client, const Command& container, Arguments args);
  void QueueCommand(Client& client, Command& command, Arguments args);
  bool MayStillRun(Client& client, Command& command, Arguments args);

  void ServeReadyKeys();
  void RetryBlocked(Client& client);
  void FinishBlocked(Client& client);
  void AfterUnit(Client& client);
  void PassOnEffects(Client& client);

  // keyspace::KeyspaceObserver
  void OnChanged(keyspace::Database& database, const Key& key) override;
  void OnAdded(keyspace::Database& database, const Key& key, Type type) override;
  void OnExpired(keyspace::Database& database, const Key& key) override;
  void OnFieldsExpired(keyspace::Database& database, const Key& key,
                       std::span<const std::string> fields) override;
  void OnEvicted(keyspace::Database& database, const Key& key) override;
  void OnEmptied(keyspace::Database& database, const Key& key) override;
  void UpdateKeyspaceReports();

  const settings::Settings& settings_;
  env::Clock& clock_;
  const env::TickScale ticks_;
  Logger& log_;
  keyspace::Keyspace keyspace_;
  CommandTable commands_;
  Clients clients_;
  Acl acl_;
  PubSub pubsub_;
  Blocking blocking_;
  Watches watches_;
  Tracking tracking_;
  Monitors monitors_;
  Pause pause_;
  keyspace::Eviction eviction_;
  Effects effects_;
  Slowlog slowlog_;
  LatencyMonitor latency_;
  EngineStats stats_;
  DebugSwitches debug_;
  Hooks hooks_;

  uint32_t checks_ = 0;
  // Not 0: commands that run now are shown to somebody, or their keys remembered.
  uint32_t observes_calls_ = 0;
  bool is_in_script_call_ = false;
  bool is_loading_ = false;
  Busy busy_ = Busy::kNo;
  std::vector<uint64_t> held_while_busy_;  // the primary's client, whose batch goes on afterwards
  WrittenUnit unit_before_busy_;
  bool had_room_ = true;
  FunctionLibraries* functions_ = nullptr;
  Refusals refusals_;
  Promises promises_;
  WrittenUnit unit_;             // that runs now
  int64_t told_of_disk_ms_ = 0;  // when the log last heard of a replica's disk
  bool must_evict_more_ = false;
  int64_t exceeded_since_us_ = 0;  // when memory went above the limit, 0 if it is not
  int unit_depth_ = 0;
  bool is_serving_ready_ = false;
  bool is_still_blocked_ = false;  // the command run again has asked to block again
  uint64_t tick_ = 0;              // the end of the last command, which is the start of the next
  uint64_t time_ticks_ = 0;        // when RefreshTime last ran
  const uint64_t ticks_per_ms_;
  uint64_t slow_ticks_ = 0;      // from here on the slow log or the latency monitor wants to know
  bool tracks_latency_ = false;  // latency-tracking
  uint64_t nanos_per_tick_ = 0;  // times 2^32
  std::vector<Pending> pending_;
  std::vector<uint64_t> resumable_;  // clients whose batch goes on in the next BeforeWait
  resp::ChunkPool discard_pool_;
  resp::OutputBuffer discarded_{discard_pool_};
};

}  // namespace hearth::engine
