// A cut on its way to its writer: what BGSAVE, SAVE and the rewrite of the append-only file have in common.
//
// Owned by whoever began it; engine thread only. Destroying one that is not over gives it up.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "env/clock.h"
#include "keyspace/cutter.h"
#include "rdb/snapshot_writer.h"

namespace hearth::persistence {

class SaveJob {
 private:
  class Key {};  // Begin alone makes jobs

 public:
  // Starts a cut for `writer`, of all keys or of those that the filter wants, which outlives the job.
  static Result<std::unique_ptr<SaveJob>> Begin(keyspace::Cutter& cutter, env::Clock& clock,
                                                std::unique_ptr<rdb::SnapshotWriter> writer,
                                                const keyspace::CutFilter* filter = nullptr);
  SaveJob(Key, keyspace::Cutter& cutter, env::Clock& clock, std::unique_ptr<rdb::SnapshotWriter> writer)
      : cutter_(cutter), clock_(clock), writer_(std::move(writer)), started_us_(clock.MonotonicMicros()) {}
  ~SaveJob();
  SaveJob(const SaveJob&) = delete;
  SaveJob& operator=(const SaveJob&) = delete;

  const rdb::SnapshotWriter& writer() const { return *writer_; }
  // Finish will not wait for long.
  bool is_over() const { return writer_->is_done() || writer_->has_failed(); }
  int64_t seconds() const { return (clock_.MonotonicMicros() - started_us_) / 1'000'000; }

  // Captures all that is left, at once: for SAVE. Clients wait meanwhile.
  void CaptureAll();
  // Waits for the writer and says how it went. Everything has been captured, or the writer has failed.
  Status Finish();

 private:
  keyspace::Cutter& cutter_;
  env::Clock& clock_;
  const std::unique_ptr<rdb::SnapshotWriter> writer_;
  keyspace::Cut* cut_ = nullptr;  // gone as soon as everything has been captured: the writer knows
  const int64_t started_us_;
};

}  // namespace hearth::persistence
