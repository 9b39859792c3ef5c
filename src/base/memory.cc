#include "base/memory.h"

#include <malloc.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/assert.h"

#ifdef HEARTH_SANITIZED
// Part of every sanitizer's run-time library; GCC ships no header for it.
extern "C" size_t __sanitizer_get_current_allocated_bytes();
#else
#include <jemalloc/jemalloc.h>
#endif

namespace hearth {

size_t AllocationSize(const void* block) { return malloc_usable_size(const_cast<void*>(block)); }

#ifdef HEARTH_SANITIZED

ThreadMemoryScope::ThreadMemoryScope() : slot_(0) {}
ThreadMemoryScope::~ThreadMemoryScope() = default;

size_t AllocatedBytes() { return __sanitizer_get_current_allocated_bytes(); }
AllocatorStats ReadAllocatorStats() { return {}; }
bool PurgeUnusedPages() { return false; }
bool SetBackgroundPurge(bool) { return false; }
const char* AllocatorName() { return "libc"; }
size_t GoodAllocationSize(size_t size) { return size; }

#else

namespace {

constexpr size_t kMaxThreads = 512;

// Counters that jemalloc keeps in each thread's own storage; other threads only read them.
struct ThreadCounters {
  const uint64_t* allocated = nullptr;
  const uint64_t* freed = nullptr;
};

// The lock is what keeps a reader from looking into the storage of a thread that is just ending. It is held
// for nanoseconds and contended only while threads start or end, so that it spins.
class ThreadRegistry {
 public:
  int Add(ThreadCounters counters) {
    const Lock lock(busy_);
    size_t slot = 0;
    while (slot < kMaxThreads && threads_[slot].allocated != nullptr) ++slot;
    HEARTH_ASSERT(slot < kMaxThreads);
    threads_[slot] = counters;
    if (slot == used_) ++used_;
    return static_cast<int>(slot);
  }

  void Remove(int slot) {
    const Lock lock(busy_);
    ThreadCounters& thread = threads_[static_cast<size_t>(slot)];
    ended_ += Difference(thread);
    thread = {};
    while (used_ > 0 && threads_[used_ - 1].allocated == nullptr) --used_;
  }

  size_t Total() {
    const Lock lock(busy_);
    int64_t total = ended_;
    for (size_t i = 0; i < used_; ++i) {
      if (threads_[i].allocated != nullptr) total += Difference(threads_[i]);
    }
    // Negative only if registered threads freed what unregistered ones had allocated.
    return total > 0 ? static_cast<size_t>(total) : 0;
  }

 private:
  class Lock {
   public:
    explicit Lock(std::atomic_flag& busy) : busy_(busy) {
      while (busy_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    }
    ~Lock() { busy_.clear(std::memory_order_release); }

   private:
    std::atomic_flag& busy_;
  };

  // May be negative for one thread: what it frees may have been allocated by another.
  static int64_t Difference(const ThreadCounters& thread) {
    const uint64_t freed = __atomic_load_n(thread.freed, __ATOMIC_RELAXED);
    return static_cast<int64_t>(__atomic_load_n(thread.allocated, __ATOMIC_RELAXED) - freed);
  }

  std::atomic_flag busy_;
  size_t used_ = 0;
  int64_t ended_ = 0;
  std::array<ThreadCounters, kMaxThreads> threads_{};
};

ThreadRegistry registry;

const uint64_t* ThreadCounter(const char* name) {
  uint64_t* counter = nullptr;
  size_t size = sizeof(counter);
  const int error = mallctl(name, &counter, &size, nullptr, 0);
  HEARTH_ASSERT(error == 0 && counter != nullptr);
  return counter;
}

template <typename T>
T ReadStat(const char* name) {
  T value{};
  size_t size = sizeof(value);
  return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : T{};
}

#define HEARTH_STRINGIFY_VALUE(x) #x
#define HEARTH_STRINGIFY(x) HEARTH_STRINGIFY_VALUE(x)
// "arena.<all>." and "stats.arenas.<all>.", where <all> is jemalloc's number for all arenas together.
#define HEARTH_ALL_ARENAS(prefix, suffix) prefix HEARTH_STRINGIFY(MALLCTL_ARENAS_ALL) suffix

}  // namespace

ThreadMemoryScope::ThreadMemoryScope()
    : slot_(registry.Add({ThreadCounter("thread.allocatedp"), ThreadCounter("thread.deallocatedp")})) {}
ThreadMemoryScope::~ThreadMemoryScope() { registry.Remove(slot_); }

size_t AllocatedBytes() { return registry.Total(); }

AllocatorStats ReadAllocatorStats() {
  // The statistics are of the moment the epoch was last advanced.
  uint64_t epoch = 1;
  size_t size = sizeof(epoch);
  if (mallctl("epoch", &epoch, &size, &epoch, size) != 0) return {};
  AllocatorStats stats;
  stats.allocated = ReadStat<size_t>("stats.allocated");
  stats.active = ReadStat<size_t>("stats.active");
  stats.resident = ReadStat<size_t>("stats.resident");
  stats.retained = ReadStat<size_t>("stats.retained");
  stats.mapped = ReadStat<size_t>("stats.mapped");
  const size_t muzzy_pages = ReadStat<size_t>(HEARTH_ALL_ARENAS("stats.arenas.", ".pmuzzy"));
  stats.muzzy = muzzy_pages * ReadStat<size_t>("arenas.page");
  return stats;
}

bool PurgeUnusedPages() {
  return mallctl(HEARTH_ALL_ARENAS("arena.", ".purge"), nullptr, nullptr, nullptr, 0) == 0;
}

bool SetBackgroundPurge(bool on) {
  return mallctl("background_thread", nullptr, nullptr, &on, sizeof(on)) == 0;
}

const char* AllocatorName() {
  return "jemalloc-" HEARTH_STRINGIFY(JEMALLOC_VERSION_MAJOR) "." HEARTH_STRINGIFY(
      JEMALLOC_VERSION_MINOR) "." HEARTH_STRINGIFY(JEMALLOC_VERSION_BUGFIX);
}

size_t GoodAllocationSize(size_t size) { return nallocx(size == 0 ? 1 : size, 0); }

#endif

}  // namespace hearth
