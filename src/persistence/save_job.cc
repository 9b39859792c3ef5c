#include "persistence/save_job.h"

#include <utility>

namespace hearth::persistence {

Result<std::unique_ptr<SaveJob>> SaveJob::Begin(keyspace::Cutter& cutter, env::Clock& clock,
                                                std::unique_ptr<rdb::SnapshotWriter> writer,
                                                const keyspace::CutFilter* filter) {
  auto job = std::make_unique<SaveJob>(Key(), cutter, clock, std::move(writer));
  job->cut_ = cutter.Begin(*job->writer_, filter);
  if (job->cut_ == nullptr) return Fail("too many snapshots are being made at the same time");
  return job;
}

SaveJob::~SaveJob() {
  writer_->Cancel();
  (void)Finish();
}

void SaveJob::CaptureAll() {
  while (!writer_->is_captured() && !writer_->has_failed()) {
    // Other cuts may run beside this one, so the answer is not about this one alone.
    if (!cutter_.Run([] { return false; })) writer_->WaitForRoom();
  }
}

Status SaveJob::Finish() {
  if (cut_ != nullptr && !writer_->is_captured()) keyspace::Cutter::Abandon(*cut_);
  cut_ = nullptr;
  return writer_->Wait();
}

}  // namespace hearth::persistence
