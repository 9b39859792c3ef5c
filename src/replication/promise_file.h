// Keeps on disk what must not be forgotten of promised writes (core/promise_memory.h): a small file in `dir`
// that is replaced as a whole, and is on disk before what it says takes effect. Where nothing was ever
// promised there is none.
//
// Owned by Replicas; engine thread only, which waits for the disk. That is as often as replicas come and go,
// and Sentinels decide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "env/clock.h"
#include "env/disk.h"
#include "replication/core/acks_set.h"
#include "replication/core/promise_memory.h"
#include "settings/settings.h"

namespace hearth::replication {

class PromiseFile {
 public:
  static constexpr std::string_view kName = "promises.hearth";

  struct Parts {
    env::Disk& disk;
    env::Clock& clock;
    Logger& log;
    const settings::Settings& settings;
    const AcksSet& acks;  // whose state is kept
  };
  explicit PromiseFile(const Parts& parts) : parts_(parts) {}
  PromiseFile(const PromiseFile&) = delete;
  PromiseFile& operator=(const PromiseFile&) = delete;

  // What the process before this one left; nothing is kept before. A file that cannot be read is an error:
  // what it says is not to be guessed.
  Result<PromiseMemory> Load();

  // To be kept beside the state of `acks`: see PromiseMemory.
  void set_fenced_epoch(uint64_t epoch);
  void set_synced(bool is_synced);
  void set_end(std::optional<PromiseMemory::End> end);
  uint64_t fenced_epoch() const { return memory_.fenced_epoch; }
  bool is_synced() const { return memory_.is_synced; }

  // True if the disk has all. Once a turn or more often: while nothing has changed it costs nothing, and
  // while the disk fails it is tried once a second. The log says what is wrong.
  bool Save();
  // At once, whatever was tried before.
  Status SaveNow();

 private:
  static constexpr int64_t kRetryMs = 1000;

  std::string Path() const { return parts_.settings.dir + "/" + std::string(kName); }
  Status Write();
  int64_t NowMs() const { return parts_.clock.MonotonicMicros() / 1000; }

  const Parts parts_;
  PromiseMemory memory_;  // but for what `acks` knows
  bool is_loaded_ = false;
  bool is_changed_ = false;
  uint64_t saved_changes_ = 0;  // of `acks`
  std::string saved_;           // what the file has; empty: there is none
  std::string saved_path_;
  int64_t failed_ms_ = -1;  // -1: the last attempt did not fail
};

}  // namespace hearth::replication
