// The append-only file: written from the write log while clients go on, and rewritten by a cut.
//
// With `appendfsync always` a client's replies wait until its writes are on disk (held_replies.h); this says
// to the gate how far the disk is. Owned by Persistence; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "aof/folder.h"
#include "aof/rewrite_schedule.h"
#include "aof/writer.h"
#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "env/disk.h"
#include "log/effect_writer.h"
#include "log/gate.h"
#include "log/write_log.h"
#include "net/event_loop.h"
#include "persistence/save_job.h"
#include "rdb/save.h"

namespace hearth::persistence {

// What INFO tells of it.
struct AppendOnlyStats {
  bool last_rewrite_ok = true;
  bool last_write_ok = true;
  int64_t last_rewrite_seconds = -1;
  uint64_t rewrites = 0;
  uint64_t pump_ticks = 0;  // of env::Ticks(), that the writing has taken of the loop's thread
  std::string last_error;
};

class AppendOnly {
 public:
  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    env::Disk& disk;
    env::Clock& clock;
    Logger& log;
    log::WriteLog& write_log;
    log::EffectWriter& effects;
    log::Gate& gate;
    // The log cannot be written and `appendfsync always` leaves no way on: the process must end.
    std::function<void()> on_fatal;
    // Writes begin or stop going to the log.
    std::function<void()> on_switched;
  };
  explicit AppendOnly(const Parts& parts);
  ~AppendOnly();

  // The files as they are on disk, before anything is loaded.
  Status Open();
  aof::Folder& folder() { return *folder_; }
  // Once data has been loaded (or there was none): writes go to the file from now on.
  Status Begin();

  bool is_on() const { return state_ != State::kOff; }
  // The files have the dataset as it was some time ago, and what came since as far as it is synced.
  bool has_base() const { return state_ == State::kOn; }
  bool is_rewriting() const { return rewrite_ != nullptr; }
  bool is_rewrite_scheduled() const { return is_rewrite_scheduled_; }

  // CONFIG SET appendonly.
  Status TurnOn();
  void TurnOff();
  // After settings changed.
  void Configure();

  // BGREWRITEAOF: begins one.
  Status Rewrite();
  void ScheduleRewrite() { is_rewrite_scheduled_ = true; }

  // Once a turn, before replies leave.
  void Pump();
  // Ten times a second.
  void Tick();
  // Replies to writes wait for the disk.
  bool delays_replies() const;
  // Everything logged is on disk when this returns, or the error says why not.
  Status Flush();
  // Flush, and the first base too if it is still being written. Clients wait meanwhile.
  Status Complete();

  // ---- what an orderly end notes, and the next start looks for

  // After Flush: the last file and its size, if the files hold the whole dataset; else `file` is empty.
  void DescribeEnd(std::string& file, uint64_t& bytes) const;
  // The files, as they have been loaded, end there.
  bool EndsAt(const std::string& file, uint64_t bytes) const;

  // A crash now would lose nothing of the write log before this; 0 if it is off, or has no base yet.
  uint64_t synced_offset() const;

  // Whether clients' writes must be refused, and with what: empty for no.
  std::string WriteRefusal() const;

  const AppendOnlyStats& stats() const { return stats_; }
  aof::WriterStats writer_stats() const { return writer_ == nullptr ? aof::WriterStats{} : writer_->stats(); }
  // Of all files.
  uint64_t total_bytes() const;
  int64_t rewriting_seconds() const;
  const aof::RewriteSchedule& schedule() const { return schedule_; }

 private:
  enum class State { kOff, kWaitingForRewrite, kOn };

  aof::WriterSettings WriterSettingsNow() const;
  Status StartWriter(std::unique_ptr<env::File> file);
  std::string SelectNow() const;
  Result<std::unique_ptr<SaveJob>> BeginRewrite();
  void EndRewrite();
  Status InstallRewritten();
  void RemoveHistory();
  void CountFailure();
  void TakeReport();
  void RefreshSizes();
  void ReportDelays();
  bool MustRewrite() const;

  const Parts parts_;
  const settings::Settings& settings_;
  std::unique_ptr<aof::Folder> folder_;
  std::unique_ptr<aof::Writer> writer_;
  std::unique_ptr<SaveJob> rewrite_;
  State state_ = State::kOff;
  AppendOnlyStats stats_;
  uint64_t older_bytes_ = 0;  // of the files before the one that is written
  std::jthread remover_;      // of files that a rewrite has replaced
  bool is_rewrite_scheduled_ = false;
  aof::RewriteSchedule schedule_;
};

}  // namespace hearth::persistence
