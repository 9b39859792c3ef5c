#include "replication/primary_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "replication/primary_session.h"
#include "resp/output_buffer.h"

namespace hearth::replication {
namespace {

constexpr int64_t kAckPeriodMs = 1000;
constexpr int64_t kNewlinePeriodMs = 1000;

// Where replicas and Sentinels are to find this server.
int64_t PortForOthers(const settings::Settings& settings) {
  if (settings.replica_announce_port != 0) return settings.replica_announce_port;
  return settings.tls_replication && settings.tls_port != 0 ? settings.tls_port : settings.port;
}

std::string Bulk(std::string_view word) {
  return "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
}

}  // namespace

PrimaryLink::PrimaryLink(const Parts& parts)
    : parts_(parts),
      settings_(parts.engine.settings()),
      stream_log_(parts.engine.commands(), parts.persistence.write_log(), parts.persistence.effects()),
      ping_(parts.engine.commands().FindId("ping")) {
  parts_.engine.hooks().after_stream_request = [this](engine::Client& client, net::Batch& batch,
                                                      size_t index) {
    stream_log_.AfterRequest(client, batch, index);
    if (batch.requests()[index].command != ping_ || !parts_.on_note) return;
    if (const auto args = batch.args(batch.requests()[index]); args.size() == 2) parts_.on_note(args[1]);
  };
}

PrimaryLink::~PrimaryLink() { parts_.engine.hooks().after_stream_request = nullptr; }

// ---- the machine

LinkSettings PrimaryLink::SettingsNow() const {
  return {.user = settings_.primary_user,
          .password = settings_.primary_auth,
          .port = static_cast<int>(PortForOthers(settings_)),
          .address = settings_.replica_announce_ip,
          .version = parts_.version,
          .timeout_ms = settings_.repl_timeout * 1000,
          .keeps_data_from_empty_primary = settings_.replica_keep_data_from_empty_primary,
          .rejoins = settings_.replication_rejoin,
          .acks_word = parts_.acks_word ? parts_.acks_word() : std::string()};
}

LinkPlace PrimaryLink::PlaceNow() const {
  LinkPlace place;
  // What was not logged was not counted either.
  if (parts_.persistence.is_log_wanted()) {
    const History& history = parts_.persistence.history();
    place.id = history.id;
    place.former = history.former;
  }
  place.offset = parts_.persistence.write_log().end_offset();
  place.has_data = HasData(parts_.engine);
  return place;
}

void PrimaryLink::Feed(const LinkInput& input) {
  const bool was_up = is_up();
  const bool was_refused = !link_.refused_reason().empty();
  const auto effects = link_.Step(NowMs(), input, SettingsNow(), PlaceNow());
  for (const LinkEffect& effect : effects) {
    std::visit([this](const auto& what) { Do(what); }, effect);
  }
  NoteHowSyncEnded(input, was_refused);
  if (was_up && !is_up()) down_since_ms_ = NowMs();
  if (is_up()) down_since_ms_ = -1;
  if (was_up != is_up()) RefreshRefusals();
}

void PrimaryLink::Follow(std::string host, int port, Origin origin) {
  host_ = std::move(host);
  port_ = port;
  parts_.persistence.SetIsReplica(true);
  parts_.engine.keyspace().set_expired_keys(keyspace::ExpiredKeys::kHide);
  Feed(link_input::Follow{host_ + ":" + std::to_string(port), origin});
  RefreshRefusals();
}

void PrimaryLink::Stop() {
  if (!is_following()) return;
  Feed(link_input::Unfollow());
  parts_.persistence.ContinueAs(parts_.persistence.MakeId());
  parts_.persistence.effects().ForgetDatabase();
  parts_.persistence.SetIsReplica(false);
  parts_.engine.keyspace().set_expired_keys(keyspace::ExpiredKeys::kRemove);
  ResumeAppendOnly();
  RefreshRefusals();
}

void PrimaryLink::Leave() {
  Feed(link_input::Leave());
  RefreshRefusals();
}

void PrimaryLink::RefreshRefusals() {
  engine::Refusals refusals = parts_.engine.refusals();
  const bool is_replica = is_following();
  refusals.is_read_only = is_replica && settings_.replica_read_only;
  refusals.is_stale = is_replica && !settings_.replica_serve_stale_data && !is_up();
  refusals.ignores_maxmemory = is_replica && settings_.replica_ignore_maxmemory;
  parts_.engine.SetRefusals(std::move(refusals));
}

// ---- effects

void PrimaryLink::Do(const link_effect::Tell& effect) {
  if (effect.level == link_effect::Tell::Level::kWarning) {
    parts_.log.Warning("{}", effect.text);
  } else {
    parts_.log.Notice("{}", effect.text);
  }
}

void PrimaryLink::Do(const link_effect::Open&) {
  session_ = std::make_unique<Session>();
  Session& session = *session_;
  session.tasks.Start(Talk(session));
}

void PrimaryLink::Do(const link_effect::Close&) {
  EndSession();
  if (transfer_ != nullptr) {
    // What the old files hold is more than what is left here, if that is nothing.
    const bool has_dropped_old = transfer_->has_dropped_old();
    sync_bytes_ = transfer_->received_bytes();
    transfer_.reset();
    // What is left here is no dataset of any history.
    if (has_dropped_old) parts_.persistence.TakeFreshId();
    if (!has_dropped_old) ResumeAppendOnly();
  }
  lost_writes_.reset();
  if (net::Connection* connection = std::exchange(connection_, nullptr)) {
    engine::Client& client = *static_cast<engine::Client*>(connection->user_data);
    stream_log_.End(client);
    ended_stream_bytes_ += connection->read_bytes();
    client.CloseNow();
  }
}

void PrimaryLink::Do(const link_effect::Send& effect) { session_->outgoing += effect.bytes; }

void PrimaryLink::Do(const link_effect::ReceiveDataset& effect) {
  dataset_id_ = effect.id;
  dataset_offset_ = effect.offset;
  is_rejoin_ = effect.is_rejoin;
  session_->phase = Session::Phase::kDataset;
  const std::string cause = WhyDataset(effect.id);
  parts_.log.Notice("A dataset comes from the primary: {}", cause);
  BeginSync(is_rejoin_ ? SyncRecord::Kind::kRejoin : SyncRecord::Kind::kFull, cause);
}

void PrimaryLink::Do(const link_effect::TakeDataset&) {
  Transfer::Parts parts{parts_.engine, parts_.loop, parts_.disk, parts_.log, [this] { PrepareForLoading(); }};
  if (is_rejoin_) {
    parts.replaced = lost_writes_->keys();
    parts.before_replacing = [this] { return CommitLostWrites(); };
  }
  const Transfer::Mode mode = is_rejoin_ ? Transfer::Mode::kRejoin : Transfer::ModeFor(parts_.engine);
  transfer_ = std::make_unique<Transfer>(parts, mode, session_->payload.size_bytes());
}

void PrimaryLink::Do(const link_effect::GoOn& effect) {
  BeginSync(SyncRecord::Kind::kPartial, "the primary has what was missed");
  parts_.sync_history.Finish(std::exchange(sync_number_, 0), 0);
  if (!effect.new_id.empty()) {
    parts_.persistence.ContinueAs(effect.new_id);
    parts_.on_new_id();
  }
  sends_acks_ = true;
  BeginStream(parts_.persistence.effects().database());
}

void PrimaryLink::Do(const link_effect::GatherLostWrites& effect) {
  lost_writes_ = std::make_unique<LostWrites>(
      LostWrites::Parts{parts_.engine, parts_.loop, parts_.disk, parts_.persistence}, effect);
  session_->phase = Session::Phase::kGathering;
  parts_.loop.RequestImmediateTurn();
}

void PrimaryLink::Do(const link_effect::GoBack& effect) {
  // Our replicas may have more of the history than is ours now.
  parts_.on_full_sync();
  parts_.persistence.BeginHistory(effect.id, effect.offset, effect.database);
  lost_writes_.reset();
}

void PrimaryLink::Do(const link_effect::AnswerFailover& effect) {
  if (parts_.on_failover_answer) parts_.on_failover_answer(effect.is_accepted);
}

// ---- the history of synchronisations

// `id` is the primary's history, empty if it gave none.
std::string PrimaryLink::WhyDataset(const std::string& id) const {
  const LinkPlace place = PlaceNow();
  if (id.empty()) return "the primary knows SYNC alone";
  if (place.id.empty()) return "the first copy: this server had no place in a history";
  if (is_rejoin_) return fmt::format("histories have parted: this server was at offset {}", place.offset);
  if (id == place.id) {
    return fmt::format("the primary's log does not reach back to offset {}, or it has not come so far",
                       place.offset);
  }
  return fmt::format("the primary's history {} has no place {} of {}", id, place.offset, place.id);
}

void PrimaryLink::BeginSync(SyncRecord::Kind kind, std::string cause) {
  sync_bytes_ = 0;
  sync_number_ = parts_.sync_history.Begin(SyncRecord::Role::kReplica, kind,
                                           fmt::format("{}:{}", host_, port_), std::move(cause));
}

void PrimaryLink::NoteHowSyncEnded(const LinkInput& input, bool was_refused) {
  if (sync_number_ != 0 && session_ == nullptr && transfer_ == nullptr) {
    const auto* const lost = std::get_if<link_input::Lost>(&input);
    parts_.sync_history.Fail(std::exchange(sync_number_, 0), sync_bytes_,
                             lost != nullptr ? lost->reason : "the link was given up");
  }
  if (was_refused || refused_reason().empty()) return;
  BeginSync(SyncRecord::Kind::kRefused, refused_reason());
  parts_.sync_history.Finish(std::exchange(sync_number_, 0), 0);
}

// A session is ended from within its own tasks more often than not: it is destroyed in the next turn.
void PrimaryLink::EndSession() {
  if (session_ == nullptr) return;
  session_->phase = Session::Phase::kOver;
  ended_.push_back(std::move(session_));
  parts_.loop.RequestImmediateTurn();
}

// ---- rejoin

void PrimaryLink::FinishGathering() {
  lost_writes_->Finish();
  if (const std::string& failure = lost_writes_->failure(); !failure.empty()) {
    parts_.log.Notice("The keys that differ cannot be told: {}", failure);
  }
  session_->phase = Session::Phase::kLines;
  const std::coroutine_handle<> waiter = std::exchange(session_->gathering_waiter, nullptr);
  Feed(lost_writes_->Outcome());
  if (waiter) waiter.resume();
}

// The data of which these are is about to go.
Status PrimaryLink::CommitLostWrites() {
  HEARTH_TRY(lost_writes_->Commit());
  if (lost_writes_->file_name().empty()) return {};
  parts_.log.Warning("{} commands that the primary never had are given up. They stand in {}/{}.",
                     lost_writes_->command_count(), settings_.dir, lost_writes_->file_name());
  rejoin_stats_.lost_commands += lost_writes_->command_count();
  rejoin_stats_.lost_writes_file = lost_writes_->file_name();
  return {};
}

// ---- the dataset

void PrimaryLink::PrepareForLoading() {
  if (lost_writes_ != nullptr && !is_rejoin_) {
    if (Status status = CommitLostWrites(); !status) {
      parts_.log.Warning("The commands that the primary never had could not be saved: {}",
                         status.error().message);
    }
  }
  parts_.on_full_sync();
  parts_.persistence.snapshots().Cancel();
  if (parts_.persistence.append_only().is_on()) {
    parts_.persistence.append_only().TurnOff();
    is_append_only_suspended_ = true;
  }
}

void PrimaryLink::ResumeAppendOnly() {
  if (!std::exchange(is_append_only_suspended_, false) || !settings_.appendonly) return;
  if (Status status = parts_.persistence.append_only().TurnOn(); !status) {
    parts_.log.Warning("Failed enabling the AOF after successful master synchronization: {}",
                       status.error().message);
    is_append_only_suspended_ = true;
  }
}

void PrimaryLink::AdvanceTransfer() {
  const std::optional<Status> outcome = transfer_->Advance();
  if (!outcome) return;
  if (*outcome) {
    FinishTransfer();
  } else {
    Feed(link_input::Lost{outcome->error().message, true});
  }
}

void PrimaryLink::FinishTransfer() {
  transfer_->KeepFile();
  parts_.sync_history.Finish(std::exchange(sync_number_, 0), transfer_->received_bytes());
  if (is_rejoin_) ++rejoin_stats_.rejoins;
  lost_writes_.reset();
  const int database = static_cast<int>(transfer_->aux_fields().replication_database.value_or(-1));
  transfer_.reset();
  // A newline that is not sent yet need not be any more.
  session_->tasks.CancelAll();
  // Replicas that have come meanwhile know the old history.
  parts_.on_full_sync();
  persistence::Persistence& persistence = parts_.persistence;
  sends_acks_ = !dataset_id_.empty();
  persistence.BeginHistory(sends_acks_ ? dataset_id_ : persistence.MakeId(), dataset_offset_);
  persistence.effects().set_database(database);
  ResumeAppendOnly();
  Feed(link_input::DatasetLoaded());
  BeginStream(database);
}

// ---- the stream

void PrimaryLink::BeginStream(int database) {
  const std::string received = session_->received + session_->stream->TakeReceived();
  net::Socket socket = session_->stream->Release();
  EndSession();
  stream_log_.Begin();
  net::Connection& connection = parts_.connections.AdoptLink(std::move(socket), received);
  engine::Client& client = *static_cast<engine::Client*>(connection.user_data);
  client.set(engine::Client::kFromPrimary, true);
  client.set(engine::Client::kUnauthenticated, false);
  client.database = std::max(database, 0);
  connection_ = &connection;
  seen_read_bytes_ = 0;
  SendAck();
}

void PrimaryLink::SendAck() {
  last_ack_ms_ = NowMs();
  if (connection_ == nullptr || !sends_acks_) return;
  std::string command =
      Bulk("REPLCONF") + Bulk("ACK") + Bulk(std::to_string(parts_.persistence.write_log().end_offset()));
  int words = 3;
  if (parts_.persistence.append_only().is_on()) {
    command += Bulk("FACK") + Bulk(std::to_string(parts_.persistence.gate().local().synced));
    words += 2;
  }
  connection_->output().Append("*" + std::to_string(words) + "\r\n" + command);
  connection_->ScheduleWrite();
}

void PrimaryLink::OnClosed(engine::Client& client) {
  if (connection_ == nullptr || client.connection != connection_) return;
  ended_stream_bytes_ += std::exchange(connection_, nullptr)->read_bytes();
  stream_log_.End(client);
  Feed(link_input::Lost{"the primary has ended the connection"});
}

// ---- time

void PrimaryLink::BeforeWait() {
  ended_.clear();
  if (link_.state() == Link::State::kRejoin && lost_writes_->is_done()) FinishGathering();
  if (transfer_ != nullptr) AdvanceTransfer();
  if (session_ != nullptr && session_->room_waiter && transfer_ != nullptr && !transfer_->is_full()) {
    std::exchange(session_->room_waiter, nullptr).resume();
  }
  if (stream_log_.TakeAckWish()) SendAck();
}

void PrimaryLink::Tick() {
  if (!is_following()) return;
  if (connection_ != nullptr && connection_->read_bytes() != seen_read_bytes_) {
    seen_read_bytes_ = connection_->read_bytes();
    Feed(link_input::Activity());
  }
  if (transfer_ != nullptr && transfer_->is_received()) Feed(link_input::Activity());
  if (link_.state() == Link::State::kRejoin) Feed(link_input::Activity());
  if (transfer_ != nullptr && transfer_->is_loading() && NowMs() - last_newline_ms_ >= kNewlinePeriodMs &&
      !session_->is_sending_newline) {
    last_newline_ms_ = NowMs();
    session_->tasks.Start(SendNewline(*session_));
  }
  if (NowMs() - last_ack_ms_ >= kAckPeriodMs) SendAck();
  parts_.engine.keyspace().set_expired_keys(keyspace::ExpiredKeys::kHide);
  Feed(link_input::Tick());
}

uint64_t PrimaryLink::received_bytes() const {
  return dataset_bytes_ + ended_stream_bytes_ + (connection_ == nullptr ? 0 : connection_->read_bytes());
}

PrimaryLinkStatus PrimaryLink::status() const {
  PrimaryLinkStatus status;
  status.state_name = link_.state_name();
  status.is_up = is_up();
  const int64_t quiet_seconds = std::max<int64_t>(NowMs() - link_.last_io_ms(), 0) / 1000;
  if (status.is_up) status.last_io_seconds = quiet_seconds;
  if (!status.is_up && down_since_ms_ >= 0) status.down_since_seconds = (NowMs() - down_since_ms_) / 1000;
  status.applied_offset = parts_.persistence.write_log().end_offset();
  status.read_offset = status.applied_offset + stream_log_.open_bytes();
  status.refused_reason = link_.refused_reason();
  status.is_syncing = link_.state() == Link::State::kSync;
  if (status.is_syncing) status.sync_last_io_seconds = quiet_seconds;
  if (transfer_ == nullptr) return status;
  status.sync_total_bytes = transfer_->size_bytes().value_or(0);
  status.sync_read_bytes = transfer_->received_bytes();
  status.is_loading = transfer_->is_loading();
  status.is_loading_beside = status.is_loading && transfer_->is_beside();
  status.loading_since_seconds = transfer_->loading_since_seconds();
  status.loading_total_bytes =
      transfer_->size_bytes().value_or(transfer_->is_received() ? transfer_->received_bytes() : 0);
  status.loading_loaded_bytes = transfer_->loaded_bytes();
  return status;
}

}  // namespace hearth::replication
