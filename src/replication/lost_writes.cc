#include "replication/lost_writes.h"

#include <fmt/format.h>

#include <utility>

#include "env/process.h"

namespace hearth::replication {
namespace {

constexpr size_t kWriteBytes = size_t{256} << 10;

std::string NameOf(int64_t seconds, const History& history, uint64_t offset) {
  return fmt::format("lost-writes-{}-{}-{}.aof", seconds, history.NameAt(offset), offset);
}

void AppendBulk(std::string_view word, std::string& to) {
  to.append("$").append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
}

}  // namespace

std::string RejoinKeysRequests(const WrittenKeys& keys, size_t* count) {
  std::string requests;
  *count = 0;
  for (const std::string& piece : keys.Encode()) {
    requests += "*3\r\n";
    AppendBulk("REPLCONF", requests);
    AppendBulk("rejoin-keys", requests);
    AppendBulk(piece, requests);
    ++*count;
  }
  return requests;
}

LostWrites::LostWrites(const Parts& parts, const link_effect::GatherLostWrites& where)
    : parts_(parts),
      folder_(parts.engine.settings().dir),
      final_name_(NameOf(parts.engine.now_ms() / 1000, parts.persistence.history(), where.offset)),
      temporary_path_(fmt::format("{}/temp-lost-writes-{}.aof", folder_, env::ProcessId())),
      database_(where.database),
      walk_(parts.engine.commands(), where.database, parts.engine.keyspace().database_count()) {
  Start(where);
}

LostWrites::~LostWrites() {
  walker_.reset();
  // Without its name nobody would know what it is.
  if (file_ != nullptr && file_name_.empty()) (void)parts_.disk.Remove(temporary_path_);
}

void LostWrites::Start(const link_effect::GatherLostWrites& where) {
  auto part = LogPart::From(where.offset, parts_.persistence.write_log(), parts_.persistence.segments());
  if (!part) {
    failure_ = part.error().message;
    return;
  }
  if (part->end() - part->begin() > kMaxLogBytes) {
    failure_ = fmt::format("{} bytes of log are too much to look through", part->end() - part->begin());
    return;
  }
  walk_.set_take_command([this](std::string_view bytes) { return Save(bytes); });
  walker_ = std::make_unique<LogWalker>(
      std::move(*part), walk_, [this] { return FinishFile(); }, [&loop = parts_.loop] { loop.Wake(); });
}

// ---- the thread

Status LostWrites::Save(std::string_view bytes) {
  // A SELECT alone is no write.
  if (file_ == nullptr && walk_.command_count() == 0) {
    unwritten_.append(bytes);
    return {};
  }
  if (file_ == nullptr) {
    auto file = parts_.disk.Open(temporary_path_, env::OpenMode::kTruncate);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    // What comes first may say its database itself; saying it twice does no harm.
    if (database_ >= 0) {
      std::string select = "*2\r\n";
      AppendBulk("SELECT", select);
      AppendBulk(std::to_string(database_), select);
      unwritten_.insert(0, select);
    }
  }
  unwritten_.append(bytes);
  return unwritten_.size() < kWriteBytes ? Status() : WriteOut();
}

Status LostWrites::WriteOut() {
  HEARTH_TRY(file_->Append(unwritten_));
  unwritten_.clear();
  return {};
}

Status LostWrites::FinishFile() {
  if (file_ == nullptr) return {};
  HEARTH_TRY(WriteOut());
  return file_->Sync();
}

// ---- when it is done

void LostWrites::Finish() {
  if (walker_ == nullptr) return;
  const Status status = walker_->status();
  walker_.reset();
  is_usable_ = status.has_value();
  failure_ = status ? walk_.unknown() : status.error().message;
}

link_input::LostWritesGathered LostWrites::Outcome() const {
  using Outcome = link_input::LostWritesGathered::Outcome;
  if (!failure_.empty()) return {.outcome = Outcome::kUnknown};
  // Only the primary can tell then which database its stream goes on in.
  if (walk_.command_count() == 0 && database_ >= 0) return {.outcome = Outcome::kNothing};
  link_input::LostWritesGathered gathered{.outcome = Outcome::kKeys};
  gathered.requests = RejoinKeysRequests(*walk_.keys(), &gathered.request_count);
  return gathered;
}

Status LostWrites::Commit() {
  if (!is_usable_ || file_ == nullptr || !file_name_.empty()) return {};
  HEARTH_TRY(parts_.disk.Rename(temporary_path_, folder_ + "/" + final_name_));
  file_name_ = final_name_;
  return parts_.disk.SyncDir(folder_);
}

}  // namespace hearth::replication
