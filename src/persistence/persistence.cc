#include "persistence/persistence.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

namespace hearth::persistence {
namespace {

// After a full sync the append-only file must come back, however long its disk fails.
constexpr int64_t kFileRetryMs = 1000;

}  // namespace

Persistence::Persistence(const Parts& parts)
    : parts_(parts),
      settings_(parts.configuration.settings()),
      prng_(parts.engine.keyspace().random().Next()),
      history_{.id = MakeId()},
      disk_log_({parts.disk, parts.clock, parts.log, write_log_, settings_}),
      cuts_(parts.loop, parts.engine.keyspace()),
      snapshots_({parts.engine, parts.loop, parts.disk, parts.log, [this] { return PlaceForRdb(); },
                  [this] { RefreshWriteRefusal(); }}),
      append_only_({parts.engine, parts.loop, parts.disk, parts.clock, parts.log, write_log_, effects_, gate_,
                    parts.on_fatal, [this] { SwitchLogging(); }}),
      held_replies_({parts.engine, parts.loop, gate_, write_log_}),
      loader_({parts.engine, parts.disk, parts.clock, parts.log,
               [this] { return !is_starting_ || parts_.take_turn(); }}) {
  parts_.engine.hooks().after_write = [this](engine::Client& client, const engine::WrittenUnit& unit) {
    AfterWrite(client, unit);
  };
  parts_.engine.hooks().on_all_flushed = [this] { OnAllFlushed(); };
  is_replica_ = !settings_.primary_address.host.empty();
  FollowSettings();
}

Persistence::~Persistence() {
  parts_.engine.effects().set_sink(nullptr);
  parts_.engine.hooks().after_write = nullptr;
  parts_.engine.hooks().on_all_flushed = nullptr;
}

void Persistence::FollowSettings() {
  parts_.configuration.OnChange({"appendonly"}, [this](const settings::Settings& settings) -> Status {
    if (!settings.appendonly) {
      append_only_.TurnOff();
    } else if (Status status = append_only_.TurnOn(); !status) {
      parts_.log.Warning("{}", status.error().message);
      return Fail("Unable to turn on AOF. Check server logs.");
    }
    return {};
  });
  parts_.configuration.OnChange({"appendfsync", "no-appendfsync-on-rewrite", "aof-timestamp-enabled"},
                                [this](const settings::Settings&) -> Status {
                                  append_only_.Configure();
                                  return {};
                                });
  parts_.configuration.OnChange({"replication-acks", "replication-acks-timeout"},
                                [this](const settings::Settings&) -> Status {
                                  parts_.engine.RefreshChecks();
                                  held_replies_.Reconsider();
                                  return {};
                                });
  parts_.configuration.OnChange({"repl-backlog-size"}, [this](const settings::Settings& settings) -> Status {
    if (is_log_wanted_) write_log_.SetRetainBytes(static_cast<uint64_t>(settings.repl_backlog_size));
    return {};
  });
  parts_.configuration.OnChange({"repl-backlog-disk-size"}, [this](const settings::Settings&) -> Status {
    disk_log_.Configure(history_.id);
    return {};
  });
}

// Effects cost time to compose: they are asked for only while somebody reads the log.
void Persistence::SwitchLogging() {
  const bool is_read = append_only_.is_on() || is_log_wanted_;
  parts_.engine.effects().set_sink(is_read && !is_replica_ ? &effects_ : nullptr);
}

void Persistence::AfterWrite(engine::Client& client, const engine::WrittenUnit& unit) {
  client.last_write_offset = write_log_.end_offset();
  if (held_replies_.AfterWrite(client, unit, append_only_.delays_replies())) WantAcks();
}

std::string Persistence::RdbPath() const { return settings_.dir + "/" + settings_.dbfilename; }

// ---- start and stop

Status Persistence::Start() {
  const auto kept = disk_log_.Recover();
  is_starting_ = true;
  const Result<Source> loaded = Load();
  is_starting_ = false;
  if (!loaded) {
    parts_.log.Warning("Fatal error loading the DB: {}. Exiting.", loaded.error().message);
    return std::unexpected(loaded.error());
  }
  snapshots_.MarkClean();
  was_loaded_from_file_ = *loaded == Source::kAof;
  GoOnFrom(Restore(PlaceOf(*loaded, kept), kept, is_replica_, MakeId()));
  if (!settings_.appendonly) return {};
  if (Status status = append_only_.Begin(); !status) {
    parts_.log.Warning("Can't open the append-only file: {}", status.error().message);
    return status;
  }
  return {};
}

Result<Persistence::Source> Persistence::Load() {
  if (settings_.appendonly) {
    HEARTH_TRY(append_only_.Open());
    if (!append_only_.folder().IsNew()) {
      HEARTH_TRY(loader_.LoadAof(append_only_.folder()));
      return Source::kAof;
    }
    // Somebody has turned the append-only file on in the configuration: the data that was saved goes into it.
  }
  const Status status = loader_.LoadRdb(RdbPath());
  if (status) return Source::kRdb;
  if (status.error().code == ENOENT) return Source::kNothing;
  return std::unexpected(status.error());
}

// An RDB file says its place itself. For the append-only file only an orderly end does.
std::optional<Place> Persistence::PlaceOf(Source source,
                                          const std::optional<log::Segments::Recovered>& kept) {
  if (source == Source::kRdb) {
    const rdb::AuxFields& fields = loader_.aux_fields();
    const int64_t offset = fields.replication_offset.value_or(-1);
    if (fields.replication_id.size() != replication::kIdDigits || offset < 0) return std::nullopt;
    const int64_t database = fields.replication_database.value_or(-1);
    const bool is_database = database >= 0 && database < parts_.engine.keyspace().database_count();
    return Place{fields.replication_id, static_cast<uint64_t>(offset),
                 is_database ? static_cast<int>(database) : -1};
  }
  if (source != Source::kAof || !kept || !kept->is_complete) return std::nullopt;
  const auto note = DecodeEndNote(kept->end_note);
  if (!note || !append_only_.EndsAt(note->aof_file, note->aof_bytes)) return std::nullopt;
  return Place{kept->names.back().id, kept->end_offset, note->database};
}

void Persistence::GoOnFrom(const Restored& restored) {
  history_ = restored.history;
  if (!restored.is_continued) {
    // The files of a history that is not ours any more would only take room.
    disk_log_.Forget();
    return;
  }
  if (restored.keeps_log) {
    disk_log_.CutAt(restored.offset);
  } else {
    disk_log_.Forget();
  }
  is_log_wanted_ = true;
  StartLog(restored.offset);
  // A primary's next effect says its database; what a replica gets next may not.
  effects_.set_database(is_replica_ ? restored.database : -1);
  parts_.log.Notice("The dataset is at offset {} of the history {}", restored.offset,
                    is_replica_ ? history_.id : history_.previous()->id);
}

void Persistence::StartLog(uint64_t offset) {
  write_log_.Reset(offset);
  write_log_.SetRetainBytes(static_cast<uint64_t>(settings_.repl_backlog_size));
  held_replies_.OnNewLog();
  gate_.Reset(offset);
  parts_.engine.clients().ForEach([](engine::Client& client) { client.last_write_offset = 0; });
  disk_log_.Start(history_.id);
  SwitchLogging();
}

std::optional<rdb::ReplicationInfo> Persistence::PlaceForRdb() const {
  if (!is_log_wanted_) return std::nullopt;
  return rdb::ReplicationInfo{.database = std::max(effects_.database(), 0),
                              .id = history_.id,
                              .offset = static_cast<int64_t>(write_log_.end_offset())};
}

Status Persistence::Stop(FinalSave save) {
  Status result;
  if (append_only_.is_on()) {
    parts_.log.Notice("Calling fsync() on the AOF file.");
    if (Status status = append_only_.Complete(); !status) {
      parts_.log.Warning("Fail to fsync the AOF file: {}", status.error().message);
      result = status;
    }
  }
  snapshots_.Cancel();
  const bool saves =
      save == FinalSave::kYes || (save == FinalSave::kIfConfigured && !settings_.save_points.empty());
  if (saves && !parts_.engine.is_loading() && !parts_.engine.keyspace().cutter().is_barred()) {
    parts_.log.Notice("Saving the final RDB snapshot before exiting.");
    if (Status status = snapshots_.SaveNow(); !status) {
      parts_.log.Warning("Error trying to save the DB, can't exit.");
      result = status;
    }
  }
  if (result) {
    // Nothing must be promised any more that the files do not have.
    parts_.engine.RestWrites(engine::RestReason::kShutdown, true);
    EndNote note{.database = effects_.database(), .former = history_.former};
    append_only_.DescribeEnd(note.aof_file, note.aof_bytes);
    disk_log_.StopInOrder(EncodeEndNote(note));
  }
  return result;
}

// ---- the place in the history

std::string Persistence::MakeId() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id(replication::kIdDigits, '0');
  for (char& digit : id) digit = kDigits[prng_.Below(kDigits.size())];
  return id;
}

void Persistence::WantLog(bool on) {
  if (on == is_log_wanted_) return;
  is_log_wanted_ = on;
  history_ = {.id = MakeId()};
  if (on) {
    write_log_.SetRetainBytes(static_cast<uint64_t>(settings_.repl_backlog_size));
    disk_log_.Start(history_.id);
  } else {
    write_log_.SetRetainBytes(0);
    disk_log_.StopAndForget();
  }
  SwitchLogging();
}

void Persistence::BeginHistory(std::string id, uint64_t offset, int database) {
  const bool had_file = append_only_.is_on();
  append_only_.TurnOff();
  disk_log_.StopAndForget();
  history_ = {.id = std::move(id)};
  is_log_wanted_ = true;
  effects_.set_database(database);
  StartLog(offset);
  if (had_file) BeginFileAnew();
}

void Persistence::BeginFileAnew() {
  const Status status = append_only_.TurnOn();
  if (status) return;
  retry_file_at_ms_ = parts_.engine.now_ms() + kFileRetryMs;
  parts_.log.Warning("Can't begin the append-only file anew, and try again: {}", status.error().message);
}

void Persistence::ContinueAs(std::string id) {
  history_.Rename(std::move(id), write_log_.end_offset(), effects_.database());
  disk_log_.Rename(history_.id);
}

void Persistence::TakeFreshId() {
  history_ = {.id = MakeId()};
  if (!is_log_wanted_) return;
  disk_log_.StopAndForget();
  disk_log_.Start(history_.id);
}

void Persistence::SetIsReplica(bool on) {
  is_replica_ = on;
  if (on) held_replies_.EndPromises();
  SwitchLogging();
}

// ---- every turn

void Persistence::BeforeWait() {
  if (std::exchange(must_save_, false)) (void)snapshots_.SaveNow();
  held_replies_.Pump(append_only_.is_on());
  append_only_.Pump();
  disk_log_.Pump();
  // Those who waited for the disk (WAITAOF).
  if (parts_.engine.has_resumable()) parts_.loop.RequestImmediateTurn();
  cuts_.RunSlice();
}

void Persistence::Tick() {
  snapshots_.Tick(append_only_.is_rewriting());
  append_only_.Tick();
  const bool is_due = retry_file_at_ms_ != 0 && parts_.engine.now_ms() >= retry_file_at_ms_;
  if (is_due) {
    retry_file_at_ms_ = 0;
    if (settings_.appendonly && !append_only_.is_on()) BeginFileAnew();
  }
  RefreshWriteRefusal();
}

void Persistence::RefreshWriteRefusal() {
  std::string refusal = append_only_.WriteRefusal();
  if (refusal.empty() && settings_.stop_writes_on_bgsave_error && !settings_.save_points.empty() &&
      !snapshots_.stats().last_ok) {
    refusal =
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. "
        "Commands that may modify the data set are disabled, because this instance is configured to report "
        "errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check "
        "the "
        "Redis logs for details about the RDB error.";
  }
  engine::Refusals refusals = parts_.engine.refusals();
  refusals.disk = std::move(refusal);
  parts_.engine.SetRefusals(std::move(refusals));
}

// ---- commands

void Persistence::OnAllFlushed() {
  snapshots_.Cancel();
  // What was written away must not come back at the next start. The file says which writes it has, so that
  // this one must have been logged before.
  must_save_ = !settings_.save_points.empty();
}

Status Persistence::DropFunctions() {
  engine::FunctionLibraries* functions = parts_.engine.functions();
  return functions == nullptr ? Status() : functions->Load({}, engine::FunctionLibraries::Existing::kDropAll);
}

Status Persistence::Reload(bool saves, bool flushes) {
  if (saves) HEARTH_TRY(snapshots_.SaveNow());
  if (flushes) {
    for (int i = 0; i < parts_.engine.keyspace().database_count(); ++i) {
      parts_.engine.keyspace().database(i).Clear(false);
    }
    parts_.engine.OnFlushed();
    HEARTH_TRY(DropFunctions());
  }
  HEARTH_TRY(loader_.LoadRdb(RdbPath(), flushes ? rdb::OnDuplicate::kFail : rdb::OnDuplicate::kReplace));
  snapshots_.MarkClean();
  parts_.log.Warning("DB reloaded by DEBUG RELOAD");
  return {};
}

Status Persistence::ReloadAof() {
  HEARTH_TRY(append_only_.Flush());
  for (int i = 0; i < parts_.engine.keyspace().database_count(); ++i) {
    parts_.engine.keyspace().database(i).Clear(false);
  }
  parts_.engine.OnFlushed();
  HEARTH_TRY(DropFunctions());
  parts_.engine.effects().set_sink(nullptr);
  const Status status = loader_.LoadAof(append_only_.folder());
  SwitchLogging();
  HEARTH_TRY(status);
  parts_.log.Warning("Append Only File loaded by DEBUG LOADAOF");
  return {};
}

}  // namespace hearth::persistence
