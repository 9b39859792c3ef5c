// How SENTINEL's commands show what the machine knows: instances as maps whose fields and order clients know,
// cached reports, scripts, past failovers. Pure functions into a reply; engine thread.
#pragma once

#include <string>

#include "resp/writer.h"
#include "sentinel/core/instance.h"
#include "sentinel/core/machine.h"
#include "sentinel/script_processes.h"

namespace hearth::sentinel {

// SENTINEL MASTER, and each element of MASTERS.
void WritePrimary(resp::Writer& reply, const Primary& primary, int64_t now_ms);
// SENTINEL REPLICAS and SENTINELS: those that are to be seen.
void WriteReplicas(resp::Writer& reply, const Primary& primary, int64_t now_ms);
void WriteSentinels(resp::Writer& reply, const Primary& primary, int64_t now_ms);

// An element of INFO-CACHE without the name: the primary's report, then its replicas', each with its age.
void WriteInfoCache(resp::Writer& reply, const Primary& primary, int64_t now_ms);

// SENTINEL PENDING-SCRIPTS.
void WritePendingScripts(resp::Writer& reply, const Machine& machine, const ScriptProcesses& scripts,
                         int64_t now_ms);

// SENTINEL HISTORY.
void WriteHistory(resp::Writer& reply, const Primary& primary);

// "slave,disconnected": the field "flags".
std::string FlagsOf(const Instance& instance, const Primary* primary);

}  // namespace hearth::sentinel
