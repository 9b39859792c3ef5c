// INFO's section about memory. What the figures mean: used_memory is what the program has allocated; the
// allocator holds that in pages (active), which are in physical memory with some overhead (resident); the
// process has those and its code, stacks and libraries (rss).

#include <algorithm>

#include "base/memory.h"
#include "env/process.h"
#include "server/info.h"
#include "server/memory_usage.h"
#include "settings/directive.h"

namespace hearth::server {

void Info::WriteScriptMemory(InfoText& text) const {
  const script::Scripts::Figures scripts = parts_.scripts.figures();
  text.Add("used_memory_lua", scripts.eval_lua_bytes);
  text.Add("used_memory_vm_eval", scripts.eval_lua_bytes);
  text.AddHuman("used_memory_lua", scripts.eval_lua_bytes);
  text.Add("used_memory_scripts_eval", scripts.script_bytes);
  text.Add("number_of_cached_scripts", scripts.cached_scripts);
  text.Add("number_of_functions", scripts.functions);
  text.Add("number_of_libraries", scripts.libraries);
  text.Add("used_memory_vm_functions", scripts.function_lua_bytes);
  text.AddBytes("used_memory_vm_total", scripts.eval_lua_bytes + scripts.function_lua_bytes);
  text.Add("used_memory_functions", scripts.function_bytes);
  text.AddBytes("used_memory_scripts", scripts.script_bytes + scripts.function_bytes);
}

void Info::WriteMemory(InfoText& text) const {
  const MemoryFigures memory = ReadMemoryFigures(parts_.engine, parts_.metrics, parts_.identity);
  const settings::Settings& settings = parts_.engine.settings();
  text.AddBytes("used_memory", memory.used);
  text.AddBytes("used_memory_rss", memory.resident_process);
  text.AddBytes("used_memory_peak", memory.peak);
  text.Add("used_memory_peak_perc", fmt::format("{:.2f}%", memory.PeakPercentage()));
  text.Add("used_memory_overhead", memory.overhead);
  text.Add("used_memory_startup", memory.startup);
  text.Add("used_memory_dataset", memory.dataset);
  text.Add("used_memory_dataset_perc", fmt::format("{:.2f}%", memory.DatasetPercentage()));
  text.Add("allocator_allocated", memory.allocator.allocated);
  text.Add("allocator_active", memory.allocator.active);
  text.Add("allocator_resident", memory.allocator.resident);
  text.Add("allocator_muzzy", memory.allocator.muzzy);
  text.AddBytes("total_system_memory", env::TotalMemoryBytes());
  WriteScriptMemory(text);
  text.AddBytes("maxmemory", settings.maxmemory);
  const settings::Directive* policy = settings::FindDirective("maxmemory-policy");
  text.Add("maxmemory_policy", policy->format(settings, *policy));
  const auto ratio = [&](std::string_view name, size_t part, size_t whole) {
    text.AddFixed(fmt::format("{}_ratio", name), MemoryFigures::Ratio(part, whole));
    text.Add(fmt::format("{}_bytes", name), static_cast<int64_t>(part) - static_cast<int64_t>(whole));
  };
  ratio("allocator_frag", memory.allocator.active, memory.allocator.allocated);
  ratio("allocator_rss", memory.allocator.resident, memory.allocator.active);
  ratio("rss_overhead", memory.resident_process, memory.allocator.resident);
  ratio("mem_fragmentation", memory.resident_process, memory.used);
  text.Add("mem_not_counted_for_evict", 0);
  // One log serves all: the backlog, what replicas have still to get, and the append-only file.
  text.Add("mem_replication_backlog", memory.backlog);
  text.Add("mem_total_replication_buffers", memory.backlog);
  text.Add("mem_clients_slaves", memory.replicas);
  text.Add("mem_clients_normal", memory.clients);
  text.Add("mem_cluster_links", 0);
  text.Add("mem_aof_buffer", memory.aof_pending);
  text.Add("mem_allocator", AllocatorName());
  text.Add("active_defrag_running", parts_.defragmenter.running_percent());
  const keyspace::FreeWorker& worker = parts_.engine.keyspace().free_worker();
  text.Add("lazyfree_pending_objects", worker.pending());
  text.Add("lazyfreed_objects", worker.freed());
}

}  // namespace hearth::server
