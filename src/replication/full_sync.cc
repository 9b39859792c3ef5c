#include "replication/full_sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/memory.h"
#include "env/process.h"
#include "rdb/save.h"
#include "replication/replica_sink.h"

namespace hearth::replication {

FullSync::FullSync(const Parts& parts, Way way)
    : parts_(parts),
      way_(way),
      offset_(parts.persistence.write_log().end_offset()),
      started_us_(parts.clock.MonotonicMicros()),
      phase_(way == Way::kFile ? Phase::kSaving : Phase::kSending) {}

FullSync::~FullSync() {
  // Whoever writes to sockets is told first, so that the workers are not waited for.
  if (fanout_ != nullptr) fanout_->Cancel();
  job_.reset();
  sender_.reset();
  RemoveFile();
}

Result<std::unique_ptr<FullSync>> FullSync::ToSockets(const Parts& parts, std::string mark,
                                                      std::vector<std::shared_ptr<Receiver>> receivers,
                                                      Selection selection) {
  auto sync = std::make_unique<FullSync>(parts, Way::kSockets);
  auto fanout = sync->MakeFanout(std::move(receivers));
  if (!fanout) return std::unexpected(fanout.error());
  sync->fanout_ = *fanout;
  rdb::RdbSnapshot::Options snapshot = sync->Describe();
  sync->keys_ = std::move(selection.keys);
  snapshot.more_fields = std::move(selection.fields);
  // How many keys there are in all is of no use then.
  if (sync->keys_ != nullptr) snapshot.databases.clear();
  const bool has_checksum = snapshot.settings.rdbchecksum;
  const int64_t key_delay_us = snapshot.settings.rdb_key_save_delay;
  using Checksum = rdb::SnapshotOutput::Checksum;
  HEARTH_TRY(sync->BeginCut(std::make_unique<rdb::SnapshotWriter>(
      std::make_unique<rdb::RdbSnapshot>(std::move(snapshot)),
      std::make_unique<ReplicaSink>(std::move(*fanout), std::move(mark)),
      rdb::SnapshotWriter::Options{.checksum = has_checksum ? Checksum::kYes : Checksum::kNo,
                                   .key_delay_us = key_delay_us,
                                   .on_done = sync->WakeEngine()})));
  return sync;
}

Result<std::unique_ptr<FullSync>> FullSync::ByFile(const Parts& parts, uint64_t number) {
  auto sync = std::make_unique<FullSync>(parts, Way::kFile);
  const std::string& folder = parts.engine.settings().dir;
  const int64_t pid = env::ProcessId();
  // A name that those know who clean up after a crash.
  const std::string name = fmt::format("temp-{}.{}.rdb", number, pid);
  const rdb::FileSink::Options file{
      .folder = folder,
      .temporary_name = fmt::format("temp-{}.{}.part.rdb", number, pid),
      .name = name,
      .has_incremental_sync = parts.engine.settings().rdb_save_incremental_fsync};
  auto writer = rdb::SaveRdb(parts.disk, file, sync->Describe(), sync->WakeEngine());
  if (!writer) return std::unexpected(writer.error());
  sync->path_ = folder + "/" + name;
  HEARTH_TRY(sync->BeginCut(std::move(*writer)));
  return sync;
}

rdb::RdbSnapshot::Options FullSync::Describe() const {
  engine::Engine& engine = parts_.engine;
  engine.RefreshTime();
  rdb::RdbSnapshot::Options snapshot = rdb::DescribeSnapshot(engine.keyspace(), engine.settings());
  snapshot.used_memory = AllocatedBytes();
  snapshot.functions = engine.FunctionCodes();
  snapshot.replication =
      rdb::ReplicationInfo{.database = std::max(parts_.persistence.effects().database(), 0),
                           .id = parts_.persistence.history().id,
                           .offset = static_cast<int64_t>(offset_)};
  return snapshot;
}

std::function<void()> FullSync::WakeEngine() const {
  return [&loop = parts_.loop] { loop.WakeIfAsleep(); };
}

Status FullSync::BeginCut(std::unique_ptr<rdb::SnapshotWriter> writer) {
  auto job = persistence::SaveJob::Begin(parts_.engine.keyspace().cutter(), parts_.clock, std::move(writer),
                                         keys_.get());
  if (!job) return std::unexpected(job.error());
  job_ = std::move(*job);
  return {};
}

Result<std::shared_ptr<ReplicaFanout>> FullSync::MakeFanout(
    std::vector<std::shared_ptr<Receiver>> receivers) const {
  const int64_t timeout_us = parts_.engine.settings().repl_timeout * 1'000'000;
  auto fanout = ReplicaFanout::Make(parts_.clock, timeout_us, std::move(receivers));
  if (!fanout) return std::unexpected(fanout.error());
  return std::shared_ptr<ReplicaFanout>(std::move(*fanout));
}

Status FullSync::SendFile(std::vector<std::shared_ptr<Receiver>> receivers) {
  status_ = job_->Finish();
  bytes_ = job_->writer().bytes_written();
  job_.reset();
  phase_ = Phase::kOver;
  HEARTH_TRY(status_);
  auto file = parts_.disk.Open(path_, env::OpenMode::kRead);
  RemoveFile();
  if (!file) return std::unexpected(file.error());
  auto fanout = MakeFanout(std::move(receivers));
  if (!fanout) return std::unexpected(fanout.error());
  fanout_ = *fanout;
  sender_ = std::make_unique<ReplicaFileSender>(std::move(*file), std::move(*fanout), WakeEngine());
  phase_ = Phase::kSending;
  return {};
}

void FullSync::Step() {
  if (phase_ != Phase::kSending) return;
  if (sender_ != nullptr) {
    if (!sender_->is_done()) return;
    status_ = sender_->status();
    sender_.reset();
  } else {
    if (!job_->is_over()) return;
    status_ = job_->Finish();
    bytes_ = job_->writer().bytes_written();
    job_.reset();
  }
  phase_ = Phase::kOver;
}

void FullSync::RemoveFile() {
  if (path_.empty()) return;
  (void)parts_.disk.Remove(path_);
  path_.clear();
}

}  // namespace hearth::replication
