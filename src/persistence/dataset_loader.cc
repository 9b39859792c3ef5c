#include "persistence/dataset_loader.h"

#include <cerrno>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/hash.h"
#include "env/sleep.h"
#include "resp/output_buffer.h"

namespace hearth::persistence {
namespace {

// Clients get their -LOADING about so often.
constexpr int64_t kTurnMicros = 10'000;
constexpr std::chrono::milliseconds kLongestWait(10);

// Runs the commands of a file, and throws their replies away.
class FileCaller {
 public:
  explicit FileCaller(engine::Engine& engine)
      : engine_(engine), client_(engine.clients().Add(kId, nullptr, output_, engine.now_ms())) {}
  ~FileCaller() { engine_.clients().Remove(client_); }
  FileCaller(const FileCaller&) = delete;
  FileCaller& operator=(const FileCaller&) = delete;

  engine::Client& client() { return client_; }

 private:
  static constexpr uint64_t kId = 0;  // no connection has it

  engine::Engine& engine_;
  resp::ChunkPool pool_;
  resp::OutputBuffer output_{pool_};
  engine::Client& client_;
};

}  // namespace

// While one exists, the engine loads: clients are told so, and keys whose time is over stay as they are.
class DatasetLoader::Running {
 public:
  Running(DatasetLoader& loader, uint64_t total_bytes)
      : loader_(loader), expired_keys_(loader.parts_.engine.keyspace().expired_keys()) {
    engine::Engine& engine = loader_.parts_.engine;
    engine.RefreshTime();
    engine.set_loading(true);
    engine.keyspace().set_expired_keys(keyspace::ExpiredKeys::kIgnore);
    loader_.stats_.is_running = true;
    loader_.stats_.started_seconds = engine.now_ms() / 1000;
    loader_.stats_.total_bytes = total_bytes;
    loader_.stats_.loaded_bytes = 0;
    loader_.is_stopped_ = false;
  }
  ~Running() {
    engine::Engine& engine = loader_.parts_.engine;
    engine.keyspace().set_expired_keys(expired_keys_);
    engine.set_loading(false);
    loader_.stats_.is_running = false;
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  DatasetLoader& loader_;
  const keyspace::ExpiredKeys expired_keys_;  // as before
};

bool DatasetLoader::TakeTurn(uint64_t loaded_bytes) {
  stats_.loaded_bytes = loaded_bytes;
  const int64_t now = parts_.clock.MonotonicMicros();
  const auto interval = static_cast<uint64_t>(settings_.loading_process_events_interval_bytes);
  const bool is_due = now - last_turn_us_ >= kTurnMicros || loaded_bytes - last_turn_bytes_ >= interval;
  if (!is_due) return !is_stopped_;
  is_stopped_ = is_stopped_ || !parts_.take_turn();
  last_turn_us_ = parts_.clock.MonotonicMicros();
  last_turn_bytes_ = loaded_bytes;
  return !is_stopped_;
}

// key-load-delay: microseconds a key, or, below zero, keys a microsecond. Tests change it while data is
// loaded.
void DatasetLoader::HoldBack(size_t keys) {
  for (; keys > 0 && settings_.key_load_delay != 0 && !is_stopped_; --keys) {
    if (settings_.key_load_delay < 0) {
      return env::HoldUpThread(static_cast<int64_t>(keys) / -settings_.key_load_delay);
    }
    env::HoldUpThread(settings_.key_load_delay);
    TakeTurn(stats_.loaded_bytes);
  }
}

// ---- RDB

Status DatasetLoader::LoadRdb(const std::string& path, rdb::OnDuplicate on_duplicate) {
  auto source = rdb::FileSource::Open(parts_.disk, path);
  if (!source) return std::unexpected(source.error());
  const int64_t start = parts_.clock.MonotonicMicros();
  earlier_bytes_ = 0;
  const Running running(*this, (*source)->BytesLeft());
  HEARTH_TRY(LoadSource(std::move(*source), true, on_duplicate, nullptr));
  parts_.log.Notice("Done loading RDB, keys loaded: {}, keys expired: {}.", stats_.keys_loaded,
                    stats_.keys_expired);
  parts_.log.Notice("DB loaded from disk: {:.3f} seconds",
                    static_cast<double>(parts_.clock.MonotonicMicros() - start) / 1e6);
  return {};
}

Status DatasetLoader::LoadSource(std::unique_ptr<rdb::ByteSource> source, bool drops_expired,
                                 rdb::OnDuplicate on_duplicate, uint64_t* end_offset) {
  keyspace::Keyspace& keyspace = parts_.engine.keyspace();
  aux_fields_ = {};
  rdb::LoadOptions options{
      .decoding = {settings_, &keyspace.cuts(),
                   settings_.sanitize_dump_payload == settings::SanitizeDumpPayload::kYes},
      .database_count = keyspace.database_count(),
      .now_ms = parts_.engine.now_ms(),
      .drops_expired = drops_expired,
      .checks_sum = settings_.rdbchecksum && !parts_.engine.debug().skips_checksums};
  rdb::LoadPipeline pipeline(std::move(source), options, nullptr);
  while (!pipeline.IsOver()) {
    // Clients are answered while the worker is busy with a large value, too.
    if (auto batch = pipeline.TakeBatchWithin(kLongestWait)) {
      HEARTH_TRY(Insert(*batch, on_duplicate));
      HoldBack(batch->keys.size());
    }
    if (!TakeTurn(earlier_bytes_ + pipeline.bytes_read())) return Fail("the server is to end", ECANCELED);
  }
  const Result<rdb::LoadSummary> summary = pipeline.Finish();
  if (!summary) return std::unexpected(summary.error());
  stats_.keys_loaded = summary->keys;
  stats_.keys_expired = summary->expired_keys;
  if (end_offset != nullptr) *end_offset = summary->bytes;
  return {};
}

Status DatasetLoader::Insert(rdb::LoadBatch& batch, rdb::OnDuplicate on_duplicate) {
  for (const auto& [name, value] : batch.aux_fields) {
    if (rdb::TakeAuxField(name, value, &aux_fields_))
      stats_.used_memory_then = aux_fields_.used_memory.value_or(0);
    rdb::LogAuxField(name, value, parts_.engine.now_ms() / 1000, parts_.log);
  }
  if (!batch.functions.empty()) HEARTH_TRY(LoadFunctions(batch.functions, on_duplicate));
  return rdb::InsertBatch(batch, parts_.engine.keyspace(), on_duplicate);
}

Status DatasetLoader::LoadFunctions(std::span<const std::string> codes, rdb::OnDuplicate on_duplicate) {
  using Existing = engine::FunctionLibraries::Existing;
  engine::FunctionLibraries* functions = parts_.engine.functions();
  if (functions == nullptr)
    return Fail("the file holds libraries of functions, for which there is no interpreter");
  return functions->Load(codes, on_duplicate == rdb::OnDuplicate::kReplace ? Existing::kReplaceSameName
                                                                           : Existing::kRefuseSameName);
}

// ---- AOF

Status DatasetLoader::LoadAof(aof::Folder& folder) {
  const Result<uint64_t> total = folder.TotalBytes();
  if (!total) return std::unexpected(total.error());
  const Running running(*this, *total);
  FileCaller caller(parts_.engine);
  caller_ = &caller.client();
  earlier_bytes_ = 0;
  aof::Loader loader(parts_.disk, parts_.clock, parts_.log, *this);
  const Result<aof::LoadSummary> summary = loader.Load(folder.Files(), settings_.aof_load_truncated);
  caller_ = nullptr;
  if (!summary) return std::unexpected(summary.error());
  return {};
}

Result<uint64_t> DatasetLoader::LoadSnapshot(const std::string& path) {
  auto source = rdb::FileSource::Open(parts_.disk, path);
  if (!source) return std::unexpected(source.error());
  uint64_t end = 0;
  HEARTH_TRY(LoadSource(std::move(*source), false, rdb::OnDuplicate::kFail, &end));
  return end;
}

Status DatasetLoader::Apply(int database, std::span<const std::string_view> args) {
  engine::Engine& engine = parts_.engine;
  if (is_stopped_) return Fail("the server is to end", ECANCELED);
  if (database >= engine.keyspace().database_count()) {
    return Fail(fmt::format("there is no database {}", database));
  }
  const uint16_t id = engine.commands().FindId(args[0]);
  engine::Command* command = id == engine::CommandTable::kNone ? nullptr : &engine.commands().at(id);
  if (command != nullptr && !command->subcommands.empty() && args.size() > 1) {
    command = engine.commands().FindSubcommand(*command, args[1]);
  }
  if (command == nullptr || !command->handler || !command->AcceptsArgumentCount(args.size())) {
    return Fail(fmt::format("Unknown command '{}'", args[0].substr(0, 128)));
  }
  caller_->database = database;
  engine.Call(*caller_, *command, args, 0);
  HoldBack(1);
  Status status = CheckReply(args[0]);
  caller_->writer.output().Clear();
  return status;
}

// What is logged has worked once. If it does not now, the data is not what it was.
Status DatasetLoader::CheckReply(std::string_view command) {
  iovec reply;
  const bool has_reply = caller_->writer.output().FillIov(&reply, 1) == 1;
  if (!has_reply || *static_cast<const char*>(reply.iov_base) != '-') return {};
  const std::string_view line(static_cast<const char*>(reply.iov_base), reply.iov_len);
  const std::string told =
      fmt::format("a command of the append-only file is answered with an error: '{}' after '{}'",
                  line.substr(0, line.find('\r')), command.substr(0, 128));
  parts_.log.Warning("== CRITICAL == {}", told);
  ++parts_.engine.stats().unexpected_errors;
  if (settings_.propagation_error_behavior != settings::PropagationErrorBehavior::kPanic) return {};
  return Fail(told);
}

void DatasetLoader::OnProgress(uint64_t loaded_bytes) {
  earlier_bytes_ = loaded_bytes;
  TakeTurn(loaded_bytes);
}

}  // namespace hearth::persistence
