#include "aof/loader.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "aof/reader.h"
#include "base/numbers.h"
#include "base/text.h"

namespace hearth::aof {
namespace {

constexpr uint64_t kProgressBytes = 1024 * 1024;
constexpr uint64_t kCommandsBetweenProgress = 1024;
constexpr std::string_view kSnapshotMark = "REDIS";

bool Is(std::string_view word, std::string_view name) {
  return word.size() == name.size() && EqualsIgnoreCase(word, name);
}

double Seconds(int64_t micros) { return static_cast<double>(micros) / 1e6; }

}  // namespace

Result<LoadSummary> Loader::Load(const std::vector<Folder::DataFile>& files, bool load_truncated) {
  summary_ = {};
  earlier_bytes_ = told_bytes_ = 0;
  if (files.empty()) return summary_;
  const int64_t start = clock_->MonotonicMicros();
  const Folder::DataFile* last = &files.front();
  for (const Folder::DataFile& file : files) {
    const auto info = disk_->Stat(file.path);
    if (!info) return std::unexpected(info.error());
    if (!info->has_value()) return Fail(fmt::format("The AOF file {} doesn't exist", file.name), ENOENT);
    if ((*info)->size_bytes != 0) last = &file;
  }
  for (const Folder::DataFile& file : files) {
    const int64_t file_start = clock_->MonotonicMicros();
    HEARTH_TRY(LoadFile(file, &file >= last, load_truncated));
    log_->Notice("DB loaded from {} file {}: {:.3f} seconds", file.is_base ? "base" : "incr", file.name,
                 Seconds(clock_->MonotonicMicros() - file_start));
  }
  log_->Notice("DB loaded from append only file: {:.3f} seconds", Seconds(clock_->MonotonicMicros() - start));
  summary_.bytes = earlier_bytes_;
  return summary_;
}

Status Loader::LoadFile(const Folder::DataFile& file, bool is_last, bool load_truncated) {
  progress_offset_ = 0;
  auto handle = disk_->Open(file.path, env::OpenMode::kRead);
  if (!handle) return std::unexpected(handle.error());
  const auto start = LoadPreamble(file, **handle);
  if (!start) return std::unexpected(start.error());
  auto reader = Reader::Open(**handle, *start);
  if (!reader) return std::unexpected(reader.error());
  FileState state{.file = &file};
  HEARTH_TRY(LoadCommands(*reader, state));
  if (state.in_unit) {
    log_->Warning("Revert incomplete MULTI/EXEC transaction from AOF file {}", file.name);
    state.database = state.unit_database;
  }
  const uint64_t sound_bytes = state.in_unit ? state.unit_offset : reader->offset();
  if (sound_bytes < reader->file_bytes()) {
    log_->Warning("!!! Warning: short read while loading the AOF file {}!!!", file.name);
    if (!is_last) return Fail(fmt::format("The truncated AOF file {} is not the last file", file.name));
    if (!load_truncated) {
      return Fail(fmt::format(
          "Unexpected end of file reading the append only file {} at byte {}: what is sound ends at byte {}. "
          "Make a backup of the "
          "file; then either run hearth-check-aof --fix with the manifest, or set aof-load-truncated to yes "
          "and "
          "start again",
          file.path, reader->file_bytes(), sound_bytes));
    }
    HEARTH_TRY(Cut(file, sound_bytes, reader->file_bytes()));
  }
  summary_.last_database = state.database;
  earlier_bytes_ += sound_bytes;
  // What was cut off may have been counted on the way.
  told_bytes_ = std::max(told_bytes_, earlier_bytes_);
  sink_->OnProgress(told_bytes_);
  return {};
}

// The RDB that a file may begin with. Gives the offset behind it.
Result<uint64_t> Loader::LoadPreamble(const Folder::DataFile& file, env::File& handle) {
  char mark[kSnapshotMark.size()];
  const auto got = handle.ReadAt(0, mark);
  if (!got) return std::unexpected(got.error());
  if (std::string_view(mark, *got) != kSnapshotMark) return 0;
  // An old single file has commands behind its preamble; a base of RDB alone says so by its name.
  const bool is_base = file.is_base && file.name.ends_with(".rdb");
  log_->Notice("{}",
               is_base ? "Reading RDB base file on AOF loading..." : "Reading RDB preamble from AOF file...");
  auto end = sink_->LoadSnapshot(file.path);
  if (!end) return Fail(fmt::format("{}: {}", file.path, end.error().message), end.error().code);
  if (!is_base) log_->Notice("Reading the remaining AOF tail...");
  return end;
}

Status Loader::LoadCommands(Reader& reader, FileState& state) {
  for (;;) {
    const uint64_t offset = reader.offset();
    const auto kind = reader.Next();
    if (!kind) {
      return Fail(
          fmt::format(
              "Bad file format reading the append only file {}: {}. Make a backup of the file, then run "
              "hearth-check-aof --fix with the manifest",
              state.file->path, kind.error().message),
          kind.error().code);
    }
    switch (*kind) {
      case Reader::Kind::kEnd:
      case Reader::Kind::kTruncated:
        return {};
      case Reader::Kind::kAnnotation:
        if (const auto seconds = TimestampOf(reader.annotation())) summary_.last_timestamp = *seconds;
        break;
      case Reader::Kind::kCommand:
        if (Status taken = TakeCommand(reader, state, offset); !taken) {
          return Fail(fmt::format("The command at byte {} of the AOF file {} failed: {}", offset,
                                  state.file->path, taken.error().message));
        }
        Progress(reader.offset());
        break;
    }
  }
}

Status Loader::TakeCommand(Reader& reader, FileState& state, uint64_t offset) {
  const std::span<const std::string_view> args = reader.args();
  if (Is(args[0], "SELECT")) {
    const auto database = args.size() == 2 ? ParseInt64(args[1]) : std::nullopt;
    if (!database || *database < 0 || *database > INT32_MAX)
      return Fail("SELECT without a database's number");
    state.database = static_cast<int>(*database);
    return {};
  }
  if (Is(args[0], "MULTI")) {
    if (state.in_unit) return Fail("MULTI inside a transaction");
    state.in_unit = true;
    state.unit_offset = offset;
    state.unit_database = state.database;
    return {};
  }
  if (Is(args[0], "EXEC")) {
    if (!state.in_unit) return Fail("EXEC without MULTI");
    return EndUnit(state);
  }
  if (state.in_unit) {
    state.unit.push_back({state.database, {args.begin(), args.end()}});
    return {};
  }
  ++summary_.commands;
  return sink_->Apply(state.database, args);
}

Status Loader::EndUnit(FileState& state) {
  sink_->BeginUnit();
  Status applied;
  std::vector<std::string_view> views;
  for (const StoredCommand& command : state.unit) {
    views.assign(command.args.begin(), command.args.end());
    ++summary_.commands;
    applied = sink_->Apply(command.database, views);
    if (!applied) break;
  }
  sink_->EndUnit();
  state.unit.clear();
  state.in_unit = false;
  return applied;
}

Status Loader::Cut(const Folder::DataFile& file, uint64_t sound_bytes, uint64_t file_bytes) {
  auto handle = disk_->Open(file.path, env::OpenMode::kAppend);
  if (!handle) return std::unexpected(handle.error());
  log_->Warning("Truncating the AOF {} at offset {}", file.name, sound_bytes);
  HEARTH_TRY((*handle)->Truncate(sound_bytes));
  HEARTH_TRY((*handle)->Sync());
  summary_.cut_bytes = file_bytes - sound_bytes;
  log_->Warning("AOF {} loaded anyway because aof-load-truncated is enabled", file.name);
  return {};
}

// Often enough that clients are answered, whether the commands are many or large.
void Loader::Progress(uint64_t offset) {
  if (offset - progress_offset_ < kProgressBytes && summary_.commands % kCommandsBetweenProgress != 0) return;
  progress_offset_ = offset;
  told_bytes_ = earlier_bytes_ + offset;
  sink_->OnProgress(told_bytes_);
}

}  // namespace hearth::aof
