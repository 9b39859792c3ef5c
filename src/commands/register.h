// Gives the data commands their handlers, a function a family. Called once by the composition root.
#pragma once

#include "engine/command_table.h"

namespace hearth::commands {

void RegisterStrings(engine::CommandTable& table);
void RegisterKeys(engine::CommandTable& table);
void RegisterDump(engine::CommandTable& table);
void RegisterRestore(engine::CommandTable& table);
void RegisterExpiry(engine::CommandTable& table);
void RegisterScan(engine::CommandTable& table);
void RegisterSort(engine::CommandTable& table);
void RegisterDatabases(engine::CommandTable& table);
void RegisterLists(engine::CommandTable& table);
void RegisterHashes(engine::CommandTable& table);
void RegisterSets(engine::CommandTable& table);
void RegisterSortedSets(engine::CommandTable& table);
void RegisterStreams(engine::CommandTable& table);
void RegisterBitmaps(engine::CommandTable& table);
void RegisterHyperLogLogs(engine::CommandTable& table);
void RegisterGeo(engine::CommandTable& table);

// Those about connections, and what the engine keeps about itself.
void RegisterConnection(engine::CommandTable& table);
void RegisterClientCommands(engine::CommandTable& table);
void RegisterClientControl(engine::CommandTable& table);
void RegisterClientTracking(engine::CommandTable& table);
void RegisterMonitor(engine::CommandTable& table);
void RegisterPubSub(engine::CommandTable& table);
void RegisterTransactions(engine::CommandTable& table);
void RegisterCommandInfo(engine::CommandTable& table);
void RegisterCommandDocs(engine::CommandTable& table);
void RegisterSlowlog(engine::CommandTable& table);
void RegisterLatency(engine::CommandTable& table);
void RegisterAcl(engine::CommandTable& table);

}  // namespace hearth::commands
