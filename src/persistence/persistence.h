// All that keeps the dataset beyond the process: snapshots, the append-only file, the write log with its tail
// on disk, and what is loaded at start. Makes the parts and says how they go together.
//
// It also knows which place in which history of writes (replication/core/history.h) the dataset is at: the
// write log's end, under the ids of `history()`. Snapshots say it, and a restart finds it again
// (docs/formats/write_log.md). Whoever appends to the write log beside the engine's effects (a replica: the
// stream of its primary) appends whole transactions, and keeps `effects().database()` the database that is
// selected at the log's end.
//
// Owned by the composition root; engine thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/prng.h"
#include "base/result.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "env/disk.h"
#include "log/effect_writer.h"
#include "log/gate.h"
#include "log/segments.h"
#include "log/write_log.h"
#include "net/event_loop.h"
#include "persistence/append_only.h"
#include "persistence/cut_driver.h"
#include "persistence/dataset_loader.h"
#include "persistence/disk_log.h"
#include "persistence/held_replies.h"
#include "persistence/place.h"
#include "persistence/snapshots.h"
#include "replication/core/history.h"
#include "settings/configuration.h"

namespace hearth::persistence {

class Persistence {
 public:
  struct Parts {
    settings::Configuration& configuration;
    engine::Engine& engine;
    net::EventLoop& loop;
    env::Disk& disk;
    env::Clock& clock;
    Logger& log;
    // While data is loaded: serves clients for a moment; false if the server is to end.
    std::function<bool()> take_turn;
    // The process must end at once: what was promised can no longer be kept.
    std::function<void()> on_fatal;
  };
  explicit Persistence(const Parts& parts);
  ~Persistence();

  // Loads what there is, and begins to log. The error has been logged when this returns.
  Status Start();
  // Once a turn, before replies leave.
  void BeforeWait();
  // Ten times a second.
  void Tick();

  // What SHUTDOWN owes: the append-only file on disk, a snapshot if wanted. An error has been logged.
  enum class FinalSave { kIfConfigured, kYes, kNo };
  Status Stop(FinalSave save);

  // FLUSHALL: a running save is of no use any more, and the file follows.
  void OnAllFlushed();
  // DEBUG RELOAD and LOADAOF.
  Status Reload(bool saves, bool flushes);
  Status ReloadAof();

  // ---- the place in the history

  const replication::History& history() const { return history_; }
  // Replication wants the effects of writes logged, whether or not there is an append-only file: a backlog
  // exists. Turning it on takes a fresh id, since what was written before has not been counted; so does
  // turning it off, which frees the backlog. After a start that has found its place again it is on.
  void WantLog(bool on);
  bool is_log_wanted() const { return is_log_wanted_; }
  // Another dataset has come, by a full sync: the log starts anew at `offset` and is wanted, a running
  // append-only file is begun again by a rewrite. `database` is selected in the stream there, -1 if none is.
  // No cursor of replicas may be in the log.
  void BeginHistory(std::string id, uint64_t offset, int database = -1);
  // The same log goes on, under another id from here on: a promotion, or +CONTINUE with another id.
  void ContinueAs(std::string id);
  // The same log goes on, under an id that nobody knows, and without a past: DEBUG CHANGE-REPL-ID.
  void TakeFreshId();
  // 40 hexadecimal digits that were never there before.
  std::string MakeId();

  // A replica's log has nothing of its own: only what its primary sent. At first, what the configuration
  // says.
  bool is_replica() const { return is_replica_; }
  void SetIsReplica(bool on);

  // Replicas are to say how far they are. Whoever speaks to them looks once a turn whether that is wanted.
  void WantAcks() { are_acks_wanted_ = true; }
  bool TakeAcksWish() { return std::exchange(are_acks_wanted_, false); }

  // The tail on disk, for replicas that lag behind `write_log()`. It covers all that has left memory but is
  // null while there is none (`repl-backlog-disk-size` 0, nobody wants the log), and may be empty while the
  // disk fails. Lives as long as this.
  log::Segments* segments() { return disk_log_.segments(); }
  uint64_t pending_segment_bytes() const { return disk_log_.pending_bytes(); }
  log::WriteLog& write_log() { return write_log_; }
  log::EffectWriter& effects() { return effects_; }
  log::Gate& gate() { return gate_; }

  Snapshots& snapshots() { return snapshots_; }
  AppendOnly& append_only() { return append_only_; }
  HeldReplies& held_replies() { return held_replies_; }
  const DatasetLoader& loader() const { return loader_; }
  // The data of the start came from the append-only file.
  bool was_loaded_from_file() const { return was_loaded_from_file_; }

 private:
  enum class Source { kNothing, kRdb, kAof };

  void FollowSettings();
  void SwitchLogging();
  void AfterWrite(engine::Client& client, const engine::WrittenUnit& unit);
  void RefreshWriteRefusal();
  Result<Source> Load();
  std::optional<Place> PlaceOf(Source source, const std::optional<log::Segments::Recovered>& kept);
  void GoOnFrom(const Restored& restored);
  void StartLog(uint64_t offset);
  void BeginFileAnew();
  Status DropFunctions();
  std::optional<rdb::ReplicationInfo> PlaceForRdb() const;
  std::string RdbPath() const;

  const Parts parts_;
  const settings::Settings& settings_;
  log::WriteLog write_log_;
  log::EffectWriter effects_{write_log_};
  log::Gate gate_;
  Prng prng_;
  replication::History history_;
  DiskLog disk_log_;
  CutDriver cuts_;
  Snapshots snapshots_;
  AppendOnly append_only_;
  HeldReplies held_replies_;
  DatasetLoader loader_;
  bool are_acks_wanted_ = false;
  bool is_log_wanted_ = false;
  int64_t retry_file_at_ms_ = 0;  // the append-only file could not begin anew
  bool is_replica_ = false;
  bool must_save_ = false;  // FLUSHALL: once its effect has been logged
  bool is_starting_ = false;
  bool was_loaded_from_file_ = false;
};

}  // namespace hearth::persistence
