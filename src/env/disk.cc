#include "env/disk.h"

namespace hearth::env {

Result<std::string> ReadWholeFile(Disk& disk, const std::string& path) {
  auto file = disk.Open(path, OpenMode::kRead);
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->Size();
  if (!size) return std::unexpected(size.error());
  std::string contents(*size, '\0');
  const auto got = (*file)->ReadAt(0, contents);
  if (!got) return std::unexpected(got.error());
  contents.resize(*got);
  return contents;
}

namespace {

Status WriteFile(Disk& disk, const std::string& path, std::string_view contents) {
  auto file = disk.Open(path, OpenMode::kTruncate);
  if (!file) return std::unexpected(file.error());
  HEARTH_TRY((*file)->Append(contents));
  return (*file)->Sync();
}

}  // namespace

Status ReplaceFile(Disk& disk, const std::string& path, std::string_view contents) {
  const std::string temporary = path + ".tmp";
  Status written = WriteFile(disk, temporary, contents);
  if (written) written = disk.Rename(temporary, path);
  if (!written) {
    // On a full disk it would take what little room there is.
    static_cast<void>(disk.Remove(temporary));
    return written;
  }
  const size_t slash = path.rfind('/');
  return disk.SyncDir(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace hearth::env
