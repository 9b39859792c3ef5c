#include "engine/engine.h"

#include <limits>

#include "base/memory.h"

namespace hearth::engine {

Engine::Engine(const Parts& parts)
    : settings_(parts.settings),
      clock_(parts.clock),
      ticks_(parts.ticks),
      log_(parts.log),
      keyspace_(parts.settings, *this, static_cast<int>(parts.settings.databases), parts.random_seed),
      acl_(commands_, clients_, parts.settings),
      tracking_(clients_, parts.settings, parts.random_seed),
      eviction_(keyspace_, AllocatedBytes, [this] { return clock_.MonotonicMicros(); }),
      latency_(parts.settings),
      ticks_per_ms_(static_cast<uint64_t>(parts.ticks.ticks_per_micro() * 1000)),
      nanos_per_tick_(static_cast<uint64_t>(1000.0 / parts.ticks.ticks_per_micro() * 4294967296.0)) {
  RefreshTime();
  RefreshChecks();
}

Engine::~Engine() = default;

void Engine::RefreshTime() {
  // In a unit time stands still, whoever is served meanwhile.
  if (unit_depth_ > 0) return;
  keyspace_.set_now_ms(clock_.WallMicros() / 1000);
  time_ticks_ = tick_ = env::Ticks();
}

void Engine::RefreshChecks() {
  checks_ = 0;
  if (settings_.maxmemory != 0 && !refusals_.ignores_maxmemory) checks_ |= kCheckMemory;
  if (pause_.scope() != Pause::Scope::kNone) checks_ |= kCheckPause;
  if (is_loading_) checks_ |= kCheckLoading;
  if (busy_ != Busy::kNo) checks_ |= kCheckBusy;
  if (refusals_ != Refusals{.ignores_maxmemory = refusals_.ignores_maxmemory}) checks_ |= kCheckRefusals;
  if (promises_.are_made && settings_.replication_acks > 0) checks_ |= kCheckPromises;
  const auto ticks = [this](int64_t limit_us) {
    return static_cast<uint64_t>(static_cast<double>(limit_us) * ticks_.ticks_per_micro());
  };
  slow_ticks_ = std::numeric_limits<uint64_t>::max();
  if (settings_.slowlog_log_slower_than >= 0) slow_ticks_ = ticks(settings_.slowlog_log_slower_than);
  if (latency_.is_on())
    slow_ticks_ = std::min(slow_ticks_, ticks(settings_.latency_monitor_threshold * 1000));
  tracks_latency_ = settings_.latency_tracking;
  keyspace_.set_times_removals(latency_.is_on());
  UpdateKeyspaceReports();
}

void Engine::set_loading(bool on) {
  is_loading_ = on;
  RefreshChecks();
}

void Engine::SetRefusals(Refusals refusals) {
  if (refusals == refusals_) return;
  refusals_ = std::move(refusals);
  RefreshChecks();
}

void Engine::SetPromises(Promises promises) {
  if (promises == promises_) return;
  promises_ = promises;
  RefreshChecks();
}

uint32_t Engine::AcksFor(const Client& client) const {
  if (!promises_.are_made || client.is_trusted()) return 0;
  return static_cast<uint32_t>(client.acks >= 0 ? client.acks : settings_.replication_acks);
}

void Engine::SetAcks(Client& client, int64_t acks) {
  client.acks = acks;
  client.set(Client::kOwnAcks, acks > 0);
}

void Engine::UpdateKeyspaceReports() {
  keyspace_.set_reports_changes(watches_.any() || blocking_.key_count_for_removal() != 0 || tracking_.any());
  keyspace_.set_reports_added(blocking_.any() ||
                              (settings_.notify_keyspace_events.bits & settings::kNotifyNew) != 0);
}

// ---- connections and their batches

void Engine::OnOpen(net::Connection& connection) {
  Client& client = clients_.Add(connection.id(), &connection, connection.output(), now_ms());
  connection.user_data = &client;
  acl_.Welcome(client);
  if (hooks_.on_open) hooks_.on_open(client);
}

void Engine::OnClosed(net::Connection& connection) {
  Client& client = *static_cast<Client*>(connection.user_data);
  if (client.blocked != nullptr) blocking_.Remove(client);
  watches_.Forget(client);
  pubsub_.Forget(client);
  ForgetObserver(client);
  if (hooks_.on_close) hooks_.on_close(client);
  clients_.Remove(client);
  UpdateKeyspaceReports();
}

void Engine::Resolve(net::Batch& batch) {
  for (net::Request& request : batch.requests()) {
    const auto args = batch.args(request);
    request.command = commands_.FindId(args[0]);
    if (request.command == CommandTable::kNone) continue;
    const auto hashed_key = static_cast<size_t>(commands_.at(request.command).hashed_key);
    if (hashed_key > 0 && hashed_key < args.size()) request.key_hash = Hash(args[hashed_key]);
  }
}

void Engine::OnBatches(std::span<net::Batch*> batches) {
  RefreshTime();
  for (net::Batch* batch : batches) {
    static_cast<Client*>(batch->connection().user_data)->last_interaction_ms = now_ms();
    AddPending(*batch);
  }
  RunPending();
}

void Engine::AddPending(net::Batch& batch) {
  const size_t count = batch.requests().size();
  if (batch.next == count) {
    FinishBatch(batch);
    return;
  }
  // A SELECT in the batch makes the prefetches after it useless, no more.
  const keyspace::Database& database =
      keyspace_.database(static_cast<Client*>(batch.connection().user_data)->database);
  for (size_t i = batch.next; i < count; ++i) {
    pending_.push_back({&batch, &database, batch.requests()[i].key_hash, static_cast<uint32_t>(i)});
  }
}

// Requests run in windows that fit the first-level cache: three passes ask for the memory that all of a
// window's keys will touch, so that the waits overlap, and then the requests run.
//
// While a script takes long, this is called in the middle of itself: what waits behind the script, and what
// has come since, runs before it. Entries that have run are marked by having no batch, and those that cannot
// run yet stay.
void Engine::RunPending() {
  constexpr size_t kWindow = 64;
  for (size_t at = 0; at < pending_.size();) {
    const size_t end = std::min(pending_.size(), at + kWindow);
    const std::span window(pending_.data() + at, end - at);
    if (window.size() > 1) {
      for (const Pending& pending : window) {
        if (pending.key_hash != 0) pending.database->PrefetchBucket(pending.key_hash);
      }
      for (const Pending& pending : window) {
        if (pending.key_hash != 0) pending.database->PrefetchEntry(pending.key_hash);
      }
      for (const Pending& pending : window) {
        if (pending.key_hash != 0) pending.database->PrefetchChain(pending.key_hash);
      }
    }
    for (; at < end; ++at) {
      const Pending pending = pending_[at];
      const bool may_run =
          pending.batch != nullptr && (busy_ == Busy::kNo || pending.batch->next == pending.index);
      if (!may_run) continue;
      pending_[at].batch = nullptr;
      RunRequest(*pending.batch, pending.index);
    }
  }
  if (busy_ == Busy::kNo) pending_.clear();
}

void Engine::RunRequest(net::Batch& batch, size_t index) {
  // A batch that stopped at an earlier request (its client waits, is paused or leaves) goes on from there
  // later.
  if (batch.next != index) return;
  Client& client = *static_cast<Client*>(batch.connection().user_data);
  if (client.state & (Client::kBlocked | Client::kPaused | Client::kClosing)) return;
  const net::Request& request = batch.requests()[index];
  if (busy_ != Busy::kNo && client.is(Client::kFromPrimary)) {
    held_while_busy_.push_back(client.id);
    return;
  }
  Run(client, batch.args(request), request.command, request.key_hash);
  if (client.state & (Client::kBlocked | Client::kPaused)) {
    // What was answered before this request does not wait with it.
    batch.connection().ScheduleWrite();
    return;
  }
  batch.next = index + 1;
  if (client.is(Client::kFromPrimary) && hooks_.after_stream_request) {
    hooks_.after_stream_request(client, batch, index);
  }
  if (batch.next == batch.requests().size() || client.is(Client::kClosing)) FinishBatch(batch);
}

void Engine::FinishBatch(net::Batch& batch) {
  net::Connection& connection = batch.connection();
  Client& client = *static_cast<Client*>(connection.user_data);
  if (!batch.protocol_error().empty() && !client.is(Client::kClosing)) {
    const std::string error = "ERR " + std::string(batch.protocol_error());
    log_.Verbose("Protocol error from client id={} addr={}: {}", client.id, connection.peer_address(),
                 batch.protocol_error());
    CountError(error);
    client.writer.Error(error);
    client.CloseAfterReply();
  }
  connection.CompleteBatch(batch);
  if (hooks_.after_batch) hooks_.after_batch(client);
}

void Engine::ResumeLater(Client& client) {
  if (client.connection != nullptr) resumable_.push_back(client.id);
}

void Engine::BeforeWait() {
  if (pause_.IsOver(clock_.WallMicros() / 1000)) EndPause();
  if (blocking_.NextDeadlineMs() != 0 && blocking_.NextDeadlineMs() <= clock_.WallMicros() / 1000) {
    RefreshTime();
    for (Client* client : blocking_.TimedOut(now_ms() + 1)) Unblock(*client);
  }
  while (!resumable_.empty()) {
    RefreshTime();
    for (uint64_t id : std::exchange(resumable_, {})) {
      Client* client = clients_.Find(id);
      if (client == nullptr || client->is(Client::kClosing)) continue;
      if (net::Batch* batch = client->connection->outstanding_batch()) AddPending(*batch);
    }
    RunPending();
  }
}

bool Engine::MakeRoom() {
  if (settings_.maxmemory == 0 || refusals_.ignores_maxmemory || unit_depth_ > 0) return true;
  const uint64_t start = latency_.is_on() ? env::Ticks() : 0;
  const keyspace::Eviction::Outcome outcome = eviction_.Run();
  if (start != 0)
    ReportLatency("eviction-cycle", static_cast<int64_t>(ticks_.ToMicros(env::Ticks() - start)));
  must_evict_more_ = outcome == keyspace::Eviction::Outcome::kGoesOn;
  if (outcome != keyspace::Eviction::Outcome::kEnough) {
    if (exceeded_since_us_ == 0) exceeded_since_us_ = clock_.MonotonicMicros();
  } else if (exceeded_since_us_ != 0) {
    stats_.memory_exceeded_us += static_cast<uint64_t>(MemoryExceededMicros());
    exceeded_since_us_ = 0;
  }
  if (effects_.wanted()) effects_.Flush();
  return outcome != keyspace::Eviction::Outcome::kImpossible;
}

int64_t Engine::MemoryExceededMicros() {
  return exceeded_since_us_ == 0 ? 0 : clock_.MonotonicMicros() - exceeded_since_us_;
}

void Engine::EndPause() {
  pause_.End();
  ResumePaused();
}

void Engine::RestWrites(RestReason reason, bool on) {
  if (pause_.rests(reason) == on) return;
  pause_.SetRest(reason, on);
  ResumePaused();
}

void Engine::ResumePaused() {
  RefreshChecks();
  for (uint64_t id : std::exchange(pause_.waiting, {})) {
    Client* client = clients_.Find(id);
    if (client == nullptr) continue;
    client->set(Client::kPaused, false);
    ResumeLater(*client);
  }
}

void Engine::ResetSession(Client& client) {
  ResetTransaction(client);
  pubsub_.Forget(client);
  ForgetObserver(client);
  client.database = 0;
  client.state &= Client::kUnauthenticated | Client::kClosing | Client::kRedirectedTo;
  client.reply_mode = ReplyMode::kOn;
  client.is_exempt_from_eviction = false;
  client.touches_keys = true;
  client.acks = -1;
  client.name.clear();
  client.writer.set_protocol(2);
  acl_.Welcome(client);
}

// ---- what the keyspace reports

void Engine::OnChanged(keyspace::Database& database, const Key& key) {
  watches_.MarkChanged(database.index(), key.text);
  blocking_.MarkRemoved(database.index(), key.text);
  tracking_.OnChanged(key.text);
}

void Engine::OnAdded(keyspace::Database& database, const Key& key, Type type) {
  blocking_.MarkReady(database.index(), key.text, type);
  NotifyKey(database.index(), settings::kNotifyNew, "new", key.text);
}

void Engine::OnExpired(keyspace::Database& database, const Key& key) {
  tracking_.OnVanished(key.text);
  effects_.Add(database.index(), {settings_.lazyfree_lazy_expire ? "UNLINK" : "DEL", key.text});
  NotifyKey(database.index(), settings::kNotifyExpired, "expired", key.text);
}

void Engine::OnFieldsExpired(keyspace::Database& database, const Key& key,
                             std::span<const std::string> fields) {
  tracking_.OnVanished(key.text);
  if (effects_.wanted()) {
    std::vector<std::string_view> removal = {"HDEL", key.text};
    removal.insert(removal.end(), fields.begin(), fields.end());
    effects_.Add(database.index(), removal);
  }
  NotifyKey(database.index(), settings::kNotifyHash, "hexpired", key.text);
}

void Engine::OnEvicted(keyspace::Database& database, const Key& key) {
  tracking_.OnVanished(key.text);
  effects_.Add(database.index(), {settings_.lazyfree_lazy_eviction ? "UNLINK" : "DEL", key.text});
  NotifyKey(database.index(), settings::kNotifyEvicted, "evicted", key.text);
}

void Engine::OnEmptied(keyspace::Database& database, const Key& key) {
  NotifyKey(database.index(), settings::kNotifyGeneric, "del", key.text);
}

void Engine::OnDatabaseCleared(int database) {
  keyspace::Database& cleared = keyspace_.database(database);
  watches_.MarkDatabase(database, [&](std::string_view key) {
    return cleared.Find(Key(key), keyspace::Database::Touch::kNo) != nullptr;
  });
  if (blocking_.key_count_for_removal() != 0) {
    blocking_.MarkDatabaseReady(database, [](std::string_view) { return true; });
  }
}

void Engine::OnDatabasesSwapped(int a, int b) {
  const auto exists = [this](int database, std::string_view key) {
    return keyspace_.database(database).Find(Key(key), keyspace::Database::Touch::kNo) != nullptr;
  };
  const auto affected = [&](std::string_view key) { return exists(a, key) || exists(b, key); };
  watches_.MarkDatabase(a, affected);
  watches_.MarkDatabase(b, affected);
  blocking_.MarkDatabaseReady(a, affected);
  blocking_.MarkDatabaseReady(b, affected);
}

void Engine::NotifyKey(int database, int classes, std::string_view event, std::string_view key) {
  const int wanted = settings_.notify_keyspace_events.bits;
  if ((wanted & classes) == 0 || !pubsub_.has_listeners()) return;
  const std::string number = std::to_string(database);
  if (wanted & settings::kNotifyKeyspace) {
    pubsub_.Publish("__keyspace@" + number + "__:" + std::string(key), event);
  }
  if (wanted & settings::kNotifyKeyevent) {
    pubsub_.Publish("__keyevent@" + number + "__:" + std::string(event), key);
  }
}

void Engine::CountError(std::string_view text) {
  ++stats_.error_replies;
  if (stats_.has_too_many_errors) return;
  // What does not look like a code counts as the general one.
  constexpr size_t kLongestCode = 31;
  const size_t end = text.find(' ');
  const std::string_view code = end <= kLongestCode ? text.substr(0, end) : "ERR";
  const auto found = stats_.errors.find(code);
  if (found != stats_.errors.end()) {
    ++found->second;
  } else if (stats_.errors.size() < kMaxErrorCodes) {
    stats_.errors.emplace(code, 1);
  } else {
    StopCountingErrors();
  }
}

// Somebody makes codes up: there is no sense in counting them, until CONFIG RESETSTAT.
void Engine::StopCountingErrors() {
  std::string codes;
  for (const auto& [code, count] : stats_.errors) codes += (codes.empty() ? "" : ", ") + code;
  log_.Warning("Errorstats stopped adding new errors because the number of errors reached the limit ({}).",
               kMaxErrorCodes);
  log_.Warning("Current errors code list: {}", codes);
  stats_.errors = {{"ERRORSTATS_DISABLED", 1}};
  stats_.has_too_many_errors = true;
}

}  // namespace hearth::engine
