// Checks AOF files without loading them: where what is sound ends, and why. What hearth-check-aof does, but
// for the printing and asking. Any thread; changes nothing but by Truncate.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "env/disk.h"

namespace hearth::aof {

// Checks the RDB that a file begins with and gives the offset behind it; an error says at which byte it is
// broken.
using SnapshotChecker = std::function<Result<uint64_t>(const std::string& path)>;

struct FileCheck {
  uint64_t file_bytes = 0;
  // Up to here all is sound: whole commands, and no transaction without its end.
  uint64_t sound_bytes = 0;
  // What is wrong there; empty if nothing is.
  std::string problem;
  // False if the file can be cut to its sound part: it only ends too early. True if its bytes are wrong.
  bool is_damaged = false;
  bool has_snapshot = false;
  uint64_t commands = 0;
  int64_t first_timestamp = 0;  // of the "#TS:" annotations; 0 if there are none
  int64_t last_timestamp = 0;
  // Where the first annotation stands that is later than the time asked for.
  std::optional<uint64_t> time_cut;

  bool is_sound() const { return problem.empty(); }
};

// An error is the disk's. `until` is in Unix seconds; reading ends where something later begins.
Result<FileCheck> CheckFile(env::Disk& disk, const std::string& path, const SnapshotChecker& check_snapshot,
                            std::optional<int64_t> until = std::nullopt);

// Cuts the file and syncs it.
Status Truncate(env::Disk& disk, const std::string& path, uint64_t size);

// Does this look like a manifest rather than like AOF data?
Result<bool> IsManifest(env::Disk& disk, const std::string& path);

}  // namespace hearth::aof
