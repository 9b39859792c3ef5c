#include "server/memory_commands.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/memory.h"
#include "commands/help.h"
#include "keyspace/container.h"
#include "server/info.h"
#include "server/memory_usage.h"

namespace hearth::server {
namespace {

using engine::Context;
using engine::Entry;
using engine::Type;

// A string's text is part of its entry or one allocation beside it; containers say what they hold.
size_t UsageOf(const Entry& entry, size_t samples) {
  // What a key takes of its table's buckets: a pointer and a tag, at the load at which tables grow.
  constexpr size_t kTableBytes = 12;
  return kTableBytes + keyspace::EntryBytes(entry) + keyspace::ValueBytes(entry, samples);
}

void Usage(Context& ctx) {
  size_t samples = 5;
  for (size_t i = 3; i < ctx.size(); i += 2) {
    if (!ctx.Is(i, "SAMPLES") || i + 1 == ctx.size()) return ctx.SyntaxError();
    const auto count = ctx.Integer(i + 1);
    if (!count) return;
    if (*count < 0) return ctx.SyntaxError();
    samples = static_cast<size_t>(*count);
  }
  const Entry* entry = ctx.Peek(ctx.key(2));
  if (entry == nullptr) return ctx.reply().Null();
  ctx.reply().Integer(static_cast<int64_t>(UsageOf(*entry, samples)));
}

void Purge(Context& ctx) {
  if (!PurgeUnusedPages()) return ctx.Error("ERR Error purging dirty pages");
  ctx.reply().Ok();
}

void ReportAllocator(Context& ctx) { ctx.reply().Verbatim(AllocatorReport()); }

// Counts the pairs of a map as it is written.
class MapWriter {
 public:
  explicit MapWriter(resp::Writer& reply) : reply_(reply), map_(reply.DeferMap()) {}
  void Add(std::string_view name, size_t value) { AddSigned(name, static_cast<int64_t>(value)); }
  void AddSigned(std::string_view name, int64_t value) {
    Name(name);
    reply_.Integer(value);
  }
  void AddDouble(std::string_view name, double value) {
    Name(name);
    reply_.Double(value);
  }
  void Name(std::string_view name) {
    reply_.Bulk(name);
    ++count_;
  }
  void Finish() { reply_.Finish(map_, count_); }

 private:
  resp::Writer& reply_;
  resp::Writer::DeferredLength map_;
  size_t count_ = 0;
};

void AddRatio(MapWriter& map, std::string_view name, std::string_view bytes_name, size_t part, size_t whole) {
  map.AddDouble(name, MemoryFigures::Ratio(part, whole));
  map.AddSigned(bytes_name, static_cast<int64_t>(part) - static_cast<int64_t>(whole));
}

}  // namespace

void MemoryCommands::Stats(Context& ctx) {
  const MemoryFigures memory = ReadMemoryFigures(engine_, metrics_, identity_);
  MapWriter map(ctx.reply());
  map.Add("peak.allocated", memory.peak);
  map.Add("total.allocated", memory.used);
  map.Add("startup.allocated", memory.startup);
  map.Add("replication.backlog", memory.backlog);
  map.Add("clients.slaves", memory.replicas);
  map.Add("clients.normal", memory.clients);
  map.Add("cluster.links", 0);
  map.Add("aof.buffer", 0);
  map.Add("lua.caches", 0);
  map.Add("functions.caches", 0);
  size_t keys = 0;
  for (int i = 0; i < ctx.keyspace().database_count(); ++i) {
    const keyspace::Database& database = ctx.keyspace().database(i);
    keys += database.size();
    if (database.size() == 0) continue;
    map.Name(fmt::format("db.{}", i));
    MapWriter tables(ctx.reply());
    tables.Add("overhead.hashtable.main", database.KeyTableBytes());
    tables.Add("overhead.hashtable.expires", database.ExpiryTableBytes());
    tables.Add("overhead.hashtable.slot-to-keys", 0);
    tables.Finish();
  }
  map.Add("overhead.total", memory.overhead);
  map.Add("keys.count", keys);
  map.Add("keys.bytes-per-key", keys == 0 ? 0 : (memory.used - std::min(memory.used, memory.startup)) / keys);
  map.Add("dataset.bytes", memory.dataset);
  map.AddDouble("dataset.percentage", memory.DatasetPercentage());
  map.AddDouble("peak.percentage", memory.PeakPercentage());
  map.Add("allocator.allocated", memory.allocator.allocated);
  map.Add("allocator.active", memory.allocator.active);
  map.Add("allocator.resident", memory.allocator.resident);
  map.Add("allocator.muzzy", memory.allocator.muzzy);
  AddRatio(map, "allocator-fragmentation.ratio", "allocator-fragmentation.bytes", memory.allocator.active,
           memory.allocator.allocated);
  AddRatio(map, "allocator-rss.ratio", "allocator-rss.bytes", memory.allocator.resident,
           memory.allocator.active);
  AddRatio(map, "rss-overhead.ratio", "rss-overhead.bytes", memory.resident_process,
           memory.allocator.resident);
  AddRatio(map, "fragmentation", "fragmentation.bytes", memory.resident_process, memory.used);
  map.Finish();
}

void MemoryCommands::Doctor(Context& ctx) {
  constexpr size_t kSmallBytes = 5u << 20;
  const MemoryFigures memory = ReadMemoryFigures(engine_, metrics_, identity_);
  std::string report;
  if (memory.used < kSmallBytes) {
    report = "There is too little data here for a diagnosis.\n";
  } else {
    if (MemoryFigures::Ratio(memory.peak, memory.used) > 1.5) {
      report += fmt::format(
          "* Memory use was at {} once and is at {} now. The process may look larger than its data until the "
          "allocator "
          "has given the rest back; MEMORY PURGE asks it to.\n",
          HumanBytes(memory.peak), HumanBytes(memory.used));
    }
    if (MemoryFigures::Ratio(memory.allocator.active, memory.allocator.allocated) > 1.4) {
      report += "* The allocator's pages are fragmented: they hold many gaps between live values.\n";
    }
    if (MemoryFigures::Ratio(memory.clients, memory.used) > 0.2) {
      report += fmt::format(
          "* Clients hold {}. CLIENT LIST shows which (tot-mem); maxmemory-clients and "
          "client-output-buffer-limit bound "
          "it.\n",
          HumanBytes(memory.clients));
    }
    if (report.empty()) report = "Nothing about the memory looks wrong.\n";
  }
  ctx.reply().Verbatim(report);
}

void MemoryCommands::Register(engine::CommandTable& table) {
  table.Bind("memory|usage", engine::MakeHandler<&Usage>());
  table.Bind("memory|purge", engine::MakeHandler<&Purge>());
  table.Bind("memory|malloc-stats", engine::MakeHandler<&ReportAllocator>());
  table.Bind("memory|stats", engine::MakeHandler<&MemoryCommands::Stats>(*this));
  table.Bind("memory|doctor", engine::MakeHandler<&MemoryCommands::Doctor>(*this));
  table.Bind("memory|help", engine::MakeHandler<&commands::Help>());
}

}  // namespace hearth::server
