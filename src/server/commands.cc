#include "server/commands.h"

#include "commands/register.h"

namespace hearth::server {

struct Commands::Objects {};

Commands::Commands(const Parts& parts) : objects_(std::make_unique<Objects>()) {
  engine::CommandTable& table = parts.engine.commands();
  commands::RegisterStrings(table);
  commands::RegisterKeys(table);
  commands::RegisterExpiry(table);
  commands::RegisterScan(table);
  commands::RegisterSort(table);
  commands::RegisterDatabases(table);
  commands::RegisterLists(table);
  commands::RegisterHashes(table);
  commands::RegisterBitmaps(table);
  commands::RegisterHyperLogLogs(table);
}

Commands::~Commands() = default;

void Commands::Cron() {}

}  // namespace hearth::server
