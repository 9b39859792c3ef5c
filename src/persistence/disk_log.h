// Keeps the write log's tail on disk as far as the settings want it: starts and stops the writer of the
// segments, and finds again at start what a former run has left.
//
// Owned by Persistence; engine thread only, but for the claims of `segments()`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "env/clock.h"
#include "env/disk.h"
#include "log/segment_writer.h"
#include "log/segments.h"
#include "log/write_log.h"
#include "settings/settings.h"

namespace hearth::persistence {

class DiskLog {
 public:
  struct Parts {
    env::Disk& disk;
    env::Clock& clock;
    Logger& log;
    log::WriteLog& write_log;
    const settings::Settings& settings;
  };
  explicit DiskLog(const Parts& parts) : parts_(parts) {}

  // ---- at start, before Start

  // What a former run has left; nullopt if that is nothing of use, or none is wanted.
  std::optional<log::Segments::Recovered> Recover();
  // The history ends at `offset`, within what was recovered: what lies behind is removed.
  void CutAt(uint64_t offset);
  void Forget();

  // ---- running

  // Writes the log from its end on, under `id`: behind what is there if that ends here, else anew.
  void Start(const std::string& id);
  // What is logged from here on is so under another id.
  void Rename(const std::string& id);
  // Nobody wants the log any more, or it starts anew: removes all there is.
  void StopAndForget();
  // The server ends in order; `note` says what it has on disk beside the log.
  void StopInOrder(std::string note);
  // Once a turn.
  void Pump();
  // After settings changed; `id` as for Start.
  void Configure(const std::string& id);

  // Null while it does not run.
  log::Segments* segments() { return is_running() ? segments_.get() : nullptr; }
  // What waits to be written; beyond SegmentWriter::kMaxPendingBytes all on disk is given up.
  uint64_t pending_bytes() const { return is_running() ? writer_->pending_bytes() : 0; }

 private:
  bool is_running() const { return writer_ != nullptr && writer_->is_started(); }
  log::Segments& Open();

  const Parts parts_;
  // Made when first needed, and kept: readers may hold on to it.
  std::unique_ptr<log::Segments> segments_;
  std::unique_ptr<log::SegmentWriter> writer_;
  bool is_wanted_ = false;
};

}  // namespace hearth::persistence
