#include "persistence/disk_log.h"

#include <utility>

namespace hearth::persistence {
namespace {

constexpr std::string_view kFolderName = "write-log";

}  // namespace

log::Segments& DiskLog::Open() {
  if (segments_ == nullptr) {
    segments_ = std::make_unique<log::Segments>(
        parts_.disk, parts_.log,
        log::Segments::Options{.folder = parts_.settings.dir + "/" + std::string(kFolderName),
                               .max_bytes = static_cast<uint64_t>(parts_.settings.repl_backlog_disk_size)});
    writer_ = std::make_unique<log::SegmentWriter>(*segments_, parts_.clock, parts_.log);
  }
  return *segments_;
}

// ---- at start

std::optional<log::Segments::Recovered> DiskLog::Recover() {
  if (parts_.settings.repl_backlog_disk_size == 0) return std::nullopt;
  auto recovered = Open().Recover();
  if (recovered) return *std::move(recovered);
  parts_.log.Warning("Cannot read the write log on disk, and do without it: {}", recovered.error().message);
  return std::nullopt;
}

void DiskLog::CutAt(uint64_t offset) {
  const Status cut = segments_->CutAt(offset);
  if (cut) return;
  parts_.log.Warning("Cannot go on with the write log on disk, and begin it anew: {}", cut.error().message);
  segments_->Forget();
}

void DiskLog::Forget() {
  if (segments_ != nullptr) segments_->Forget();
}

// ---- running

void DiskLog::Start(const std::string& id) {
  is_wanted_ = true;
  if (is_running() || parts_.settings.repl_backlog_disk_size == 0) return;
  Open();
  writer_->Start(parts_.write_log.CursorAtEnd(log::LogCursor::Sees::kEverything), id);
}

void DiskLog::Rename(const std::string& id) {
  if (is_running()) writer_->ChangeId(id);
}

void DiskLog::StopAndForget() {
  is_wanted_ = false;
  if (!is_running()) return;
  writer_->Stop({});
  segments_->Forget();
}

void DiskLog::StopInOrder(std::string note) {
  if (is_running()) writer_->Stop(std::move(note));
}

void DiskLog::Pump() {
  if (is_running()) writer_->Pump();
}

void DiskLog::Configure(const std::string& id) {
  const auto wanted_bytes = static_cast<uint64_t>(parts_.settings.repl_backlog_disk_size);
  if (wanted_bytes == 0) {
    const bool is_wanted = is_wanted_;
    StopAndForget();
    is_wanted_ = is_wanted;
    return;
  }
  if (!is_wanted_) return;
  Open();
  if (!is_running()) Start(id);
  segments_->SetMaxBytes(wanted_bytes);
}

}  // namespace hearth::persistence
