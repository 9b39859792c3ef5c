#include "keyspace/free_worker.h"

#include <utility>

#include "base/memory.h"

namespace hearth::keyspace {

FreeWorker::FreeWorker() : thread_([this] { Run(); }) {}

FreeWorker::~FreeWorker() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void FreeWorker::Free(Entry* entry) {
  Give(1, [entry] { FreeEntry(entry); });
}

void FreeWorker::Free(ds::HashTable<EntryTraits>&& keys, ds::HashTable<EntryTraits>&& expires) {
  const uint64_t objects = keys.size();
  Give(objects, [keys = std::move(keys), expires = std::move(expires)] { keys.VisitAll(FreeEntry); });
}

void FreeWorker::Give(uint64_t objects, std::move_only_function<void()> free) {
  pending_.fetch_add(objects, std::memory_order_relaxed);
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back({objects, std::move(free)});
  }
  wake_.notify_one();
}

void FreeWorker::Run() {
  const auto memory = RegisterThreadMemory();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::vector<Job> jobs = std::exchange(jobs_, {});
    lock.unlock();
    for (Job& job : jobs) {
      job.free();
      job.free = nullptr;
      pending_.fetch_sub(job.objects, std::memory_order_relaxed);
      freed_.fetch_add(job.objects, std::memory_order_relaxed);
    }
    lock.lock();
  }
}

}  // namespace hearth::keyspace
