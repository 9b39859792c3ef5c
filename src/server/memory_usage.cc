#include "server/memory_usage.h"

#include <algorithm>

#include "engine/client_limits.h"
#include "env/process.h"

namespace hearth::server {

MemoryFigures ReadMemoryFigures(engine::Engine& engine, const Metrics& metrics, const Identity& identity) {
  MemoryFigures figures;
  figures.used = AllocatedBytes();
  figures.peak = std::max(metrics.peak_memory_bytes(), figures.used);
  figures.startup = identity.startup_memory_bytes;
  engine.clients().ForEach(
      [&](const engine::Client& client) { figures.clients += engine::ClientMemoryBytes(client); });
  for (int i = 0; i < engine.keyspace().database_count(); ++i) {
    figures.tables += engine.keyspace().database(i).TableBytes();
  }
  figures.overhead = figures.startup + figures.clients + figures.tables;
  figures.dataset = figures.used > figures.overhead ? figures.used - figures.overhead : 0;
  figures.resident_process = env::ResidentBytes();
  figures.allocator = ReadAllocatorStats();
  return figures;
}

}  // namespace hearth::server
