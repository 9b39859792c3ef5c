#include "rdb/source.h"

#include <algorithm>
#include <span>

namespace hearth::rdb {

FileSource::FileSource(std::unique_ptr<env::File> file, uint64_t offset, uint64_t end)
    : file_(std::move(file)),
      offset_(std::min(offset, end)),
      end_(end),
      block_(std::make_unique_for_overwrite<char[]>(kBlockBytes)) {}

Result<std::unique_ptr<FileSource>> FileSource::Open(env::Disk& disk, const std::string& path) {
  auto file = disk.Open(path, env::OpenMode::kRead);
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->Size();
  if (!size) return std::unexpected(size.error());
  return std::make_unique<FileSource>(std::move(*file), 0, *size);
}

Result<std::string_view> FileSource::NextBlock() {
  const size_t wanted = static_cast<size_t>(std::min<uint64_t>(kBlockBytes, end_ - offset_));
  if (wanted == 0) return std::string_view();
  const auto got = file_->ReadAt(offset_, std::span<char>(block_.get(), wanted));
  if (!got) return std::unexpected(got.error());
  offset_ += *got;
  // A file that has shrunk since ends here.
  if (*got < wanted) end_ = offset_;
  return std::string_view(block_.get(), *got);
}

}  // namespace hearth::rdb
