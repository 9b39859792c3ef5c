// Files and folders, as everything above env/ sees them. Disk is stateless and thread-safe; a File may be
// used by several threads at once, except that the order of concurrent appends is theirs to settle. Errors
// carry errno and name the path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::env {

// Closed when destroyed.
class File {
 public:
  virtual ~File() = default;

  // Up to `to.size()` bytes from `offset`; fewer only at the end of the file.
  virtual Result<size_t> ReadAt(uint64_t offset, std::span<char> to) = 0;

  // Writes all of it or fails. After a failed Append the file may hold a part of the bytes: see Truncate.
  virtual Status Append(std::string_view bytes) = 0;
  virtual Status WriteAt(uint64_t offset, std::string_view bytes) = 0;

  // Returns when the contents are on stable storage (fdatasync).
  virtual Status Sync() = 0;
  // Starts writing a range back without waiting, so that a later Sync has less to do. A hint.
  virtual void StartWriteback(uint64_t offset, uint64_t size) = 0;

  virtual Status Truncate(uint64_t size) = 0;
  virtual Result<uint64_t> Size() = 0;

  // Takes an exclusive advisory lock that lasts until the file is closed; fails at once if somebody else
  // holds it.
  virtual Status Lock() = 0;

  virtual const std::string& path() const = 0;
};

enum class OpenMode {
  kRead,       // must exist
  kAppend,     // created if absent; Append adds at the end
  kReadWrite,  // created if absent; WriteAt and ReadAt
  kTruncate,   // created or emptied; Append adds at the end
};

struct FileInfo {
  uint64_t size_bytes = 0;
  bool is_directory = false;
  int64_t modified_seconds = 0;  // Unix time
};

class Disk {
 public:
  virtual ~Disk() = default;

  virtual Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Removing what is not there is an error with code ENOENT.
  virtual Status Remove(const std::string& path) = 0;
  // Names in a folder without "." and "..", sorted.
  virtual Result<std::vector<std::string>> List(const std::string& folder) = 0;
  // nullopt if nothing has that name.
  virtual Result<std::optional<FileInfo>> Stat(const std::string& path) = 0;
  // An existing folder is not an error.
  virtual Status MakeDir(const std::string& path) = 0;
  // Makes renames and removals in the folder survive a power failure.
  virtual Status SyncDir(const std::string& folder) = 0;
};

std::unique_ptr<Disk> MakeSystemDisk();

// A whole (small) file: configuration, manifest, node table.
Result<std::string> ReadWholeFile(Disk& disk, const std::string& path);

// Replaces `path` so that after a crash it has either the old or the new contents: writes "<path>.tmp", syncs
// it, renames it over `path` and syncs the folder.
Status ReplaceFile(Disk& disk, const std::string& path, std::string_view contents);

}  // namespace hearth::env
