// How much memory this process has allocated, cheaply enough to be asked before every command, and what the
// allocator says about itself. With jemalloc the figures are exact; in sanitizer builds, which have their own
// allocator, the statistics are zero and AllocatedBytes comes from the sanitizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace hearth {

// Every thread that allocates for the data holds one for as long as it runs (made first, destroyed last, both
// on the thread itself). What an unregistered thread allocates is not counted. Counts of ended threads are
// kept.
class ThreadMemoryScope {
 public:
  ThreadMemoryScope();
  ~ThreadMemoryScope();
  ThreadMemoryScope(const ThreadMemoryScope&) = delete;
  ThreadMemoryScope& operator=(const ThreadMemoryScope&) = delete;

 private:
  int slot_;
};

// Registers the calling thread until the returned object goes out of scope.
[[nodiscard]] inline ThreadMemoryScope RegisterThreadMemory() { return ThreadMemoryScope(); }

// Bytes allocated minus bytes freed by all registered threads, in size classes as handed out. Any thread;
// about ten nanoseconds and no system call.
size_t AllocatedBytes();

// What the allocator reports for INFO and MEMORY STATS, in bytes.
struct AllocatorStats {
  size_t allocated = 0;  // in live allocations
  size_t active = 0;     // in pages that hold live allocations
  size_t resident = 0;   // in physical memory, the allocator's own structures included
  size_t retained = 0;   // address space kept without memory behind it
  size_t mapped = 0;     // in active extents
  size_t muzzy = 0;      // in pages given back lazily, which the kernel may still count
};

// Gathers the statistics of all arenas: tens of microseconds, for INFO and the like. Any thread.
AllocatorStats ReadAllocatorStats();

// Everything that the allocator says about itself, for people.
std::string AllocatorReport();

// A number or a text among the allocator's own controls ("arenas.dirty_decay_ms"), after setting it if
// `value` says so. The error is the system's word for what was wrong.
Result<int64_t> AllocatorNumber(const std::string& name, std::optional<int64_t> value);
Result<std::string> AllocatorText(const std::string& name, const std::optional<std::string>& value);

// Asks the allocator to return unused pages to the system (MEMORY PURGE). False if it cannot.
bool PurgeUnusedPages();

// Lets the allocator purge in threads of its own, or stops it. False if it cannot.
bool SetBackgroundPurge(bool on);

// The name and version shown as mem_allocator, e.g. "jemalloc-5.3.0".
const char* AllocatorName();

// The usable bytes behind a pointer from malloc or new; 0 for null. All of them may be used if the block was
// requested with GoodAllocationSize.
size_t AllocationSize(const void* block);

// Whether the block lies among more gaps than blocks of its size do on the whole, so that moving it would
// help to empty its pages. False where the allocator cannot say.
bool IsSparselyPlaced(const void* block);
// Memory for what is moved: a new block where its kind is packed most densely, and the end of the old one.
// Both go by the pages themselves, past what threads keep for themselves.
void* AllocateDensely(size_t size);
void FreeToPages(void* block);
// Bytes in pages of small blocks that hold none, beside what is in use there: what moving blocks could give
// back.
struct FragmentationFigures {
  size_t used_bytes = 0;
  size_t gap_bytes = 0;
};
FragmentationFigures ReadFragmentation();

// The size class that a request of `size` bytes falls into: asking for all of it costs nothing more.
size_t GoodAllocationSize(size_t size);

}  // namespace hearth
