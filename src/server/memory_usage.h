// Where the memory goes, for INFO and MEMORY STATS. Engine thread only.
#pragma once

#include <cstddef>

#include "base/memory.h"
#include "engine/engine.h"
#include "server/info_metrics.h"

namespace hearth::server {

// All in bytes.
struct MemoryFigures {
  size_t used = 0;              // allocated by the program
  size_t peak = 0;              // the most of that so far
  size_t startup = 0;           // of that before there was data
  size_t clients = 0;           // connections but those of replicas, their buffers and state
  size_t replicas = 0;          // the same of replicas
  size_t backlog = 0;           // the write log: one for all replicas and the append-only file
  size_t aof_pending = 0;       // of it, what is still to be written to the append-only file
  size_t tables = 0;            // hash tables of all databases
  size_t overhead = 0;          // all of these but the last
  size_t dataset = 0;           // the rest: keys and values
  size_t resident_process = 0;  // in physical memory, as the system counts
  AllocatorStats allocator;

  static double Ratio(size_t part, size_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  }
  double PeakPercentage() const { return 100 * Ratio(used, peak); }
  double DatasetPercentage() const { return used > startup ? 100 * Ratio(dataset, used - startup) : 0; }
};

MemoryFigures ReadMemoryFigures(engine::Engine& engine, const Metrics& metrics, const Identity& identity);

}  // namespace hearth::server
