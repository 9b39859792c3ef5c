#include "aof/check.h"

#include <algorithm>

#include <fmt/format.h>

#include "aof/reader.h"
#include "base/text.h"

namespace hearth::aof {
namespace {

constexpr std::string_view kSnapshotMark = "REDIS";

Result<std::string> FirstBytes(env::File& file, size_t size) {
  std::string bytes(size, '\0');
  const auto got = file.ReadAt(0, bytes);
  if (!got) return std::unexpected(got.error());
  bytes.resize(*got);
  return bytes;
}

// Follows the commands of a file and keeps the account of what is sound.
class Walk {
 public:
  Walk(FileCheck& check, std::optional<int64_t> until) : check_(&check), until_(until) {}

  // False at the end, or where something is wrong.
  Result<bool> Step(Reader& reader) {
    const uint64_t offset = reader.offset();
    const auto kind = reader.Next();
    if (!kind) {
      if (kind.error().code != 0) return std::unexpected(kind.error());
      check_->is_damaged = true;
      return End(kind.error().message);
    }
    switch (*kind) {
      case Reader::Kind::kEnd:
        return End(in_unit_ ? fmt::format("The transaction that begins at byte {} has no EXEC", unit_offset_)
                            : std::string());
      case Reader::Kind::kTruncated:
        return End(fmt::format("The file ends inside of what begins at byte {}", offset));
      case Reader::Kind::kAnnotation:
        if (TakeAnnotation(reader, offset)) return false;
        break;
      case Reader::Kind::kCommand:
        ++check_->commands;
        if (const std::string_view wrong = TakeCommand(reader, offset); !wrong.empty()) {
          check_->is_damaged = true;
          return End(fmt::format("{} at byte {}", wrong, offset));
        }
        break;
    }
    if (!in_unit_) check_->sound_bytes = reader.offset();
    return true;
  }

 private:
  bool End(std::string problem) {
    check_->problem = std::move(problem);
    return false;
  }

  bool TakeAnnotation(Reader& reader, uint64_t offset) {
    const auto seconds = TimestampOf(reader.annotation());
    if (!seconds) return false;
    if (until_ && *seconds > *until_) {
      check_->time_cut = in_unit_ ? unit_offset_ : offset;
      return true;
    }
    if (check_->first_timestamp == 0) check_->first_timestamp = *seconds;
    check_->last_timestamp = *seconds;
    return false;
  }

  std::string_view TakeCommand(Reader& reader, uint64_t offset) {
    const std::string_view name = reader.args()[0];
    if (EqualsIgnoreCase(name, "MULTI")) {
      if (in_unit_) return "MULTI inside a transaction";
      in_unit_ = true;
      unit_offset_ = offset;
    } else if (EqualsIgnoreCase(name, "EXEC")) {
      if (!in_unit_) return "EXEC without MULTI";
      in_unit_ = false;
    }
    return {};
  }

  FileCheck* check_;
  const std::optional<int64_t> until_;
  bool in_unit_ = false;
  uint64_t unit_offset_ = 0;
};

}  // namespace

Result<FileCheck> CheckFile(env::Disk& disk, const std::string& path, const SnapshotChecker& check_snapshot,
                            std::optional<int64_t> until) {
  const auto file = disk.Open(path, env::OpenMode::kRead);
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->Size();
  if (!size) return std::unexpected(size.error());
  const auto mark = FirstBytes(**file, kSnapshotMark.size());
  if (!mark) return std::unexpected(mark.error());
  FileCheck check{.file_bytes = *size};
  if (*mark == kSnapshotMark) {
    check.has_snapshot = true;
    const auto end = check_snapshot(path);
    if (!end) {
      // Nothing of a broken snapshot can be kept by cutting.
      check.is_damaged = true;
      check.problem = end.error().message;
      return check;
    }
    check.sound_bytes = *end;
  }
  auto reader = Reader::Open(**file, check.sound_bytes);
  if (!reader) return std::unexpected(reader.error());
  Walk walk(check, until);
  for (;;) {
    const auto goes_on = walk.Step(*reader);
    if (!goes_on) return std::unexpected(goes_on.error());
    if (!*goes_on) return check;
  }
}

Status Truncate(env::Disk& disk, const std::string& path, uint64_t size) {
  auto file = disk.Open(path, env::OpenMode::kAppend);
  if (!file) return std::unexpected(file.error());
  HEARTH_TRY((*file)->Truncate(size));
  return (*file)->Sync();
}

Result<bool> IsManifest(env::Disk& disk, const std::string& path) {
  const auto file = disk.Open(path, env::OpenMode::kRead);
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->Size();
  if (!size) return std::unexpected(size.error());
  // By its first line that is no comment; data with annotations goes on with '*' there.
  auto text = FirstBytes(**file, static_cast<size_t>(std::min<uint64_t>(*size, 64 * 1024)));
  if (!text) return std::unexpected(text.error());
  std::string_view rest = *text;
  while (rest.starts_with('#')) {
    const size_t end = rest.find('\n');
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return rest.starts_with("file") || rest.starts_with("seq") || rest.starts_with("type");
}

}  // namespace hearth::aof
