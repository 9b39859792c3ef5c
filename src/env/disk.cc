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

Status ReplaceFile(Disk& disk, const std::string& path, std::string_view contents) {
  const std::string temporary = path + ".tmp";
  {
    auto file = disk.Open(temporary, OpenMode::kTruncate);
    if (!file) return std::unexpected(file.error());
    HEARTH_TRY((*file)->Append(contents));
    HEARTH_TRY((*file)->Sync());
  }
  HEARTH_TRY(disk.Rename(temporary, path));
  const size_t slash = path.rfind('/');
  return disk.SyncDir(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace hearth::env
