// All that keeps the dataset beyond the process: snapshots, the append-only file, and what is loaded at
// start. Makes the parts and says how they go together.
//
// Owned by the composition root; engine thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "env/disk.h"
#include "log/effect_writer.h"
#include "log/gate.h"
#include "log/write_log.h"
#include "net/event_loop.h"
#include "persistence/append_only.h"
#include "persistence/cut_driver.h"
#include "persistence/dataset_loader.h"
#include "persistence/snapshots.h"
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

  Snapshots& snapshots() { return snapshots_; }
  AppendOnly& append_only() { return append_only_; }
  const DatasetLoader& loader() const { return loader_; }
  log::WriteLog& write_log() { return write_log_; }
  log::Gate& gate() { return gate_; }

 private:
  void FollowSettings();
  void SwitchLogging();
  void RefreshWriteRefusal();
  Status Load();
  std::string RdbPath() const;

  const Parts parts_;
  const settings::Settings& settings_;
  log::WriteLog write_log_;
  log::EffectWriter effects_{write_log_};
  log::Gate gate_;
  CutDriver cuts_;
  Snapshots snapshots_;
  AppendOnly append_only_;
  DatasetLoader loader_;
  bool is_starting_ = false;
};

}  // namespace hearth::persistence
