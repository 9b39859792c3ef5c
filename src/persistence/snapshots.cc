#include "persistence/snapshots.h"

#include <algorithm>
#include <utility>

#include "base/memory.h"
#include "env/process.h"

namespace hearth::persistence {
namespace {

// After a save that failed, the next one of itself waits so long.
constexpr int64_t kRetrySeconds = 5;

}  // namespace

Snapshots::Snapshots(const Parts& parts) : parts_(parts), settings_(parts.engine.settings()) {
  stats_.last_save_seconds = parts_.engine.clock().WallMicros() / 1'000'000;
}

Snapshots::~Snapshots() { Cancel(); }

Result<std::unique_ptr<Snapshots::Job>> Snapshots::Begin() {
  keyspace::Keyspace& keyspace = parts_.engine.keyspace();
  parts_.engine.RefreshTime();
  rdb::RdbSnapshot::Options snapshot = rdb::DescribeSnapshot(keyspace, settings_);
  snapshot.used_memory = AllocatedBytes();
  snapshot.replication = parts_.replication();
  snapshot.functions = parts_.engine.FunctionCodes();
  auto job = std::make_unique<Job>();
  for (const auto& database : snapshot.databases) job->keys_total += database.keys;
  const rdb::FileSink::Options file{.folder = settings_.dir,
                                    .temporary_name = rdb::TemporaryRdbName(env::ProcessId()),
                                    .name = settings_.dbfilename,
                                    .has_incremental_sync = settings_.rdb_save_incremental_fsync};
  last_try_seconds_ = parts_.engine.now_ms() / 1000;
  auto writer =
      rdb::SaveRdb(parts_.disk, file, std::move(snapshot), [&loop = parts_.loop] { loop.WakeIfAsleep(); });
  if (!writer) return std::unexpected(writer.error());
  auto save = SaveJob::Begin(keyspace.cutter(), parts_.engine.clock(), std::move(*writer));
  if (!save) return std::unexpected(save.error());
  job->save = std::move(*save);
  job->changes_at_start = keyspace.change_count();
  ++stats_.saves;
  return job;
}

Status Snapshots::Start() {
  if (job_ != nullptr) return Fail("Background save already in progress");
  auto job = Begin();
  if (!job) {
    stats_.last_ok = false;
    parts_.log.Warning("Failed opening the temp RDB file for saving: {}", job.error().message);
    return std::unexpected(job.error());
  }
  job_ = std::move(*job);
  parts_.log.Notice("Background saving started");
  return {};
}

Status Snapshots::SaveNow() {
  if (job_ != nullptr) return Fail("Background save already in progress");
  auto job = Begin();
  if (!job) {
    parts_.log.Warning("Failed opening the temp RDB file for saving: {}", job.error().message);
    return std::unexpected(job.error());
  }
  (*job)->save->CaptureAll();
  const Status status = Finish(**job);
  if (status) parts_.log.Notice("DB saved on disk");
  return status;
}

// Ends a job whose writer is done or has failed.
Status Snapshots::Finish(Job& job) {
  const Status status = job.save->Finish();
  stats_.last_ok = status.has_value();
  stats_.last_duration_seconds = job.save->seconds();
  stats_.last_queue_bytes = job.most_queued_bytes;
  if (status) {
    changes_at_last_save_ = job.changes_at_start;
    stats_.last_save_seconds = parts_.engine.clock().WallMicros() / 1'000'000;
  } else {
    parts_.log.Warning("Write error saving DB on disk: {}", status.error().message);
  }
  parts_.on_ended();
  return status;
}

void Snapshots::End() {
  const std::unique_ptr<Job> job = std::move(job_);
  if (Finish(*job)) {
    parts_.log.Notice("DB saved on disk");
    parts_.log.Notice("Background saving terminated with success");
  } else {
    parts_.log.Warning("Background saving error");
  }
}

void Snapshots::Cancel() { job_.reset(); }

void Snapshots::Tick(bool must_wait) {
  if (job_ != nullptr) {
    job_->most_queued_bytes =
        std::max<uint64_t>(job_->most_queued_bytes, job_->save->writer().queued_bytes());
    if (job_->save->is_over()) End();
    return;
  }
  // A dataset is being loaded: it is saved once it is whole.
  if (parts_.engine.keyspace().cutter().is_barred()) return;
  const bool is_wanted = is_scheduled_ && !must_wait;
  if (!is_wanted && !IsDue()) return;
  is_scheduled_ = false;
  (void)Start();
}

bool Snapshots::IsDue() const {
  const int64_t now = parts_.engine.now_ms() / 1000;
  if (!stats_.last_ok && now - last_try_seconds_ <= kRetrySeconds) return false;
  for (const settings::SavePoint& point : settings_.save_points) {
    if (changes_since_last_save() >= static_cast<uint64_t>(point.changes) &&
        now - stats_.last_save_seconds > point.seconds) {
      parts_.log.Notice("{} changes in {} seconds. Saving...", point.changes, point.seconds);
      return true;
    }
  }
  return false;
}

uint64_t Snapshots::changes_since_last_save() const {
  return parts_.engine.keyspace().change_count() - changes_at_last_save_;
}

void Snapshots::MarkClean() { changes_at_last_save_ = parts_.engine.keyspace().change_count(); }

int64_t Snapshots::running_seconds() const { return job_ == nullptr ? -1 : job_->save->seconds(); }

}  // namespace hearth::persistence
