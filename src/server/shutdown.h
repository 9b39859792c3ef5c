// How the server ends: upon SHUTDOWN or a signal it waits for replicas that lag behind, as long as
// `shutdown-timeout` says, saves what is to be saved, and ends the loop.
//
// Owned by Server; engine thread only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "persistence/persistence.h"
#include "replication/replication.h"

namespace hearth::server {

// What SHUTDOWN was asked for.
struct ShutdownRequest {
  enum class Save : uint8_t { kAsConfigured, kYes, kNo } save = Save::kAsConfigured;
  bool is_immediate = false;  // NOW: does not wait for replicas
  bool is_forced = false;     // FORCE: whatever goes wrong
};

class Shutdown {
 public:
  struct Parts {
    engine::Engine& engine;
    persistence::Persistence& persistence;
    replication::Replication& replication;
    Logger& log;
    std::function<void()> end;  // the process
  };
  enum class Stage { kEnding, kWaiting };

  explicit Shutdown(const Parts& parts) : parts_(parts) {}

  // The error is the whole reply. While it waits, writes rest.
  Result<Stage> Begin(const ShutdownRequest& request);
  // What `shutdown-on-sigterm` and `shutdown-on-sigint` ask for.
  void BeginBySignal(int signal);
  // Goes on serving. False if nothing was waiting.
  bool Abort();
  // For a server without a dataset.
  void set_never_saves() { never_saves_ = true; }
  // Once a turn.
  void Step();
  // How long it may still wait; -1 if nothing is waiting.
  int64_t MillisecondsLeft() const { return waiting_ ? std::max<int64_t>(deadline_ms_ - NowMs(), 0) : -1; }

 private:
  Status Finish(const ShutdownRequest& request);
  bool MustWait() const;
  void LogLag() const;
  int64_t NowMs() const { return parts_.engine.clock().MonotonicMicros() / 1000; }

  const Parts parts_;
  std::optional<ShutdownRequest> waiting_;  // for replicas
  int64_t deadline_ms_ = 0;
  bool never_saves_ = false;
  bool is_ending_ = false;
};

}  // namespace hearth::server
