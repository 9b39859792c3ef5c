#include "persistence/persistence.h"

#include <cerrno>

#include <fmt/format.h>

namespace hearth::persistence {

Persistence::Persistence(const Parts& parts)
    : parts_(parts),
      settings_(parts.configuration.settings()),
      cuts_(parts.loop, parts.engine.keyspace()),
      snapshots_({parts.engine, parts.loop, parts.disk, parts.log,
                  [] { return std::optional<rdb::ReplicationInfo>(); }, [this] { RefreshWriteRefusal(); }}),
      append_only_({parts.engine, parts.loop, parts.disk, parts.clock, parts.log, write_log_, effects_, gate_,
                    parts.on_fatal, [this] { SwitchLogging(); }}),
      loader_({parts.engine, parts.disk, parts.clock, parts.log,
               [this] { return !is_starting_ || parts_.take_turn(); }}) {
  parts_.engine.set_after_write([this](engine::Client& client) { append_only_.AfterWrite(client); });
  parts_.engine.set_on_all_flushed([this] { OnAllFlushed(); });
  FollowSettings();
}

Persistence::~Persistence() {
  parts_.engine.effects().set_sink(nullptr);
  parts_.engine.set_after_write(nullptr);
  parts_.engine.set_on_all_flushed(nullptr);
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
}

// Effects cost time to compose: they are asked for only while somebody reads the log.
void Persistence::SwitchLogging() {
  parts_.engine.effects().set_sink(append_only_.is_on() ? &effects_ : nullptr);
}

std::string Persistence::RdbPath() const { return settings_.dir + "/" + settings_.dbfilename; }

// ---- start and stop

Status Persistence::Start() {
  is_starting_ = true;
  const Status loaded = Load();
  is_starting_ = false;
  if (!loaded) {
    parts_.log.Warning("Fatal error loading the DB: {}. Exiting.", loaded.error().message);
    return loaded;
  }
  snapshots_.MarkClean();
  if (!settings_.appendonly) return {};
  if (Status status = append_only_.Begin(); !status) {
    parts_.log.Warning("Can't open the append-only file: {}", status.error().message);
    return status;
  }
  return {};
}

Status Persistence::Load() {
  if (settings_.appendonly) {
    HEARTH_TRY(append_only_.Open());
    if (!append_only_.folder().IsNew()) return loader_.LoadAof(append_only_.folder());
    // Somebody has turned the append-only file on in the configuration: the data that was saved goes into it.
  }
  Status status = loader_.LoadRdb(RdbPath());
  if (!status && status.error().code == ENOENT) return {};
  return status;
}

Status Persistence::Stop(FinalSave save) {
  Status result;
  if (append_only_.is_on()) {
    parts_.log.Notice("Calling fsync() on the AOF file.");
    if (Status status = append_only_.Flush(); !status) {
      parts_.log.Warning("Fail to fsync the AOF file: {}", status.error().message);
      result = status;
    }
  }
  snapshots_.Cancel();
  const bool saves =
      save == FinalSave::kYes || (save == FinalSave::kIfConfigured && !settings_.save_points.empty());
  if (saves && !parts_.engine.is_loading()) {
    parts_.log.Notice("Saving the final RDB snapshot before exiting.");
    if (Status status = snapshots_.SaveNow(); !status) {
      parts_.log.Warning("Error trying to save the DB, can't exit.");
      result = status;
    }
  }
  return result;
}

// ---- every turn

void Persistence::BeforeWait() {
  append_only_.Pump();
  cuts_.RunSlice();
}

void Persistence::Tick() {
  snapshots_.Tick();
  append_only_.Tick();
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
  parts_.engine.RefuseWrites(std::move(refusal));
}

// ---- commands

void Persistence::OnAllFlushed() {
  snapshots_.Cancel();
  // What was written away must not come back at the next start.
  if (!settings_.save_points.empty()) (void)snapshots_.SaveNow();
}

Status Persistence::Reload(bool saves, bool flushes) {
  if (saves) HEARTH_TRY(snapshots_.SaveNow());
  if (flushes) {
    for (int i = 0; i < parts_.engine.keyspace().database_count(); ++i) {
      parts_.engine.keyspace().database(i).Clear(false);
    }
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
  parts_.engine.effects().set_sink(nullptr);
  const Status status = loader_.LoadAof(append_only_.folder());
  SwitchLogging();
  HEARTH_TRY(status);
  parts_.log.Warning("Append Only File loaded by DEBUG LOADAOF");
  return {};
}

}  // namespace hearth::persistence
