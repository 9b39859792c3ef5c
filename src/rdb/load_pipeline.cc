#include "rdb/load_pipeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/memory.h"
#include "base/prefetch.h"
#include "base/text.h"

namespace hearth::rdb {
namespace {

// A batch goes when it has so many keys, or was read from so many bytes. Large enough that handing over costs
// nothing beside the keys, small enough that the engine thread is free again soon after it took one.
constexpr size_t kBatchKeys = 512;
constexpr uint64_t kBatchBytes = uint64_t{512} * 1024;
// So many batches wait at most.
constexpr size_t kMaxBatches = 16;

constexpr std::string_view kStopped = "loading was stopped";

// So far ahead the buckets are asked for, with the entries, which the worker has made in its own cache.
constexpr size_t kPrefetchAhead = 16;

}  // namespace

// Puts what the loader finds into batches. Worker thread.
class LoadPipeline::Collector final : public LoadSink {
 public:
  explicit Collector(LoadPipeline& pipeline) : pipeline_(pipeline) {}

  Status OnAux(std::string_view name, std::string_view value) override {
    if (auto status = FlushKeys(); !status) return status;
    batch_.aux_fields.emplace_back(name, value);
    return {};
  }
  Status OnFunction(std::string_view code) override {
    if (auto status = FlushKeys(); !status) return status;
    batch_.functions.emplace_back(code);
    return {};
  }
  Status OnDatabase(int index) override {
    const Status status = Flush();
    batch_.database = index;
    return status;
  }
  Status OnResize(uint64_t keys, uint64_t expiring) override {
    if (auto status = FlushKeys(); !status) return status;
    batch_.resize = {keys, expiring};
    return {};
  }
  Status OnKey(LoadedKey key) override {
    const uint64_t offset = key.offset;
    if (batch_.keys.empty()) {
      batch_.keys.reserve(kBatchKeys);
      batch_offset_ = offset;
    }
    batch_.keys.push_back(std::move(key));
    if (batch_.keys.size() < kBatchKeys && offset - batch_offset_ < kBatchBytes) return {};
    return Flush();
  }
  Status Flush() {
    if (batch_.empty()) return {};
    const int database = batch_.database;
    if (!pipeline_.Push(std::exchange(batch_, {}))) return Fail(std::string(kStopped));
    batch_.database = database;
    return {};
  }

 private:
  // Other things come before the keys of a batch.
  Status FlushKeys() { return batch_.keys.empty() ? Status() : Flush(); }

  LoadPipeline& pipeline_;
  LoadBatch batch_;
  uint64_t batch_offset_ = 0;
};

// Worker thread.
class LoadPipeline::CountingSource final : public ByteSource {
 public:
  explicit CountingSource(LoadPipeline& pipeline) : pipeline_(pipeline) {}

  Result<std::string_view> NextBlock() override {
    const auto block = pipeline_.source_->NextBlock();
    if (block) pipeline_.bytes_read_.fetch_add(block->size(), std::memory_order_relaxed);
    return block;
  }
  uint64_t BytesLeft() const override { return pipeline_.source_->BytesLeft(); }

 private:
  LoadPipeline& pipeline_;
};

LoadPipeline::LoadPipeline(std::unique_ptr<ByteSource> source, const LoadOptions& options,
                           std::function<void()> on_ready)
    : source_(std::move(source)),
      settings_(options.decoding.settings),
      options_{.decoding = {settings_, options.decoding.cuts, options.decoding.checks_deeply},
               .database_count = options.database_count,
               .now_ms = options.now_ms,
               .drops_expired = options.drops_expired,
               .checks_sum = options.checks_sum},
      on_ready_(std::move(on_ready)),
      worker_([this] { Run(); }) {}

LoadPipeline::~LoadPipeline() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  room_.notify_one();
  worker_.join();
}

void LoadPipeline::Run() {
  const auto memory = RegisterThreadMemory();
  Collector collector(*this);
  CountingSource source(*this);
  Result<LoadSummary> summary = LoadRdb(source, options_, collector);
  if (const Status status = collector.Flush(); !status && summary) {
    summary = std::unexpected(status.error());
  }
  {
    const std::lock_guard lock(mutex_);
    summary_ = std::move(summary);
    is_done_ = true;
  }
  ready_.notify_one();
  if (on_ready_) on_ready_();
}

bool LoadPipeline::Push(LoadBatch batch) {
  bool was_empty;
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return batches_.size() < kMaxBatches || is_stopping_; });
    if (is_stopping_) return false;
    was_empty = batches_.empty();
    batches_.push_back(std::move(batch));
  }
  ready_.notify_one();
  if (was_empty && on_ready_) on_ready_();
  return true;
}

std::optional<LoadBatch> LoadPipeline::TakeLocked() {
  if (batches_.empty()) return std::nullopt;
  LoadBatch batch = std::move(batches_.front());
  batches_.pop_front();
  // Half empty, the queue lets the worker run for a while instead of a batch at a time.
  if (batches_.size() == kMaxBatches / 2) room_.notify_one();
  return batch;
}

std::optional<LoadBatch> LoadPipeline::TakeBatch() {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [&] { return !batches_.empty() || is_done_; });
  return TakeLocked();
}

std::optional<LoadBatch> LoadPipeline::TakeBatchWithin(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  ready_.wait_for(lock, timeout, [&] { return !batches_.empty() || is_done_; });
  return TakeLocked();
}

std::optional<LoadBatch> LoadPipeline::TryTakeBatch() {
  const std::lock_guard lock(mutex_);
  return TakeLocked();
}

bool LoadPipeline::IsOver() {
  const std::lock_guard lock(mutex_);
  return is_done_ && batches_.empty();
}

Result<LoadSummary> LoadPipeline::Finish() {
  const std::lock_guard lock(mutex_);
  HEARTH_ASSERT(is_done_);
  return summary_;
}

Status InsertBatch(LoadBatch& batch, keyspace::Keyspace& keyspace, OnDuplicate on_duplicate) {
  return InsertBatch(batch, keyspace.database(batch.database), on_duplicate);
}

Status InsertBatch(LoadBatch& batch, keyspace::Database& database, OnDuplicate on_duplicate) {
  if (batch.resize && database.size() == 0) database.Reserve(batch.resize->keys, batch.resize->expiring);
  for (size_t i = 0; i < batch.keys.size(); ++i) {
    if (i + kPrefetchAhead < batch.keys.size()) {
      const LoadedKey& coming = batch.keys[i + kPrefetchAhead];
      Prefetch(coming.entry.get());
      database.PrefetchBucket(coming.hash);
      // What a full bucket continues with is known when the bucket is there.
      database.PrefetchEntry(batch.keys[i + kPrefetchAhead / 2].hash);
    }
    LoadedKey& loaded = batch.keys[i];
    if (database.Load(loaded.entry, loaded.hash)) continue;
    const std::string_view name = loaded.entry->key();
    if (on_duplicate == OnDuplicate::kFail) {
      return Fail(fmt::format("at byte {}: the key {} is there already", loaded.offset, Quote(name)));
    }
    const keyspace::Key key(name, loaded.hash);
    database.Remove(key);
    database.Adopt(std::move(loaded.entry), key);
  }
  return {};
}

}  // namespace hearth::rdb
