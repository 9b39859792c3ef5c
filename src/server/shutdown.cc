#include "server/shutdown.h"

#include <csignal>
#include <vector>

namespace hearth::server {

bool Shutdown::MustWait() const {
  return parts_.engine.settings().shutdown_timeout > 0 && !parts_.replication.is_replica() &&
         !parts_.replication.replicas().AreCaughtUp();
}

Result<Shutdown::Stage> Shutdown::Begin(const ShutdownRequest& request) {
  if (is_ending_) return Stage::kEnding;
  parts_.log.Notice("User requested shutdown...");
  if (!request.is_immediate && MustWait()) {
    if (!waiting_) {
      parts_.log.Notice("Waiting for replicas before shutting down.");
      deadline_ms_ = NowMs() + parts_.engine.settings().shutdown_timeout * 1000;
      parts_.engine.RestWrites(engine::RestReason::kShutdown, true);
    }
    waiting_ = request;
    parts_.replication.replicas().RequestAcks();
    return Stage::kWaiting;
  }
  if (Status status = Finish(request); !status) return std::unexpected(status.error());
  return Stage::kEnding;
}

void Shutdown::BeginBySignal(int signal) {
  parts_.log.Notice("Received {} scheduling shutdown...", signal == SIGINT ? "SIGINT" : "SIGTERM");
  const settings::Settings& settings = parts_.engine.settings();
  const int flags =
      static_cast<int>(signal == SIGINT ? settings.shutdown_on_sigint : settings.shutdown_on_sigterm);
  const auto has = [flags](settings::ShutdownFlags flag) { return (flags & static_cast<int>(flag)) != 0; };
  ShutdownRequest request;
  if (has(settings::ShutdownFlags::kSave)) request.save = ShutdownRequest::Save::kYes;
  if (has(settings::ShutdownFlags::kNosave)) request.save = ShutdownRequest::Save::kNo;
  // Whoever sends it twice does not want to wait.
  request.is_immediate = has(settings::ShutdownFlags::kNow) || waiting_.has_value();
  request.is_forced = has(settings::ShutdownFlags::kForce);
  if (!Begin(request)) {
    parts_.log.Warning(
        "{} received but errors trying to shut down the server, check the logs for more information",
        signal == SIGINT ? "SIGINT" : "SIGTERM");
  }
}

bool Shutdown::Abort() {
  if (!waiting_) return false;
  waiting_.reset();
  parts_.log.Notice("Shutdown manually aborted");
  parts_.engine.RestWrites(engine::RestReason::kShutdown, false);
  return true;
}

void Shutdown::Step() {
  if (!waiting_) return;
  if (MustWait() && NowMs() < deadline_ms_) return;
  const ShutdownRequest request = *waiting_;
  LogLag();
  if (!Finish(request)) Abort();
}

void Shutdown::LogLag() const {
  const uint64_t end = parts_.persistence.write_log().end_offset();
  size_t in_sync = 0;
  const std::vector<replication::ReplicaInfo> list = parts_.replication.replicas().list();
  for (const replication::ReplicaInfo& replica : list) {
    if (replica.acked_offset == end) {
      ++in_sync;
      continue;
    }
    parts_.log.Notice("Lagging replica {}:{} reported offset {} behind master, lag={}, state={}.",
                      replica.address, replica.port, end - replica.acked_offset, replica.lag_seconds,
                      replica.state);
  }
  if (!list.empty()) {
    parts_.log.Notice("{} of {} replicas are in sync when shutting down.", in_sync, list.size());
  }
}

Status Shutdown::Finish(const ShutdownRequest& request) {
  using Save = persistence::Persistence::FinalSave;
  const Save save = never_saves_                                  ? Save::kNo
                    : request.save == ShutdownRequest::Save::kYes ? Save::kYes
                    : request.save == ShutdownRequest::Save::kNo  ? Save::kNo
                                                                  : Save::kIfConfigured;
  if (Status status = parts_.persistence.Stop(save); !status && !request.is_forced) {
    return Fail("ERR Errors trying to SHUTDOWN. Check logs.");
  } else if (status) {
    parts_.replication.Stop();
  }
  waiting_.reset();
  is_ending_ = true;
  parts_.end();
  return {};
}

}  // namespace hearth::server
