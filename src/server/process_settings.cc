#include "server/process_settings.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "env/process.h"
#include "server/process_title.h"

namespace hearth::server {

ProcessSettings::ProcessSettings(settings::Configuration& configuration, Logger& log, bool is_sentinel,
                                 std::function<bool()> is_replica)
    : configuration_(configuration),
      settings_(configuration.settings()),
      log_(log),
      is_sentinel_(is_sentinel),
      is_replica_(std::move(is_replica)),
      watchdog_(log) {
  configuration.OnChange({"proc-title-template", "port", "bind"}, [this](const auto&) { return SetTitle(); });
  configuration.OnChange({"oom-score-adj", "oom-score-adj-values"}, [this](const auto&) -> Status {
    if (Status status = SetMemoryScore(); !status) {
      log_.Warning("{}", status.error().message);
      return Fail("Failed to apply new oom_score_adj configuration, check server logs.");
    }
    return {};
  });
}

void ProcessSettings::Apply() {
  if (Status status = SetTitle(); !status) log_.Warning("proc-title-template: {}", status.error().message);
  was_replica_ = is_replica_();
  if (Status status = SetMemoryScore(); !status) log_.Warning("{}", status.error().message);
}

Status ProcessSettings::SetTitle() {
  const std::string name = is_sentinel_ ? "hearth-sentinel" : "hearth-server";
  std::string address = settings_.unixsocket;
  if (settings_.port != 0) {
    const auto& addresses = settings_.bind_addresses;
    address = (addresses.empty() ? "*" : addresses[0]) + ":" + std::to_string(settings_.port);
  }
  const Result<std::string> title =
      FillTitle(settings_.proc_title_template, {{"{title}", name},
                                                {"{listen-addr}", address},
                                                {"{server-mode}", is_sentinel_                ? "[sentinel]"
                                                                  : settings_.cluster_enabled ? "[cluster]"
                                                                                              : ""},
                                                {"{port}", std::to_string(settings_.port)},
                                                {"{tls-port}", std::to_string(settings_.tls_port)},
                                                {"{unixsocket}", settings_.unixsocket},
                                                {"{config-file}", configuration_.file()}});
  if (!title) return std::unexpected(title.error());
  if (settings_.set_proc_title) env::SetProcessTitle(*title, name);
  return {};
}

// The third value is for processes that save, which there never are.
Status ProcessSettings::SetMemoryScore() {
  const bool is_wanted = settings_.oom_score_adj != settings::OomScoreAdj::kNo;
  if (!is_wanted && !first_score_) return {};
  if (!first_score_) {
    const Result<int> score = env::OutOfMemoryScore();
    if (!score) return std::unexpected(score.error());
    first_score_ = *score;
  }
  int score = *first_score_;
  if (is_wanted) {
    const int value = static_cast<int>(settings_.oom_score_adj_values[is_replica_() ? 1 : 0]);
    score = settings_.oom_score_adj == settings::OomScoreAdj::kAbsolute ? value : score + value;
  }
  HEARTH_TRY(env::SetOutOfMemoryScore(std::clamp(score, -1000, 1000)));
  if (!is_wanted) first_score_.reset();
  return {};
}

void ProcessSettings::Tick() {
  // A period that the timers cannot keep would raise an alarm each time.
  const int64_t shortest_ms = 2 * 1000 / std::clamp<int64_t>(settings_.hz, 1, 10);
  const int64_t period_ms = settings_.watchdog_period;
  watchdog_.Feed(period_ms > 0 ? std::max(period_ms, shortest_ms) : 0);
  if (is_replica_() == was_replica_) return;
  was_replica_ = !was_replica_;
  if (Status status = SetMemoryScore(); !status) log_.Warning("{}", status.error().message);
}

}  // namespace hearth::server
