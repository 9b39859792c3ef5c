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
  engine.clients().ForEach([&](const engine::Client& client) {
    (client.is(engine::Client::kReplica) ? figures.replicas : figures.clients) +=
        engine::ClientMemoryBytes(client);
  });
  persistence::Persistence& persistence = metrics.replication().persistence();
  if (persistence.is_log_wanted()) figures.backlog = persistence.write_log().memory_bytes();
  figures.aof_pending = persistence.append_only().writer_stats().pending_bytes;
  for (int i = 0; i < engine.keyspace().database_count(); ++i) {
    figures.tables += engine.keyspace().database(i).TableBytes();
  }
  figures.overhead = figures.startup + figures.clients + figures.replicas + figures.backlog + figures.tables;
  figures.dataset = figures.used > figures.overhead ? figures.used - figures.overhead : 0;
  figures.resident_process = env::ResidentBytes();
  figures.allocator = ReadAllocatorStats();
  return figures;
}

}  // namespace hearth::server
