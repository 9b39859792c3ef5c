#include "persistence/append_only.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "env/process.h"

namespace hearth::persistence {
namespace {

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

AppendOnly::AppendOnly(const Parts& parts) : parts_(parts), settings_(parts.engine.settings()) {}

AppendOnly::~AppendOnly() = default;

aof::WriterSettings AppendOnly::WriterSettingsNow() const {
  aof::WriterSettings now;
  now.fsync = settings_.appendfsync == settings::Appendfsync::kAlways ? aof::Fsync::kAlways
              : settings_.appendfsync == settings::Appendfsync::kNo   ? aof::Fsync::kNo
                                                                      : aof::Fsync::kEverySecond;
  now.timestamps = settings_.aof_timestamp_enabled;
  now.no_fsync_during_rewrite = settings_.no_appendfsync_on_rewrite;
  now.rewrite_runs = is_rewriting();
  now.write_delay_us = parts_.engine.debug().aof_write_delay_us;
  return now;
}

void AppendOnly::Configure() {
  if (writer_ != nullptr) writer_->Configure(WriterSettingsNow());
}

// ---- begin and end

Status AppendOnly::Open() {
  folder_ = std::make_unique<aof::Folder>(
      parts_.disk, parts_.log,
      aof::Folder::Place{settings_.dir, settings_.appenddirname, settings_.appendfilename});
  return folder_->Load();
}

Status AppendOnly::Begin() {
  if (folder_->IsNew()) {
    auto job = BeginRewrite();
    if (!job) return std::unexpected(job.error());
    (*job)->CaptureAll();
    HEARTH_TRY((*job)->Finish());
    HEARTH_TRY(folder_->InstallBase(settings_.aof_use_rdb_preamble));
  }
  auto file = folder_->OpenIncrement();
  if (!file) return std::unexpected(file.error());
  HEARTH_TRY(StartWriter(std::move(*file)));
  state_ = State::kOn;
  RefreshSizes();
  schedule_.SetBaseBytes(total_bytes());
  RemoveHistory();
  parts_.on_switched();
  return {};
}

// A file that begins in the middle of the log must say the database that the log said before.
std::string AppendOnly::SelectNow() const {
  const int database = parts_.effects.database();
  if (database < 0) return {};
  const std::string number = ToString(database);
  return fmt::format("*2\r\n$6\r\nSELECT\r\n${}\r\n{}\r\n", number.size(), number);
}

Status AppendOnly::StartWriter(std::unique_ptr<env::File> file) {
  writer_ = std::make_unique<aof::Writer>(parts_.clock, parts_.log, [&loop = parts_.loop] { loop.Wake(); });
  writer_->OpenWith(SelectNow());
  return writer_->Start(std::move(file), parts_.write_log.CursorAtEnd(log::LogCursor::Sees::kCommands),
                        WriterSettingsNow());
}

Status AppendOnly::TurnOn() {
  if (is_on()) return {};
  HEARTH_TRY(Open());
  auto file = folder_->AddTemporaryIncrement();
  if (!file) return std::unexpected(file.error());
  HEARTH_TRY(StartWriter(std::move(*file)));
  state_ = State::kWaitingForRewrite;
  parts_.on_switched();
  if (Status status = Rewrite(); !status) {
    TurnOff();
    return status;
  }
  return {};
}

void AppendOnly::TurnOff() {
  if (!is_on()) return;
  rewrite_.reset();
  if (writer_ != nullptr) {
    (void)writer_->Flush();
    writer_->Stop();
    TakeReport();
    writer_.reset();
  }
  folder_->DropTemporaryIncrement();
  state_ = State::kOff;
  parts_.gate.ForgetLocal();
  stats_.last_write_ok = true;
  is_rewrite_scheduled_ = false;
  parts_.on_switched();
}

// ---- rewriting

Result<std::unique_ptr<SaveJob>> AppendOnly::BeginRewrite() {
  keyspace::Keyspace& keyspace = parts_.engine.keyspace();
  parts_.engine.RefreshTime();
  const rdb::FileSink::Options file{.folder = settings_.dir,
                                    .temporary_name = rdb::TemporaryRewriteName(env::ProcessId()),
                                    .name = BaseName(folder_->TemporaryBasePath()),
                                    .has_incremental_sync = settings_.aof_rewrite_incremental_fsync};
  const auto on_done = [&loop = parts_.loop] { loop.Wake(); };
  Result<std::unique_ptr<rdb::SnapshotWriter>> writer;
  if (settings_.aof_use_rdb_preamble) {
    rdb::RdbSnapshot::Options snapshot = rdb::DescribeSnapshot(keyspace, settings_);
    snapshot.used_memory = AllocatedBytes();
    snapshot.is_aof_base = true;
    snapshot.functions = parts_.engine.FunctionCodes();
    writer = rdb::SaveRdb(parts_.disk, file, std::move(snapshot), on_done);
  } else {
    rdb::CommandSnapshot::Options snapshot;
    if (settings_.aof_timestamp_enabled) snapshot.timestamp_seconds = parts_.engine.now_ms() / 1000;
    snapshot.functions = parts_.engine.FunctionCodes();
    writer = rdb::SaveCommands(parts_.disk, file, snapshot, on_done);
  }
  if (!writer) return std::unexpected(writer.error());
  return SaveJob::Begin(keyspace.cutter(), parts_.clock, std::move(*writer));
}

Status AppendOnly::Rewrite() {
  if (is_rewriting()) return Fail("Background append only file rewriting already in progress");
  is_rewrite_scheduled_ = false;
  if (folder_ == nullptr) HEARTH_TRY(Open());
  if (state_ == State::kOn) {
    // What comes before the cut ends the old file, what comes after begins the new one.
    auto file = folder_->AddIncrement("on background rewrite");
    if (!file) return std::unexpected(file.error());
    older_bytes_ += writer_->stats().file_bytes + writer_->stats().pending_bytes;
    writer_->RotateTo(std::move(*file));
    writer_->OpenWith(SelectNow());
  }
  auto job = BeginRewrite();
  if (!job) {
    CountFailure();
    parts_.log.Warning("Can't rewrite the append only file: {}", job.error().message);
    return std::unexpected(job.error());
  }
  rewrite_ = std::move(*job);
  Configure();
  parts_.log.Notice("Background append only file rewriting started");
  return {};
}

void AppendOnly::CountFailure() {
  stats_.last_rewrite_ok = false;
  if (const int minutes = schedule_.RewriteFailed(parts_.engine.now_ms()); minutes > 0) {
    parts_.log.Notice("Background AOF rewrite has repeatedly failed, retrying in {} minute(s)", minutes);
  }
}

void AppendOnly::EndRewrite() {
  const std::unique_ptr<SaveJob> job = std::move(rewrite_);
  Status status = job->Finish();
  stats_.last_rewrite_seconds = job->seconds();
  Configure();
  if (status) status = InstallRewritten();
  if (!status) {
    CountFailure();
    parts_.log.Warning("Background AOF rewrite failed: {}", status.error().message);
    return;
  }
  ++stats_.rewrites;
  stats_.last_rewrite_ok = true;
  schedule_.RewriteDone();
  parts_.log.Notice("Background AOF rewrite finished successfully");
}

Status AppendOnly::InstallRewritten() {
  // The new increment must be as good as the base that it continues, before the manifest names both.
  if (writer_ != nullptr) HEARTH_TRY(writer_->Flush());
  HEARTH_TRY(folder_->InstallBase(settings_.aof_use_rdb_preamble));
  if (state_ == State::kWaitingForRewrite) state_ = State::kOn;
  RefreshSizes();
  schedule_.SetBaseBytes(total_bytes());
  RemoveHistory();
  return {};
}

void AppendOnly::RemoveHistory() {
  if (settings_.aof_disable_auto_gc) return;
  std::vector<std::string> paths;
  if (Status status = folder_->RemoveHistory([&](const std::string& path) { paths.push_back(path); });
      !status) {
    parts_.log.Warning("{}", status.error().message);
    return;
  }
  if (paths.empty()) return;
  remover_ = std::jthread([&disk = parts_.disk, &log = parts_.log, paths = std::move(paths)] {
    for (const std::string& path : paths) {
      if (Status status = disk.Remove(path); !status) log.Warning("{}", status.error().message);
    }
  });
}

bool AppendOnly::MustRewrite() const {
  if (!schedule_.MayTry(parts_.engine.now_ms())) return false;
  if (is_rewrite_scheduled_ || state_ == State::kWaitingForRewrite) return true;
  if (state_ != State::kOn) return false;
  const auto growth = schedule_.GrowthIfDue(total_bytes(), settings_.auto_aof_rewrite_percentage,
                                            static_cast<uint64_t>(settings_.auto_aof_rewrite_min_size));
  if (growth) parts_.log.Notice("Starting automatic rewriting of AOF on {}% growth", *growth);
  return growth.has_value();
}

// ---- writing

void AppendOnly::Pump() {
  if (writer_ == nullptr) return;
  const uint64_t start = env::Ticks();
  writer_->Pump();
  TakeReport();
  stats_.pump_ticks += env::Ticks() - start;
}

bool AppendOnly::delays_replies() const {
  return is_on() && settings_.appendfsync == settings::Appendfsync::kAlways;
}

void AppendOnly::TakeReport() {
  aof::WriterReport report = writer_->TakeReport();
  if (report.is_fatal) {
    parts_.log.Warning(
        "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting... ({})",
        report.error.message);
    parts_.on_fatal();
    return;
  }
  if (stats_.last_write_ok && report.has_failed) stats_.last_error = std::strerror(report.error.code);
  stats_.last_write_ok = !report.has_failed;
  // What is written while the first base is still missing lets nobody load anything yet.
  if (state_ != State::kOn) report.progress.synced = 0;
  parts_.gate.SetLocal(report.progress);
}

// What the disk has held up since the last time.
void AppendOnly::ReportDelays() {
  if (writer_ == nullptr || !parts_.engine.latency().is_on()) return;
  const aof::WriterDelays delays = writer_->TakeDelays();
  engine::Engine& engine = parts_.engine;
  engine.ReportLatency("aof-write", delays.write_us);
  engine.ReportLatency(is_rewriting() ? "aof-write-active-child" : "aof-write-alone", delays.write_us);
  engine.ReportLatency("aof-fsync-always", delays.sync_us);
  engine.ReportLatency("aof-write-pending-fsync", delays.pending_sync_us);
}

void AppendOnly::Tick() {
  ReportDelays();
  if (rewrite_ != nullptr) {
    if (rewrite_->is_over()) EndRewrite();
  } else if (MustRewrite()) {
    (void)Rewrite();
  }
}

Status AppendOnly::Flush() {
  if (writer_ == nullptr) return {};
  Status status = writer_->Flush();
  TakeReport();
  return status;
}

Status AppendOnly::Complete() {
  if (state_ == State::kWaitingForRewrite) {
    parts_.log.Notice("Writing the first append-only file before exiting.");
    if (!is_rewriting()) HEARTH_TRY(Rewrite());
    rewrite_->CaptureAll();
    EndRewrite();
    if (state_ == State::kWaitingForRewrite) return Fail("the first append-only file could not be written");
  }
  return Flush();
}

uint64_t AppendOnly::synced_offset() const { return state_ == State::kOn ? parts_.gate.local().synced : 0; }

void AppendOnly::DescribeEnd(std::string& file, uint64_t& bytes) const {
  file.clear();
  if (state_ != State::kOn || !stats_.last_write_ok) return;
  file = folder_->manifest().increments().back().name;
  bytes = writer_->stats().file_bytes;
}

bool AppendOnly::EndsAt(const std::string& file, uint64_t bytes) const {
  const auto& increments = folder_->manifest().increments();
  if (increments.empty() || increments.back().name != file) return false;
  const auto info = parts_.disk.Stat(folder_->PathOf(file));
  return info && info->has_value() && (*info)->size_bytes == bytes;
}

std::string AppendOnly::WriteRefusal() const {
  if (!is_on() || stats_.last_write_ok) return {};
  return "MISCONF Errors writing to the AOF file: " + stats_.last_error;
}

void AppendOnly::RefreshSizes() {
  older_bytes_ = 0;
  const Result<uint64_t> total = folder_->TotalBytes();
  if (!total || writer_ == nullptr) return;
  older_bytes_ = *total - std::min(*total, writer_->stats().file_bytes);
}

uint64_t AppendOnly::total_bytes() const {
  if (writer_ == nullptr) return 0;
  const aof::WriterStats stats = writer_->stats();
  return older_bytes_ + stats.file_bytes + stats.pending_bytes;
}

int64_t AppendOnly::rewriting_seconds() const { return rewrite_ == nullptr ? -1 : rewrite_->seconds(); }

}  // namespace hearth::persistence
