#include "base/memory.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
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
std::string AllocatorReport() { return "Stats not supported for the current allocator"; }
Result<int64_t> AllocatorNumber(const std::string&, std::optional<int64_t>) {
  return Fail(std::strerror(ENOENT), ENOENT);
}
Result<std::string> AllocatorText(const std::string&, const std::optional<std::string>&) {
  return Fail(std::strerror(ENOENT), ENOENT);
}
bool IsSparselyPlaced(const void*) { return false; }
void* AllocateDensely(size_t size) { return ::operator new(size); }
void FreeToPages(void* block) { ::operator delete(block); }
FragmentationFigures ReadFragmentation() { return {}; }

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

std::string AllocatorReport() {
  std::string report;
  malloc_stats_print([](void* to, const char* text) { *static_cast<std::string*>(to) += text; }, &report,
                     nullptr);
  return report;
}

Result<int64_t> AllocatorNumber(const std::string& name, std::optional<int64_t> value) {
  // What is not as wide as this is read without a new value only.
  int64_t number = 0;
  int error = 0;
  for (size_t width : {sizeof(int64_t), sizeof(uint32_t), sizeof(bool)}) {
    number = 0;
    size_t size = width;
    int64_t wanted = value.value_or(0);
    error = mallctl(name.c_str(), &number, &size, value ? &wanted : nullptr, value ? width : 0);
    if (error != EINVAL) break;
  }
  if (error != 0) return Fail(std::strerror(error), error);
  return number;
}

Result<std::string> AllocatorText(const std::string& name, const std::optional<std::string>& value) {
  // The allocator does not tell texts from numbers, and what is none must not be read as one.
  constexpr std::string_view kTexts[] = {"version",          "config.malloc_conf", "opt.dss",
                                         "opt.metadata_thp", "opt.percpu_arena",   "opt.thp",
                                         "opt.zero_realloc", "opt.junk",           "opt.stats_print_opts"};
  const bool is_text = std::find(std::begin(kTexts), std::end(kTexts), name) != std::end(kTexts) ||
                       (name.starts_with("arena.") && name.ends_with(".dss"));
  const char* text = nullptr;
  size_t size = sizeof text;
  const char* wanted = value ? value->c_str() : nullptr;
  const int error =
      !is_text ? mallctl(name.c_str(), nullptr, nullptr, nullptr, 0)
               : mallctl(name.c_str(), &text, &size, value ? &wanted : nullptr, value ? sizeof wanted : 0);
  if (error != 0) return Fail(std::strerror(error), error);
  if (text == nullptr) return Fail(std::strerror(EINVAL), EINVAL);
  return std::string(text);
}

bool IsSparselyPlaced(const void* block) {
  // What the allocator says of a block: of its slab (a run of pages with blocks of one size), and of all
  // slabs of that size in the same arena.
  struct Placement {
    void* current_slab;  // where new blocks of that size go now
    size_t slab_free;
    size_t slab_blocks;
    size_t slab_bytes;
    size_t size_free;
    size_t size_blocks;
  };
  Placement placement{};
  size_t size = sizeof placement;
  if (mallctl("experimental.utilization.query", &placement, &size, &block, sizeof block) != 0) return false;
  if (placement.slab_blocks <= 1 || placement.slab_free == 0 || placement.size_free == 0) return false;
  const auto at = reinterpret_cast<uintptr_t>(block);
  const auto current = reinterpret_cast<uintptr_t>(placement.current_slab);
  if (at >= current && at < current + placement.slab_bytes) return false;
  // Fuller slabs than the mean, give or take an eighth, stay: what leaves the others goes there.
  return placement.slab_free * placement.size_blocks * 8 >= placement.size_free * placement.slab_blocks * 7;
}

void* AllocateDensely(size_t size) {
  void* block = mallocx(size, MALLOCX_TCACHE_NONE);
  HEARTH_ASSERT(block != nullptr);
  return block;
}

void FreeToPages(void* block) { dallocx(block, MALLOCX_TCACHE_NONE); }

FragmentationFigures ReadFragmentation() {
  uint64_t epoch = 1;
  size_t size = sizeof(epoch);
  if (mallctl("epoch", &epoch, &size, &epoch, size) != 0) return {};
  FragmentationFigures figures;
  const auto bins = ReadStat<unsigned>("arenas.nbins");
  for (unsigned bin = 0; bin < bins; ++bin) {
    const auto fact = [bin](const char* name) { return "arenas.bin." + std::to_string(bin) + "." + name; };
    const auto stat = [bin](const char* name) {
      return "stats.arenas." HEARTH_STRINGIFY(MALLCTL_ARENAS_ALL) ".bins." + std::to_string(bin) + "." + name;
    };
    const size_t block_bytes = ReadStat<size_t>(fact("size").c_str());
    const size_t blocks = ReadStat<uint32_t>(fact("nregs").c_str());
    const size_t slabs = ReadStat<size_t>(stat("curslabs").c_str());
    const size_t used = ReadStat<size_t>(stat("curregs").c_str());
    figures.used_bytes += used * block_bytes;
    figures.gap_bytes += (slabs * blocks - std::min(slabs * blocks, used)) * block_bytes;
  }
  return figures;
}

#endif

}  // namespace hearth
