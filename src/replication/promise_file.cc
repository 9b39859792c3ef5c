#include "replication/promise_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace hearth::replication {

Result<PromiseMemory> PromiseFile::Load() {
  is_loaded_ = true;
  saved_path_ = Path();
  auto text = env::ReadWholeFile(parts_.disk, saved_path_);
  if (!text) {
    if (text.error().code == ENOENT) return PromiseMemory();
    return std::unexpected(text.error());
  }
  auto memory = ParsePromiseMemory(*text);
  if (!memory) {
    return Fail(fmt::format(
        "{} is damaged. It says which promised writes this server is bound by; if that is to be forgotten, "
        "remove it",
        saved_path_));
  }
  saved_ = *std::move(text);
  memory_.fenced_epoch = memory->fenced_epoch;
  is_changed_ = true;
  return *std::move(memory);
}

void PromiseFile::set_fenced_epoch(uint64_t epoch) {
  is_changed_ |= memory_.fenced_epoch != epoch;
  memory_.fenced_epoch = epoch;
}

void PromiseFile::set_synced(bool is_synced) {
  is_changed_ |= memory_.is_synced != is_synced;
  memory_.is_synced = is_synced;
}

void PromiseFile::set_end(std::optional<PromiseMemory::End> end) {
  is_changed_ |= memory_.end != end;
  memory_.end = std::move(end);
}

bool PromiseFile::Save() {
  if (!is_changed_ && saved_changes_ == parts_.acks.changes()) return true;
  if (!is_loaded_) return true;
  if (failed_ms_ >= 0 && NowMs() - failed_ms_ < kRetryMs) return false;
  return SaveNow().has_value();
}

Status PromiseFile::SaveNow() {
  if (!is_loaded_) return {};
  const bool was_failing = failed_ms_ >= 0;
  Status status = Write();
  if (status) {
    if (was_failing) parts_.log.Notice("{} could be written again", Path());
    failed_ms_ = -1;
    return status;
  }
  if (!was_failing) {
    parts_.log.Warning("What is promised cannot be saved, so that no more is: {}", status.error().message);
  }
  failed_ms_ = NowMs();
  return status;
}

Status PromiseFile::Write() {
  const uint64_t changes = parts_.acks.changes();
  memory_.epoch = std::max(parts_.acks.epoch(), memory_.fenced_epoch);
  memory_.records = parts_.acks.records();
  std::string text = memory_.is_needed() ? FormatPromiseMemory(memory_) : std::string();
  std::string path = Path();
  if (text != saved_ || (path != saved_path_ && !text.empty())) {
    const Status status = text.empty() ? parts_.disk.Remove(path) : env::ReplaceFile(parts_.disk, path, text);
    if (!status && !(text.empty() && status.error().code == ENOENT)) return status;
    saved_ = std::move(text);
    saved_path_ = std::move(path);
  }
  is_changed_ = false;
  saved_changes_ = changes;
  return {};
}

}  // namespace hearth::replication
