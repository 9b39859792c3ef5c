// The folder of an AOF on disk, and the only one who changes its manifest. Every transition is made so that a
// crash at any point leaves a manifest whose files are all there; what it no longer names is removed last.
//
// The life of an AOF, as its owner (the server) drives it:
//
//   start    Load; the loader reads Files(); then OpenIncrement for the writer. If nothing is there (IsNew),
//   a
//            base of the (empty) dataset is written to TemporaryBasePath and installed first.
//   rewrite  AddIncrement, for what comes after the cut; the cut is written to TemporaryBasePath;
//            InstallBase; RemoveHistory.
//   turned on while running
//            AddTemporaryIncrement in place of AddIncrement: until the rewrite is done, the old files stay
//            what the manifest names.
//
// Owned by the server. Engine thread only; each call takes a few synchronous operations on the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aof/manifest.h"
#include "base/log.h"
#include "base/result.h"
#include "env/disk.h"

namespace hearth::aof {

class Folder {
 public:
  struct Place {
    std::string dir;              // where the server works
    std::string append_dirname;   // "appendonlydir"
    std::string append_filename;  // "appendonly.aof"
  };
  struct DataFile {
    std::string path;
    std::string name;
    bool is_base = false;
  };

  Folder(env::Disk& disk, Logger& log, Place place) : disk_(&disk), log_(&log), place_(std::move(place)) {}

  // Reads the manifest, if there is one. An AOF of a single file in `dir`, as Redis before 7 wrote it, is
  // moved into the folder and becomes the base.
  Status Load();

  const Manifest& manifest() const { return manifest_; }
  // No AOF was there.
  bool IsNew() const { return !manifest_.HasData(); }
  // The files to load, in order.
  std::vector<DataFile> Files() const;
  // Their bytes together; an error names the file that is not there.
  Result<uint64_t> TotalBytes() const;
  Result<uint64_t> BaseBytes() const;

  // The last incremental file, to be continued; a new one if there is none.
  Result<std::unique_ptr<env::File>> OpenIncrement();
  // A new incremental file, in the manifest. The occasion is for the log: "on server start", "on background
  // rewrite".
  Result<std::unique_ptr<env::File>> AddIncrement(std::string_view occasion);
  // A new incremental file that the manifest learns of only by InstallBase.
  Result<std::unique_ptr<env::File>> AddTemporaryIncrement();
  // The rewrite has failed for good, or the AOF is off again.
  void DropTemporaryIncrement();

  // Where the next base is to be written; whoever writes it syncs and closes it.
  std::string TemporaryBasePath() const;
  // Makes that file the base; what it replaces becomes history. After an error the old base and all its
  // incremental files stand as they did.
  Status InstallBase(bool is_rdb);
  // Gives the path of every file that the manifest calls history to `remove`, which removes it, best on a
  // worker (large files take the file system a while), and then drops their lines.
  Status RemoveHistory(const std::function<void(const std::string& path)>& remove);

  std::string FolderPath() const;
  std::string PathOf(const std::string& name) const { return FolderPath() + "/" + name; }

 private:
  std::string TemporaryBaseName() const;
  Status Persist(const Manifest& manifest);
  Status MoveOldFile();
  Result<bool> HasOldFile(const Manifest& manifest) const;

  env::Disk* disk_;
  Logger* log_;
  const Place place_;
  Manifest manifest_;
  bool has_temporary_increment_ = false;
};

}  // namespace hearth::aof
