// Loads an RDB on two threads: a worker reads, decodes and makes the entries, and the engine thread puts them
// into the databases, batch by batch. The queue between them is bounded.
//
// No cut of the keyspace may begin or end between the making of a pipeline and its end, for the worker makes
// containers with the keyspace's cut state.
//
//   LoadPipeline pipeline(std::move(source), options, nullptr);
//   while (auto batch = pipeline.TakeBatch()) HEARTH_TRY(InsertBatch(*batch, keyspace, OnDuplicate::kFail));
//   const Result<LoadSummary> summary = pipeline.Finish();
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "keyspace/keyspace.h"
#include "rdb/loader.h"
#include "settings/settings.h"

namespace hearth::rdb {

// What comes in one piece, in this order: fields, functions, and keys of one database.
struct LoadBatch {
  struct Resize {
    uint64_t keys = 0;
    uint64_t expiring = 0;
  };

  std::vector<std::pair<std::string, std::string>> aux_fields;
  std::vector<std::string> functions;
  int database = 0;
  std::optional<Resize> resize;
  std::vector<LoadedKey> keys;

  bool empty() const { return aux_fields.empty() && functions.empty() && !resize && keys.empty(); }
};

// Owned by the engine thread, which alone calls it.
class LoadPipeline {
 public:
  // Starts the worker. `cuts` of the options' decoding outlives the pipeline; the settings are copied.
  // `on_ready`, if not null, is called on the worker thread when there is something to be taken after there
  // was nothing, and at the end.
  LoadPipeline(std::unique_ptr<ByteSource> source, const LoadOptions& options,
               std::function<void()> on_ready);
  // Stops the worker wherever it is, and frees what was not taken. A source that may wait for bytes must have
  // been made to fail before.
  ~LoadPipeline();
  LoadPipeline(const LoadPipeline&) = delete;
  LoadPipeline& operator=(const LoadPipeline&) = delete;

  // The next batch; waits for it. Nothing after the last one, or after a failure.
  std::optional<LoadBatch> TakeBatch();
  // The same, but waits no longer than that: a large value may take the worker a while.
  std::optional<LoadBatch> TakeBatchWithin(std::chrono::milliseconds timeout);
  // The next batch if one is there.
  std::optional<LoadBatch> TryTakeBatch();
  // Nothing will come any more, and all has been taken.
  bool IsOver();
  // How it went; to be asked when it is over.
  Result<LoadSummary> Finish();

  // How much the worker has read, for INFO.
  uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }

 private:
  class Collector;
  class CountingSource;

  void Run();
  // False once the pipeline is being destroyed.
  bool Push(LoadBatch batch);
  std::optional<LoadBatch> TakeLocked();

  const std::unique_ptr<ByteSource> source_;
  const settings::Settings settings_;
  const LoadOptions options_;
  const std::function<void()> on_ready_;
  std::atomic<uint64_t> bytes_read_ = 0;

  std::mutex mutex_;
  std::condition_variable ready_;  // for the taker
  std::condition_variable room_;   // for the worker
  std::deque<LoadBatch> batches_;
  bool is_stopping_ = false;
  bool is_done_ = false;
  Result<LoadSummary> summary_;

  std::thread worker_;
};

enum class OnDuplicate : uint8_t {
  kFail,     // a file has each key once
  kReplace,  // what comes wins over what is there
};

// Puts a batch's keys into its database of `keyspace`, or into the one given. Engine thread.
Status InsertBatch(LoadBatch& batch, keyspace::Keyspace& keyspace, OnDuplicate on_duplicate);
Status InsertBatch(LoadBatch& batch, keyspace::Database& database, OnDuplicate on_duplicate);

}  // namespace hearth::rdb
