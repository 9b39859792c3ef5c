// Loads an AOF: its base and incremental files in order, command by command, into a sink. A transaction comes
// as a whole or not at all.
//
// The last file may end inside a command or a transaction (a crash): with aof-load-truncated it is cut back
// to the last whole one and all is well, else that is an error. Any other fault is an error that names the
// file and the byte.
//
// Used by the server at start, on the engine thread, before clients are served (or while they get -LOADING,
// from OnProgress).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aof/folder.h"
#include "base/log.h"
#include "base/result.h"
#include "env/clock.h"
#include "env/disk.h"

namespace hearth::aof {

class Reader;

class LoadSink {
 public:
  virtual ~LoadSink() = default;

  // An RDB stands at the beginning of the file. Gives the offset behind it; commands may follow there.
  virtual Result<uint64_t> LoadSnapshot(const std::string& path) = 0;
  // A command other than SELECT, MULTI and EXEC. Between BeginUnit and EndUnit stand those of a transaction.
  virtual Status Apply(int database, std::span<const std::string_view> args) = 0;
  virtual void BeginUnit() = 0;
  virtual void EndUnit() = 0;
  // Now and then: bytes loaded so far of all files together.
  virtual void OnProgress(uint64_t loaded_bytes) = 0;
};

struct LoadSummary {
  uint64_t bytes = 0;  // of all files, without what was cut off
  uint64_t commands = 0;
  uint64_t cut_bytes = 0;      // off the end of the last file
  int64_t last_timestamp = 0;  // of the last "#TS:" annotation
  int last_database = 0;       // that the last file's end is in
};

class Loader {
 public:
  Loader(env::Disk& disk, env::Clock& clock, Logger& log, LoadSink& sink)
      : disk_(&disk), clock_(&clock), log_(&log), sink_(&sink) {}

  // `load_truncated`: aof-load-truncated. The last file is the last with anything in it: when a rewrite
  // begins, the manifest names the next file while the writer may still be busy with the one before.
  Result<LoadSummary> Load(const std::vector<Folder::DataFile>& files, bool load_truncated);

 private:
  struct StoredCommand {
    int database;
    std::vector<std::string> args;
  };
  struct FileState {
    const Folder::DataFile* file;
    int database = 0;
    bool in_unit = false;
    uint64_t unit_offset = 0;  // where its MULTI stands
    int unit_database = 0;
    std::vector<StoredCommand> unit;
  };

  Status LoadFile(const Folder::DataFile& file, bool is_last, bool load_truncated);
  Result<uint64_t> LoadPreamble(const Folder::DataFile& file, env::File& handle);
  Status LoadCommands(Reader& reader, FileState& state);
  Status TakeCommand(Reader& reader, FileState& state, uint64_t offset);
  Status EndUnit(FileState& state);
  Status Cut(const Folder::DataFile& file, uint64_t sound_bytes, uint64_t file_bytes);
  void Progress(uint64_t offset);

  env::Disk* disk_;
  env::Clock* clock_;
  Logger* log_;
  LoadSink* sink_;
  LoadSummary summary_;
  uint64_t earlier_bytes_ = 0;    // of the files before this one
  uint64_t progress_offset_ = 0;  // told last, in this file
  uint64_t told_bytes_ = 0;       // of all files; only ever rises
};

}  // namespace hearth::aof
