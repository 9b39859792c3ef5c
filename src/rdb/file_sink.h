// Writes a file under a temporary name and gives it its own at the end: sync, rename, sync of the folder. So
// there is the old file or the whole new one under that name, whatever happens. A file that was not finished
// is removed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "env/disk.h"
#include "rdb/byte_sink.h"

namespace hearth::rdb {

class FileSink final : public ByteSink {
 public:
  struct Options {
    std::string folder;
    std::string temporary_name;
    std::string name;
    // Sends the bytes to the disk as they come rather than all at the end (`rdb-save-incremental-fsync`,
    // `aof-rewrite-incremental-fsync`).
    bool has_incremental_sync = true;
  };

  // `disk` outlives the sink.
  static Result<std::unique_ptr<FileSink>> Open(env::Disk& disk, const Options& options);
  // `file` has the temporary name.
  FileSink(env::Disk& disk, const Options& options, std::unique_ptr<env::File> file);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  Status Write(std::string_view bytes) override;
  Status Finish() override;

  uint64_t size() const { return size_; }

 private:
  env::Disk& disk_;
  const std::string folder_;
  const std::string path_;
  const std::string temporary_path_;
  const bool has_incremental_sync_;
  std::unique_ptr<env::File> file_;
  uint64_t size_ = 0;
  uint64_t writeback_started_ = 0;
  uint64_t synced_ = 0;
  bool is_finished_ = false;
};

}  // namespace hearth::rdb
