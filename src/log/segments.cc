#include "log/segments.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"

namespace hearth::log {
namespace {

constexpr uint64_t kMinSegmentBytes = 64 * 1024;
constexpr uint64_t kMaxSegmentBytes = 64 * 1024 * 1024;
// So that removing the oldest segment takes away little of what could have been kept.
constexpr uint64_t kSegmentsInAllowance = 8;

}  // namespace

Segments::Segments(env::Disk& disk, Logger& log, Options options)
    : disk_(&disk), log_(&log), folder_(std::move(options.folder)), max_bytes_(options.max_bytes) {}

// ---- recovery

// The segments with a sound header, ascending; others are removed.
Status Segments::ReadFolder(std::deque<Segment>& segments) {
  const auto folder = disk_->Stat(folder_);
  if (!folder) return std::unexpected(folder.error());
  if (!folder->has_value()) return {};
  const auto names = disk_->List(folder_);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    const auto start = ParseSegmentName(name);
    if (!start) continue;
    const std::string path = folder_ + "/" + name;
    const auto file = disk_->Open(path, env::OpenMode::kRead);
    if (!file) return std::unexpected(file.error());
    char bytes[kSegmentHeaderBytes];
    const auto got = (*file)->ReadAt(0, bytes);
    if (!got) return std::unexpected(got.error());
    const auto size = (*file)->Size();
    if (!size) return std::unexpected(size.error());
    const auto header = DecodeSegmentHeader({bytes, *got});
    if (!header || header->start_offset != *start) {
      log_->Warning("The write log's segment {} has no sound header and is removed", path);
      Discard(path);
      continue;
    }
    segments.push_back({*header, 0, *size, path});
  }
  return {};
}

Status Segments::RecoverLast(std::deque<Segment>& segments, Recovered& recovered) {
  Segment& last = segments.back();
  auto file = disk_->Open(last.path, env::OpenMode::kAppend);
  if (!file) return std::unexpected(file.error());
  RecordScanner scanner(**file, last.header.start_offset);
  for (;;) {
    const auto record = scanner.Next();
    if (!record) return std::unexpected(record.error());
    if (!record->has_value()) break;
    recovered.is_complete = (*record)->kind == RecordKind::kOrderlyEnd;
    if (recovered.is_complete) recovered.end_note = (*record)->bytes;
  }
  if (scanner.file_position() < last.file_bytes) {
    recovered.is_complete = false;
    log_->Warning("The write log's segment {} ends in a torn write: cut off at byte {}", last.path,
                  scanner.file_position());
    HEARTH_TRY((*file)->Truncate(scanner.file_position()));
  }
  last.file_bytes = scanner.file_position();
  last.end_offset = scanner.end_offset();
  file_ = *std::move(file);
  return {};
}

Result<std::optional<Segments::Recovered>> Segments::Recover() {
  std::deque<Segment> found;
  HEARTH_TRY(ReadFolder(found));
  if (found.empty()) return std::nullopt;
  Recovered recovered;
  HEARTH_TRY(RecoverLast(found, recovered));
  // Ends are known from the next one's start; what is not chained to it belongs to another history.
  for (size_t i = found.size() - 1; i > 0; --i) {
    if (found[i].header.previous_start == found[i - 1].header.start_offset) {
      found[i - 1].end_offset = found[i].header.start_offset;
      continue;
    }
    for (size_t stray = 0; stray < i; ++stray) Discard(found[stray].path);
    found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
  recovered.start_offset = found.front().header.start_offset;
  recovered.end_offset = found.back().end_offset;
  for (const Segment& segment : found) {
    const std::string& id = segment.header.replication_id;
    if (recovered.names.empty() || recovered.names.back().id != id) recovered.names.push_back({id, 0});
    recovered.names.back().end_offset = segment.end_offset;
  }
  {
    std::lock_guard lock(mutex_);
    segments_ = std::move(found);
  }
  needs_repair_ = false;
  TrimToAllowance();
  return recovered;
}

// Newest first, so that a crash on the way leaves an unbroken chain.
Status Segments::CutAt(uint64_t offset) {
  HEARTH_ASSERT(HasAny() && offset >= start_offset() && offset <= end_offset());
  for (;;) {
    Segment newest;
    {
      std::lock_guard lock(mutex_);
      if (segments_.size() == 1 || segments_.back().header.start_offset < offset) break;
      newest = std::move(segments_.back());
      segments_.pop_back();
    }
    file_.reset();
    HEARTH_TRY(disk_->Remove(newest.path));
  }
  return CutLastAt(offset);
}

// The record that `offset` lies in is written again, as far as it stays.
Status Segments::CutLastAt(uint64_t offset) {
  Segment last;
  {
    std::lock_guard lock(mutex_);
    last = segments_.back();
  }
  auto file = disk_->Open(last.path, env::OpenMode::kAppend);
  if (!file) return std::unexpected(file.error());
  RecordScanner scanner(**file, last.header.start_offset);
  uint64_t position = scanner.file_position();
  uint64_t end = scanner.end_offset();
  std::string rest;
  while (end < offset) {
    const auto record = scanner.Next();
    if (!record) return std::unexpected(record.error());
    if (!record->has_value())
      return Fail(fmt::format("the write log on disk is damaged at byte {} of {}", position, last.path));
    if (scanner.end_offset() > offset) {
      rest = (*record)->bytes.substr(0, offset - end);
      break;
    }
    end = scanner.end_offset();
    position = scanner.file_position();
  }
  HEARTH_TRY((*file)->Truncate(position));
  file_ = *std::move(file);
  needs_repair_ = false;
  {
    std::lock_guard lock(mutex_);
    segments_.back().end_offset = end;
    segments_.back().file_bytes = position;
  }
  if (!rest.empty()) HEARTH_TRY(WriteRecord(RecordKind::kData, rest));
  return Sync();
}

// ---- writing

Status Segments::Begin(std::string_view replication_id, uint64_t offset) {
  Forget();
  return StartSegment(replication_id, offset, kNoPreviousSegment);
}

Status Segments::StartSegment(std::string_view replication_id, uint64_t offset, uint64_t previous_start) {
  HEARTH_TRY(disk_->MakeDir(folder_));
  Segment segment;
  segment.header = {std::string(replication_id), offset, previous_start};
  segment.end_offset = offset;
  segment.file_bytes = kSegmentHeaderBytes;
  segment.path = folder_ + "/" + SegmentName(offset);
  auto file = disk_->Open(segment.path, env::OpenMode::kTruncate);
  if (!file) return std::unexpected(file.error());
  if (Status written = (*file)->Append(EncodeSegmentHeader(segment.header)); !written) {
    Discard(segment.path);
    return written;
  }
  // Without a name that survives, syncing what follows would be in vain.
  if (Status synced = disk_->SyncDir(folder_); !synced) {
    Discard(segment.path);
    return synced;
  }
  file_ = *std::move(file);
  needs_repair_ = false;
  std::lock_guard lock(mutex_);
  segments_.push_back(std::move(segment));
  return {};
}

Status Segments::Append(uint64_t offset, std::string_view bytes) {
  HEARTH_ASSERT(file_ != nullptr && offset == end_offset());
  while (!bytes.empty()) {
    HEARTH_TRY(RollIfFull());
    const std::string_view piece = bytes.substr(0, kMaxRecordBytes);
    HEARTH_TRY(WriteRecord(RecordKind::kData, piece));
    bytes.remove_prefix(piece.size());
  }
  TrimToAllowance();
  return {};
}

Status Segments::WriteRecord(RecordKind kind, std::string_view bytes) {
  Segment last;
  {
    std::lock_guard lock(mutex_);
    last = segments_.back();
  }
  if (needs_repair_) HEARTH_TRY(file_->Truncate(last.file_bytes));
  needs_repair_ = true;
  HEARTH_TRY(file_->Append(EncodeRecordHeader(kind, last.end_offset, bytes)));
  if (!bytes.empty()) HEARTH_TRY(file_->Append(bytes));
  needs_repair_ = false;
  std::lock_guard lock(mutex_);
  if (kind == RecordKind::kData) segments_.back().end_offset += bytes.size();
  segments_.back().file_bytes += kRecordHeaderBytes + bytes.size();
  return {};
}

// A segment is synced before the next one exists, so that only the newest can be torn.
Status Segments::RollIfFull() {
  Segment last;
  {
    std::lock_guard lock(mutex_);
    last = segments_.back();
    if (last.file_bytes < SegmentBytes() || last.end_offset == last.header.start_offset) return {};
  }
  HEARTH_TRY(Sync());
  return StartSegment(last.header.replication_id, last.end_offset, last.header.start_offset);
}

Status Segments::ChangeId(std::string_view replication_id) {
  HEARTH_ASSERT(file_ != nullptr);
  Segment last;
  {
    std::lock_guard lock(mutex_);
    last = segments_.back();
  }
  if (last.header.replication_id == replication_id) return {};
  HEARTH_TRY(Sync());
  if (last.end_offset > last.header.start_offset)
    return StartSegment(replication_id, last.end_offset, last.header.start_offset);
  // The new segment takes the place, and the name, of an empty one.
  {
    std::lock_guard lock(mutex_);
    segments_.pop_back();
  }
  Status started = StartSegment(replication_id, last.end_offset, last.header.previous_start);
  if (!started) Forget();
  return started;
}

Status Segments::Sync() {
  if (file_ == nullptr) return {};
  if (needs_repair_) {
    std::unique_lock lock(mutex_);
    const uint64_t size = segments_.back().file_bytes;
    lock.unlock();
    HEARTH_TRY(file_->Truncate(size));
    needs_repair_ = false;
  }
  return file_->Sync();
}

Status Segments::Close(std::string_view note) {
  if (file_ == nullptr) return {};
  HEARTH_TRY(WriteRecord(RecordKind::kOrderlyEnd, note));
  HEARTH_TRY(file_->Sync());
  return disk_->SyncDir(folder_);
}

// Oldest first: what a crash leaves is the newer end of the history.
void Segments::Forget() {
  file_.reset();
  std::deque<Segment> gone;
  {
    std::lock_guard lock(mutex_);
    gone.swap(segments_);
  }
  for (const Segment& segment : gone) Discard(segment.path);
}

void Segments::SetMaxBytes(uint64_t bytes) {
  max_bytes_ = bytes;
  TrimToAllowance();
}

uint64_t Segments::SegmentBytes() const {
  return std::clamp(max_bytes_ / kSegmentsInAllowance, kMinSegmentBytes, kMaxSegmentBytes);
}

// The newest segment always stays.
void Segments::TrimToAllowance() {
  std::deque<Segment> gone;
  {
    std::lock_guard lock(mutex_);
    uint64_t total = 0;
    for (const Segment& segment : segments_) total += segment.file_bytes;
    while (segments_.size() > 1 && total > max_bytes_) {
      total -= segments_.front().file_bytes;
      gone.push_back(std::move(segments_.front()));
      segments_.pop_front();
    }
  }
  for (const Segment& segment : gone) Discard(segment.path);
}

void Segments::Discard(const std::string& path) {
  const Status removed = disk_->Remove(path);
  if (!removed && removed.error().code != ENOENT) log_->Warning("{}", removed.error().message);
}

// ---- any thread

bool Segments::HasAny() const {
  std::lock_guard lock(mutex_);
  return !segments_.empty();
}

uint64_t Segments::start_offset() const {
  std::lock_guard lock(mutex_);
  return segments_.empty() ? 0 : segments_.front().header.start_offset;
}

uint64_t Segments::end_offset() const {
  std::lock_guard lock(mutex_);
  return segments_.empty() ? 0 : segments_.back().end_offset;
}

uint64_t Segments::disk_bytes() const {
  std::lock_guard lock(mutex_);
  uint64_t total = 0;
  for (const Segment& segment : segments_) total += segment.file_bytes;
  return total;
}

std::optional<Segments::Segment> Segments::Find(uint64_t offset) const {
  std::lock_guard lock(mutex_);
  for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
    if (segment->header.start_offset <= offset && offset <= segment->end_offset) return *segment;
  }
  return std::nullopt;
}

// ---- reading

Status SegmentReader::Position(uint64_t offset) {
  const auto segment = segments_->Find(offset);
  if (!segment) return Fail(fmt::format("The write log on disk does not reach back to offset {}", offset));
  const bool is_at_hand =
      scanner_ && segment_start_ == segment->header.start_offset && scanner_->end_offset() <= offset;
  if (is_at_hand) return {};
  auto file = segments_->disk_->Open(segment->path, env::OpenMode::kRead);
  if (!file) return std::unexpected(file.error());
  file_ = *std::move(file);
  segment_start_ = segment->header.start_offset;
  scanner_.emplace(*file_, segment_start_);
  return {};
}

Status SegmentReader::Read(uint64_t offset, std::string& to) {
  to.clear();
  HEARTH_TRY(Position(offset));
  bool is_fresh = false;
  for (;;) {
    // Asked first, so that what is written meanwhile does not look like damage.
    const uint64_t known_end = segments_->end_offset();
    const auto record = scanner_->Next();
    if (!record) return std::unexpected(record.error());
    if (record->has_value()) {
      const RecordScanner::Record& got = **record;
      if (got.kind != RecordKind::kData || got.offset + got.bytes.size() <= offset) continue;
      to.assign(got.bytes.substr(offset - got.offset));
      return {};
    }
    if (offset >= known_end) return {};
    // Half a record may have been read ahead while it was being written.
    scanner_->Refresh();
    if (!std::exchange(is_fresh, true)) continue;
    return Fail(fmt::format("The write log on disk is damaged at offset {}, byte {} of {}",
                            scanner_->end_offset(), scanner_->file_position(), file_->path()));
  }
}

}  // namespace hearth::log
