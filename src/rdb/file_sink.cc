#include "rdb/file_sink.h"

#include <utility>

namespace hearth::rdb {
namespace {

// The disk is given work every so many bytes, and waited for when so many are on their way: enough to keep it
// busy, few enough that no other writer waits long behind them.
constexpr uint64_t kWritebackBytes = 4 << 20;
constexpr uint64_t kSyncBytes = 32 << 20;

std::string PathIn(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder.ends_with('/') ? folder + name : folder + "/" + name;
}

}  // namespace

Result<std::unique_ptr<FileSink>> FileSink::Open(env::Disk& disk, const Options& options) {
  auto file = disk.Open(PathIn(options.folder, options.temporary_name), env::OpenMode::kTruncate);
  if (!file) return std::unexpected(file.error());
  return std::make_unique<FileSink>(disk, options, std::move(*file));
}

FileSink::FileSink(env::Disk& disk, const Options& options, std::unique_ptr<env::File> file)
    : disk_(disk),
      folder_(options.folder.empty() ? "." : options.folder),
      path_(PathIn(options.folder, options.name)),
      temporary_path_(PathIn(options.folder, options.temporary_name)),
      has_incremental_sync_(options.has_incremental_sync),
      file_(std::move(file)) {}

FileSink::~FileSink() {
  if (is_finished_) return;
  file_.reset();
  // Why the file was not finished is known already; that it cannot be removed either changes nothing.
  static_cast<void>(disk_.Remove(temporary_path_));
}

Status FileSink::Write(std::string_view bytes) {
  HEARTH_TRY(file_->Append(bytes));
  size_ += bytes.size();
  if (!has_incremental_sync_) return {};
  if (size_ - writeback_started_ >= kWritebackBytes) {
    file_->StartWriteback(writeback_started_, size_ - writeback_started_);
    writeback_started_ = size_;
  }
  if (size_ - synced_ >= kSyncBytes) {
    HEARTH_TRY(file_->Sync());
    synced_ = size_;
  }
  return {};
}

Status FileSink::Finish() {
  HEARTH_TRY(file_->Sync());
  HEARTH_TRY(disk_.Rename(temporary_path_, path_));
  is_finished_ = true;
  file_.reset();
  return disk_.SyncDir(folder_);
}

}  // namespace hearth::rdb
