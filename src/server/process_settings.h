// What the configuration asks of the process itself: its title, its score for the system's killer, reports of
// crashes, and the watchdog.
//
// Owned by Server; engine thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "server/watchdog.h"
#include "settings/configuration.h"

namespace hearth::server {

class ProcessSettings {
 public:
  // All stay for as long as this object, `log` for the life of the process. `is_replica` tells the server's
  // part as of now.
  ProcessSettings(settings::Configuration& configuration, Logger& log, bool is_sentinel,
                  std::function<bool()> is_replica);

  // When the server starts. A title that cannot be is told of in the log.
  void Apply();
  // Ten times a second: the part that the server plays may have changed, and the watchdog wants to be fed.
  void Tick();

 private:
  Status SetTitle();
  Status SetMemoryScore();

  const settings::Configuration& configuration_;
  const settings::Settings& settings_;
  Logger& log_;
  const bool is_sentinel_;
  const std::function<bool()> is_replica_;
  Watchdog watchdog_;
  std::optional<int> first_score_;  // before anything was changed; empty while nothing was
  bool was_replica_ = false;
};

}  // namespace hearth::server
