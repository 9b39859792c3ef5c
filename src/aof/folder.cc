#include "aof/folder.h"

#include <cerrno>

#include <fmt/format.h>

#include "base/assert.h"

namespace hearth::aof {

std::string Folder::FolderPath() const { return place_.dir + "/" + place_.append_dirname; }

std::string Folder::TemporaryBaseName() const { return "temp-rewriteaof-" + place_.append_filename; }

std::string Folder::TemporaryBasePath() const { return place_.dir + "/" + TemporaryBaseName(); }

// ---- start

Status Folder::Load() {
  manifest_ = {};
  const std::string path = PathOf(ManifestName(place_.append_filename));
  const auto info = disk_->Stat(path);
  if (!info) return std::unexpected(info.error());
  if (info->has_value()) {
    const auto text = env::ReadWholeFile(*disk_, path);
    if (!text) return std::unexpected(text.error());
    auto manifest = Manifest::Parse(*text);
    if (!manifest) return Fail(fmt::format("{}: {}", path, manifest.error().message));
    manifest_ = *std::move(manifest);
  }
  const auto has_old_file = HasOldFile(manifest_);
  if (!has_old_file) return std::unexpected(has_old_file.error());
  return *has_old_file ? MoveOldFile() : Status();
}

// There is no manifest and an AOF stands in `dir`; or an earlier start wrote the manifest for it, and was
// interrupted before it could move the file.
Result<bool> Folder::HasOldFile(const Manifest& manifest) const {
  const auto old = disk_->Stat(place_.dir + "/" + place_.append_filename);
  if (!old) return std::unexpected(old.error());
  if (!old->has_value() || (*old)->is_directory) return false;
  if (!manifest.HasData()) return true;
  if (!manifest.base() || manifest.base()->name != place_.append_filename) return false;
  const auto moved = disk_->Stat(PathOf(place_.append_filename));
  if (!moved) return std::unexpected(moved.error());
  return !moved->has_value();
}

Status Folder::MoveOldFile() {
  const std::string old_path = place_.dir + "/" + place_.append_filename;
  if (!manifest_.HasData()) {
    Manifest next;
    next.SetOldBase(place_.append_filename);
    HEARTH_TRY(Persist(next));
  }
  HEARTH_TRY(disk_->Rename(old_path, PathOf(place_.append_filename)));
  HEARTH_TRY(disk_->SyncDir(FolderPath()));
  log_->Notice("Successfully migrated an old-style AOF file ({}) into the AOF directory ({}).",
               place_.append_filename, place_.append_dirname);
  return {};
}

std::vector<Folder::DataFile> Folder::Files() const {
  std::vector<DataFile> files;
  if (const auto& base = manifest_.base()) files.push_back({PathOf(base->name), base->name, true});
  for (const ManifestFile& file : manifest_.increments())
    files.push_back({PathOf(file.name), file.name, false});
  return files;
}

Result<uint64_t> Folder::TotalBytes() const {
  uint64_t total = 0;
  for (const DataFile& file : Files()) {
    const auto info = disk_->Stat(file.path);
    if (!info) return std::unexpected(info.error());
    if (!info->has_value()) return Fail(fmt::format("The AOF file {} doesn't exist", file.name), ENOENT);
    total += (*info)->size_bytes;
  }
  return total;
}

Result<uint64_t> Folder::BaseBytes() const {
  if (!manifest_.base()) return 0;
  const auto info = disk_->Stat(PathOf(manifest_.base()->name));
  if (!info) return std::unexpected(info.error());
  return info->has_value() ? (*info)->size_bytes : 0;
}

// ---- transitions

// Writes the manifest beside the one that is there, and takes it over once it is safe on disk.
Status Folder::Persist(const Manifest& manifest) {
  HEARTH_TRY(disk_->MakeDir(FolderPath()));
  const std::string temporary = PathOf(TemporaryManifestName(place_.append_filename));
  {
    auto file = disk_->Open(temporary, env::OpenMode::kTruncate);
    if (!file) return std::unexpected(file.error());
    HEARTH_TRY((*file)->Append(manifest.Format()));
    HEARTH_TRY((*file)->Sync());
  }
  HEARTH_TRY(disk_->Rename(temporary, PathOf(ManifestName(place_.append_filename))));
  // From here on the new manifest is the one that a restart would read.
  manifest_ = manifest;
  return disk_->SyncDir(FolderPath());
}

Result<std::unique_ptr<env::File>> Folder::OpenIncrement() {
  if (manifest_.increments().empty()) return AddIncrement("on server start");
  auto file = disk_->Open(PathOf(manifest_.increments().back().name), env::OpenMode::kAppend);
  if (file) log_->Notice("Opening AOF incr file {} on server start", manifest_.increments().back().name);
  return file;
}

Result<std::unique_ptr<env::File>> Folder::AddIncrement(std::string_view occasion) {
  Manifest next = manifest_;
  const std::string name = next.AddIncrement(place_.append_filename);
  HEARTH_TRY(disk_->MakeDir(FolderPath()));
  // A file of that name can only be what a crash left before the manifest knew of it.
  auto file = disk_->Open(PathOf(name), env::OpenMode::kTruncate);
  if (!file) return file;
  HEARTH_TRY(Persist(next));
  log_->Notice("Creating AOF incr file {} {}", name, occasion);
  return file;
}

Result<std::unique_ptr<env::File>> Folder::AddTemporaryIncrement() {
  HEARTH_TRY(disk_->MakeDir(FolderPath()));
  auto file = disk_->Open(PathOf(TemporaryIncrementName(place_.append_filename)), env::OpenMode::kTruncate);
  has_temporary_increment_ = file.has_value();
  return file;
}

void Folder::DropTemporaryIncrement() {
  if (!std::exchange(has_temporary_increment_, false)) return;
  const std::string name = TemporaryIncrementName(place_.append_filename);
  log_->Notice("Removing the temp incr aof file {}", name);
  if (const Status removed = disk_->Remove(PathOf(name)); !removed)
    log_->Warning("{}", removed.error().message);
}

Status Folder::InstallBase(bool is_rdb) {
  Manifest next = manifest_;
  std::string increment;
  if (has_temporary_increment_) increment = next.AddIncrement(place_.append_filename);
  const std::string base = next.ReplaceBase(place_.append_filename, is_rdb);
  HEARTH_TRY(disk_->MakeDir(FolderPath()));
  HEARTH_TRY(disk_->Rename(TemporaryBasePath(), PathOf(base)));
  if (has_temporary_increment_) {
    const std::string temporary = PathOf(TemporaryIncrementName(place_.append_filename));
    if (Status renamed = disk_->Rename(temporary, PathOf(increment)); !renamed) {
      (void)disk_->Remove(PathOf(base));
      return renamed;
    }
  }
  const Manifest before = manifest_;
  Status persisted = Persist(next);
  if (!persisted && manifest_ == before) {
    // The old manifest is still in force, so what it does not name must go, or back to where it was.
    (void)disk_->Remove(PathOf(base));
    if (has_temporary_increment_)
      (void)disk_->Rename(PathOf(increment), PathOf(TemporaryIncrementName(place_.append_filename)));
    return persisted;
  }
  has_temporary_increment_ = false;
  log_->Notice("Successfully renamed the temporary AOF base file {} into {}", TemporaryBaseName(), base);
  return persisted;
}

Status Folder::RemoveHistory(const std::function<void(const std::string& path)>& remove) {
  if (manifest_.history().empty()) return {};
  for (const ManifestFile& file : manifest_.history()) {
    log_->Notice("Removing the history file {} in the background", file.name);
    remove(PathOf(file.name));
  }
  Manifest next = manifest_;
  next.ForgetHistory();
  return Persist(next);
}

}  // namespace hearth::aof
