// Frees large values and whole tables on a thread of its own, so that the engine never waits for it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "ds/hash_table.h"
#include "keyspace/entry.h"

namespace hearth::keyspace {

// Owned by Keyspace. The engine thread gives; the worker frees in order. The destructor frees what is left.
class FreeWorker {
 public:
  FreeWorker();
  ~FreeWorker();
  FreeWorker(const FreeWorker&) = delete;
  FreeWorker& operator=(const FreeWorker&) = delete;

  void Free(Entry* entry);
  // Both tables of a database; `expires` points to the same entries.
  void Free(ds::HashTable<EntryTraits>&& keys, ds::HashTable<EntryTraits>&& expires);

  // Objects given and not yet freed, and all freed so far (INFO lazyfree_*).
  uint64_t pending() const { return pending_.load(std::memory_order_relaxed); }
  uint64_t freed() const { return freed_.load(std::memory_order_relaxed); }
  void ResetFreedCount() { freed_.store(0, std::memory_order_relaxed); }

 private:
  struct Job {
    uint64_t objects;
    std::move_only_function<void()> free;
  };
  void Give(uint64_t objects, std::move_only_function<void()> free);
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job> jobs_;
  bool stopping_ = false;
  std::atomic<uint64_t> pending_ = 0;
  std::atomic<uint64_t> freed_ = 0;
  std::thread thread_;
};

}  // namespace hearth::keyspace
