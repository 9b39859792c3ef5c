// Takes the chunks of a cut, and encodes and writes them on a thread of its own: the sink of BGSAVE, SAVE,
// AOF base files and full syncs.
//
// The engine thread makes it, gives it to the cut (keyspace/cutter.h) and asks how it is getting on. It must
// stay until it is done or the cut has been abandoned. Destroying it before it is done cancels it and waits
// for the thread, which is at most one call of the byte sink.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "keyspace/cut.h"
#include "rdb/byte_sink.h"
#include "rdb/snapshot_output.h"

namespace hearth::rdb {

class SnapshotWriter final : public keyspace::CutSink {
 public:
  // The walker waits while so many bytes are in the queue.
  static constexpr size_t kMaxQueuedBytes = 16 << 20;
  // Changes of keys do not wait; with so many bytes in the queue, speed counts more than the size of the
  // file.
  static constexpr size_t kHurriedBytes = 2 * kMaxQueuedBytes;

  // Chunks that are kept for others to come, and how large each may be.
  static constexpr size_t kMostSpareBytes = size_t{256} << 10;
  static constexpr size_t kMostSpares = 32;

  struct Options {
    SnapshotOutput::Checksum checksum = SnapshotOutput::Checksum::kYes;
    // Makes the work last longer, for tests (`rdb-key-save-delay`): microseconds to wait for each key, or
    // below zero a microsecond for so many keys.
    int64_t key_delay_us = 0;
    // How far the thread stands back behind those that serve clients, where cores are scarce.
    int niceness = 0;
    // Called once, on the writer's thread, when status() can be asked: to wake the engine. May be null.
    std::function<void()> on_done;
  };

  SnapshotWriter(std::unique_ptr<SnapshotFormat> format, std::unique_ptr<ByteSink> sink, Options options);
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  // ---- keyspace::CutSink, engine thread
  void Take(keyspace::CaptureChunk& chunk) override;
  bool IsBehind() const override { return queued_bytes() > kMaxQueuedBytes; }
  void OnCaptured() override;
  // The cut is over and needs no abandoning.
  bool is_captured() const { return is_captured_; }
  // Waits until it is no longer behind, or done.
  void WaitForRoom();

  // Stops as soon as it can, with an error. The caller abandons the cut.
  void Cancel();

  // ---- any thread
  bool is_done() const { return is_done_.load(std::memory_order_acquire); }
  // True once the writer has failed or was cancelled, before it is done: nothing more need be captured.
  bool has_failed() const { return has_failed_.load(std::memory_order_relaxed); }
  size_t queued_bytes() const { return queued_bytes_.load(std::memory_order_relaxed); }
  uint64_t keys_written() const { return output_.keys_written(); }
  uint64_t bytes_written() const { return output_.bytes_written(); }

  // When it is done: how it went.
  const Status& status() const;
  // Waits until it is done; for SAVE and shutdown. Everything must have been captured, or it was cancelled.
  const Status& Wait();

 private:
  void Run();
  Status Write();
  // Keeps the memory of a chunk that is written for one to come: without that, pages go back to the system
  // and come anew all the time.
  void Recycle(keyspace::CaptureChunk& chunk);
  // False when there will be no more.
  bool NextChunks(std::vector<keyspace::CaptureChunk>& chunks);
  // Waits as long as `keys` keys are to take.
  void Delay(uint64_t keys);
  void DropQueue();

  const std::unique_ptr<SnapshotFormat> format_;
  std::unique_ptr<ByteSink> sink_;
  const std::function<void()> on_done_;
  const int64_t key_delay_us_;
  const int niceness_;
  SnapshotOutput output_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_wake_;
  std::vector<keyspace::CaptureChunk> queue_;
  std::vector<keyspace::CaptureChunk> spare_;
  bool is_captured_ = false;  // written by the engine thread, under mutex_

  std::atomic<size_t> queued_bytes_ = 0;
  std::atomic<bool> has_failed_ = false;
  std::atomic<bool> is_cancelled_ = false;
  std::atomic<bool> is_done_ = false;
  Status status_;
  std::thread thread_;
};

}  // namespace hearth::rdb
