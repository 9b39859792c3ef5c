#include "replication/transfer.h"

#include <fmt/format.h>

#include <utility>

#include "env/process.h"

namespace hearth::replication {
Transfer::Mode Transfer::ModeFor(engine::Engine& engine) {
  switch (engine.settings().repl_diskless_load) {
    case settings::ReplDisklessLoad::kDisabled:
      return Mode::kFile;
    case settings::ReplDisklessLoad::kOnEmptyDb:
      return HasData(engine) ? Mode::kFile : Mode::kInPlace;
    case settings::ReplDisklessLoad::kSwapdb:
      return Mode::kBeside;
    case settings::ReplDisklessLoad::kFlushBeforeLoad:
      return Mode::kInPlace;
  }
  return Mode::kFile;
}

Transfer::Transfer(const Parts& parts, Mode mode, std::optional<uint64_t> size_bytes)
    : parts_(parts),
      mode_(mode),
      size_(size_bytes),
      queue_(std::make_shared<TransferQueue>(size_bytes, [&loop = parts.loop] { loop.Wake(); })) {
  if (is_stored()) {
    file_ = std::make_unique<TransferFile>(parts_.disk, TemporaryPath(), MakeSource(queue_),
                                           [&loop = parts_.loop] { loop.Wake(); });
  } else {
    StartLoading(MakeSource(queue_));
  }
  const std::string size = size_ ? fmt::format("{} bytes", *size_) : "streamed EOF";
  parts_.log.Notice("MASTER <-> REPLICA sync: receiving {} from master to {}", size,
                    is_stored() ? "disk" : "parser");
}

Transfer::~Transfer() {
  queue_->Fail("the transfer was given up");
  load_.reset();
  if (file_ != nullptr) RemoveFile();
}

void Transfer::Push(std::string bytes) {
  received_ += bytes.size();
  queue_->Push(std::move(bytes));
}

void Transfer::End() {
  is_received_ = true;
  queue_->End();
}

std::optional<Status> Transfer::Advance() {
  if (mode_ == Mode::kRejoin && received_ > kMaxRejoinBytes) {
    return hearth::Fail("the keys that differ are too large to be brought by themselves");
  }
  if (load_ != nullptr) return load_->RunSlice(is_received_);
  if (!file_->is_done()) return std::nullopt;
  if (!file_->status()) return file_->status();
  auto source = rdb::FileSource::Open(parts_.disk, file_->path());
  if (!source) return std::unexpected(source.error());
  StartLoading(std::move(*source));
  return std::nullopt;
}

void Transfer::StartLoading(std::unique_ptr<rdb::ByteSource> source) {
  parts_.prepare();
  parts_.log.Notice("MASTER <-> REPLICA sync: Loading DB in memory");
  loading_since_ = parts_.engine.now_ms() / 1000;
  const auto where = mode_ == Mode::kRejoin   ? TransferLoad::Where::kAmong
                     : mode_ == Mode::kBeside ? TransferLoad::Where::kBeside
                                              : TransferLoad::Where::kInPlace;
  load_ = std::make_unique<TransferLoad>(
      TransferLoad::Parts{parts_.engine, parts_.loop, parts_.log, parts_.replaced, parts_.before_replacing},
      std::move(source), where);
  parts_.loop.RequestImmediateTurn();
}

// ---- the file

std::string Transfer::TemporaryPath() const {
  return fmt::format("{}/temp-{}.{}.rdb", parts_.engine.settings().dir, parts_.engine.now_ms() / 1000,
                     env::ProcessId());
}

void Transfer::KeepFile() {
  const settings::Settings& settings = parts_.engine.settings();
  if (mode_ != Mode::kFile) return;
  // Who keeps nothing on disk may want it to stay so.
  if (settings.rdb_del_sync_files && !settings.appendonly && settings.save_points.empty()) return;
  const std::string path = settings.dir + "/" + settings.dbfilename;
  Status status = parts_.disk.Rename(file_->path(), path);
  is_file_kept_ = status.has_value();
  if (status) status = parts_.disk.SyncDir(settings.dir);
  if (!status)
    parts_.log.Warning("Failed trying to rename the temp DB into {}: {}", path, status.error().message);
}

void Transfer::RemoveFile() {
  const std::string path = file_->path();
  file_.reset();
  // It may never have come into being.
  if (!is_file_kept_) (void)parts_.disk.Remove(path);
}

}  // namespace hearth::replication
