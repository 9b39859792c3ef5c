// The one way of a command: find it, check it, queue it or run it, pass on its effects, serve those who
// waited for it.

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/engine.h"
#include "engine/redaction.h"

namespace hearth::engine {
namespace {

bool IsAllowedWhileSubscribed(const Command& command) {
  constexpr std::string_view kAllowed[] = {"ping",         "subscribe",    "unsubscribe",
                                           "psubscribe",   "punsubscribe", "ssubscribe",
                                           "sunsubscribe", "quit",         "reset"};
  return std::find(std::begin(kAllowed), std::end(kAllowed), command.full_name()) != std::end(kAllowed);
}

// Inside MULTI these run at once instead of being queued.
bool IsNeverQueued(const Command& command) {
  constexpr std::string_view kAtOnce[] = {"exec", "discard", "multi", "watch", "quit", "reset"};
  return std::find(std::begin(kAtOnce), std::end(kAtOnce), command.full_name()) != std::end(kAtOnce);
}

// A client's word in an error: so much of it, and no more than up to a zero byte, as clients have always got
// it.
std::string_view Shown(std::string_view word, size_t size) {
  return word.substr(0, std::min(size, word.find('\0')));
}

bool Writes(const Command& command) { return command.is(kCommandWrite); }

bool MayWrite(const Command& command) { return command.is(kCommandWrite | kCommandMayReplicate); }

// Scripts say by their own flags that they only read.
bool OnlyReads(const Command& command, Arguments args) {
  return command.may_write && !command.may_write(args);
}

// Whether an EXEC would run a command of which `what` is true.
template <typename What>
bool QueuesAny(const Client& client, const Command& command, What&& what) {
  return command.full_name() == "exec" && client.in_transaction() &&
         std::any_of(client.transaction->queue.begin(), client.transaction->queue.end(),
                     [&](const QueuedCommand& queued) { return what(*queued.command); });
}

// Whether what looks like a write, the request or what its EXEC would run, is scripts that only read.
bool OnlyReads(const Client& client, const Command& command, Arguments args) {
  if (command.full_name() != "exec") return OnlyReads(command, args);
  return std::all_of(client.transaction->queue.begin(), client.transaction->queue.end(),
                     [](const QueuedCommand& queued) {
                       const std::vector<std::string_view> words(queued.args.begin(), queued.args.end());
                       return !MayWrite(*queued.command) || OnlyReads(*queued.command, words);
                     });
}

// Meanwhile what is written to the client goes to `discarded` instead.
class Muted {
 public:
  Muted(Client& client, resp::OutputBuffer& discarded)
      : client_(client), discarded_(discarded), writer_(client.writer) {
    client.writer = resp::Writer(discarded, writer_.protocol());
  }
  Muted(const Muted&) = delete;
  Muted& operator=(const Muted&) = delete;
  ~Muted() {
    const int protocol = client_.writer.protocol();
    client_.writer = writer_;
    client_.writer.set_protocol(protocol);
    discarded_.Clear();
  }

  // What the client is to get after all.
  void Reveal() { writer_.output().TakeAll(discarded_); }

 private:
  Client& client_;
  resp::OutputBuffer& discarded_;
  resp::Writer writer_;
};

// CLIENT REPLY SKIP ends with the one command that it is for.
void EndSkip(Client& client) {
  if (client.reply_mode == ReplyMode::kSkip) client.reply_mode = ReplyMode::kOn;
  client.set(Client::kReplyLimited, client.reply_mode != ReplyMode::kOn);
}

}  // namespace

void Engine::Run(Client& client, Arguments args, uint16_t command_id, uint64_t key_hash) {
  if (client.state & (Client::kReplyLimited | Client::kFromPrimary | Client::kReplica)) [[unlikely]] {
    if (client.is(Client::kFromPrimary)) {
      RunFromPrimary(client, args, command_id, key_hash);
    } else if (client.is(Client::kReplica)) {
      RunOfReplica(client, args, command_id, key_hash);
    } else {
      RunMuted(client, args, command_id, key_hash);
    }
    return;
  }
  Execute(client, args, command_id, key_hash);
}

void Engine::Execute(Client& client, Arguments args, uint16_t command_id, uint64_t key_hash) {
  ++client.commands_processed;
  Command* command = nullptr;
  if (!FindCommand(client, args, command_id, command)) return tracking_.EndRequest(client, nullptr);
  const uint32_t careful =
      (client.state & Client::kCarefulStates) | checks_ | (command->flags & kCommandProtected);
  if (careful != 0) return ExecuteCarefully(client, *command, args, key_hash);
  Call(client, *command, args, key_hash);
  AfterUnit(client);
}

void Engine::ExecuteCarefully(Client& client, Command& command, Arguments args, uint64_t key_hash) {
  if (PassesChecks(client, command, args)) {
    // What other clients may do during a slow script is no part of the script's unit, nor the end of it.
    const bool is_in_script = unit_depth_ > 0;
    if (!is_in_script) BeginObserved(client);
    Call(client, command, args, key_hash);
    if (!is_in_script) {
      // The reply ends where the messages about what it did begin.
      PassOnEffects(client);
      EndObserved();
    }
    AfterUnit(client);
  }
  tracking_.EndRequest(client, &command);
}

// CLIENT REPLY OFF and SKIP: the command runs as ever, its reply goes nowhere. Pushed messages still arrive.
void Engine::RunMuted(Client& client, Arguments args, uint16_t command_id, uint64_t key_hash) {
  if (client.reply_mode == ReplyMode::kSkipNext) client.reply_mode = ReplyMode::kSkip;
  const ReplyMode before = client.reply_mode;
  client.set(Client::kReplyLimited, false);
  {
    Muted muted(client, discarded_);
    Execute(client, args, command_id, key_hash);
    // CLIENT REPLY ON is itself answered.
    if (client.reply_mode == ReplyMode::kOn && before != ReplyMode::kOn) muted.Reveal();
  }
  // A command that waits for a key, or for the end of a pause, has not had its reply yet.
  if (client.state & (Client::kBlocked | Client::kPaused)) {
    client.set(Client::kReplyLimited, client.reply_mode != ReplyMode::kOn);
  } else {
    EndSkip(client);
  }
}

// Keys stay until the primary's DEL comes. Nobody reads the replies; an error means that the two datasets
// differ.
void Engine::RunFromPrimary(Client& client, Arguments args, uint16_t command_id, uint64_t key_hash) {
  const resp::Writer writer = client.writer;
  client.writer = resp::Writer(discarded_, writer.protocol());
  const keyspace::ExpiredKeys before = keyspace_.expired_keys();
  keyspace_.set_expired_keys(keyspace::ExpiredKeys::kIgnore);
  Execute(client, args, command_id, key_hash);
  keyspace_.set_expired_keys(before);
  client.writer = writer;
  iovec reply;
  if (discarded_.FillIov(&reply, 1) == 1 && *static_cast<const char*>(reply.iov_base) == '-') {
    log_.Warning(
        "== CRITICAL == This replica answers its primary with an error: '{}' after processing the command "
        "'{}'",
        Shown({static_cast<const char*>(reply.iov_base), reply.iov_len}, reply.iov_len - 2),
        Shown(args[0], 128));
    ++stats_.unexpected_errors;
    // A writable replica may differ from its primary without a fault.
    if (settings_.replica_read_only &&
        settings_.propagation_error_behavior != settings::PropagationErrorBehavior::kIgnore) {
      Panic(client, "a command of the primary has failed, and propagation-error-behavior is to panic");
    }
  }
  discarded_.Clear();
}

// Nothing more of what the client has sent is run.
void Engine::Panic(Client& client, std::string_view why) {
  log_.Warning("Ending the process: {}", why);
  client.CloseNow();
  if (hooks_.on_panic) hooks_.on_panic();
}

// A reply would stand in the middle of the stream: who makes us give one is no replica.
void Engine::RunOfReplica(Client& client, Arguments args, uint16_t command_id, uint64_t key_hash) {
  const resp::Writer writer = client.writer;
  client.writer = resp::Writer(discarded_, writer.protocol());
  // A slow script, whose own reply is not wanted, may be in the middle of writing it.
  const size_t before = discarded_.size_bytes();
  Execute(client, args, command_id, key_hash);
  client.writer = writer;
  if (discarded_.size_bytes() == before) return;
  if (before == 0) discarded_.Clear();
  if (client.is(Client::kClosing)) return;
  log_.Warning("Replica id={} addr={} generated a reply to command '{}', disconnecting it", client.id,
               client.connection->peer_address(), Shown(args[0], 128));
  client.CloseNow();
}

bool Engine::FindCommand(Client& client, Arguments args, uint16_t command_id, Command*& command) {
  if (command_id == CommandTable::kNone) {
    RejectUnknown(client, args);
    return false;
  }
  command = &commands_.at(command_id);
  if (!command->subcommands.empty() && args.size() > 1) {
    Command* subcommand = commands_.FindSubcommand(*command, args[1]);
    if (subcommand == nullptr) {
      RejectUnknownSubcommand(client, *command, args);
      return false;
    }
    command = subcommand;
  }
  if (!command->AcceptsArgumentCount(args.size())) {
    Reject(client, *command,
           fmt::format("ERR wrong number of arguments for '{}' command", command->full_name()));
    return false;
  }
  if (!command->handler) {
    if (command->subcommands.empty()) {
      Reject(client, *command,
             fmt::format("ERR '{}' is not supported by this version of Hearth", command->full_name()));
      return false;
    }
  }
  return true;
}

bool Engine::PassesChecks(Client& client, Command& command, Arguments args) {
  if (acl_.MustLogIn(client) && !client.is(Client::kFromPrimary) && !command.is(kCommandNoAuth)) {
    Reject(client, command, "NOAUTH Authentication required.");
    return false;
  }
  if (command.is(kCommandProtected)) {
    const bool is_debug = command.full_name().starts_with("debug");
    const settings::LocalAccess access =
        is_debug ? settings_.enable_debug_command : settings_.enable_module_command;
    const bool is_local = client.connection == nullptr || client.connection->is_unix_socket() ||
                          client.connection->peer_address().starts_with("127.") ||
                          client.connection->peer_address().starts_with("[::1]");
    if (access == settings::LocalAccess::kNo || (access == settings::LocalAccess::kLocal && !is_local)) {
      const std::string_view name = is_debug ? "DEBUG" : "MODULE";
      Reject(client, command,
             fmt::format(
                 "ERR {} command not allowed. If the {} option is set to \"local\", you can run it from a "
                 "local connection, otherwise you need to set this option in the configuration file, and "
                 "then restart the server.",
                 name, is_debug ? "enable-debug-command" : "enable-module-command"));
      return false;
    }
  }
  if ((checks_ & kCheckLoading) && !command.is(kCommandLoading) && !client.is_trusted()) {
    Reject(client, command, "LOADING Redis is loading the dataset in memory");
    return false;
  }
  const bool is_queued = client.in_transaction() && !IsNeverQueued(command);
  if (is_queued && command.is(kCommandNoMulti)) {
    Reject(client, command, "ERR Command not allowed inside a transaction");
    return false;
  }
  if (!PassesRights(client, command, args)) return false;
  if ((checks_ & kCheckMemory) && unit_depth_ == 0 && !client.is(Client::kFromPrimary)) {
    had_room_ = MakeRoom();
    // Queueing needs memory too, whatever the command.
    const bool uses_memory =
        is_queued || command.is(kCommandDenyOom) ||
        QueuesAny(client, command, [](const Command& one) { return one.is(kCommandDenyOom); });
    if (!had_room_ && uses_memory) {
      Reject(client, command, "OOM command not allowed when used memory > 'maxmemory'.");
      return false;
    }
  }
  if ((checks_ & kCheckRefusals) && !PassesRefusals(client, command)) return false;
  if ((checks_ & kCheckBusy) && !PassesBusy(client, command, args)) return false;
  if (!PassesPromises(client, command)) return false;
  if (client.is(Client::kSubscribedResp2) && client.writer.protocol() == 2 &&
      !IsAllowedWhileSubscribed(command)) {
    Reject(client, command,
           fmt::format(
               "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
               "allowed in this context",
               command.full_name()));
    return false;
  }
  if (!PassesMonitor(client, command)) return false;
  if ((checks_ & kCheckPause) && !is_queued && MustWaitForPause(client, command) &&
      (pause_.scope() == Pause::Scope::kAll || !OnlyReads(client, command, args))) {
    client.set(Client::kPaused, true);
    pause_.waiting.push_back(client.id);
    return false;
  }
  if (is_queued) {
    QueueCommand(client, command, args);
    return false;
  }
  unit_.reply_start = client.writer.output().size_bytes();
  return true;
}

bool Engine::PassesRights(Client& client, Command& command, Arguments args) {
  if (!client.is(Client::kRestricted) || client.is(Client::kFromPrimary)) return true;
  const AclVerdict verdict = acl_.Check(client, command, args);
  if (verdict.is_allowed()) return true;
  const AclContext context = client.in_transaction() ? AclContext::kTransaction : AclContext::kTopLevel;
  acl_.Record(client, command, args, verdict, context, now_ms());
  Reject(client, command, "NOPERM " + Acl::Explain(*client.user, command, args, verdict, false));
  return false;
}

std::string Engine::PromiseRefusal(const Client& client) const {
  const uint32_t acks = AcksFor(client);
  if (acks <= promises_.replicas) return {};
  return fmt::format(
      "NOREPLICAS This write needs {} replicas to acknowledge it, and {} are online: it was not done", acks,
      promises_.replicas);
}

// What cannot be promised is not done: an error for a write that was done is for what nobody could foresee.
bool Engine::PassesPromises(Client& client, Command& command) {
  if ((checks_ & kCheckPromises) == 0 && !client.is(Client::kOwnAcks)) return true;
  if (!Writes(command) && !QueuesAny(client, command, Writes)) return true;
  const std::string refusal = PromiseRefusal(client);
  if (!refusal.empty()) Reject(client, command, refusal);
  return refusal.empty();
}

// A replica cannot refuse a write of its primary: either it goes on without its disk, or it ends.
bool Engine::PassesDiskOfReplica(Client& client, const Command& command) {
  if (refusals_.disk.empty() || !Writes(command)) return true;
  if (!settings_.replica_ignore_disk_write_errors) {
    Panic(client,
          "this replica cannot write to its disk, and replica-ignore-disk-write-errors does not let it go on "
          "without");
    return false;
  }
  constexpr int64_t kTellEveryMs = 10'000;
  if (told_of_disk_ms_ == 0 || now_ms() - told_of_disk_ms_ >= kTellEveryMs) {
    told_of_disk_ms_ = now_ms();
    log_.Warning("Replica is applying a command even though it is unable to write to disk.");
  }
  return true;
}

bool Engine::PassesRefusals(Client& client, Command& command) {
  if (client.is(Client::kFromPrimary)) return PassesDiskOfReplica(client, command);
  if (client.is_trusted()) return true;
  const auto is_unfit_for_stale = [](const Command& one) { return !one.is(kCommandStale); };
  const bool is_write = Writes(command) || QueuesAny(client, command, Writes);
  // PING goes with the writes, so that whoever watches the server by it learns that something is wrong.
  if (!refusals_.disk.empty() && (is_write || command.full_name() == "ping")) {
    Reject(client, command, refusals_.disk);
  } else if (!refusals_.replicas.empty() && is_write) {
    Reject(client, command, refusals_.replicas);
  } else if (refusals_.is_read_only && is_write) {
    Reject(client, command, "READONLY You can't write against a read only replica.");
  } else if (refusals_.is_stale &&
             (is_unfit_for_stale(command) || QueuesAny(client, command, is_unfit_for_stale))) {
    Reject(client, command,
           "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.");
  } else {
    return true;
  }
  return false;
}

bool Engine::MustWaitForPause(const Client& client, const Command& command) const {
  if (client.is_trusted() || unit_depth_ > 0) return false;
  if (pause_.scope() == Pause::Scope::kAll) return command.full_name() != "client|unpause";
  return MayWrite(command) || QueuesAny(client, command, MayWrite);
}

void Engine::Call(Client& client, Command& command, Arguments args, uint64_t key_hash, bool is_retry) {
  Context context(*this, client, command, args, key_hash);
  context.is_retry_ = is_retry;
  const uint64_t start = tick_;
  const uint64_t changes = keyspace_.change_count();
  unit_.is_write |= Writes(command);
  effects_.BeginCommand(client.database);
  command.handler.call(command.handler.self, context);
  effects_.EndCommand(keyspace_.change_count() != changes, unit_depth_ == 0, args);
  tick_ = env::Ticks();
  const uint64_t duration = tick_ - start;
  client.last_command = &command;
  if (((client.state & Client::kBlocked) | observes_calls_) != 0) [[unlikely]] {
    ObserveCall(client, command, args, is_retry);
    // A client that went to sleep has not finished its command; it is counted when it wakes.
    if (client.is(Client::kBlocked)) return;
  }
  ++stats_.commands_processed;
  ++command.counters.calls;
  command.counters.ticks += duration;
  command.counters.failed += context.has_failed_;
  if (tracks_latency_) RecordLatency(command, duration);
  if (duration >= slow_ticks_) [[unlikely]]
    OnSlowCommand(client, command, args, duration);
  if (tick_ - time_ticks_ >= ticks_per_ms_ && unit_depth_ == 0) RefreshTime();
}

void Engine::RecordLatency(Command& command, uint64_t duration) {
  if (command.counters.latency == nullptr) [[unlikely]] {
    command.counters.latency = std::make_unique<LatencyHistogram>();
  }
  // The ticks of a second, where the histogram ends, can be multiplied without overflow.
  command.counters.latency->Record((std::min(duration, 1000 * ticks_per_ms_) * nanos_per_tick_) >> 32);
}

void Engine::OnSlowCommand(const Client& client, const Command& command, Arguments args, uint64_t duration) {
  const int64_t duration_us = static_cast<int64_t>(ticks_.ToMicros(duration));
  ReportLatency(command.is(kCommandFast) ? "fast-command" : "command", duration_us);
  if (settings_.slowlog_log_slower_than < 0 || duration_us < settings_.slowlog_log_slower_than) return;
  if (settings_.slowlog_max_len == 0 || command.is(kCommandSkipSlowlog)) return;
  slowlog_.Add(clock_.WallMicros() / 1'000'000, duration_us, WithoutSecrets(args),
               client.connection != nullptr ? std::string_view(client.connection->peer_address()) : "",
               client.name, static_cast<size_t>(settings_.slowlog_max_len));
}

void Engine::AfterUnit(Client& client) {
  if (unit_depth_ > 0) return;
  PassOnEffects(client);
  if (blocking_.has_ready() && !is_serving_ready_) ServeReadyKeys();
}

void Engine::PassOnEffects(Client& client) {
  if (effects_.wanted() && effects_.Flush() && hooks_.after_write) hooks_.after_write(client, unit_);
  unit_.is_write = false;
}

void Engine::Reject(Client& client, Command& command, std::string_view error) {
  ++command.counters.rejected;
  if (client.in_transaction()) client.transaction->must_abort = true;
  CountError(error);
  // A refused EXEC ends its transaction, or the watching for one, and says so in its code.
  if (command.full_name() == "exec") {
    ResetTransaction(client);
    const std::string_view reason = error.starts_with("ERR ") ? error.substr(4) : error;
    client.writer.Error(fmt::format("EXECABORT Transaction discarded because of: {}", reason));
    return;
  }
  client.writer.Error(error);
}

void Engine::RejectUnknown(Client& client, Arguments args) {
  // These begin lines of HTTP: somebody's browser was made to send requests to us (cross-protocol scripting).
  // What it sends next may be commands, and none of them must run.
  if ((EqualsIgnoreCase(args[0], "post") || EqualsIgnoreCase(args[0], "host:")) &&
      client.connection != nullptr) {
    log_.Verbose(
        "Closing client id={} addr={}: it speaks HTTP, which may be an attempt to run commands from a "
        "browser",
        client.id, client.connection->peer_address());
    client.CloseNow();
    return;
  }
  if (client.in_transaction()) client.transaction->must_abort = true;
  // Enough to recognise the request by, whatever was sent.
  constexpr size_t kShownBytes = 128;
  std::string shown;
  for (size_t i = 1; i < args.size() && shown.size() < kShownBytes; ++i) {
    shown += fmt::format("'{}' ", Shown(args[i], kShownBytes - shown.size()));
  }
  const std::string error = fmt::format("ERR unknown command '{}', with args beginning with: {}",
                                        Shown(args[0], kShownBytes), shown);
  CountError(error);
  client.writer.Error(error);
}

void Engine::RejectUnknownSubcommand(Client& client, const Command& container, Arguments args) {
  if (client.in_transaction()) client.transaction->must_abort = true;
  const std::string error = fmt::format("ERR unknown subcommand '{}'. Try {} HELP.", Shown(args[1], 128),
                                        ToUpper(container.full_name()));
  CountError(error);
  client.writer.Error(error);
}

// ---- blocked clients

void Engine::Block(Context& context, const BlockRequest& request) {
  Client& client = context.client();
  if (client.blocked != nullptr) {
    // A command that runs again and finds nothing keeps its place and its deadline.
    is_still_blocked_ = true;
    client.set(Client::kBlocked, true);
    return;
  }
  blocking_.Add(client, client.database, request);
  UpdateKeyspaceReports();
}

void Engine::ServeReadyKeys() {
  is_serving_ready_ = true;
  Blocking::ReadyKey ready;
  while (blocking_.TakeReady(ready)) {
    for (Client* client : blocking_.WaitingFor(ready)) {
      // An earlier client's command may have emptied the key, or served or closed this one.
      if (client->blocked == nullptr) continue;
      const Entry* entry =
          keyspace_.database(ready.database).Find(Key(ready.key), keyspace::Database::Touch::kNo);
      if (!client->blocked->wakes_on_removal && (entry == nullptr || entry->type() != client->blocked->type))
        continue;
      RetryBlocked(*client);
    }
  }
  is_serving_ready_ = false;
}

// Runs the command again in the client's place. It keeps its place in the queues if there is still nothing
// for it.
void Engine::RetryBlocked(Client& client) {
  net::Batch& batch = *client.connection->outstanding_batch();
  const net::Request& request = batch.requests()[batch.next];
  const Arguments args = batch.args(request);
  Command* command = &commands_.at(request.command);
  if (client.is(Client::kRestricted)) {
    // A right may have gone while it waited.
    if (const AclVerdict verdict = acl_.Check(client, *command, args); !verdict.is_allowed()) {
      acl_.Record(client, *command, args, verdict, AclContext::kTopLevel, now_ms());
      Unblock(client, "NOPERM " + Acl::Explain(*client.user, *command, args, verdict, false));
      return;
    }
  }
  if (Writes(*command)) {
    if (const std::string refusal = PromiseRefusal(client); !refusal.empty()) {
      Unblock(client, refusal);
      return;
    }
  }
  unit_.reply_start = client.connection->output().size_bytes();
  client.set(Client::kBlocked, false);
  is_still_blocked_ = false;
  {
    std::optional<Muted> muted;
    if (client.is(Client::kReplyLimited)) muted.emplace(client, discarded_);
    BeginObserved(client);
    Call(client, *command, args, request.key_hash, true);
  }
  PassOnEffects(client);
  EndObserved();
  if (!is_still_blocked_) FinishBlocked(client);
}

void Engine::FinishBlocked(Client& client) {
  blocking_.Remove(client);
  UpdateKeyspaceReports();
  EndSkip(client);
  client.last_interaction_ms = now_ms();
  tracking_.EndRequest(client, client.last_command);
  ++client.connection->outstanding_batch()->next;
  client.connection->ScheduleWrite();
  ResumeLater(client);
}

bool Engine::Unblock(Client& client, std::string_view error) {
  if (client.blocked == nullptr) return false;
  std::optional<Muted> muted;
  if (client.is(Client::kReplyLimited)) muted.emplace(client, discarded_);
  if (!error.empty()) {
    CountError(error);
    client.writer.Error(error);
  } else if (client.blocked->answer) {
    client.blocked->answer(client.writer);
  } else if (client.blocked->on_timeout == BlockRequest::OnTimeout::kNull) {
    client.writer.Null();
  } else {
    client.writer.NullArray();
  }
  muted.reset();
  FinishBlocked(client);
  return true;
}

}  // namespace hearth::engine
